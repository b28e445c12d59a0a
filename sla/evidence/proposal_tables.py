"""The tables of a proposed profile, from what the columns of a file are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sla.evidence.proposal_formats import Numbers
from sla.evidence.proposal_names import Role

_Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """All that is decided about a file, as far as tables depend on it."""

    columns: Mapping[Role, str]
    formats: Mapping[str, str]
    """Of dates, by column."""
    numbers: Numbers
    sign: str
    only_dated: bool
    """Whether rows without a date (totals, headings of groups) are passed over."""
    paid: bool
    """Whether a row also tells when its invoice was paid."""
    currency: str | None = None
    """The same for every row, where no column says it."""
    only_currency: str | None = None
    due_days: int | None = None
    """Days after issue, where no column says when an invoice is due."""
    disputed: str | None = None
    """The flag's text on disputed invoices."""
    widths: Mapping[Role, int] | None = None
    """To which identifiers are filled with zeros."""
    floats: frozenset[Role] = frozenset()
    """Identifiers that a program wrote as decimals."""
    rounded: bool = False
    """Whether amounts carry noise behind the cents."""


def tables_of(decided: Decided) -> dict[str, Any]:
    """Dataset → table, as a profile's document has them."""
    tables: dict[str, Any] = {
        "customers": {"distinct": "key", "columns": _customers(decided)},
        "invoices": {"columns": _invoices(decided)},
    }
    if decided.paid:
        only_if = {"column": decided.columns[Role.PAID]}
        tables["receipts"] = {"only_if": only_if, "columns": _receipts(decided)}
        tables["allocations"] = {"only_if": only_if, "columns": _allocations(decided)}
    if decided.disputed is not None:
        flag = {"column": decided.columns[Role.DISPUTED], "equals": decided.disputed}
        tables["disputes"] = {"only_if": flag, "columns": _disputes(decided)}
    return tables


def rows_of(decided: Decided) -> dict[str, Any] | None:
    """The condition on the rows that are read; None for all."""
    conditions: list[dict[str, Any]] = []
    if decided.only_dated:
        conditions.append({"column": decided.columns[Role.ISSUED]})
    if decided.only_currency is not None:
        column = decided.columns[Role.CURRENCY]
        conditions.append({"column": column, "equals": decided.only_currency})
    if decided.sign == "left_out":
        conditions.append({"column": decided.columns[Role.AMOUNT], "at_least": "0"})
    if len(conditions) > 1:
        return {"all": conditions}
    return conditions[0] if conditions else None


def _identifier(decided: Decided, role: Role) -> _Rule:
    rule: _Rule = {"column": decided.columns[role]}
    if role in decided.floats:
        rule["whole"] = True
    if decided.widths and role in decided.widths:
        rule["pad"] = decided.widths[role]
    return rule


def _date(decided: Decided, role: Role) -> _Rule:
    column = decided.columns[role]
    return {"column": column, "format": decided.formats[column]}


def _amount(decided: Decided) -> _Rule:
    rule: _Rule = {"column": decided.columns[Role.AMOUNT]}
    if decided.rounded:
        rule["round"] = 2
    if decided.sign in {"reversed", "absolute"}:
        rule["sign"] = decided.sign
    return rule


def _currency(decided: Decided) -> _Rule:
    if decided.currency is not None:
        return {"value": decided.currency}
    return {"column": decided.columns[Role.CURRENCY]}


def _receipt_id(decided: Decided) -> _Rule:
    return {"template": "R-{" + decided.columns[Role.INVOICE] + "}"}


def _customers(decided: Decided) -> dict[str, _Rule]:
    columns = {"customer_id": _identifier(decided, Role.CUSTOMER)}
    for role in (Role.NAME, Role.COUNTRY):
        if role in decided.columns:
            columns[role.value] = {"column": decided.columns[role]}
    return columns


def _invoices(decided: Decided) -> dict[str, _Rule]:
    columns = {
        "invoice_id": _identifier(decided, Role.INVOICE),
        "customer_id": _identifier(decided, Role.CUSTOMER),
        "issue_date": _date(decided, Role.ISSUED),
        "due_date": _due(decided),
        "currency": _currency(decided),
        "amount": _amount(decided),
    }
    if Role.UNIT in decided.columns:
        columns["business_unit"] = {"column": decided.columns[Role.UNIT]}
    return columns


def _due(decided: Decided) -> _Rule:
    if Role.DUE in decided.columns:
        return _date(decided, Role.DUE)
    issued = _date(decided, Role.ISSUED)
    if decided.due_days is not None:
        return {**issued, "plus_days": decided.due_days}
    return {**issued, "plus_days": {"column": decided.columns[Role.TERMS]}}


def _receipts(decided: Decided) -> dict[str, _Rule]:
    return {
        "receipt_id": _receipt_id(decided),
        "customer_id": _identifier(decided, Role.CUSTOMER),
        "received_at": _date(decided, Role.PAID),
        "currency": _currency(decided),
        "amount": _amount(decided),
    }


def _allocations(decided: Decided) -> dict[str, _Rule]:
    return {
        "receipt_id": _receipt_id(decided),
        "invoice_id": _identifier(decided, Role.INVOICE),
        "amount": _amount(decided),
        "applied_on": _date(decided, Role.PAID),
    }


def _disputes(decided: Decided) -> dict[str, _Rule]:
    return {
        "dispute_id": {"template": "D-{" + decided.columns[Role.INVOICE] + "}"},
        "invoice_id": _identifier(decided, Role.INVOICE),
        "opened_at": _date(decided, Role.ISSUED),
        "amount": _amount(decided),
    }
