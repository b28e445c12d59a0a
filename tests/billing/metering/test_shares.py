"""No row is billed twice, and late rows are billed in the next period."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from billing.metering.catalogue import load_meters
from billing.metering.matching import match
from billing.metering.rows import Row, identity_of
from billing.metering.values import MeterShare, metering_json, metering_stated
from governance.values import Period
from sla.evidence.datasets import DATASETS
from tests.billing.metering.deliveries import Draft, World, times_billed

JANUARY, FEBRUARY, MARCH, APRIL = (Period.month(2026, month) for month in range(1, 5))
METER = "invoices_issued"


def _invoices(*rows: tuple[str, str]) -> list[dict[str, object]]:
    usual = {"customer_id": "C1", "currency": "EUR", "amount": "10"}
    return [{**usual, "invoice_id": name, "issue_date": day, "due_date": day} for name, day in rows]


def _allocations(*rows: tuple[str, str, str, str]) -> list[dict[str, object]]:
    names = ("receipt_id", "invoice_id", "amount", "applied_on")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _names(rows: Iterable[Row]) -> list[str]:
    return [row.names[0] for row in rows]


def _late(share: MeterShare) -> dict[str, list[str]]:
    return {one.label: _names(one.rows) for one in share.late}


@pytest.fixture
def world() -> World:
    made = World([METER])
    made.deliver(invoices=_invoices(("I-1", "2026-01-01"), ("I-2", "2026-01-31")))
    made.seal(made.settle(JANUARY))
    return made


_FIRST = (("I-1", "2026-01-01"), ("I-2", "2026-01-31"))


def test_without_a_correction_nothing_is_late(world: World) -> None:
    world.deliver(invoices=_invoices(*_FIRST, ("I-3", "2026-02-01")))
    assert not world.settle(FEBRUARY).metering.shares


def test_a_late_row_is_billed_by_the_next_period_and_by_no_later_one(world: World) -> None:
    world.deliver(invoices=_invoices(*_FIRST, ("I-9", "2026-01-15"), ("I-3", "2026-02-01")))
    february = world.settle(FEBRUARY)
    assert _late(february.share(METER)) == {"2026-01": ["I-9"]}
    # While February isn't sealed, March leaves the row to it.
    assert not world.settle(MARCH).metering.shares
    world.seal(february)
    assert not world.settle(MARCH).metering.shares
    assert times_billed(world, METER)["I-9",] == 1


def test_a_restatement_leaves_out_what_a_later_invoice_billed_as_late(world: World) -> None:
    world.deliver(invoices=_invoices(*_FIRST, ("I-9", "2026-01-15")))
    world.seal(world.settle(FEBRUARY))
    world.deliver(invoices=_invoices(*_FIRST, ("I-9", "2026-01-15"), ("I-8", "2026-01-16")))
    restated = world.restate(JANUARY)
    assert _names(restated.share(METER).without) == ["I-9"]
    assert not restated.share(METER).late
    # It holds I-8, so that is late no more.
    assert not world.settle(MARCH).metering.shares


def test_a_restatement_that_holds_the_rows_ends_their_being_late(world: World) -> None:
    world.deliver(invoices=_invoices(*_FIRST, ("I-9", "2026-01-15")))
    february = world.settle(FEBRUARY)
    assert not world.restate(JANUARY).metering.shares
    assert world.is_overtaken(february)
    assert not world.seal(february).metering.shares


def test_a_restated_period_bills_its_late_rows_again_and_no_others(world: World) -> None:
    world.deliver(invoices=_invoices(*_FIRST, ("I-9", "2026-01-15")))
    world.seal(world.settle(FEBRUARY))
    world.deliver(
        invoices=_invoices(
            *_FIRST, ("I-9", "2026-01-15"), ("I-8", "2026-01-16"), ("I-3", "2026-02-02")
        )
    )
    assert _late(world.restate(FEBRUARY).share(METER)) == {"2026-01": ["I-9"]}
    assert _late(world.settle(MARCH).share(METER)) == {"2026-01": ["I-8"]}
    # Once the evidence lost a row, its restated invoice doesn't bill it either.
    world.deliver(invoices=_invoices(*_FIRST))
    assert not world.restate(FEBRUARY).metering.shares


def test_a_row_that_moved_into_the_period_is_not_billed_again(world: World) -> None:
    world.deliver(invoices=_invoices(("I-1", "2026-01-01"), ("I-2", "2026-02-01")))
    february = world.seal(world.settle(FEBRUARY))
    assert _names(february.share(METER).without) == ["I-2"]
    assert times_billed(world, METER) == {("I-1",): 1, ("I-2",): 1}
    # January gives it back, and as February's invoice is done, March bills it as late.
    world.restate(JANUARY)
    assert times_billed(world, METER)["I-2",] == 0
    march = world.seal(world.settle(MARCH))
    assert _late(march.share(METER)) == {"2026-02": ["I-2"]}
    assert times_billed(world, METER)["I-2",] == 1


def test_a_row_that_moved_between_sealed_periods_stays_where_it_was_billed(world: World) -> None:
    world.deliver(invoices=_invoices(*_FIRST, ("I-3", "2026-02-01")))
    world.seal(world.settle(FEBRUARY))
    world.deliver(
        invoices=_invoices(("I-1", "2026-02-28"), ("I-2", "2026-01-31"), ("I-3", "2026-02-01"))
    )
    assert not world.settle(MARCH).metering.shares
    assert _names(world.restate(FEBRUARY).share(METER).without) == ["I-1"]


def test_the_first_unsealed_period_bills_late_rows_and_no_other_does(world: World) -> None:
    world.seal(world.settle(MARCH))
    world.deliver(invoices=_invoices(*_FIRST, ("I-9", "2026-01-15"), ("I-7", "2026-03-15")))
    assert _late(world.settle(FEBRUARY).share(METER)) == {"2026-01": ["I-9"]}
    april = world.settle(APRIL)
    assert _late(april.share(METER)) == {"2026-03": ["I-7"]}
    world.seal(world.settle(FEBRUARY))
    world.seal(april)
    assert times_billed(world, METER) == {("I-1",): 1, ("I-2",): 1, ("I-7",): 1, ("I-9",): 1}


def test_a_draft_of_older_evidence_is_computed_again_before_it_is_sealed(world: World) -> None:
    world.deliver(invoices=_invoices(*_FIRST, ("I-3", "2026-02-28")))
    february = world.settle(FEBRUARY)
    world.deliver(invoices=_invoices(*_FIRST, ("I-3", "2026-03-01")))
    march = world.settle(MARCH)
    world.seal(february)
    assert world.is_overtaken(march)
    assert _names(world.seal(march).share(METER).without) == ["I-3"]


def test_drafts_of_the_same_evidence_are_sealed_one_after_the_other(world: World) -> None:
    drafts = [world.settle(period) for period in (FEBRUARY, MARCH, APRIL)]
    for draft in drafts:
        assert not world.is_overtaken(draft)
        world.seal(draft)


def test_allocations_are_known_by_all_their_columns_and_counted() -> None:
    world = World(["allocations_made"])
    first = [("R1", "I1", "10", "2026-01-05"), ("R1", "I1", "10", "2026-01-05")]
    world.deliver(allocations=_allocations(*first))
    world.seal(world.settle(JANUARY))
    # One more that equals both, one of another amount on their day.
    late = [("R1", "I1", "10", "2026-01-05"), ("R1", "I1", "5", "2026-01-05")]
    world.deliver(allocations=_allocations(*first, *late))
    february = world.seal(world.settle(FEBRUARY))
    (found,) = february.share("allocations_made").late
    assert sorted(row.amounts for row in found.rows) == [("10",), ("5",)]
    assert not world.settle(MARCH).metering.shares
    assert not world.restate(FEBRUARY).share("allocations_made").without


@pytest.mark.parametrize(
    "corrected",
    [
        pytest.param(("R1", "I1", "11", "2026-01-05"), id="amount"),
        pytest.param(("R1", "I1", "10", "2026-01-06"), id="day"),
        pytest.param(("R1", "I1", "12", "2026-02-06"), id="amount and month"),
    ],
)
def test_a_corrected_allocation_is_no_new_one(corrected: tuple[str, str, str, str]) -> None:
    world = World(["allocations_made"])
    other = ("R2", "I2", "10", "2026-01-05")
    world.deliver(allocations=_allocations(("R1", "I1", "10", "2026-01-05"), other))
    world.seal(world.settle(JANUARY))
    world.deliver(allocations=_allocations(corrected, other))
    february = world.settle(FEBRUARY)
    assert not february.share("allocations_made").late
    moved = corrected[-1] > "2026-02"
    assert _names(february.share("allocations_made").without) == (["R1"] if moved else [])


def test_a_customer_is_served_in_each_period_anew() -> None:
    world = World(["customers_served"])
    world.deliver(invoices=_invoices(("I-1", "2026-01-01")))
    world.seal(world.settle(JANUARY))
    late = {**_invoices(("I-8", "2026-01-02"))[0], "customer_id": "C2"}
    more = _invoices(("I-1", "2026-01-01"), ("I-9", "2026-01-02"), ("I-2", "2026-02-01"))
    world.deliver(invoices=[*more, late])
    share = world.settle(FEBRUARY).share("customers_served")
    assert share.without == ()
    assert _late(share) == {"2026-01": ["C2"]}


def test_days_worked_come_late_one_by_one() -> None:
    world = World(["fte"])
    person = {"person_id": "P1", "role": "collector", "fte": "1"}
    world.deliver(resources=[{**person, "from": "2026-01-11"}])
    world.seal(world.settle(JANUARY))
    world.deliver(resources=[{**person, "from": "2026-01-10", "to": "2026-02-15"}])
    share = world.settle(FEBRUARY).share("fte")
    (late,) = share.late
    assert [row.names for row in late.rows] == [("P1", "collector", "2026-01-10")]
    assert share.without == ()


def test_what_a_settlement_keeps_reads_back(world: World) -> None:
    world.deliver(invoices=_invoices(("I-1", "2026-02-01"), ("I-9", "2026-01-15")))
    metering = world.settle(FEBRUARY).metering
    assert metering.shares
    assert metering_stated(metering_json(metering)) == metering


def test_rows_and_tickets_of_nothing() -> None:
    identity = identity_of(load_meters()[METER], ("invoice_id",))
    assert match([], [], identity) == ([], [])


_MONTHS = (JANUARY, FEBRUARY, MARCH, APRIL)
_DAYS = tuple(f"2026-{month:02}-{day:02}" for month in (1, 2, 3, 4) for day in (1, 15, 28))


class _Story:
    """Random deliveries, settlements, seals and restatements of a world."""

    def __init__(self, chance: random.Random, meter: str) -> None:
        self.chance, self.meter = chance, meter
        self.world = World([meter])
        self.rows: dict[str, dict[str, object]] = {}
        self.drafts: dict[Period, Draft] = {}
        self.made = self.late = self.billed_before = 0
        self.deliver()

    def deliver(self) -> None:
        """New rows of any day, and corrections of old ones."""
        for _ in range(self.chance.randint(1, 4)):
            self.made += 1
            self.rows[f"K{self.made}"] = self.row(f"K{self.made}")
        for name in self.chance.sample(sorted(self.rows), k=min(4, len(self.rows))):
            self.rows[name] = self.row(name)
        rows = list(self.rows.values())
        if self.meter == METER:
            self.world.deliver(invoices=rows)
        else:
            self.world.deliver(allocations=rows)

    def row(self, name: str) -> dict[str, object]:
        """A row on any day; allocations are of few receipts, so that some are equal."""
        day = self.chance.choice(_DAYS)
        if self.meter == METER:
            return _invoices((name, day))[0]
        pair = int(name[1:]) % 3
        amount = self.chance.choice(("5", "10"))
        return _allocations((f"R{pair}", f"I{pair}", amount, day))[0]

    def settle(self) -> None:
        """Any month that isn't sealed."""
        months = [one for one in _MONTHS if one not in self.world.seals]
        if months:
            month = self.chance.choice(months)
            self.drafts[month] = self.world.settle(month)

    def seal(self) -> None:
        """Any draft."""
        if self.drafts:
            self.sealed(self.drafts.pop(self.chance.choice(sorted(self.drafts))))

    def sealed(self, draft: Draft) -> None:
        """Sealed, and counted what is late in it and what it leaves out."""
        share = self.world.seal(draft).share(self.meter)
        self.late += sum(len(late.rows) for late in share.late)
        self.billed_before += len(share.without)

    def restate(self) -> None:
        """Any sealed month; it is sealed again now, or later as a draft is."""
        if self.world.seals:
            month = self.chance.choice(sorted(self.world.seals))
            self.drafts[month] = self.world.settle(month, restates=True)
            if self.chance.random() < 0.5:
                self.sealed(self.drafts.pop(month))

    def tell(self, steps: int) -> None:
        """So many steps, then what is left and one more month, which bills all that is late."""
        for _ in range(steps):
            acts = (self.deliver, self.settle, self.seal, self.restate)
            self.chance.choices(acts, weights=(2, 4, 2, 1))[0]()
        left = [one for one in _MONTHS if one not in self.world.seals]
        for month in self.chance.sample(left, k=len(left)):
            self.sealed(self.world.settle(month))
        self.sealed(self.world.settle(Period.month(2026, 5)))


_TELLING = [
    *((METER, seed) for seed in (3, 5, 6, 9, 11)),
    *(("allocations_made", seed) for seed in (14, 25, 27, 38, 39)),
]
"""Stories of thirty steps in which rows come late, and others are billed already."""


@pytest.mark.parametrize(("meter", "seed"), _TELLING)
def test_every_row_of_the_last_evidence_is_billed_exactly_once(meter: str, seed: int) -> None:
    story = _Story(random.Random(seed), meter)  # noqa: S311 (not for secrets)
    story.tell(30)
    world = story.world
    assert story.late
    assert story.billed_before
    billed, evident = world.billed(meter), world.evident(meter)
    assert len(billed) == len(evident) == len(story.rows)
    if meter == METER:
        assert set(times_billed(world, meter).values()) == {1}
    identity = identity_of(load_meters()[meter], DATASETS["allocations"].column_names)
    assert match(evident, billed, identity) == ([], [])
