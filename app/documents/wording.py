"""States and tax categories in the words that documents and pages use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.documents.formatting import percent
from app.documents.language import gettext as _
from app.documents.language import marked
from billing.charges.values import TaxLine
from billing.tax import usual_reason
from governance.contract.charges import TaxCategory
from governance.contract.engagement import Model
from governance.contract.service_credits import Settle
from governance.contract.service_levels import Window
from sla.measurements.values import Status


@dataclass(frozen=True, slots=True)
class StatusWording:
    """A state as a sign and words: never by colour alone."""

    symbol: str
    words: str


STATUS: Final = {
    Status.MET: StatusWording("✓", "Met"),
    Status.BELOW_EXPECTED: StatusWording("▽", "Below expected"),
    Status.BELOW_MINIMUM: StatusWording("✗", "Below minimum"),
    Status.NO_DATA: StatusWording("–", "No data"),
    Status.EXCUSED: StatusWording("○", "Excused"),
}

WINDOW: Final = {
    Window.MONTH: "Month",
    Window.QUARTER: "Quarter",
    Window.ROLLING_3_MONTHS: "Rolling three months",
    Window.ROLLING_12_MONTHS: "Rolling twelve months",
    Window.YEAR: "Year",
}

SETTLED: Final = {
    Settle.THIS_INVOICE: "on this period's invoice",
    Settle.NEXT_INVOICE: "on the next period's invoice",
    Settle.QUARTERLY: "on the invoice of the quarter's last period",
}

MODEL: Final = {
    Model.FULL: "Full outsourcing",
    Model.FUNCTION_SPECIFIC: "Function-specific outsourcing",
    Model.OFFSHORE: "Offshore",
    Model.NEARSHORE: "Nearshore",
    Model.STAFF_AUGMENTATION: "Staff augmentation",
    Model.MANAGED: "Managed service",
    Model.BUILD_OPERATE_TRANSFER: "Build-operate-transfer",
}

DRAFT: Final = marked("DRAFT")
"""What stands in place of the number of an invoice that isn't issued yet."""

_TAX_COLUMN: Final = {
    TaxCategory.ZERO: marked("0%"),
    TaxCategory.EXEMPT: marked("Exempt"),
    TaxCategory.REVERSE_CHARGE: marked("Reverse charge"),
    TaxCategory.OUTSIDE_SCOPE: marked("No VAT"),
    TaxCategory.INTRA_COMMUNITY: marked("Intra-Community"),
    TaxCategory.EXPORT: marked("Export"),
}

_TAX_TOTAL: Final = {
    TaxCategory.ZERO: marked("{tax} 0%, zero-rated"),
    TaxCategory.EXEMPT: marked("{tax}, exempt"),
    TaxCategory.REVERSE_CHARGE: marked("{tax}, reverse charge"),
    TaxCategory.OUTSIDE_SCOPE: marked("Outside the scope of {tax}"),
    TaxCategory.INTRA_COMMUNITY: marked("{tax}, intra-Community supply"),
    TaxCategory.EXPORT: marked("{tax}, export"),
}

_TAX_NOTE: Final = {
    TaxCategory.ZERO: marked("Zero-rated supply: {tax} at 0%."),
    TaxCategory.EXEMPT: marked("Exempt from {tax}: {reason}."),
    TaxCategory.REVERSE_CHARGE: marked(
        "Reverse charge: {tax} due by the recipient of the service."
    ),
    TaxCategory.OUTSIDE_SCOPE: marked("Outside the scope of {tax}: no {tax} is charged."),
    TaxCategory.INTRA_COMMUNITY: marked(
        "Intra-Community supply: exempt from {tax} under Article 138 of Directive 2006/112/EC."
    ),
    TaxCategory.EXPORT: marked(
        "Export: exempt from {tax} under Article 146 of Directive 2006/112/EC."
    ),
}


def tax_column(category: TaxCategory, rate: Decimal) -> str:
    """How an invoice line names its tax."""
    text = _TAX_COLUMN.get(category)
    return _(text) if text else percent(rate)


def tax_total(line: TaxLine) -> str:
    """How the totals name a tax."""
    text, tax = _TAX_TOTAL.get(line.category), _tax_name(line)
    return _(text).format(tax=tax) if text else f"{tax} {percent(line.rate)}"


def tax_note(line: TaxLine) -> str | None:
    """The words that tax law wants on the invoice; None where the rate says it all.

    The contract's own reason follows them, or stands in them where the law names none.
    """
    note = _TAX_NOTE.get(line.category)
    if note is None:
        return None
    own = None if line.reason == usual_reason(line.category) else line.reason
    reason = (own or line.code or _("as the contract states")).rstrip(".")
    text = _(note).format(tax=_tax_name(line), reason=reason)
    return f"{text} {reason}." if own and "{reason}" not in note else text


def _tax_name(line: TaxLine) -> str:
    return line.name or _("VAT")


_SMALL: Final = (
    "No", "One", "Two", "Three", "Four", "Five", "Six",
    "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
)  # fmt: skip


def count_word(count: int) -> str:
    """A count to twelve in words with a capital, beyond in figures."""
    return _SMALL[count] if count < len(_SMALL) else str(count)
