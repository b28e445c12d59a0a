"""States and tax categories in the words that documents and pages use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.documents.formatting import percent
from billing.charges.values import TaxLine
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

_TAX_COLUMN: Final = {
    TaxCategory.ZERO: "0%",
    TaxCategory.EXEMPT: "Exempt",
    TaxCategory.REVERSE_CHARGE: "Reverse charge",
    TaxCategory.OUTSIDE_SCOPE: "No VAT",
}

_TAX_TOTAL: Final = {
    TaxCategory.ZERO: "VAT 0%, zero-rated",
    TaxCategory.EXEMPT: "VAT, exempt",
    TaxCategory.REVERSE_CHARGE: "VAT, reverse charge",
    TaxCategory.OUTSIDE_SCOPE: "Outside the scope of VAT",
}

_TAX_NOTE: Final = {
    TaxCategory.ZERO: "Zero-rated supply: VAT at 0%.",
    TaxCategory.EXEMPT: "Exempt from VAT: {reason}.",
    TaxCategory.REVERSE_CHARGE: "Reverse charge: VAT due by the recipient of the service.",
    TaxCategory.OUTSIDE_SCOPE: "Outside the scope of VAT: no VAT is charged.",
}


def tax_column(category: TaxCategory, rate: Decimal) -> str:
    """How an invoice line names its tax."""
    return _TAX_COLUMN.get(category) or percent(rate)


def tax_total(line: TaxLine) -> str:
    """How the totals name a tax."""
    return _TAX_TOTAL.get(line.category) or f"VAT {percent(line.rate)}"


def tax_note(line: TaxLine) -> str | None:
    """The words that tax law wants on the invoice; None where the rate says it all."""
    note = _TAX_NOTE.get(line.category)
    if note is None:
        return None
    text = note.format(reason=(line.reason or "as the contract states").rstrip("."))
    if line.reason and line.category is not TaxCategory.EXEMPT:
        return f"{text} {line.reason.rstrip('.')}."
    return text


_SMALL: Final = (
    "No", "One", "Two", "Three", "Four", "Five", "Six",
    "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
)  # fmt: skip


def count_word(count: int) -> str:
    """A count to twelve in words with a capital, beyond in figures."""
    return _SMALL[count] if count < len(_SMALL) else str(count)
