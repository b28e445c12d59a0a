"""Which months an invoice charges: measurement is monthly, invoices may be quarterly or yearly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from billing.charges.span import calendar_block
from governance.contract.document import Contract
from governance.values import Period

_MONTHS: Mapping[str, int] = {"month": 1, "quarter": 3, "year": 12}


def invoice_month(contract: Contract, month: Period) -> Period:
    """The month whose settlement makes the invoice that charges `month`.

    The last of the calendar quarter or year, or the engagement's last month where that is
    earlier.
    """
    whole, ends = block_of(contract.invoicing.every, month.end), contract.engagement.ends
    last = whole.end if ends is None else min(whole.end, ends)
    return max(Period.month(last.year, last.month), month)


def invoice_span(contract: Contract, month: Period) -> Period | None:
    """The whole calendar month, quarter or year that is charged when `month` is settled.

    None for a month that a later one's invoice charges.
    """
    if invoice_month(contract, month) != month:
        return None
    return block_of(contract.invoicing.every, month.end)


def invoiced_later(contract: Contract, month: Period) -> str:
    """Why a month has no invoice of its own; empty where it has one."""
    later = invoice_month(contract, month)
    if later == month:
        return ""
    span = block_of(contract.invoicing.every, month.end)
    return f"{month.label} is charged on the invoice of {span.label}, made with {later.label}"


def block_of(per: str, day: date) -> Period:
    """The calendar month, quarter or year of a day."""
    return calendar_block(day, _MONTHS[per])
