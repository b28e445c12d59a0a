"""Runs are worked on chunk by chunk, and go on wherever a worker was ended."""

from __future__ import annotations

import sqlite3
from itertools import count

import pytest
from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from app import running
from app.database import actor_scope, session_scope
from governance.audit.models import Action, AuditEntry
from governance.audit.service import events_of
from governance.errors import Busy, Conflict, NotFound
from governance.parties.models import Membership
from governance.runs.models import Run
from governance.runs.queries import get_run, items_of, steps_of
from governance.runs.service import cancel_run, pause_run, resume_run, retry_items
from governance.runs.values import ItemState, RunStatus, Task
from governance.runs.working import CAREFUL_AFTER, MOST_TRIES, claim
from governance.tenancy import EVERYTHING
from tests.factories import actor_of, make_user
from tests.governance.runs.sums import doubled
from tests.governance.runs.toys import (
    Clock,
    Numbering,
    Pulse,
    ToyWorld,
    make_toys,
    toy_kind,
    toy_worker,
)

_NAMES = count(1)


@pytest.fixture
def world(module_engine: Engine) -> ToyWorld:
    """Seven engagements of a provider of the test's own."""
    return make_toys(module_engine, f"Toys{next(_NAMES)} Ltd")


def _texts(world: ToyWorld, run_id: int, state: ItemState) -> list[str]:
    with actor_scope(world.engine, world.actor, read_only=True) as session:
        return [one.text for one in items_of(session, session.get_one(Run, run_id), state)]


def test_a_run_works_on_every_engagement_and_says_so(world: ToyWorld) -> None:
    kind = toy_kind()
    run_id = world.start(kind)
    worker = toy_worker(world, kind)
    assert worker.work_waiting()
    assert not worker.work_waiting()
    run = world.run(run_id)
    assert (run.status, run.done, run.worked, run.percent) == (RunStatus.DONE, 7, 7, 100)
    assert (run.owner, run.lease_until) == (None, None)
    assert world.numbers() == [1, 2, 3, 4, 5, 6, 7]
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        entries = session.scalars(
            select(AuditEntry)
            .where(col(AuditEntry.actor_id) == world.starter.id)
            .order_by(col(AuditEntry.id))
        ).all()
        first = events_of(session, world.engagements[0].id)
    assert [one.action for one in entries] == [
        *[Action.RUN_STARTED] * 8,
        *[Action.INVOICE_ISSUED] * 7,
        *[Action.RUN_FINISHED] * 8,
    ]
    assert {one.request_id for one in entries[8:]} == {f"run-{run_id}"}
    everywhere = {one.engagement_id for one in entries if one.action is Action.RUN_FINISHED}
    assert everywhere == {None, *(one.id for one in world.engagements)}
    told = [one.after for one in first if one.subject_kind == "run"]
    number = f"T-1 {world.engagements[0].id}"
    assert told == [f'{{"steps":{{"number":"done: {number}"}}}}', '{"steps":{"number":"waiting"}}']


def test_a_broken_item_is_set_aside_alone_and_can_be_tried_again(world: ToyWorld) -> None:
    third = world.engagements[2]
    step = Numbering(broken={third.id})
    kind = toy_kind(step)
    run_id = world.start(kind)
    toy_worker(world, kind).work_waiting()
    run = world.run(run_id)
    assert (run.status, run.done, run.set_aside) == (RunStatus.DONE, 6, 1)
    assert _texts(world, run_id, ItemState.SET_ASIDE) == [f"{third.reference} is broken"]
    assert world.numbers() == [1, 2, 3, 4, 5, 6], "the number that it took was given back"
    step.broken.clear()
    with actor_scope(world.engine, world.actor) as session:
        assert retry_items(session, world.actor, session.get_one(Run, run_id)) == 1
    assert world.run(run_id).status is RunStatus.QUEUED
    toy_worker(world, kind).work_waiting()
    run = world.run(run_id)
    assert (run.status, run.done, run.set_aside) == (RunStatus.DONE, 7, 0)
    assert world.numbers() == [1, 2, 3, 4, 5, 6, 7]
    with (
        actor_scope(world.engine, world.actor) as session,
        pytest.raises(Conflict, match="nothing of this is set aside"),
    ):
        retry_items(session, world.actor, session.get_one(Run, run_id))


def test_an_unforeseen_failure_is_set_aside_without_its_details(
    world: ToyWorld, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Task) -> None:
        raise ZeroDivisionError

    kind = toy_kind(Numbering(before_work=fail))
    run_id = world.start(kind)
    toy_worker(world, kind).work_waiting()
    assert world.run(run_id).set_aside == 7
    assert "the server's log says" in _texts(world, run_id, ItemState.SET_ASIDE)[0]
    assert "ZeroDivisionError" in caplog.text


