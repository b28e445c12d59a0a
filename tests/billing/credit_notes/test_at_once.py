"""Many credits of one invoice at the same moment: together they never come to more than it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.database import session_scope
from billing.credit_notes.calculation import Asked, ByLine, Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.credit_notes.queries import credited_of, find_issued
from billing.credit_notes.service import draw_up
from billing.invoices.models import InvoiceSeries
from governance.access import Role
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.errors import Conflict
from governance.tenancy import EVERYTHING
from tests.billing.credit_notes.scenes import Scene, make_scene
from tests.factories import make_member

PARALLEL = 8


def _drafts(engine: Engine, asked: Callable[[int], Asked], count: int) -> Scene:
    with session_scope(engine, sees=EVERYTHING) as session:
        scene = make_scene(session)
        for number in range(count):
            place = (session, scene.preparer, scene.engagement)
            draw_up(*place, scene.invoice, asked(number), "it was too much")
    return scene


def _issue_at_once(engine: Engine, scene: Scene, numbers: list[int]) -> list[str]:
    def issue(number: int) -> str:
        try:
            with session_scope(engine, sees=EVERYTHING) as session:
                place = (session, scene.approver, scene.engagement)
                return issue_credit_note(*place, number).number or ""
        except Conflict:
            return "told"

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(issue, numbers))


def _issued(session: Session) -> list[CreditNote]:
    state = col(CreditNote.state) == CreditNoteState.ISSUED
    return list(session.scalars(select(CreditNote).where(state)))


def test_of_many_notes_for_the_whole_invoice_one_wins(fresh_engine: Engine) -> None:
    scene = _drafts(fresh_engine, lambda _: Everything(), PARALLEL)
    answers = _issue_at_once(fresh_engine, scene, list(range(1, PARALLEL + 1)))
    assert sorted(answers) == ["CN-2026-00001"] + ["told"] * (PARALLEL - 1)
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        credited = credited_of(session, [scene.invoice.id])
    assert credited == {scene.invoice.id: scene.invoice.payable_minor}


def test_one_note_issued_a_hundred_times_at_once_is_issued_once(fresh_engine: Engine) -> None:
    scene = _drafts(fresh_engine, lambda _: Everything(), 1)
    answers = _issue_at_once(fresh_engine, scene, [1] * 100)
    assert sorted(answers) == ["CN-2026-00001"] + ["told"] * 99
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        entries = events_of(session, scene.engagement.id)
        assert sum(one.action is Action.CREDIT_NOTE_ISSUED for one in entries) == 1


def test_of_two_who_approve_one_note_one_is_told(fresh_engine: Engine) -> None:
    scene = _drafts(fresh_engine, lambda _: Everything(), 1)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        other = make_member(session, scene.engagement, Role.PROVIDER_FINANCE)
    scenes = [scene, replace(scene, approver=other)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: _issue_at_once(fresh_engine, one, [1]), scenes))
    assert sorted(answers) == [["CN-2026-00001"], ["told"]]


def test_parts_win_until_the_line_is_used_up(fresh_engine: Engine) -> None:
    """Line 1 has 900.00 left: three notes of 250.00 fit, whichever come first."""
    part = ByLine({1: Decimal("250.00")})
    scene = _drafts(fresh_engine, lambda _: part, PARALLEL)
    answers = _issue_at_once(fresh_engine, scene, list(range(1, PARALLEL + 1)))
    expected = [f"CN-2026-0000{number}" for number in (1, 2, 3)]
    assert sorted(answers) == expected + ["told"] * (PARALLEL - 3)
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        notes = _issued(session)
        found = find_issued(session, scene.client, scene.engagement, "CW-2026-00001")
        series = session.scalars(
            select(InvoiceSeries).where(col(InvoiceSeries.pattern).startswith("CN"))
        ).one()
    assert found.left[1].net == Decimal("150.00")
    assert sum(note.tax_minor for note in notes) == 14250
    assert series.last_sequence == 3
