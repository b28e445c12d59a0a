"""Accounts read from the database: what happened to money, with its days, for either side."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from billing.disputes.models import Dispute, DisputeState, DisputeSubject
from billing.invoices.models import FeeInvoice
from billing.payments.allocating import allocate, take_back
from billing.payments.models import WriteOffKind, WriteOffState
from billing.payments.recording import (
    Bounce,
    NewPayment,
    Refund,
    bounce_payment,
    record_payment,
    refund_payment,
)
from billing.payments.values import Part
from billing.payments.write_offs import NewWriteOff, decide_write_off, propose_write_off
from billing.statements.ageing import ageing
from billing.statements.contested import contested
from billing.statements.queries import (
    account_in,
    account_views,
    accrued_of,
    ageing_everywhere,
    checked_day,
    span_of,
    statements_of,
    terms_of,
)
from billing.statements.reading import accounts_of
from billing.statements.values import Account, MovementKind
from governance.access import Role
from governance.access_terms import Side
from governance.engagements.service import add_contract
from governance.errors import BadInput, Forbidden, NotFound
from governance.values import Period
from sla.evidence.store import FolderStore
from tests.billing.payments.scenes import Scene
from tests.billing.reminders.scenes import (
    LATE,
    late_contract,
    make_late_invoice,
    make_late_scene,
    on,
)
from tests.factories import agree, make_member

_FEBRUARY, _MARCH = date(2026, 2, 10), date(2026, 3, 10)
_YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def _paid(session: Session, scene: Scene, invoice: FeeInvoice, minor: int) -> int:
    actor = on(scene.finance, _MARCH)
    place = (session, actor, scene.engagement)
    new = NewPayment(_MARCH, "EUR", minor, value_on=_FEBRUARY)
    number = record_payment(*place, new).number
    allocate(*place, number, [Part(invoice.id, minor)])
    return number


def _account(session: Session, scene: Scene, side: Side = Side.PROVIDER) -> Account:
    (found,) = account_views(session, scene.finance, scene.engagement, side)
    return found


def _open(account: Account, day: date) -> list[Decimal]:
    return [one.open for one in ageing(account, day).invoices]


def test_a_payment_counts_from_its_value_date_and_until_it_bounces(session: Session) -> None:
    scene = make_late_scene(session)
    number = _paid(session, scene, make_late_invoice(session, scene, 1), 400_000)
    place = (session, on(scene.finance, date(2026, 3, 25)), scene.engagement, number)
    bounce_payment(*place, Bounce(date(2026, 3, 20), "no funds"))
    account = _account(session, scene)
    days = (date(2026, 2, 9), _FEBRUARY, date(2026, 3, 19), date(2026, 3, 20))
    assert [_open(account, day) for day in days] == [
        [Decimal("10000.00")],
        [Decimal("6000.00")],
        [Decimal("6000.00")],
        [Decimal("10000.00")],
    ]
    (made,) = statements_of((account,), _YEAR)
    assert [(one.movement.kind, str(one.movement.amount)) for one in made.lines] == [
        (MovementKind.INVOICE, "10000.00"),
        (MovementKind.PAYMENT, "-4000.00"),
        (MovementKind.BOUNCE, "4000.00"),
    ]


def test_what_a_person_took_back_never_counted(session: Session) -> None:
    scene = make_late_scene(session)
    first, second = (make_late_invoice(session, scene, number) for number in (1, 2))
    actor = on(scene.finance, _MARCH)
    place = (session, actor, scene.engagement)
    record_payment(*place, NewPayment(_FEBRUARY, "EUR", 400_000))
    (row,) = allocate(*place, 1, [Part(first.id, 400_000)])
    take_back(*place, 1, row.id, "it was for the other one")
    allocate(*place, 1, [Part(second.id, 300_000)])
    refund_payment(*place, 1, Refund(50_000, _MARCH, "paid too much"))
    account = _account(session, scene)
    assert _open(account, _FEBRUARY) == [Decimal("10000.00"), Decimal("7000.00")]
    sums = ageing(account, _MARCH).sums
    assert sums.on_account == Decimal("500.00")
    (made,) = statements_of((account,), Period(_YEAR.start, _MARCH))
    assert made.closing == sums.balance == Decimal("16500.00")


def test_terms_hold_from_the_day_on_which_an_amendment_takes_effect(session: Session) -> None:
    scene = make_late_scene(session)
    dearer = late_contract(terms=LATE.replace("rate_percent: 9", "rate_percent: 12"))
    place = (session, scene.finance, scene.engagement)
    manager = make_member(session, scene.engagement, Role.PROVIDER_ACCOUNT_MANAGER)
    add_contract(session, manager, "v2.yaml", dearer, effective_from=_MARCH)
    agree(session, scene.engagement)

    def rate(day: date) -> Decimal:
        late = terms_of(session, scene.engagement, on(scene.finance, day)).late_payment
        assert late is not None
        return late.rate_percent

    assert account_views(*place, Side.PROVIDER)
    days = (date(2025, 12, 1), date(2026, 3, 9), _MARCH)
    assert [rate(day) for day in days] == [12, 9, 12]


def test_the_client_sees_no_write_off(session: Session) -> None:
    scene = make_late_scene(session)
    invoice = make_late_invoice(session, scene, 1)
    place = (session, on(scene.finance, _MARCH), scene.engagement)
    new = NewWriteOff(invoice.id, 1_000, WriteOffKind.OTHER, "so be it")
    number = propose_write_off(*place, new).number
    second = on(scene.second, _MARCH)
    decide_write_off(session, second, scene.engagement, number, WriteOffState.APPROVED)
    assert _open(_account(session, scene), _MARCH) == [Decimal("9990.00")]
    assert _open(_account(session, scene, Side.CLIENT), _MARCH) == [Decimal("10000.00")]
    client = make_member(session, scene.engagement, Role.CLIENT_FINANCE)
    assert account_views(session, client, scene.engagement, Side.CLIENT)
    with pytest.raises(Forbidden, match="provider's view"):
        account_views(session, client, scene.engagement, Side.PROVIDER)
    assert ageing_everywhere(session, client, _MARCH) == ()
    (aged,) = ageing_everywhere(session, scene.finance, _MARCH)
    assert aged.sums.open == Decimal("9990.00")


def test_days_and_currencies_that_make_no_sense_are_named(session: Session) -> None:
    scene = make_late_scene(session)
    today = terms_of(session, scene.engagement, on(scene.finance, _MARCH)).today
    assert checked_day(None, today) == today == _MARCH
    assert span_of(None, None, today) == Period(date(2026, 1, 1), _MARCH)
    for first, last in ((None, date(2026, 3, 11)), (_MARCH, _FEBRUARY), (date(2010, 1, 1), None)):
        with pytest.raises(BadInput):
            span_of(first, last, today)
    empty = account_views(session, scene.finance, scene.engagement, Side.PROVIDER)
    assert account_in(empty, "").currency == "EUR"
    with pytest.raises(BadInput, match="no account in this currency"):
        account_in(empty, "USD")
    (made,) = statements_of(empty, _YEAR)
    assert not made.lines
    assert made.closing == 0


def test_a_dispute_holds_back_its_share_of_what_is_payable(session: Session) -> None:
    """2,500 net of 10,000, with 19 % tax: 2,975; accepted for 1,000: 1,190 until it is credited."""
    scene = make_late_scene(session)
    invoice = make_late_invoice(session, scene, 1)
    priced = FeeInvoice(
        **invoice.model_dump() | {"payable_minor": 1_190_000, "total_minor": 1_190_000}
    )
    dispute = Dispute(
        invoice_id=invoice.id,
        number=1,
        subject=DisputeSubject.WHOLE,
        currency="EUR",
        amount_minor=250_000,
        reason="the desk was closed",
        state=DisputeState.OPEN,
        raised_at=on(scene.finance, _FEBRUARY).at,
    )

    def spans(credited_on: date | None = None) -> list[tuple[date, date | None, str]]:
        found = contested(dispute, priced, credited_on)
        return [(one.first, one.until, str(one.amount)) for one in found]

    assert spans() == [(_FEBRUARY, None, "2975.00")]
    dispute.state, dispute.accepted_minor = DisputeState.PARTLY_ACCEPTED, 100_000
    dispute.answered_at = on(scene.finance, _MARCH).at
    credited = date(2026, 3, 12)
    assert spans(credited) == [(_FEBRUARY, _MARCH, "2975.00"), (_MARCH, credited, "1190.00")]
    dispute.state, dispute.withdrawn_at = DisputeState.WITHDRAWN, dispute.answered_at
    assert spans() == [(_FEBRUARY, _MARCH, "2975.00")]


def test_an_index_that_cant_be_read_is_told_where_an_invoice_is_late(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise NotFound("the stored evidence isn't in the store any more")

    monkeypatch.setattr("billing.statements.queries.late_series", gone)
    scene = make_late_scene(session)
    make_late_invoice(session, scene, 1)
    account, store = _account(session, scene), FolderStore(tmp_path)
    # Due on 28 January, with ten days of grace.
    for day, problem in ((date(2026, 2, 7), ""), (date(2026, 2, 8), "isn't in the store")):
        terms = terms_of(session, scene.engagement, on(scene.finance, day))
        found = accrued_of(session, scene.engagement, terms, store, account)
        assert (problem in found.problem, bool(found.problem)) == (True, bool(problem))


def test_payments_of_any_number_are_read_in_one_query(session: Session) -> None:
    """A database takes 65,535 parameters at most."""
    scene = make_late_scene(session)
    place = (session, on(scene.finance, _MARCH), scene.engagement)

    def most() -> int:
        counts: list[int] = []

        def count(*args: Any) -> None:
            counts.append(len(args[3]))

        event.listen(session.get_bind(), "before_cursor_execute", count)
        accounts_of(session, [scene.engagement], write_offs=True)
        event.remove(session.get_bind(), "before_cursor_execute", count)
        return max(counts)

    before = most()
    for _ in range(before + 2):
        record_payment(*place, NewPayment(_FEBRUARY, "EUR", 100))
    assert most() == before
