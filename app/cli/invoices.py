"""`plumbline invoices`: what is open on an engagement's invoices, and its statement of account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.cli.common import print_json, reports_problems
from app.cli.installation import changing
from billing.statements.ageing import Ageing, ageing
from billing.statements.queries import checked_day, span_of, statements_of, terms_of
from billing.statements.reading import accounts_of
from billing.statements.statement import Statement
from billing.statements.values import Account
from governance.access import Actor
from governance.access_terms import Side
from governance.audit.exports import record_export
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.tables import canonical_json, digest
from governance.values import money_text

_ENGAGEMENT = click.option(
    "--engagement", "reference", required=True, help="Its reference, as ENG-2025-001."
)
_SIDE = click.option(
    "--side",
    type=click.Choice([one.value for one in Side]),
    default=Side.PROVIDER.value,
    show_default=True,
    help="The client's is without what the provider has written off.",
)


@click.group()
def invoices() -> None:
    """Ageing and statements of account."""


@invoices.command("ageing")
@_ENGAGEMENT
@_SIDE
@click.option("--on", "day", help="As of this day, 2026-06-30; today without it.")
@reports_problems
def show_ageing(reference: str, side: str, day: str | None) -> None:
    """Print the open invoices by days past due as JSON; the audit log notes it."""
    with _accounts(reference, side) as (session, engagement, today, accounts):
        chosen = checked_day(_day(day, "--on"), today)
        found = [_ageing_json(ageing(one, chosen)) for one in accounts]
        _note(session, engagement, f"Ageing of {reference} on {chosen}", found)
    print_json(found)


@invoices.command("statement")
@_ENGAGEMENT
@_SIDE
@click.option("--from", "first", help="First day; that of the year without it.")
@click.option("--to", "last", help="Last day; today without it.")
@reports_problems
def show_statement(reference: str, side: str, first: str | None, last: str | None) -> None:
    """Print the statement of account as JSON, one a currency; the audit log notes it."""
    with _accounts(reference, side) as (session, engagement, today, accounts):
        period = span_of(_day(first, "--from"), _day(last, "--to"), today)
        found = [_statement_json(one) for one in statements_of(accounts, period)]
        label = f"Statement of {reference}, {period.start} to {period.end}"
        _note(session, engagement, label, found)
    print_json(found)


@contextmanager
def _accounts(
    reference: str, side: str
) -> Iterator[tuple[Session, Engagement, date, tuple[Account, ...]]]:
    with changing() as (session, _):
        found = session.scalars(
            select(Engagement).where(col(Engagement.reference) == reference)
        ).one_or_none()
        if found is None:
            what = "there is no such engagement"
            raise BadInput.one(Problem(what, column="--engagement", found=reference))
        accounts = accounts_of(session, [found], write_offs=side == Side.PROVIDER)
        today = terms_of(session, found, _actor()).today
        empty = (Account(reference, found.currency, ()),)
        yield session, found, today, accounts or empty


def _actor() -> Actor:
    return Actor(None, "command line", datetime.now(UTC))


def _note(session: Session, engagement: Engagement, label: str, found: list[Any]) -> None:
    data = canonical_json(found)
    record_export(session, _actor(), engagement.id, label, sha256=digest(data), size=len(data))


def _day(text: str | None, column: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problem = Problem(
            "this is not a day", column=column, found=text or "", allowed="2026-01-31"
        )
        raise BadInput.one(problem) from None


def _ageing_json(found: Ageing) -> dict[str, Any]:
    def amount(value: Decimal) -> str:
        return money_text(value, found.currency)

    sums = found.sums
    return {
        "engagement": found.engagement,
        "currency": found.currency,
        "on": found.day.isoformat(),
        "invoices": [
            {
                "number": one.number,
                "due_on": one.due_on.isoformat(),
                "days_past_due": one.days,
                "bucket": one.bucket.value,
                "open": amount(one.open),
                "disputed": amount(one.disputed),
            }
            for one in found.invoices
        ],
        "buckets": {bucket.value: amount(value) for bucket, value in sums.buckets.items()},
        "disputed": amount(sums.disputed),
        "open": amount(sums.open),
        "charges": amount(sums.charges),
        "in_favour": amount(sums.in_favour),
        "on_account": amount(sums.on_account),
        "balance": amount(sums.balance),
    }


def _statement_json(found: Statement) -> dict[str, Any]:
    def amount(value: Decimal) -> str:
        return money_text(value, found.account.currency)

    return {
        "engagement": found.account.engagement,
        "currency": found.account.currency,
        "first": found.period.start.isoformat(),
        "last": found.period.end.isoformat(),
        "opening": amount(found.opening),
        "movements": [
            {
                "on": line.movement.on.isoformat(),
                "kind": line.movement.kind.value,
                "reference": line.movement.reference,
                "detail": line.movement.detail,
                "amount": amount(line.movement.amount),
                "balance": amount(line.balance),
            }
            for line in found.lines
        ],
        "closing": amount(found.closing),
    }
