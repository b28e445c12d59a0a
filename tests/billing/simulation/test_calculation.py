"""Months simulated side by side; the figures are those of settlement.yaml, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from billing.simulation.serialise import simulation_bytes, simulation_of
from billing.simulation.values import Kind, Simulation
from governance.errors import BadInput
from sla.engines.in_process import InProcess
from sla.measurements.values import Status
from tests.billing.settlement.cases import SETTLED, contract_of, settled
from tests.billing.simulation.cases import USUAL, Change, D, simulated

_DEARER: Change = {
    "replace": {
        "charges": [
            {
                "id": "CH-01",
                "title": "Base fee",
                "clause": "Schedule 3, 1",
                "type": "fixed",
                "amount": "900.00",
            },
            {
                "id": "CH-12",
                "title": "Invoices",
                "clause": "Schedule 3, 2",
                "type": "per_unit",
                "meter": "invoices_issued",
                "pricing": {"scheme": "flat", "price": "7.00"},
            },
        ]
    }
}


def _costs(simulation: Simulation) -> list[tuple[str, Any]]:
    return [(one.month, one.sums and one.sums.cost) for one in simulation.new.months]


def test_every_month_is_what_its_settlement_states() -> None:
    found = simulated()
    for row in found.new.months:
        assert row.sums is not None
        settlement = settled({"period": row.month})
        assert row.sums.charges == settlement.priced.subtotal
        assert row.sums.total == settlement.priced.total
        assert row.sums.credit == (settlement.credits.net if settlement.credits else 0)
    assert _costs(found) == [
        ("2026-01", D("1005.00")),
        ("2026-02", D("1024.10")),
        ("2026-03", D("974.85")),
    ]


@pytest.mark.parametrize("case", SETTLED, ids=lambda case: case["case"])
def test_every_mechanism_comes_out_as_its_settlement_states(case: dict[str, Any]) -> None:
    """Each month on those simulated before it, or the last one alone with its history."""
    settlement = settled(case)
    first = f"{contract_of(case).engagement.starts:%Y-%m}"
    for periods in (f"{first}..{case['period']}", case["period"]):
        row = simulated(case, periods=periods).new.months[-1]
        if row.sums is None:
            assert settlement.measured.warnings[-1].code == "no_rows_in_period"
            continue
        assert row.sums.charges == settlement.priced.own_subtotal
        assert row.sums.total == settlement.priced.total
        assert row.sums.credit == (settlement.credits.net if settlement.credits else 0)


def test_earlier_months_are_history() -> None:
    """The miss of March is the second in a row, though March alone is asked for."""
    found = simulated(periods="2026-03")
    assert _costs(found) == [("2026-03", D("974.85"))]
    (level,) = found.new.levels
    assert level.months["2026-03"].credit == D("30.15")
    assert level.months["2026-03"].status is Status.BELOW_MINIMUM
    assert "2nd miss in a row" in level.months["2026-03"].why


def test_clauses_are_matched_by_id_and_then_by_clause() -> None:
    found = simulated(_DEARER, USUAL)
    rows = {
        (one.old_id, one.new_id): (one.old_total, one.new_total, one.change)
        for one in found.differences
    }
    assert rows == {
        ("CH-01", "CH-01"): (D("3000.00"), D("2700.00"), D("-300.00")),
        ("CH-02", "CH-12"): (D("25.00"), D("35.00"), D("10.00")),
        ("CH-03", None): (D("30.00"), 0, D("-30.00")),
        # (900 + 21) × 2 % = 18.42 and (900 + 7) × 2 % × 1.5 = 27.21, against 20.90 + 30.15.
        ("SL-01", "SL-01"): (D("-51.05"), D("-45.63"), D("5.42")),
    }
    assert found.compared == ("2026-01", "2026-02", "2026-03")
    by_month = found.differences[1].new
    assert by_month == {"2026-01": D("7.00"), "2026-02": D("21.00"), "2026-03": D("7.00")}


def test_rows_add_up_to_what_the_months_cost() -> None:
    found = simulated(_DEARER, USUAL)
    for contract, side in ((found.old, "old_total"), (found.new, "new_total")):
        assert contract is not None
        costs = sum((one.cost for one in contract.priced.values()), D(0))
        assert sum((getattr(one, side) for one in found.differences), D(0)) == costs


def test_a_contract_alone_has_rows_without_another_side() -> None:
    found = simulated()
    assert found.old is None
    assert {one.old_id for one in found.differences} == {None}
    assert [one.kind for one in found.differences] == [Kind.CHARGE] * 3 + [Kind.CREDIT]


def test_a_month_that_cannot_be_priced_is_set_aside() -> None:
    """The new contract counts reminders from March on, and evidence has none."""
    reminders = {
        "id": "CH-09",
        "title": "Reminders",
        "type": "per_unit",
        "meter": "reminders_sent",
        "from": "2026-03-01",
        "pricing": {"scheme": "flat", "price": "1"},
    }
    base = {"id": "CH-01", "title": "Base fee", "type": "fixed", "amount": "900.00"}
    found = simulated({"replace": {"charges": [base, reminders]}}, USUAL)
    assert [one.sums is None for one in found.new.months] == [False, False, True]
    assert "needs the dataset activities" in found.new.months[2].problems[0]
    assert found.compared == ("2026-01", "2026-02")
    assert found.differences[0].old_total == D("2000.00")
    assert found.old is not None
    assert "2026-03" in found.old.priced


def test_what_a_month_set_aside_measured_counts_for_rows_of_misses() -> None:
    base = {"id": "CH-01", "title": "Base fee", "type": "fixed", "amount": "900.00"}
    february = {
        "id": "CH-09",
        "title": "Reminders",
        "type": "per_unit",
        "meter": "reminders_sent",
        "from": "2026-02-01",
        "to": "2026-02-28",
        "pricing": {"scheme": "flat", "price": "1"},
    }
    found = simulated({"replace": {"charges": [base, february]}})
    assert found.new.months[1].sums is None
    # 900.00 × 10 % × 50 % × 40 % × 1.5 for the second miss in a row
    assert found.new.levels[0].months["2026-03"].credit == D("27.00")


def test_months_without_evidence_are_set_aside() -> None:
    found = simulated(periods="2026-03..2026-04")
    assert found.new.months[1].sums is None
    assert "No row of the evidence is dated in 2026-04" in found.new.months[1].problems[0]
    nothing = simulated(periods="2026-04..2026-05")
    assert nothing.compared == ()
    assert (nothing.new.volume, nothing.new.sensitivity) == ((), ())


def test_progress_counts_every_month_of_each_contract_and_its_history() -> None:
    said: list[tuple[int, int]] = []
    simulated(USUAL, USUAL, "2026-02..2026-03", progress=lambda *each: said.append(each))
    assert said == [(done, 6) for done in range(1, 7)]


def test_both_contracts_ask_the_evidence_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = _count_queries(monkeypatch)
    simulated()
    alone = counted.copy()
    counted.clear()
    simulated(USUAL, USUAL)
    assert len(counted) == len(alone)


def _count_queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    counted: list[str] = []
    answer = InProcess.answer

    def counting(self: InProcess, connection: Any, query: str, bound: Any) -> Any:
        counted.append(query)
        return answer(self, connection, query, bound)

    monkeypatch.setattr(InProcess, "answer", counting)
    return counted


def test_a_document_reads_back_as_it_was() -> None:
    found = simulated(_DEARER, USUAL)
    data = simulation_bytes(found)
    assert simulation_of(data) == found
    assert simulation_bytes(simulation_of(data)) == data
    assert b'"2026-01":"1000.00"' in data


@pytest.mark.parametrize(
    ("new", "old", "message"),
    [
        ({"change": {"engagement": {"starts": "2026-02-01"}}}, None, "1 month lies outside"),
        (USUAL, {"change": {"engagement": {"currency": "GBP"}}}, "different currencies"),
    ],
)
def test_what_cannot_be_simulated(new: Change, old: Change | None, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        simulated(new, old)


def test_months_outside_the_old_contract_are_set_aside() -> None:
    found = simulated(USUAL, {"change": {"engagement": {"starts": "2026-02-01"}}})
    assert found.old is not None
    assert [one.sums is None for one in found.old.months] == [True, False, False]
    assert "outside the engagement" in found.old.months[0].problems[0]
    assert found.compared == ("2026-02", "2026-03")
