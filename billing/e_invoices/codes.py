"""Code lists of the European norm, as far as fee invoices use them."""

from __future__ import annotations

from typing import Final

from billing.invoices.fee_document import DocumentType
from governance.contract.charges import TaxCategory

TYPES: Final = {
    DocumentType.INVOICE: "380",
    DocumentType.CREDIT_NOTE: "381",
    DocumentType.CORRECTED_INVOICE: "384",
}
"""Type of document (UNTDID 1001)."""

OUTSIDE: Final = "O"
"""Tax category of what VAT doesn't touch."""

CATEGORIES: Final = {
    TaxCategory.STANDARD: "S",
    TaxCategory.ZERO: "Z",
    TaxCategory.EXEMPT: "E",
    TaxCategory.REVERSE_CHARGE: "AE",
    TaxCategory.INTRA_COMMUNITY: "K",
    TaxCategory.EXPORT: "G",
    TaxCategory.OUTSIDE_SCOPE: OUTSIDE,
}
"""Tax category (UNTDID 5305)."""

CATEGORY_OF_VATEX: Final = {
    "VATEX-EU-AE": "AE",
    "VATEX-EU-IC": "K",
    "VATEX-EU-G": "G",
    "VATEX-EU-O": OUTSIDE,
    "VATEX-EU-D": "E",
    "VATEX-EU-F": "E",
    "VATEX-EU-I": "E",
    "VATEX-EU-J": "E",
}
"""Reason codes that stand with one category only (Peppol rules P0104 to P0111)."""

_UNITS: Final = {
    "minute": "MIN",
    "hour": "HUR",
    "day": "DAY",
    "week": "WEE",
    "month": "MON",
    "quarter": "QAN",
    "year": "ANN",
}
ONE: Final = "C62"
"""Unit of what is counted by the piece."""

SPECIAL_AGREEMENT: Final = "64"
"""Why a service credit is taken off (UNTDID 5189): the contract agrees it."""
OTHER_SERVICE: Final = "ADR"
MUTUALLY_DEFINED: Final = "ZZZ"
"""What is charged on top (UNTDID 7161): a bonus for service, and a tax that is no VAT."""

CREDIT_TRANSFER: Final = "30"
DEBIT_TRANSFER: Final = "31"
SEPA_CREDIT_TRANSFER: Final = "58"
CLEARING: Final = "97"
"""Means of payment (UNTDID 4461): to an account, the same as Danes call it, the same in euros, and
set off between partners."""


def unit_code(unit: str) -> str:
    """UN/ECE Recommendation 20 code of a line's unit; pieces where it measures no time."""
    return _UNITS.get(unit.lower().removesuffix("s"), ONE)


_ADDRESS_SCHEMES = """
    0002 0007 0009 0037 0060 0088 0096 0097 0106 0130 0135 0142 0147 0151 0154 0158 0170 0177
    0183 0184 0188 0190 0191 0192 0193 0194 0195 0196 0198 0199 0200 0201 0202 0203 0204 0205
    0208 0209 0210 0211 0212 0213 0215 0216 0217 0218 0219 0220 0221 0225 0230 0235 0240 0244
    0242 0245 0246 0248 9910 9913 9914 9915 9918 9919 9920 9922 9923 9924 9925 9926 9927 9928
    9929 9930 9931 9932 9933 9934 9935 9936 9937 9938 9939 9940 9941 9942 9943 9944 9945 9946
    9947 9948 9949 9950 9951 9952 9953 9957 9959 AN AQ AS AU EM
"""
ADDRESS_SCHEMES: Final = frozenset(_ADDRESS_SCHEMES.split())
"""Schemes of electronic addresses (EAS)."""

_VATEX = """
    VATEX-EU-79-C VATEX-EU-132 VATEX-EU-132-1A VATEX-EU-132-1B VATEX-EU-132-1C VATEX-EU-132-1D
    VATEX-EU-132-1E VATEX-EU-132-1F VATEX-EU-132-1G VATEX-EU-132-1H VATEX-EU-132-1I
    VATEX-EU-132-1J VATEX-EU-132-1K VATEX-EU-132-1L VATEX-EU-132-1M VATEX-EU-132-1N
    VATEX-EU-132-1O VATEX-EU-132-1P VATEX-EU-132-1Q VATEX-EU-135-1 VATEX-EU-143 VATEX-EU-143-1A
    VATEX-EU-143-1B VATEX-EU-143-1C VATEX-EU-143-1D VATEX-EU-143-1E VATEX-EU-143-1F
    VATEX-EU-143-1FA VATEX-EU-143-1G VATEX-EU-143-1H VATEX-EU-143-1I VATEX-EU-143-1J
    VATEX-EU-143-1K VATEX-EU-143-1L VATEX-EU-144 VATEX-EU-146-1E VATEX-EU-159 VATEX-EU-309
    VATEX-EU-148 VATEX-EU-148-A VATEX-EU-148-B VATEX-EU-148-C VATEX-EU-148-D VATEX-EU-148-E
    VATEX-EU-148-F VATEX-EU-148-G VATEX-EU-151 VATEX-EU-151-1A VATEX-EU-151-1AA VATEX-EU-151-1B
    VATEX-EU-151-1C VATEX-EU-151-1D VATEX-EU-151-1E VATEX-EU-G VATEX-EU-O VATEX-EU-IC
    VATEX-EU-AE VATEX-EU-D VATEX-EU-F VATEX-EU-I VATEX-EU-J VATEX-FR-FRANCHISE VATEX-FR-CNWVAT
    VATEX-EU-153 VATEX-FR-CGI261-1 VATEX-FR-CGI261-2 VATEX-FR-CGI261-3 VATEX-FR-CGI261-4
    VATEX-FR-CGI261-5 VATEX-FR-CGI261-7 VATEX-FR-CGI261-8 VATEX-FR-CGI261A VATEX-FR-CGI261B
    VATEX-FR-CGI261C-1 VATEX-FR-CGI261C-2 VATEX-FR-CGI261C-3 VATEX-FR-CGI261D-1
    VATEX-FR-CGI261D-1BIS VATEX-FR-CGI261D-2 VATEX-FR-CGI261D-3 VATEX-FR-CGI261D-4
    VATEX-FR-CGI261E-1 VATEX-FR-CGI261E-2 VATEX-FR-CGI277A VATEX-FR-CGI275
    VATEX-FR-298SEXDECIESA VATEX-FR-CGI295 VATEX-FR-AE
"""
VATEX: Final = frozenset(_VATEX.split())
"""Reason codes for tax that is not charged (VATEX)."""
