"""The journal of an engagement, read from both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from billing.accounting.queries import (
    Wanted,
    _spans,
    checked_rate,
    journal_of,
    months_between,
    read_journal,
    usual_side,
)
from billing.accounting.values import EntryKind, Journal
from billing.payments.allocating import allocate
from billing.payments.queries import open_minor_of
from billing.payments.recording import NewPayment, record_payment
from billing.payments.values import Part
from billing.settlement.models import DocumentKind
from billing.settlement.queries import get_document
from billing.settlement.service import settle_period
from governance.access import Role
from governance.access_terms import Side
from governance.engagements.service import add_contract
from governance.errors import BadInput, Forbidden
from governance.values import Money, Period
from tests.billing.credit_notes.scenes import make_scene
from tests.billing.credit_notes.services import use_credit_notes_and_disputes
from tests.billing.payments.services import use_payments
from tests.factories import (
    JANUARY,
    NOW,
    agree,
    contract_bytes,
    make_actor,
    make_employee,
    make_evidence,
    make_member,
    make_role,
    make_user,
    make_workshop,
)

_MONTHS = Period(date(2026, 2, 1), date(2026, 3, 31))


def _balances(journal: Journal) -> dict[str, Decimal]:
    return {one.account.name: one.balance for one in journal.totals}


def test_the_journal_says_what_is_open_and_on_account(session: Session) -> None:
    scene = make_scene(session)
    use_payments(session, scene.engagement)
    place = (session, scene.preparer, scene.engagement)
    number = record_payment(*place, NewPayment(NOW.date(), "EUR", 90000)).number
    allocate(*place, number, [Part(scene.invoice.id, 50000)])
    use_credit_notes_and_disputes(session, scene.engagement)

    journal = journal_of(*place, Wanted(_MONTHS, Side.PROVIDER))
    assert not any(one.difference for one in journal.entries)
    assert {one.kind for one in journal.entries} == set(EntryKind) - {
        EntryKind.ALLOCATION,
        EntryKind.ALLOCATION_TAKEN_BACK,
        EntryKind.LATE_CHARGE,
        EntryKind.WAIVER,
    }
    balances = _balances(journal)
    still = open_minor_of(session, [scene.invoice])[scene.invoice.id]
    # The cent of an invoice without a document here, written off again with its payment gone.
    assert balances["assets:receivable"] == Money(still - 1, "EUR").amount
    assert balances["liabilities:overpayments"] == Decimal("-407.50")
    assert balances["assets:accrued revenue"] == 0
    assert balances["expenses:write-offs"] == Decimal("0.02")

    client = journal_of(*place, Wanted(_MONTHS, Side.CLIENT))
    assert _balances(client)["liabilities:payable"] == -Money(still + 1, "EUR").amount
    assert client.notes[-1].startswith("Write-offs are the provider's")


def test_a_month_before_the_issue_has_the_accrual_alone(session: Session) -> None:
    scene = make_scene(session)
    wanted = Wanted(Period(date(2026, 1, 1), date(2026, 2, 28)), Side.PROVIDER)
    journal = read_journal(session, scene.engagement, wanted, NOW.date())
    assert [(one.kind, one.on) for one in journal.entries] == [
        (EntryKind.ACCRUAL, date(2026, 2, 28))
    ]
    assert _balances(journal)["assets:accrued revenue"] == Decimal("906.75")
    assert journal.notes == ("Nothing is accrued for 2026-01: not settled yet.",)
    before = replace(wanted, period=Period.month(2026, 2))
    assert not read_journal(session, scene.engagement, before, date(2026, 2, 27)).entries


def test_who_may_have_a_journal_and_whose_comes_first(session: Session) -> None:
    scene = make_scene(session)
    sides = [
        usual_side(session, actor, scene.engagement)
        for actor in (
            scene.preparer,
            scene.client,
            make_member(session, scene.engagement, Role.AUDITOR),
        )
    ]
    assert sides == [Side.PROVIDER, Side.CLIENT, Side.PROVIDER]
    outsider = make_user(session, organisation="Quay Advisers Ltd")
    adviser = make_role(session, scene.engagement, outsider, Role.CLIENT_FINANCE)
    assert usual_side(session, adviser, scene.engagement) is Side.CLIENT
    with pytest.raises(Forbidden):
        journal_of(session, adviser, scene.engagement, Wanted(_MONTHS, Side.PROVIDER))
    employee = make_employee(session, scene.engagement, Side.PROVIDER)
    both = make_role(session, scene.engagement, employee, Role.CLIENT_FINANCE)
    assert usual_side(session, both, scene.engagement) is Side.PROVIDER
    chair = make_member(session, scene.engagement, Role.COMMITTEE_CHAIR)
    with pytest.raises(Forbidden):
        journal_of(session, chair, scene.engagement, Wanted(_MONTHS, Side.CLIENT))


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [
        ("2026-03", "2026-02", "ends before it starts"),
        ("2016-01", "2026-01", "ten years"),
        ("March", "2026-02", "not a period"),
        ("0001-01", "0001-02", "no books are kept"),
        ("2026-01", "9999-12", "no books are kept"),
        ("9999-12", "9999-12", "no books are kept"),
    ],
)
def test_months_that_are_none_are_refused(first: str, last: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        months_between(first, last)


def test_months_and_rates_as_people_write_them() -> None:
    assert months_between("2026-Q1", "2026") == Period(date(2026, 1, 1), date(2026, 12, 31))
    assert (checked_rate(" 8,1 "), checked_rate("")) == (Decimal("8.1"), None)
    for text in ("101", "-1", "NaN", "x", "Infinity"):
        with pytest.raises(BadInput, match="no rate"):
            checked_rate(text)


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (["2025-12", "2026-01", "2026-02"], "2025-12 to 2026-02"),
        (["2026-01", "2026-03", "2026-04"], "2026-01, 2026-03 to 2026-04"),
        (["2026-02"], "2026-02"),
    ],
)
def test_months_in_a_row_are_one_span(months: list[str], words: str) -> None:
    assert _spans([Period.parse(one) for one in months]) == words


def test_a_settled_month_of_an_unfinished_quarter_is_accrued(
    session: Session, tmp_path: Path
) -> None:
    data = contract_bytes().replace(b"every: month", b"every: quarter")
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = add_contract(session, actor, "c.yaml", data).engagement
    make_evidence(session, actor, engagement, tmp_path)
    settle_period(session, actor, engagement, JANUARY, workshop)
    wanted = Wanted(Period(date(2026, 1, 1), date(2026, 2, 28)), Side.PROVIDER)
    journal = read_journal(session, engagement, wanted, date(2026, 2, 28))
    found = [(one.kind, one.on, one.number) for one in journal.entries]
    assert found == [
        (EntryKind.ACCRUAL, date(2026, 1, 31), "ACC-2026-01/2026-01"),
        (EntryKind.REVERSAL, date(2026, 2, 1), "ACC-2026-01/2026-01"),
        (EntryKind.ACCRUAL, date(2026, 2, 28), "ACC-2026-02/2026-01"),
    ]
    stated = get_document(session, actor, engagement, JANUARY, DocumentKind.INVOICE)
    lines = json.loads(stated.data)["delivered"]["lines"]
    owed = sum(Decimal(one["amount"]) for one in lines)
    credit = Decimal(json.loads(stated.data)["delivered"]["service_credit"])
    assert (owed > 0, _balances(journal)["assets:accrued revenue"]) == (True, owed - credit)
    assert journal.notes == ("Nothing is accrued for 2026-02: not settled yet.",)
    monthly = data.replace(b"every: quarter", b"every: month")
    add_contract(session, actor, "c.yaml", monthly)
    agree(session, engagement)
    after = read_journal(session, engagement, wanted, date(2026, 2, 28))
    assert after.entries == journal.entries, "an amendment changes no month that is closed"
