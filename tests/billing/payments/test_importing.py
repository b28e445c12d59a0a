"""Statements imported: previewed, confirmed once, and no payment twice."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.payments.csv_reader import Mapped
from billing.payments.importing import (
    Choice,
    Preview,
    StatementFile,
    confirm_import,
    discard_import,
    get_preview,
    imports_of,
    start_import,
)
from billing.payments.models import BankEntry, ImportState, Payment
from billing.payments.queries import balances_of, get_payment, paid_of, payments_of
from billing.payments.recording import NewPayment, record_payment
from billing.payments.statements import Fate, Line
from billing.payments.values import Balance, Part
from governance.errors import BadInput, Conflict, NotFound
from governance.tenancy import EVERYTHING, seeing
from tests.billing.payments.scenes import Scene, make_invoice, make_scene
from tests.billing.payments.statements import Tx, entry, statement

_ONE = entry("100.00", Tx("CW-2026-00001", end_to_end="E-1"))
_TWO = entry("50.00", Tx("CW-2026-00002", end_to_end="E-2"))
_RENT = entry("800.00", Tx("Rent", debtor="Others AG"))


@pytest.fixture
def scene(session: Session) -> Scene:
    found = make_scene(session)
    for at in (1, 2):
        make_invoice(session, found.engagement, at, 10000)
    return found


def _start(session: Session, scene: Scene, *entries: str) -> Preview:
    file = StatementFile("bank.xml", statement(*entries), Mapped())
    row = start_import(session, scene.finance, scene.engagement, file)
    return get_preview(session, scene.finance, scene.engagement, row.id)


def _as_proposed(lines: tuple[Line, ...]) -> list[Choice]:
    return [
        Choice(one.entry.key, None, one.proposal.parts if one.proposal else ())
        for one in lines
        if one.ticked
    ]


def _confirm(session: Session, scene: Scene, preview: Preview, *choices: Choice) -> list[Payment]:
    confirm_import(session, scene.finance, scene.engagement, preview.row.id, choices)
    return list(payments_of(session, scene.finance, scene.engagement))


def test_what_is_ticked_is_recorded_and_pays_as_proposed(session: Session, scene: Scene) -> None:
    preview = _start(session, scene, _ONE, _TWO, _RENT)
    assert [(one.fate, one.ticked) for one in preview.lines] == [
        (Fate.TAKE, True),
        (Fate.TAKE, True),
        (Fate.TAKE, False),
    ]
    payments = _confirm(session, scene, preview, *_as_proposed(preview.lines))
    assert sorted(one.amount_minor for one in payments) == [5000, 10000]
    ids = [one.id for one in preview.invoices]
    assert sorted(paid_of(session, ids).values()) == [5000, 10000]
    row = preview.row
    assert (row.state, row.taken, row.entries, row.data) == (ImportState.DONE, 2, 3, None)
    assert imports_of(session, scene.finance, scene.engagement) == (row,)
    with pytest.raises(NotFound):
        get_preview(session, scene.finance, scene.engagement, row.id)


def test_the_same_statement_is_refused_and_an_overlapping_one_gives_no_double(
    session: Session, scene: Scene
) -> None:
    first = _start(session, scene, _ONE)
    _confirm(session, scene, first, *_as_proposed(first.lines))
    with pytest.raises(Conflict, match="was imported on 2026-03-02 as bank"):
        _start(session, scene, _ONE)
    second = _start(session, scene, _TWO, _ONE)
    assert [(one.fate, one.why) for one in second.lines][1] == (
        Fate.SKIP,
        "recorded already as PAY-1",
    )
    assert len(_confirm(session, scene, second, *_as_proposed(second.lines))) == 2


def test_a_preview_is_its_makers_and_the_next_one_takes_its_place(
    session: Session, scene: Scene
) -> None:
    first = _start(session, scene, _ONE)
    with pytest.raises(NotFound):
        get_preview(session, scene.second, scene.engagement, first.row.id)
    assert imports_of(session, scene.second, scene.engagement) == ()
    second = _start(session, scene, _TWO)
    assert (first.row.state, first.row.data) == (ImportState.DISCARDED, None)
    discard_import(session, scene.finance, scene.engagement, second.row.id)
    assert second.row.data is None
    assert _start(session, scene, _ONE).row.state is ImportState.PREVIEW


def test_choices_that_cannot_be(session: Session, scene: Scene) -> None:
    preview = _start(session, scene, _ONE)
    key, invoice = preview.lines[0].entry.key, preview.invoices[0]
    with pytest.raises(BadInput, match="choose"):
        _confirm(session, scene, preview)
    with pytest.raises(BadInput, match="more would be taken"):
        _confirm(session, scene, preview, Choice(key, 10001))
    with pytest.raises(Conflict, match="look at it again"):
        _confirm(session, scene, preview, Choice("other"))
    with pytest.raises(Conflict, match="look at it again"):
        _confirm(session, scene, preview, Choice(key, 10), Choice(key, 20))
    session.rollback()
    fresh = _start(session, make_scene(session, "ENG-3"), _ONE)
    assert (fresh.lines[0].ticked, invoice.number) == (False, "CW-2026-00001")


def test_an_entry_is_shared_by_two_engagements_and_never_pays_twice(
    session: Session, scene: Scene
) -> None:
    other = make_scene(session, "ENG-2")
    mine = _start(session, scene, _ONE)
    key, invoice = mine.lines[0].entry.key, mine.invoices[0]
    (paid,) = _confirm(session, scene, mine, Choice(key, 6000, (Part(invoice.id, 6000),)))
    assert balances_of(session, [paid])[paid.id] == Balance(6000, 6000)
    theirs = _start(session, other, _ONE)
    (line,) = theirs.lines
    assert (line.left_minor, line.fate) == (4000, Fate.TAKE)
    assert "another engagement took the rest" in line.why
    with pytest.raises(BadInput, match="more would be taken"):
        _confirm(session, other, theirs, Choice(key, 4001))
    _confirm(session, other, theirs, Choice(key))
    row = session.scalars(select(BankEntry).where(col(BankEntry.entry_key) == key)).one()
    assert (row.amount_minor, row.taken_minor) == (10000, 10000)
    third = _start(session, make_scene(session, "ENG-3"), _ONE)
    assert third.lines[0].why == "recorded already in another engagement"


def test_a_payment_recorded_by_hand_is_shown_beside_its_entry(
    session: Session, scene: Scene
) -> None:
    entry_ = _start(session, scene, _ONE).lines[0].entry
    new = NewPayment(entry_.booked_on, "EUR", entry_.minor)
    record_payment(session, scene.finance, scene.engagement, new)
    line = _start(session, scene, _ONE).lines[0]
    assert (line.payment, line.ticked, line.fate) == (1, False, Fate.TAKE)
    assert "recorded by hand" in line.why


@pytest.mark.parametrize("end_to_end", ["E-1", ""])
def test_the_bank_takes_a_payment_back(session: Session, scene: Scene, end_to_end: str) -> None:
    first = _start(session, scene, _ONE)
    _confirm(session, scene, first, *_as_proposed(first.lines))
    back = entry("100.00", Tx("AC04", end_to_end=end_to_end), debit=True, reversal=True)
    foreign = entry("7.00", Tx("X", iban="X"), debit=True, reversal=True)
    second = _start(session, scene, back, foreign)
    assert [(one.fate, one.payment) for one in second.lines] == [(Fate.BOUNCE, 1), (Fate.SKIP, 0)]
    _confirm(session, scene, second, *_as_proposed(second.lines))
    payment = get_payment(session, scene.finance, scene.engagement, 1)
    assert balances_of(session, [payment])[payment.id] == Balance(10000, 0, 0, 10000)
    third = _start(session, scene, back, _TWO)
    assert third.lines[0].why == "noted already"


def test_what_a_session_of_one_engagement_sees(session: Session, scene: Scene) -> None:
    preview = _start(session, scene, _ONE)
    _confirm(session, scene, preview, *_as_proposed(preview.lines))
    other = make_scene(session, "ENG-2")
    session.expunge_all()
    session.info.update(seeing(frozenset({other.engagement.id})))
    assert session.scalars(select(Payment)).all() == []
    session.info.update(seeing(EVERYTHING))