def test_the_run_has_the_rights_that_its_starter_has_when_it_works(world: ToyWorld) -> None:
    kind = toy_kind()
    run_id = world.start(kind)
    gone = world.engagements[1]
    with session_scope(world.engine, sees=EVERYTHING) as session:
        session.execute(
            delete(Membership).where(
                col(Membership.user_id) == world.starter.id,
                col(Membership.engagement_id) == gone.id,
            )
        )
    toy_worker(world, kind).work_waiting()
    run = world.run(run_id)
    assert (run.done, run.set_aside) == (6, 1)
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        (item,) = items_of(session, run, ItemState.SET_ASIDE)
    assert item.engagement_id == gone.id
    assert "no member" in item.text


def test_a_paused_run_stands_until_it_is_resumed(world: ToyWorld) -> None:
    def pause(task: Task) -> None:
        if task.engagement_id == world.engagements[2].id:
            with session_scope(world.engine, sees=EVERYTHING) as session:
                run = session.get_one(Run, task.run_id)
                if run.status is RunStatus.RUNNING:
                    pause_run(session, world.actor, run)

    step = Numbering(before_prepare=pause)
    kind = toy_kind(step, chunk=2)
    run_id = world.start(kind)
    worker = toy_worker(world, kind)
    assert worker.work_waiting()
    run = world.run(run_id)
    assert (run.status, run.done, run.owner) == (RunStatus.PAUSED, 2, None)
    assert not worker.work_waiting()
    step.before_prepare = lambda _: None
    with session_scope(world.engine, sees=EVERYTHING) as session:
        resume_run(session, world.actor, session.get_one(Run, run_id))
    assert worker.work_waiting()
    assert world.run(run_id).done == 7
    assert world.numbers() == [1, 2, 3, 4, 5, 6, 7]


def test_a_cancelled_run_stays_cancelled(world: ToyWorld) -> None:
    kind = toy_kind()
    run_id = world.start(kind)
    with session_scope(world.engine, sees=EVERYTHING) as session:
        run = session.get_one(Run, run_id)
        cancel_run(session, world.actor, run)
        for turn in (pause_run, resume_run, cancel_run):
            with pytest.raises(Conflict, match="cancelled already"):
                turn(session, world.actor, run)
        with pytest.raises(Conflict, match="start another one"):
            retry_items(session, world.actor, run)
    assert not toy_worker(world, kind).work_waiting()


def test_a_worker_that_wakes_after_its_lease_writes_nothing(world: ToyWorld) -> None:
    kind, clock = toy_kind(chunk=7), Clock()
    other = toy_worker(world, kind, clock)

    def sleep(_: Task) -> None:
        clock.leap(120)
        slept.append(other.work_waiting())

    slept: list[bool] = []
    run_id = world.start(kind)
    sleeper = toy_worker(world, toy_kind(Numbering(before_prepare=sleep), chunk=7), clock)
    assert sleeper.work_waiting()
    assert slept == [True]
    run = world.run(run_id)
    assert (run.status, run.done, run.fence) == (RunStatus.DONE, 7, 2)
    assert world.numbers() == [1, 2, 3, 4, 5, 6, 7]


def test_a_lost_connection_is_found_out_and_the_run_goes_on(world: ToyWorld) -> None:
    failures = iter([True, False, True])

    def cut(_: Task) -> None:
        if next(failures, False):
            raise OperationalError("", {}, OSError("the connection is gone"))

    kind = toy_kind(Numbering(before_work=cut))
    run_id = world.start(kind)
    worker = toy_worker(world, kind)
    for _ in range(2):
        with pytest.raises(OperationalError):
            worker.work_waiting()
    assert worker.work_waiting(), "the worker takes its own run up again at once"
    assert world.run(run_id).done == 7
    assert world.numbers() == [1, 2, 3, 4, 5, 6, 7]


def test_a_slow_calculation_keeps_its_run(world: ToyWorld) -> None:
    clock, pulse = Clock(), Pulse()
    taken: list[bool] = []

    def take_long(_: Task) -> None:
        for _times in range(6):
            clock.leap(25)
            pulse.beat()
        taken.append(other.work_waiting())

    other = toy_worker(world, toy_kind(), clock)
    kind = toy_kind(Numbering(before_prepare=take_long), chunk=4)
    run_id = world.start(kind)
    slow = toy_worker(world, kind, clock)
    slow.wait = pulse
    assert slow.work_waiting()
    assert taken == [False] * 7
    run = world.run(run_id)
    assert (run.status, run.done, run.fence) == (RunStatus.DONE, 7, 1)


