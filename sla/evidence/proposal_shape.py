"""What one row of an unknown file is, and what the file leaves unsaid."""

# ruff: noqa: S608 (Names come from the source, texts pass through sql.literal.)

from __future__ import annotations

import re

from governance.errors import BadInput, Problem
from governance.values import known_currency
from sla.evidence.proposal_columns import Desk
from sla.evidence.proposal_decisions import Decisions, Found
from sla.evidence.proposal_names import Role, plain
from sla.evidence.proposal_roles import Columns
from sla.evidence.proposal_values import Confidence, Option, Preview

_YES = ("yes", "y", "true", "1", "x", "ja")
_USUAL = ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "JPY", "SEK", "PLN")
MAX_CURRENCIES = 20
MAX_DAYS = 3_660


def row_is(desk: Desk, columns: Columns, decisions: Decisions) -> str | None:
    """What one row is: "open_item", "paid_invoice" or "event"."""
    found = _found_row(desk, columns)
    options = [
        Option("open_item", "an invoice, without its payment"),
        Option("paid_invoice", "an invoice with the day on which it was paid in full"),
        Option("event", "an event of an invoice: issued, paid, disputed, …"),
    ]
    if Role.PAID not in columns:
        options = [option for option in options if option.value != "paid_invoice"]
    options.sort(key=lambda option: option.value != found.value)
    return decisions.decide("row", "What is one row of the file?", options, found, group="columns")


def _found_row(desk: Desk, columns: Columns) -> Found:
    invoice = columns.get(Role.INVOICE)
    repeated = invoice is not None and desk.facts[invoice].distinct < desk.rows * 0.7
    if Role.EVENT in columns and repeated:
        reason = f"'{invoice}' repeats, and '{columns[Role.EVENT]}' names what happened"
        return Found("event", Confidence.LIKELY, reason)
    if Role.PAID in columns:
        paid = desk.facts[columns[Role.PAID]].filled
        reason = f"'{columns[Role.PAID]}' is filled in {paid} of {desk.rows} rows"
        return Found("paid_invoice", Confidence.LIKELY, reason)
    return Found("open_item", Confidence.LIKELY, "no column tells when an invoice was paid")


def currency(desk: Desk, columns: Columns, decisions: Decisions) -> tuple[str | None, str | None]:
    """The constant currency, where no column says it, and the only one that is read."""
    if Role.CURRENCY in columns:
        return None, _only(desk, columns[Role.CURRENCY], decisions)
    named = _named_currency(columns.get(Role.AMOUNT, ""))
    if named:
        heading = columns[Role.AMOUNT]
        found = Found(named, Confidence.UNSURE, f"the heading '{heading}' names it")
    else:
        found = Found(None, Confidence.OPEN, "no column holds currencies")
    options = [Option(code, code) for code in dict.fromkeys([*([named] if named else []), *_USUAL])]
    question = "In which currency are the amounts?"
    chosen = decisions.decide("currency", question, options, found, group="values", free=True)
    if chosen is not None and not known_currency(chosen):
        allowed = "an ISO 4217 code such as EUR"
        raise BadInput.one(
            Problem("not a currency", column="currency", found=chosen, allowed=allowed)
        )
    return chosen, None


def _named_currency(heading: str) -> str:
    words = re.split(r"[^A-Za-z]+|_", heading)
    return next((word.upper() for word in words if word.upper() in _USUAL), "")


def _only(desk: Desk, column: str, decisions: Decisions) -> str | None:
    text = desk.text(column)
    held = desk.held(
        f"SELECT {text} AS held, count(*) AS rows FROM {desk.table} WHERE {text} IS NOT NULL "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_CURRENCIES}"
    )
    if len(held) < 2:
        return None
    counted = ", ".join(f"{code} in {rows} rows" for code, rows in held)
    options = [Option("all", "all; rates between them have to be handed in")]
    options += [Option(str(code), f"only {code}", evidence=f"{rows} rows") for code, rows in held]
    found = Found("all", Confidence.UNSURE, f"the file holds several: {counted}")
    question = "Which currencies are read?"
    chosen = decisions.decide(
        "only_currency", question, options, found, group="values", needed=False
    )
    return None if chosen in {None, "all"} else chosen


def due_days(columns: Columns, decisions: Decisions) -> int | None:
    """Days from issue to due, where no column says it."""
    if Role.DUE in columns or Role.TERMS in columns:
        return None
    options = [Option(days, f"{days} days after issue") for days in ("0", "14", "30", "60", "90")]
    found = Found(None, Confidence.OPEN, "no column tells when an invoice is due")
    question = "How many days after issue is an invoice due?"
    answer = decisions.decide("due_days", question, options, found, group="values", free=True)
    if answer is None:
        return None
    if not answer.isdecimal() or int(answer) > MAX_DAYS:
        raise BadInput.one(
            Problem("not a number of days", column="due_days", found=answer, allowed="30")
        )
    return int(answer)


def only_dated(desk: Desk, columns: Columns, decisions: Decisions) -> bool:
    """Whether rows without a date of issue are passed over, as totals of a report are."""
    column = columns.get(Role.ISSUED)
    if column is None or desk.facts[column].filled == desk.rows:
        return False
    without = desk.rows - desk.facts[column].filled
    text = ", ".join(f"coalesce({desk.text(name)}, '')" for name in desk.source.columns)
    held = desk.held(
        f"SELECT rowid + 1, concat_ws(' ', {text}) FROM {desk.table} "
        f"WHERE {desk.text(column)} IS NULL ORDER BY rowid LIMIT 3"
    )
    shown = tuple(Preview(f"row {row}", str(value).strip()) for row, value in held)
    options = [
        Option("pass_over", "totals and headings: pass over them, and count them", shown),
        Option("reject", "invoices that lack a date: reject them", shown),
    ]
    found = Found("pass_over", Confidence.UNSURE, f"{without} rows have no date in '{column}'")
    question = f"What are the rows without a date in '{column}'?"
    return decisions.decide("undated", question, options, found, group="values") == "pass_over"


def disputed(desk: Desk, columns: Columns) -> str | None:
    """What the flag of disputed invoices says where it is set."""
    if Role.DISPUTED not in columns:
        return None
    held = desk.facts[columns[Role.DISPUTED]].examples
    return next((value for value in held if plain(value) in _YES), None)


def noisy(desk: Desk, column: str) -> bool:
    """Whether amounts carry more decimals than money has: 2309.7899999999995."""
    (long,) = desk.counts([rf"regexp_matches({desk.text(column)}, '[.,][0-9]{{5,}}$')"])
    return long > 0
