"""A hundred processes that do the same with one invoice at the same moment: one wins.

Each has a connection of its own. The others must be told, and nothing may be doubled. As in
`killing`, a function answers with what is wrong and is called in a `conductor`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.audit_log import sequence
from app.database import session_scope
from billing.credit_notes.calculation import Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.credit_notes.queries import credited_of
from billing.credit_notes.service import draw_up
from billing.invoices.approving import approve_invoice
from billing.invoices.issuing import commit_issue, prepare_issue
from billing.invoices.models import FeeInvoice
from governance.access import Actor, Role
from governance.audit.models import Action, AuditEntry
from governance.engagements.models import Engagement
from governance.errors import Busy, Conflict
from governance.tenancy import EVERYTHING
from tests.billing.runs.billed import make_billed
from tests.factories import JANUARY, make_member, make_workshop
from tests.governance.audit.logs import check, complaints, keys_in
from tests.kills.processes import fork
from tests.kills.shelves import Shelf, quick_engine

_WON, _TOLD, _BUSY, _FAILED = 0, 3, 4, 5
_LONGEST = 120.0
"""Seconds after which a process counts as standing still."""
_PEOPLE = 4
Act = Callable[[Session, Actor, int], object]
"""What is done at the same moment, by a person and the number of the process."""


@dataclass(slots=True)
class Crowd:
    """How the processes of each act fared, and what is wrong."""

    figures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    engagement: Engagement
    people: tuple[Actor, ...]
    """Who may approve, issue and credit: none of them has checked the invoice."""


def crowd_one_invoice(shelf: Shelf, folder: Path, size: int) -> Crowd:
    """So many approvals of one invoice, then issues, then credits of all of it."""
    places: list[_Place] = []
    shelf.build(lambda engine: places.append(_built(engine, folder)))
    (place,) = places
    found = Crowd()
    with shelf.copied() as address:
        for name, act in _acts(address, place, folder, size):
            found.figures.append(f"{name}: {_crowd(address, act(), place.people, size, found)}")
        engine = quick_engine(address)
        found.wrong += _wrong(engine, folder)
        engine.dispose()
    return found


def _built(engine: Engine, folder: Path) -> _Place:
    with session_scope(engine, sees=EVERYTHING) as session:
        (engagement,) = make_billed(session, folder, make_workshop(folder), [1]).engagements
        people = [make_member(session, engagement, Role.PROVIDER_FINANCE) for _ in range(_PEOPLE)]
    return _Place(engagement, tuple(people))


def _acts(
    address: str, place: _Place, folder: Path, size: int
) -> Sequence[tuple[str, Callable[[], Act]]]:
    """Each is made when it is its turn: it reads what the one before has left."""

    def approvals() -> Act:
        return lambda session, actor, _: approve_invoice(session, actor, place.engagement, JANUARY)

    def issues() -> Act:
        with session_scope(quick_engine(address), sees=EVERYTHING, read_only=True) as session:
            prepared = prepare_issue(
                session, place.people[0], place.engagement, JANUARY, make_workshop(folder)
            )
        return lambda session, actor, _: commit_issue(session, actor, place.engagement, prepared)

    def credited() -> Act:
        with session_scope(quick_engine(address), sees=EVERYTHING) as session:
            invoice = session.scalars(select(FeeInvoice)).one()
            for _ in range(size):
                draw_up(session, place.people[0], place.engagement, invoice, Everything(), "all")
        return lambda session, actor, at: issue_credit_note(
            session, actor, place.engagement, at + 1
        )

    return ("approvals", approvals), ("issues", issues), ("credits", credited)


def _crowd(address: str, act: Act, people: Sequence[Actor], size: int, found: Crowd) -> str:
    """Have processes do it at once; says how many won and how many were told."""
    ready = get_context("fork").Barrier(size)
    others = people[1:]
    processes = [fork(_do, address, act, others[at % len(others)], at, ready) for at in range(size)]
    for one in processes:
        one.join(_LONGEST)
    codes = [one.exitcode for one in processes]
    won, told, busy = (codes.count(code) for code in (_WON, _TOLD, _BUSY))
    if won != 1 or won + told + busy != size:
        found.wrong.append(f"{won} won, {told} were told, {busy} found it busy of {size}")
    return f"{won} won, {told + busy} of {size - 1} told"


def _do(address: str, act: Act, actor: Actor, at: int, ready: Barrier) -> None:
    engine = quick_engine(address)
    code = _FAILED
    try:
        with engine.connect():
            ready.wait(_LONGEST)
        with session_scope(engine, sees=EVERYTHING) as session:
            act(session, actor, at)
        code = _WON
    except Conflict:
        code = _TOLD
    except Busy:
        code = _BUSY
    finally:
        os._exit(code)


_ONCE = (Action.INVOICE_APPROVED, Action.INVOICE_ISSUED, Action.CREDIT_NOTE_ISSUED)


def _wrong(engine: Engine, folder: Path) -> list[str]:
    """What isn't there exactly once, and what the log's check finds."""
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        invoice = session.scalars(select(FeeInvoice)).one()
        credited = credited_of(session, [invoice.id])
        issued = session.scalars(
            select(func.count()).where(col(CreditNote.state) == CreditNoteState.ISSUED)
        ).one()
        counts = {
            action: session.scalars(
                select(func.count()).where(col(AuditEntry.action) == action)
            ).one()
            for action in _ONCE
        }
    found = [f"{action}: {number} times" for action, number in counts.items() if number != 1]
    if issued != 1 or credited != {invoice.id: invoice.payable_minor} or invoice.sequence != 1:
        found.append(f"{issued} credit notes, {credited} of {invoice.payable_minor}")
    keys = keys_in(folder)
    sequence(engine, keys)
    return found + complaints(check(engine, keys))