def test_a_worker_notices_while_it_calculates_that_its_run_was_paused(world: ToyWorld) -> None:
    pulse = Pulse()
    begun: list[int] = []

    def pause(task: Task) -> None:
        begun.append(task.engagement_id)
        with session_scope(world.engine, sees=EVERYTHING) as session:
            pause_run(session, world.actor, session.get_one(Run, task.run_id))
        pulse.beat_once_more()

    kind = toy_kind(Numbering(before_prepare=pause), chunk=7)
    run_id = world.start(kind)
    worker = toy_worker(world, kind)
    worker.wait = pulse
    assert worker.work_waiting()
    assert begun == [world.engagements[0].id]
    assert world.run(run_id).done == 0


def test_waiting_for_others_locks_sets_nothing_aside(world: ToyWorld) -> None:
    refusals: list[Exception] = [
        Busy("others are at work"),
        OperationalError("", {}, sqlite3.OperationalError("database is locked")),
    ] * (MOST_TRIES // 2 + 1)

    def wait(_: Task) -> None:
        if refusals:
            raise refusals.pop()

    kind = toy_kind(Numbering(before_work=wait))
    run_id = world.start(kind)
    worker = toy_worker(world, kind)
    while refusals:
        with pytest.raises((Busy, OperationalError)):
            worker.work_waiting()
        run = world.run(run_id)
        assert (run.status, run.owner, run.tries) == (RunStatus.QUEUED, None, 0)
    assert worker.work_waiting()
    assert world.run(run_id).done == 7


def test_what_ends_its_worker_again_and_again_is_set_aside(world: ToyWorld) -> None:
    kind, clock = toy_kind(chunk=3), Clock()
    run_id = world.start(kind)
    for at in range(MOST_TRIES):
        clock.leap(120)
        with session_scope(world.engine, sees=EVERYTHING) as session:
            held = claim(
                session, [kind.name], f"worker {at}", clock(), toy_worker(world, kind).lease
            )
        assert held is not None
        assert held.chunk == (1 if at >= CAREFUL_AFTER else 3)
    clock.leap(120)
    toy_worker(world, kind, clock).work_waiting()
    run = world.run(run_id)
    assert (run.done, run.set_aside) == (6, 1)
    assert _texts(world, run_id, ItemState.SET_ASIDE)[0].startswith("the worker ended 5 times")


def test_calculations_have_processes_of_their_own(world: ToyWorld) -> None:
    kind = toy_kind(Numbering(compute=doubled), chunk=7)
    run_id = world.start(kind)
    worker = toy_worker(world, kind)
    worker.work_waiting()
    worker.pool.close()
    done = _texts(world, run_id, ItemState.DONE)
    wanted = [f"T-{at} {2 * one.id}" for at, one in enumerate(world.engagements, start=1)]
    assert done == wanted


def test_two_starts_make_one_run(world: ToyWorld) -> None:
    kind = toy_kind()
    run_id = world.start(kind)
    with pytest.raises(Conflict, match="no engagement that this run could work on"):
        world.start(kind)
    toy_worker(world, kind).work_waiting()
    assert world.run(run_id).done == 7


def test_only_who_may_do_the_work_sees_a_run(world: ToyWorld) -> None:
    kind = toy_kind()
    run_id = world.start(kind)
    with session_scope(world.engine, sees=EVERYTHING) as session:
        stranger = actor_of(make_user(session))
    with (
        actor_scope(world.engine, stranger, read_only=True) as session,
        pytest.raises(NotFound, match="no such run"),
    ):
        get_run(session, stranger, run_id, kind.permission)
    with actor_scope(world.engine, world.actor, read_only=True) as session:
        run = get_run(session, world.actor, run_id, kind.permission)
        assert steps_of(session, run) == {"number": {ItemState.WAITING: 7}}
    toy_worker(world, kind).work_waiting()


def test_what_was_prepared_is_stored_in_as_many_transactions_as_it_takes(
    world: ToyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is prepared twice where one transaction would hold its locks for too long."""
    monkeypatch.setattr(running, "_CHUNK_SECONDS", 0.0)
    prepared: list[int] = []
    step = Numbering(before_prepare=lambda task: prepared.append(task.engagement_id))
    kind = toy_kind(step, chunk=7)
    run_id = world.start(kind)
    toy_worker(world, kind).work_waiting()
    assert prepared == [one.id for one in world.engagements]
    assert (world.run(run_id).done, world.run(run_id).fence) == (7, 1)
