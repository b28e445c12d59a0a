"""The forms that an electronic invoice takes."""

from __future__ import annotations

from enum import StrEnum

BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
"""Business process (BT-23) of an invoice that is sent and paid, without orders or receipts."""


class Syntax(StrEnum):
    """The two ways in which the European norm is written as XML."""

    CII = "cii"
    """UN/CEFACT Cross Industry Invoice, which Factur-X and ZUGFeRD embed."""
    UBL = "ubl"
    """OASIS Universal Business Language 2.1: Invoice, or CreditNote."""


class Profile(StrEnum):
    """Whose rules an electronic invoice keeps; the values are those of `invoicing.profile`."""

    EN16931 = "en16931"
    """The European norm and nothing else."""
    XRECHNUNG = "xrechnung"
    """XRechnung 3.0 of German authorities."""
    PEPPOL = "peppol"
    """Peppol BIS Billing 3.0."""

    @property
    def specification(self) -> str:
        """The specification identifier (BT-24) that names the rules."""
        return _SPECIFICATIONS[self]


_SPECIFICATIONS = {
    Profile.EN16931: "urn:cen.eu:en16931:2017",
    Profile.XRECHNUNG: "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
    Profile.PEPPOL: "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
}
