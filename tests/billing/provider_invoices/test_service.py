"""Documents handed in, checked, contested and decided on, on both databases."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from billing.invoices.fee_document import DocumentType
from billing.provider_invoices.contests import (
    answer_contest,
    raise_contests,
    resolve_contest,
    withdraw_contest,
)
from billing.provider_invoices.models import (
    ContestState,
    ProviderInvoice,
    ProviderInvoiceCheck,
    ProviderInvoiceState,
)
from billing.provider_invoices.queries import (
    PeriodCheck,
    check_of,
    get_invoice,
    list_contests,
    list_invoices,
    months_of,
)
from billing.provider_invoices.service import (
    InvoiceFile,
    check_period,
    decide_on_invoice,
    hand_in_invoice,
)
from billing.settlement.service import settle_period
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.values import Period
from tests.billing.provider_invoices.services import csv_file
from tests.factories import (
    JANUARY,
    make_actor,
    make_contract,
    make_evidence,
    make_member,
    make_workshop,
)

_HEAD = b"Invoice,Date,Month,Item,Description,Net,VAT rate,VAT\n"
_AGREED = (
    _HEAD
    + b"P-1,2026-01-31,2026-01,CH-01,Service desk,1000.00,19,190.00\n"
    + b"P-1,2026-01-31,2026-01,CH-02,Invoices issued,7.50,19,1.42\n"
    + b"P-1,2026-01-31,2026-01,,Service credit 2026-01,-100.75,19,-19.14\n"
)
_TWICE = _HEAD + b"P-2,2026-01-31,2026-01,CH-01,Service desk,10.00,19,1.90\n"


class Place:
    """An engagement whose January can be settled, and people of both sides."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.session, self._folder = session, folder
        self.manager = make_actor(session)
        self.engagement: Engagement = make_contract(session, self.manager).engagement
        self.client = make_member(session, self.engagement, Role.CLIENT_FINANCE)
        self.provider = make_member(session, self.engagement, Role.PROVIDER_FINANCE)
        make_evidence(session, self.manager, self.engagement, folder)

    @property
    def by_client(self) -> tuple[Session, Actor, Engagement]:
        return self.session, self.client, self.engagement

    def settle(self) -> None:
        workshop = make_workshop(self._folder)
        settle_period(self.session, self.manager, self.engagement, JANUARY, workshop)

    def hand_in(self, data: bytes, period: Period | None = None) -> ProviderInvoice:
        return hand_in_invoice(*self.by_client, InvoiceFile("invoice.csv", data), period)

    def check(self) -> PeriodCheck:
        found = check_of(*self.by_client, JANUARY)
        assert found is not None
        return found

    def states(self) -> list[str]:
        return [one.state.value for one in list_invoices(*self.by_client)]


@pytest.fixture
def place(session: Session, tmp_path: Path) -> Place:
    return Place(session, tmp_path)


def test_a_check_waits_and_is_made_again(place: Place) -> None:
    row = place.hand_in(_AGREED)
    assert check_of(*place.by_client, JANUARY) is None
    with pytest.raises(Conflict, match="isn't settled yet"):
        check_period(*place.by_client, JANUARY)
    place.settle()
    check_period(*place.by_client, JANUARY)
    first = place.check()
    assert (first.result.differences, first.stale, first.row.number) == ((), False, 1)
    place.settle()
    assert place.check().stale
    with pytest.raises(Conflict, match="check it again"):
        decide_on_invoice(*place.by_client, row.id, ProviderInvoiceState.APPROVED, "pay it")
    check_period(*place.by_client, JANUARY)
    assert (place.check().stale, place.check().row.number) == (False, 2)
    assert first.row.superseded_at is not None
    assert (row.sha256, row.data) == (row.sha256, _AGREED)
    for table, change in (
        (ProviderInvoice, {"data": b"y"}),
        (ProviderInvoiceCheck, {"billed_minor": 0}),
    ):
        with pytest.raises(DatabaseError, match="refused"), place.session.begin_nested():
            place.session.execute(update(table).values(**change))


def test_a_second_invoice_is_found_and_set_aside(place: Place) -> None:
    place.settle()
    place.hand_in(_AGREED)
    second = place.hand_in(_TWICE)
    assert [(one.kind.value, one.amount) for one in place.check().result.differences] == [
        ("twice", Decimal("10.00")),
        ("tax_follows", Decimal("1.90")),
    ]
    (month,) = months_of(*place.by_client)
    assert (month.billed, month.expected, month.difference) == (109093, 107903, 1190)
    aside = (second.id, ProviderInvoiceState.SET_ASIDE)
    with pytest.raises(BadInput, match="reason"):
        decide_on_invoice(*place.by_client, *aside)
    decide_on_invoice(*place.by_client, *aside, "a copy")
    assert place.check().result.differences == ()
    with pytest.raises(Conflict, match="set aside already"):
        decide_on_invoice(*place.by_client, *aside, "a copy")
    again = place.hand_in(_TWICE)
    decide_on_invoice(*place.by_client, again.id, ProviderInvoiceState.APPROVED, "as agreed today")
    assert place.states() == ["approved", "set_aside", "open"]
    with pytest.raises(BadInput, match="contested"):
        decide_on_invoice(*place.by_client, again.id, ProviderInvoiceState.CONTESTED)


