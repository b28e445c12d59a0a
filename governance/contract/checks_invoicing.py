"""Rules between the keys of `invoicing`: patterns of numbers, shares, reminders, languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from string import Formatter

from governance.access import permissions_of
from governance.access_terms import ENGAGEMENT_ROLES, Permission
from governance.contract.checks_charges import check_tax
from governance.contract.document import Contract
from governance.contract.findings import Finding, Findings
from governance.contract.messages import did_you_mean
from governance.contract.number_patterns import may_print_alike
from governance.contract.yaml_nodes import Path
from governance.translations import languages
from governance.values import known_currency, plain

_NUMBER_FIELDS = ("year", "month", "sequence")
_NUMBER_FORMAT = re.compile(r"0?\d{0,2}d?", re.ASCII)
_NUMBER_EXAMPLE = (
    "{year}, {month:02} and {sequence:05}, the last one always, as CW-{year}-{sequence:05}"
)
_WHOLE = Decimal(100)


def check_invoicing_tax(contract: Contract) -> Findings:
    """The tax of all charges that have none of their own."""
    yield from check_tax(contract.invoicing.tax, ("invoicing", "tax"))


def check_number(contract: Contract) -> Findings:
    """Invoice numbers carry the sequence, and only fields that an invoice has."""
    yield from _pattern(contract.invoicing.number, ("invoicing", "number"))


def check_credit_note_number(contract: Contract) -> Findings:
    """Numbers of credit notes follow the same rules, and are never those of invoices."""
    invoicing, path = contract.invoicing, ("invoicing", "credit_note_number")
    yield from _pattern(invoicing.credit_note_number, path)
    if may_print_alike(invoicing.credit_note_number, invoicing.number):
        what = "invoices and credit notes would have the same numbers"
        if invoicing.credit_note_number != invoicing.number:
            what = f"credit notes may get numbers that invoices have by {invoicing.number}"
        yield Finding(path, what, "a pattern of its own, as CN-{year}-{sequence:05}")


def _pattern(pattern: str, path: Path) -> Iterator[Finding]:
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError:
        parts = [("{", None, None, None)]
    if any("{" in text or "}" in text for text, *_ in parts):
        yield Finding(path, "the braces of the number don't match", _NUMBER_EXAMPLE)
        return
    fields = [part for part in parts if part[1] is not None]
    for _, field, form, conversion in fields:
        if field not in _NUMBER_FIELDS:
            slip = did_you_mean(field or "", _NUMBER_FIELDS)
            yield Finding(path, f"unknown field '{{{field}}}'{slip}", _NUMBER_EXAMPLE)
        elif conversion or not _NUMBER_FORMAT.fullmatch(form or ""):
            yield Finding(path, f"the format of '{{{field}}}' can't be used", _NUMBER_EXAMPLE)
    if "sequence" not in {field for _, field, _, _ in fields}:
        what = "numbers would repeat, since {sequence} is missing"
        yield Finding(path, what, _NUMBER_EXAMPLE)


def check_language(contract: Contract) -> Findings:
    """Documents are translated into the language."""
    if contract.invoicing.language not in languages():
        yield Finding(
            ("invoicing", "language"),
            "documents aren't translated into this language",
            ", ".join(languages()),
        )


def check_tax_currency(contract: Contract) -> Findings:
    """Tax is declared in a currency that exists."""
    currency = contract.invoicing.tax_currency
    if currency is not None and not known_currency(currency):
        yield Finding(
            ("invoicing", "tax_currency"), "not a currency of ISO 4217", "a code such as EUR"
        )


def check_approval_limits(contract: Contract) -> Findings:
    """Each role has one limit, and is one that approves invoices."""
    approving = [
        role for role in ENGAGEMENT_ROLES if Permission.APPROVE_INVOICE in permissions_of([role])
    ]
    limits = contract.invoicing.approval_limits
    for index, limit in enumerate(limits):
        path = ("invoicing", "approval_limits", index, "role")
        if limit.role not in approving:
            yield Finding(path, "this role approves no invoices", ", ".join(approving))
        if limit.role in {other.role for other in limits[:index]}:
            yield Finding(path, "the role has a limit already", "one limit for each role")


def check_reminders(contract: Contract) -> Findings:
    """Reminders follow one another."""
    reminders = contract.invoicing.reminders
    for index in range(1, len(reminders)):
        earlier = reminders[index - 1].after_days
        if reminders[index].after_days <= earlier:
            path = ("invoicing", "reminders", index, "after_days")
            yield Finding(path, "not after the reminder before it", f"more than {earlier} days")


def check_cost_centres(contract: Contract) -> Findings:
    """Cost centres bear the whole invoice between them, each once."""
    centres, path = contract.invoicing.cost_centres, ("invoicing", "cost_centres")
    for index, centre in enumerate(centres):
        if centre.id in {other.id for other in centres[:index]}:
            yield Finding((*path, index, "id"), "the cost centre is listed twice", "each once")
    shares = sum((centre.share_percent for centre in centres), Decimal(0))
    if centres and shares != _WHOLE:
        yield Finding(
            path, f"the shares come to {plain(shares)} %", "share_percent that add up to 100", ""
        )


def check_accounts(contract: Contract) -> Findings:
    """An account of a single charge names a charge that there is."""
    known = [charge.id for charge in contract.charges]
    for name in contract.invoicing.accounts.by_charge:
        if name not in known:
            yield Finding(
                ("invoicing", "accounts", "by_charge", name),
                f"no charge has this id{did_you_mean(name, known)}",
                ", ".join(known) or "the id of a charge",
                name,
            )


INVOICING_CHECKS: tuple[Callable[[Contract], Findings], ...] = (
    check_invoicing_tax,
    check_number,
    check_credit_note_number,
    check_language,
    check_tax_currency,
    check_approval_limits,
    check_reminders,
    check_cost_centres,
    check_accounts,
)
