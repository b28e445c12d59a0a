"""The demo's year: what becomes of its invoices, and its books."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.database import make_engine, session_scope
from app.demo.files import CREDIT_PERIOD, write_demo_files
from app.demo.seed import live_through, seed
from app.evidence_store import store_of
from app.settings import Settings
from billing.accounting.queries import Wanted, read_journal
from billing.accounting.values import EntryKind, Journal
from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.standing import Stage
from billing.invoices.standings import standings_of
from billing.payments.models import Payment
from billing.payments.queries import balances_of, issued_invoices, open_minor_of
from billing.provider_invoices.models import ProviderInvoice
from billing.reminders.models import LateCharge, Reminder
from billing.settlement.service import Workshop
from governance.access_terms import Side
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from governance.values import Money, Period
from sla.kpis.catalogue import load_catalogue
from sla.measurements.models import MeasuredPeriodRecord
from sla.service_credits.models import ServiceCreditTotal
from tests.billing.accounting.test_hledger import hledger
from tests.factories import TextRenderer

_NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
_TODAY = _NOW.date()


@pytest.fixture(scope="module")
def engine(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The whole year, lived through once for all tests."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copyfile(sqlite_template, folder / "plumbline.db")
    settings = Settings(data_dir=folder)
    made = make_engine(settings)
    seed(made, settings, write_demo_files(folder / "files"), _NOW)
    workshop = Workshop(store_of(settings), load_catalogue(), TextRenderer())
    assert len(list(live_through(made, settings, workshop, _NOW))) == 22
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as opened:
        yield opened


def _engagement(session: Session) -> Engagement:
    return session.scalars(select(Engagement)).one()


def test_every_standing_is_there(session: Session) -> None:
    issued = session.scalars(
        select(FeeInvoice)
        .where(col(FeeInvoice.state) == InvoiceState.ISSUED)
        .order_by(col(FeeInvoice.period_start))
    ).all()
    standings = standings_of(session, issued, _TODAY)
    found = [(one.number, standings[one.id].stage, standings[one.id].overdue) for one in issued]
    first_year = [(f"LW-2025-{number:05}", Stage.PAID, False) for number in range(1, 12)]
    assert found == [
        *first_year,
        ("LW-2026-00001", Stage.PAID, False),
        ("LW-2026-00002", Stage.PAID, False),
        ("LW-2026-00003", Stage.PAID, False),
        ("LW-2026-00004", Stage.PAID, False),
        ("LW-2026-00005", Stage.PART_PAID, True),
        ("LW-2026-00006", Stage.SENT, True),
        ("LW-2026-00007", Stage.PAID, False),
        ("LW-2026-00008", Stage.SENT, True),
    ]
    dates = [(one.issued_on, one.due_on) for one in issued[:2]]
    assert dates == [
        (date(2025, 2, 5), date(2025, 3, 7)),
        (date(2025, 3, 5), date(2025, 4, 4)),
    ]


def test_one_line_was_credited_and_one_payment_is_too_much(session: Session) -> None:
    note = session.scalars(select(CreditNote)).one()
    assert (note.state, note.subtotal_minor) == (CreditNoteState.ISSUED, 8400)
    assert note.prepared_by_id != note.decided_by_id
    payments = session.scalars(select(Payment)).all()
    left = [one.on_account_minor for one in balances_of(session, payments).values()]
    assert sorted(left) == [0] * (len(payments) - 1) + [25000]
    assert {one.source.value for one in payments} == {"csv", "camt053"}


def test_late_payment_is_reminded_of_and_an_overcharge_is_found(session: Session) -> None:
    reminders = session.scalars(select(Reminder).order_by(col(Reminder.number))).all()
    assert [(one.issued_on, one.level) for one in reminders] == [
        (date(2026, 7, 14), 1),
        (date(2026, 7, 28), 2),
    ]
    own = session.scalars(select(ProviderInvoice)).one()
    billed = session.scalars(
        select(FeeInvoice).where(col(FeeInvoice.period_start) == date(2026, 7, 1))
    ).one()
    # 57.60 more in the second line, with 19 % of tax, and no service credit in either.
    assert own.total_minor - billed.total_minor == 6854
    kinds = {one.kind.value for one in session.scalars(select(LateCharge))}
    assert kinds == {"interest", "lump_sum", "fee"}


def test_one_month_earns_a_credit(session: Session) -> None:
    rows = session.execute(
        select(col(MeasuredPeriodRecord.period_start), col(ServiceCreditTotal.credit_minor))
        .join(ServiceCreditTotal)
        .where(col(ServiceCreditTotal.credit_minor) > 0)
    ).all()
    assert [tuple(one) for one in rows] == [(CREDIT_PERIOD.start, 100712)]


def _journal(session: Session, side: Side) -> Journal:
    years = Period(date(2025, 1, 1), date(2026, 11, 30))
    return read_journal(session, _engagement(session), Wanted(years, side), _TODAY)


@pytest.mark.parametrize("side", Side)
def test_the_books_of_the_year_balance_and_hledger_takes_them(
    session: Session, side: Side, tmp_path: Path
) -> None:
    journal = _journal(session, side)
    assert not any(one.difference for one in journal.entries)
    hledger(tmp_path, journal, "check", "--strict", "payees", "ordereddates")
    balances = {one.account.name: one.balance for one in journal.totals}
    invoices = issued_invoices(session, _engagement(session))
    still = sum(open_minor_of(session, invoices).values())
    late = sum(one.amount_minor for one in session.scalars(select(LateCharge)))
    if side is Side.PROVIDER:
        assert balances["assets:receivable"] == Money(still + late, "EUR").amount
    else:
        # The provider gave up 12.50; the client owes them as before.
        assert balances["liabilities:payable"] == -Money(still + late + 1250, "EUR").amount


def test_the_journal_has_every_kind_that_the_year_makes(session: Session) -> None:
    kinds = {one.kind for one in _journal(session, Side.PROVIDER).entries}
    assert kinds >= {
        EntryKind.INVOICE,
        EntryKind.CREDIT_NOTE,
        EntryKind.PAYMENT,
        EntryKind.WRITE_OFF,
        EntryKind.ACCRUAL,
        EntryKind.REVERSAL,
    }
