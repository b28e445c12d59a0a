"""Reminders: which are due, what they freeze and charge, and that no step comes twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from billing.accounting.queries import Wanted, read_journal
from billing.accounting.values import EntryKind
from billing.disputes.models import Dispute, DisputeState, DisputeSubject
from billing.invoices.models import FeeInvoice
from billing.payments.allocating import allocate
from billing.payments.recording import NewPayment, record_payment
from billing.payments.values import Part
from billing.reminders.letter import letter_json, read_letter
from billing.reminders.models import ChargeKind, Reminder, ReminderDocumentKind
from billing.reminders.proposals import State
from billing.reminders.queries import (
    Due,
    charges_of,
    due_reminders,
    get_document,
    get_reminder,
    reminders_of,
)
from billing.reminders.rendering import keep_reminder_pdf, letter_to_draw
from billing.reminders.service import Chosen, draft_reminder, issue_reminder, waive_charge, why_not
from billing.statements.queries import account_views, statements_of, terms_of
from billing.statements.values import MovementKind
from governance.access import Actor, Role
from governance.access_terms import Side
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.tables import canonical_json
from governance.values import Period
from tests.billing.payments.scenes import Scene
from tests.billing.reminders.scenes import LATE, make_late_invoice, make_late_scene, on
from tests.factories import make_member

_MARCH = date(2026, 3, 10)
_APRIL = date(2026, 4, 30)


def _due(session: Session, scene: Scene, day: date) -> tuple[Due, ...]:
    terms = terms_of(session, scene.engagement, on(scene.finance, day))
    return due_reminders(session, scene.engagement, terms, None)


def _issue(
    session: Session, scene: Scene, day: date, *invoices: FeeInvoice, charges: bool = False
) -> Reminder:
    actor = on(scene.finance, day)
    chosen = Chosen(frozenset(one.id for one in invoices), charges)
    place = (session, actor, scene.engagement, chosen, None)
    return issue_reminder(*place, draft_reminder(*place).letter.total)


def test_what_is_due_today_is_proposed_with_its_reason(session: Session) -> None:
    scene = make_late_scene(session)
    for sequence in (1, 2, 3):
        make_late_invoice(session, scene, sequence)
    (due,) = _due(session, scene, _MARCH)
    # Due on 28 January and 28 February; the third is due on 28 March.
    assert [(one.invoice.number[-1], one.days_late, one.state) for one in due.proposals] == [
        ("1", 41, State.DUE),
        ("2", 10, State.DUE),
    ]
    assert [one.step for one in due.proposals] == [1, 1]
    assert _due(session, scene, date(2026, 1, 28)) == ()
    (early,) = _due(session, scene, date(2026, 2, 3))
    assert why_not(early.proposals[0]) == "its reminder 1 is due on 2026-02-04"


def test_a_reminder_freezes_what_it_says_and_charges(session: Session) -> None:
    scene = make_late_scene(session)
    first, second = (make_late_invoice(session, scene, number) for number in (1, 2))
    row = _issue(session, scene, _MARCH, first, second, charges=True)
    # 31 days from 8 February to 10 March: 10,000 × 9 % × 31 ÷ 365 = 76.4383…; the second had grace.
    charged = [(one.kind, one.amount.amount) for one in charges_of(session, row)]
    assert charged == [
        (ChargeKind.INTEREST, Decimal("76.44")),
        (ChargeKind.LUMP_SUM, Decimal("40.00")),
    ]
    data = get_document(session, row, ReminderDocumentKind.JSON).data
    letter = read_letter(data)
    assert canonical_json(letter_json(letter)) == data
    assert (letter.number, letter.level, letter.last) == ("RM-1", 1, False)
    assert letter.pay_by == date(2026, 3, 20)
    assert letter.asked == Decimal("20000.00")
    assert letter.total == Decimal("20116.44")
    assert [one.step for one in letter.lines] == [1, 1]


def test_steps_follow_one_another_and_never_come_twice(session: Session) -> None:
    scene = make_late_scene(session)
    invoice = make_late_invoice(session, scene, 1)
    _issue(session, scene, _MARCH, invoice)
    chosen = Chosen(frozenset({invoice.id}))
    actor = on(scene.finance, _MARCH)
    with pytest.raises(Conflict, match="its reminder 2 is due on 2026-03-24"):
        draft_reminder(session, actor, scene.engagement, chosen, None)
    second = _issue(session, scene, date(2026, 3, 24), invoice)
    assert (second.level, second.charged_minor) == (2, 500)
    third = _issue(session, scene, date(2026, 4, 7), invoice, charges=True)
    letter = read_letter(get_document(session, third, ReminderDocumentKind.JSON).data)
    assert letter.last
    assert letter.earlier == Decimal("5.00")
    # 59 days from 8 February to 7 April: 145.4794…
    assert letter.charged == Decimal("10.00") + Decimal("145.48") + Decimal("40.00")
    assert [one.number for one in reminders_of(session, actor, scene.engagement)] == [3, 2, 1]
    (due,) = _due(session, scene, _APRIL)
    assert why_not(due.proposals[0]) == "it had its last reminder with RM-3"
    # Only what came since: 82 days are 202.1917…, less what was charged.
    assert due.proposals[0].interest == Decimal("202.19") - Decimal("145.48")
    assert due.proposals[0].lump_sum == 0
    more = _issue(session, scene, _APRIL, invoice, charges=True)
    assert (more.level, more.charged_minor) == (0, 5671)


def test_the_person_issues_what_they_looked_at(session: Session) -> None:
    scene = make_late_scene(session)
    invoice = make_late_invoice(session, scene, 1)
    actor = on(scene.finance, _MARCH)
    place = (session, actor, scene.engagement, Chosen(frozenset({invoice.id})), None)
    seen = draft_reminder(*place).letter.total
    record_payment(session, actor, scene.engagement, NewPayment(_MARCH, "EUR", 100))
    with pytest.raises(Conflict, match="look at the reminder again"):
        issue_reminder(*place, seen)
    assert draft_reminder(*place).letter.on_account == Decimal("1.00")
    record_payment(session, actor, scene.engagement, NewPayment(_MARCH, "EUR", 999900))
    with pytest.raises(Conflict, match="say what its payments pay"):
        draft_reminder(*place)


def test_what_is_paid_late_is_charged_and_what_is_paid_isnt_reminded_of(session: Session) -> None:
    scene = make_late_scene(session)
    invoice = make_late_invoice(session, scene, 1)
    actor = on(scene.finance, _MARCH)
    record_payment(session, actor, scene.engagement, NewPayment(_MARCH, "EUR", 1_000_000))
    allocate(session, actor, scene.engagement, 1, [Part(invoice.id, 1_000_000)])
    (due,) = _due(session, scene, _APRIL)
    assert due.proposals[0].state is State.PAID
    chosen = Chosen(frozenset({invoice.id}))
    with pytest.raises(Conflict, match="it is paid"):
        draft_reminder(session, actor, scene.engagement, chosen, None)
    row = _issue(session, scene, _APRIL, invoice, charges=True)
    assert (row.level, row.open_minor, row.charged_minor) == (0, 0, 11644)
    assert _due(session, scene, _APRIL) == ()


def test_what_is_in_dispute_is_left_out(session: Session) -> None:
    scene = make_late_scene(session)
    invoices = [make_late_invoice(session, scene, number) for number in (1, 2)]
    for number, (invoice, minor) in enumerate(zip(invoices, (1_000_000, 250_000), strict=True), 1):
        session.add(
            Dispute(
                engagement_id=scene.engagement.id,
                invoice_id=invoice.id,
                number=number,
                subject=DisputeSubject.WHOLE,
                currency="EUR",
                amount_minor=minor,
                reason="the desk was closed",
                state=DisputeState.OPEN,
                raised_at=on(scene.finance, date(2026, 3, 1)).at,
                raised_by_id=scene.finance.signed_in_id,
            )
        )
    session.flush()
    (due,) = _due(session, scene, _MARCH)
    assert [one.state for one in due.proposals] == [State.DISPUTED, State.DUE]
    with pytest.raises(Conflict, match="all that is open is in dispute"):
        _issue(session, scene, _MARCH, *invoices)
    row = _issue(session, scene, _MARCH, invoices[1])
    assert row.open_minor == 750_000


def test_nobody_waives_more_than_the_contract_lets_them(session: Session) -> None:
    limits = ", approval_limits: [{role: provider_finance, up_to: '50.00'}]"
    scene = make_late_scene(session, terms=LATE + limits)
    row = _issue(session, scene, _MARCH, make_late_invoice(session, scene, 1), charges=True)
    interest, lump_sum = charges_of(session, row)
    place = (session, on(scene.second, _APRIL), scene.engagement, row.number)
    assert waive_charge(*place, lump_sum.id, "first time").waived_on == _APRIL
    with pytest.raises(Forbidden, match=r"50\.00"):
        waive_charge(*place, interest.id, "first time")


def test_charges_are_owed_posted_and_waived(session: Session) -> None:
    scene = make_late_scene(session)
    invoice = make_late_invoice(session, scene, 1)
    row = _issue(session, scene, _MARCH, invoice, charges=True)
    interest, lump_sum = charges_of(session, row)
    actor = on(scene.second, _APRIL)
    place = (session, actor, scene.engagement)
    waive_charge(*place, row.number, lump_sum.id, "first time")
    with pytest.raises(Conflict, match="waived already"):
        waive_charge(*place, row.number, lump_sum.id, "again")
    with pytest.raises(BadInput, match="needs a reason"):
        waive_charge(*place, row.number, interest.id, " ")
    with pytest.raises(NotFound, match="no such charge"):
        waive_charge(*place, row.number + 1, interest.id, "another's")
    year = Period(date(2026, 1, 1), date(2026, 4, 30))
    (made,) = statements_of(account_views(*place, Side.PROVIDER), year)
    assert [(one.movement.kind, one.movement.amount) for one in made.lines] == [
        (MovementKind.INVOICE, Decimal("10000.00")),
        (MovementKind.INTEREST, Decimal("76.44")),
        (MovementKind.LUMP_SUM, Decimal("40.00")),
        (MovementKind.WAIVER, Decimal("-40.00")),
    ]
    (due,) = _due(session, scene, _APRIL)
    assert due.earlier == Decimal("76.44")
    for side, account in ((Side.PROVIDER, "revenue:late payment"), (Side.CLIENT, "expenses:late")):
        journal = read_journal(session, scene.engagement, Wanted(year, side), _APRIL)
        kinds = [one.kind for one in journal.entries]
        assert kinds == [EntryKind.LATE_CHARGE, EntryKind.LATE_CHARGE, EntryKind.WAIVER]
        assert all(one.difference == 0 for one in journal.entries)
        assert any(one.account.name.startswith(account) for one in journal.totals)


def test_the_pdf_is_drawn_from_what_was_frozen_and_kept_once(session: Session) -> None:
    scene = make_late_scene(session)
    row = _issue(session, scene, _MARCH, make_late_invoice(session, scene, 1))
    place = (session, scene.finance, scene.engagement, row.number)
    letter = letter_to_draw(*place)
    assert letter is not None
    assert letter.number == "RM-1"
    kept = keep_reminder_pdf(*place, b"drawn", "0" * 64)
    assert keep_reminder_pdf(*place, b"drawn again", "1" * 64).id == kept.id
    assert letter_to_draw(*place) is None
    found = get_reminder(*place)
    assert get_document(session, found, ReminderDocumentKind.PDF).data == b"drawn"
    with pytest.raises(NotFound, match="no reminder RM-9"):
        get_reminder(session, scene.finance, scene.engagement, 9)


def test_only_the_provider_reminds_of_invoices_that_are_its_own(session: Session) -> None:
    scene = make_late_scene(session)
    invoice = make_late_invoice(session, scene, 1)
    client: Actor = make_member(session, scene.engagement, Role.CLIENT_FINANCE)
    place = (scene.engagement, Chosen(frozenset({invoice.id})), None)
    with pytest.raises(Forbidden):
        draft_reminder(session, client, *place)
    for ids, error in ((frozenset[int](), BadInput), (frozenset({invoice.id + 99}), NotFound)):
        with pytest.raises(error):
            draft_reminder(session, scene.finance, scene.engagement, Chosen(ids), None)
