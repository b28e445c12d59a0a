"""Several people allocate at the same moment: never more than is open, or than was paid."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import Any

from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.database import session_scope
from billing.payments.allocating import allocate
from billing.payments.csv_reader import Mapped
from billing.payments.importing import Choice, StatementFile, confirm_import, start_import
from billing.payments.models import BankEntry, Payment, PaymentAllocation, WriteOffKind
from billing.payments.queries import balances_of
from billing.payments.recording import NewPayment, Refund, record_payment, refund_payment
from billing.payments.statements import read_statement
from billing.payments.values import Part
from billing.payments.write_offs import NewWriteOff, propose_write_off
from governance.errors import Conflict, PlumblineError
from governance.tenancy import EVERYTHING
from tests.billing.payments.scenes import Scene, make_invoice, make_scene
from tests.billing.payments.statements import Tx, entry, statement

_DAY = date(2026, 3, 1)
_Act = Callable[[Session], Any]


def _at_once(engine: Engine, *acts: _Act) -> list[str]:
    """What each act answers: nothing, or why it was refused."""
    barrier = Barrier(len(acts), timeout=30)

    def one(act: _Act) -> str:
        barrier.wait()
        try:
            with session_scope(engine, sees=EVERYTHING) as session:
                act(session)
        except Conflict as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def _world(engine: Engine, payments: int) -> tuple[Scene, int]:
    with session_scope(engine, sees=EVERYTHING) as session:
        scene = make_scene(session)
        invoice = make_invoice(session, scene.engagement, 1, 10000)
        for _ in range(payments):
            new = NewPayment(_DAY, "EUR", 6000)
            record_payment(session, scene.finance, scene.engagement, new)
        return scene, invoice.id


def test_eight_payments_for_one_invoice(fresh_engine: Engine) -> None:
    scene, invoice_id = _world(fresh_engine, 8)

    def paying(number: int) -> _Act:
        parts = [Part(invoice_id, 6000)]
        return lambda session: allocate(session, scene.finance, scene.engagement, number, parts)

    answers = _at_once(fresh_engine, *(paying(at) for at in range(1, 9)))
    assert answers.count("") == 1
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        total = session.scalar(select(func.sum(col(PaymentAllocation.amount_minor))))
        assert total == 6000


def test_one_payment_is_spent_in_several_ways(fresh_engine: Engine) -> None:
    scene, invoice_id = _world(fresh_engine, 1)
    who = (scene.finance, scene.engagement)

    def pay(session: Session) -> None:
        allocate(session, *who, 1, [Part(invoice_id, 4000)])

    def refund(session: Session) -> None:
        refund_payment(session, *who, 1, Refund(4000, _DAY, "sent back"))

    def give_up(session: Session) -> None:
        new = NewWriteOff(invoice_id, 7000, WriteOffKind.BAD_DEBT, "insolvent")
        propose_write_off(session, *who, new)

    answers = _at_once(fresh_engine, pay, refund, pay, refund, give_up)
    assert answers[:4].count("") == 1
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        payments = session.scalars(select(Payment)).all()
        balance = balances_of(session, payments)[payments[0].id]
        assert balance.on_account_minor == 2000
        assert balance.allocated_minor + balance.refunded_minor == 4000


def test_two_engagements_take_one_entry(fresh_engine: Engine) -> None:
    data = statement(entry("100.00", Tx("both")))
    key = read_statement("b", data, Mapped(), "EUR").entries[0].key
    scenes, imports = [], []
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        for reference in ("ENG-1", "ENG-2"):
            scene = make_scene(session, reference)
            file = StatementFile("b.xml", data, Mapped())
            row = start_import(session, scene.finance, scene.engagement, file)
            scenes.append(scene)
            imports.append(row.id)

    def taking(scene: Scene, import_id: int) -> _Act:
        def act(session: Session) -> None:
            choices = [Choice(key, 6000)]
            confirm_import(session, scene.finance, scene.engagement, import_id, choices)

        return act

    def one(act: _Act) -> str:
        try:
            with session_scope(fresh_engine, sees=EVERYTHING) as session:
                act(session)
        except PlumblineError as error:
            return str(error)
        return ""

    acts = [taking(*pair) for pair in zip(scenes, imports, strict=True)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(one, acts))
    assert answers.count("") == 1
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        assert session.scalars(select(BankEntry)).one().taken_minor == 6000