def test_what_was_compared_with_nothing_needs_a_remark(place: Place) -> None:
    place.settle()
    dollars = _TWICE.replace(b"Month,", b"Month,Currency,").replace(b"2026-01,", b"2026-01,USD,")
    row = place.hand_in(dollars)
    approved = (*place.by_client, row.id, ProviderInvoiceState.APPROVED)
    with pytest.raises(BadInput, match="reason"):
        decide_on_invoice(*approved)
    assert decide_on_invoice(*approved, "agreed by mail").remark == "agreed by mail"


def test_what_is_contested_is_answered_by_the_provider(place: Place) -> None:
    place.settle()
    row = hand_in_invoice(*place.by_client, csv_file("P-1"))
    first, *others = raise_contests(*place.by_client, JANUARY)
    assert [one.title for one in (first, *others)] == [
        "Service desk",
        "Service credit 2026-01 (Clause Schedule 2, 1)",
        "Workshop",
        "Tax",
    ]
    assert place.states() == ["contested"]
    with pytest.raises(Conflict, match="waits for the provider's answer"):
        decide_on_invoice(*place.by_client, row.id, ProviderInvoiceState.APPROVED, "pay it")
    with pytest.raises(BadInput, match="contested already"):
        raise_contests(*place.by_client, JANUARY, [first.difference])
    with pytest.raises(Forbidden):
        answer_contest(*place.by_client, first.number, Decimal(1), "yes")
    answered = (place.session, place.provider, place.engagement, first.number)
    for amount in ("-1", "100.01", "1.001"):
        with pytest.raises(BadInput, match="no more can be accepted"):
            answer_contest(*answered, Decimal(amount), "yes")
    answer_contest(*answered, Decimal("60.00"), "the list price was used")
    with pytest.raises(Conflict, match="PC-1 is accepted already"):
        answer_contest(*answered, Decimal(1), "yes")
    (month,) = months_of(*place.by_client)
    open_amounts = sum(one.amount_minor for one in others)
    assert (month.contested, month.recovered) == (6000 + open_amounts, 0)
    resolve_contest(*place.by_client, first.number, "C-1")
    for one in others:
        withdraw_contest(*place.by_client, one.number)
    (month,) = months_of(*place.by_client)
    assert (month.contested, month.recovered) == (0, 6000)
    assert place.states() == ["contested"]
    (again,) = raise_contests(*place.by_client, JANUARY, [others[0].difference])
    assert again.reference == "PC-5"
    states = [one.state for one in list_contests(*place.by_client)]
    assert states.count(ContestState.WITHDRAWN) == 3


def test_the_rest_of_what_has_grown_can_be_contested(place: Place) -> None:
    place.settle()
    place.hand_in(_TWICE.replace(b"10.00,19,1.90", b"1200.00,19,228.00"))
    before = {one.difference: one.amount_minor for one in raise_contests(*place.by_client, JANUARY)}
    place.hand_in(_AGREED)
    tax = [one for one in raise_contests(*place.by_client, JANUARY) if one.title == "Tax"]
    assert [one.amount_minor + before[one.difference] for one in tax] == [22800]


def test_withdrawing_everything_opens_the_invoice_again(place: Place) -> None:
    place.settle()
    place.hand_in(_AGREED)
    place.hand_in(_TWICE)
    for one in raise_contests(*place.by_client, JANUARY):
        withdraw_contest(*place.by_client, one.number)
    assert place.states() == ["open", "open"]


def test_a_month_before_the_engagement(place: Place) -> None:
    place.hand_in(_AGREED.replace(b"2026-01,", b"2025-11,"))
    november = check_of(*place.by_client, Period.month(2025, 11))
    assert november is not None
    assert {one.kind.value for one in november.result.differences} == {"period", "tax_follows"}
    assert november.row.settlement_id is None
    with pytest.raises(BadInput, match="which period it charges"):
        place.hand_in(_TWICE.replace(b"2026-01,", b","))
    with pytest.raises(BadInput, match="no period to bill"):
        place.hand_in(_TWICE, Period.parse("9999-12"))


def test_nobody_else_sees_or_does_it(place: Place) -> None:
    place.settle()
    row = place.hand_in(_AGREED)
    stranger = make_actor(place.session)
    for actor, error in ((stranger, NotFound), (place.provider, Forbidden)):
        with pytest.raises(error):
            hand_in_invoice(place.session, actor, place.engagement, csv_file("P-9"))
        with pytest.raises(error):
            check_period(place.session, actor, place.engagement, JANUARY)
    with pytest.raises(NotFound):
        get_invoice(place.session, stranger, place.engagement, row.id)
    assert get_invoice(place.session, place.provider, place.engagement, row.id).type is (
        DocumentType.INVOICE
    )
