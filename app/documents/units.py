"""What quantities count, as documents name it in their language."""

from __future__ import annotations

from typing import Final

from app.documents.formatting import words
from app.documents.language import gettext, marked

UNITS: Final = (
    marked("month"),
    marked("quarter"),
    marked("year"),
    marked("once"),
    marked("fee"),
    marked("charges"),
    marked("milestones"),
    marked("months of charges"),
    marked("FTE months"),
    marked("true-up"),
    marked("restatement"),
    marked("part"),
    marked("days"),
    marked("hours"),
    marked("allocations made"),
    marked("calls made"),
    marked("cash collected"),
    marked("cash collected on placed debts"),
    marked("credit notes issued"),
    marked("customers served"),
    marked("debts placed"),
    marked("disputes opened"),
    marked("disputes resolved"),
    marked("escalations made"),
    marked("fte"),
    marked("fte days"),
    marked("invoiced amount"),
    marked("invoices issued"),
    marked("letters sent"),
    marked("placements recalled"),
    marked("promises taken"),
    marked("receipts posted"),
    marked("reminders sent"),
    marked("write offs processed"),
)
"""Units and meters that the catalogues know; others are shown as the contract names them."""


def unit_name(identifier: str) -> str:
    """A unit or meter in words: "invoices_issued" is "invoices issued"."""
    return gettext(words(identifier))
