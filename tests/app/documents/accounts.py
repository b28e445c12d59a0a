"""An account, its statement and reminders, made by hand for documents."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.charges.values import IndexValue
from billing.indexation_series import IndexSeries
from billing.reminders.letter import Letter, letter_of
from billing.reminders.proposals import Taken, proposals
from billing.statements.interest import LateInterest, late_interest
from billing.statements.statement import Statement, statement
from billing.statements.values import (
    Account,
    Charged,
    Contested,
    Effect,
    MovementKind,
    Receipt,
    Receivable,
)
from governance.contract.document import Contract
from governance.values import Period, summed
from tests.app.documents.contracts import contract, contract_document

TODAY = date(2026, 6, 15)
SERIES = IndexSeries(
    "ECB base rate",
    tuple(
        IndexValue(date(2026, month, 1), Decimal(rate))
        for month, rate in ((1, "2.15"), (4, "2.40"), (7, "2.40"))
    ),
)
_FEES = ("18432.10", "17980.55", "19204.00", "18777.35", "20113.90")


def late_contract(language: str = "en", **invoicing: Any) -> Contract:
    """The contract with terms for late payment."""
    terms = {
        "language": language,
        "late_payment": {
            "rate_percent": "9",
            "above": "ECB base rate",
            "flat": "40.00",
            "grace_days": 5,
        },
        "reminders": [
            {"after_days": 7},
            {"after_days": 21, "fee": "5.00"},
            {"after_days": 35, "fee": "15.00"},
        ],
    }
    return contract(invoicing=contract_document()["invoicing"] | terms | invoicing)


def account() -> Account:
    """Five invoices: paid, paid in part and late, credited, disputed in part, and not due yet."""
    invoices = [
        _invoice(1, paid=[(date(2026, 3, 4), "18432.10")]),
        _invoice(2, paid=[(date(2026, 4, 20), "10000.00")]),
        _invoice(3, credited=[(date(2026, 4, 28), "1204.00")]),
        _invoice(4, disputed=[(date(2026, 5, 19), "2400.00")]),
        _invoice(5),
    ]
    receipts = tuple(
        Receipt(one.reference, one.on, -one.amount, note="Nordlicht Handel GmbH")
        for invoice in invoices
        for one in invoice.paid
    )
    more = Receipt("PAY-3", date(2026, 5, 11), Decimal("250.00"), note="Nordlicht Handel GmbH")
    fee = Charged(MovementKind.REMINDER_FEE, date(2026, 5, 4), Decimal("5.00"), "RM-1", "")
    return Account("ENG-2026-014", "EUR", tuple(invoices), (*receipts, more), (fee,))


def _invoice(month: int, **happened: list[tuple[date, str]]) -> Receivable:
    issued = Period.month(2026, month).end + timedelta(days=3)
    return Receivable(
        id=month,
        number=f"CW-2026-{month:05}",
        period=Period.month(2026, month),
        issued_on=issued,
        due_on=issued + timedelta(days=30),
        payable=Decimal(_FEES[month - 1]),
        effects=tuple(
            Effect(day, -Decimal(amount), MovementKind.CREDIT_NOTE, f"CN-2026-{month:05}")
            for day, amount in happened.get("credited", ())
        ),
        paid=tuple(
            Effect(day, -Decimal(amount), MovementKind.PAYMENT, f"PAY-{month}")
            for day, amount in happened.get("paid", ())
        ),
        contested=tuple(
            Contested(day, None, Decimal(amount)) for day, amount in happened.get("disputed", ())
        ),
    )


def half_year(found: Account | None = None) -> Statement:
    """The account's statement of the first half-year, so far."""
    return statement(found or account(), Period(date(2026, 1, 1), TODAY))


def costs(found: Contract) -> dict[str, LateInterest]:
    """What late payment of each invoice costs today."""
    terms = found.invoicing.late_payment
    assert terms is not None
    return {
        one.number: late_interest(terms, one, TODAY, "EUR", SERIES) for one in account().receivables
    }


def uncharged(found: Contract) -> Decimal:
    """All of it: no reminder has charged any."""
    return summed(one.total for one in costs(found).values())


def letter(found: Contract, step: int = 1, *, charges: bool = False) -> Letter:
    """The reminder of that step about all late invoices."""
    taken = {
        number: Taken(step - 1, date(2026, 4, 1), "RM-1") for number in range(1, 6) if step > 1
    }
    steps = found.invoicing.reminders
    proposed = proposals(account(), steps, taken, costs(found), TODAY)
    return letter_of(
        found,
        tuple(one for one in proposed if one.ready and (one.open or charges)),
        TODAY,
        TODAY + timedelta(days=10),
        charges=charges,
        earlier=Decimal("5.00") if step > 1 else Decimal(0),
        on_account=Decimal("250.00"),
        currency="EUR",
    )
