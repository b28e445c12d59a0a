"""Reading results: exact numbers, every problem at once."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from governance.errors import BadInput
from governance.values import Period
from sla.service_credits.results import read_results
from sla.service_credits.values import Claims, LevelResult, PeriodResults
from tests.sla.service_credits.contracts import contract_with

_CONTRACT = contract_with(
    None, [{"id": "SL-01", "expected": "99"}, {"id": "SL-02", "expected": "99"}]
)


def _read(document: Any) -> tuple[PeriodResults, ...]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_results(data, "results.json", _CONTRACT)


def _problems(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as error:
        _read(document)
    assert all(problem.file == "results.json" for problem in error.value.problems)
    return [(problem.column, problem.what) for problem in error.value.problems]


def test_every_way_to_write_a_result() -> None:
    text = b"""{"periods": [{"period": "2026-01", "charges": 100000.10, "results": {
        "SL-01": 98.10000000000000000001, "SL-02": null}},
        {"period": "2026-02", "charges": "100000.00", "results": {
        "SL-01": {"value": "96.5", "incident": "INC-7", "excused": true}, "SL-02": {"value": null}}}
    ]}"""
    assert _read(text) == (
        PeriodResults(
            Period.month(2026, 1),
            Decimal("100000.10"),
            {
                "SL-01": LevelResult(Decimal("98.10000000000000000001")),
                "SL-02": LevelResult(None),
            },
        ),
        PeriodResults(
            Period.month(2026, 2),
            Decimal("100000.00"),
            {"SL-01": LevelResult(Decimal("96.5"), "INC-7", True), "SL-02": LevelResult(None)},
        ),
    )


def test_every_problem_is_listed() -> None:
    document = {
        "periods": [
            {"period": "2026-13", "charges": "-1", "results": {"SL-1": "98,5"}},
            {"period": "2026-02", "charge": "5", "results": {"SL-01": {"value": "x", "note": 1}}},
            7,
        ]
    }
    assert _problems(document) == [
        ("periods[0].period", "is not a period"),
        ("periods[0].charges", "is below zero"),
        ("periods[0].results", "unknown service level 'SL-1'"),
        ("periods[0].results.SL-1", "is not a decimal number"),
        ("periods[1]", "unknown key 'charge'"),
        ("periods[1].charges", "is not a decimal number"),
        ("periods[1].results.SL-01", "unknown key 'note'"),
        ("periods[1].results.SL-01.value", "is not a decimal number"),
        ("periods[2]", "is not an object"),
    ]


def test_problems_name_their_line() -> None:
    data = b"""{"periods": [
  {"period": "2026-01",
   "charges": "1.00",
   "results": {
     "SL-01": "98,5",
     "SL-1": "1"}},
  {"period": "2026-02", "results": {}}
]}"""
    with pytest.raises(BadInput) as error:
        _read(data)
    assert [(problem.column, problem.line) for problem in error.value.problems] == [
        ("periods[0].results", 4),
        ("periods[0].results.SL-01", 5),
        ("periods[1].charges", 7),
    ]


@pytest.mark.parametrize(
    "labels", [("2026-02", "2026-01"), ("2026-01", "2026-01"), ("2026-Q1", "2026-03")]
)
def test_periods_stand_in_order_and_once(labels: tuple[str, ...]) -> None:
    periods = [{"period": label, "charges": "1", "results": {}} for label in labels]
    assert _problems({"periods": periods}) == [("periods", f"{labels[1]} stands after {labels[0]}")]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is not JSON: Expecting value"),
        (b"\xff\xfe", "is not JSON: the text is not UTF-8"),
        (b"[]", "has no list of periods"),
        (b'{"periods": []}', "has no period"),
        (b'{"periods": [], "periods": []}', "the key 'periods' stands twice in one object"),
        (b'{"periods": NaN}', "NaN is not a number that can be computed with"),
        (b"[" * 200_000, "is not JSON of results: nested too deeply"),
    ],
)
def test_files_that_are_no_results(data: bytes, what: str) -> None:
    assert [found for _, found in _problems(data)] == [what]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999999", True, [], "12,5", ""])
def test_values_that_are_no_usable_numbers(value: Any) -> None:
    document = {"periods": [{"period": "2026-01", "charges": 1, "results": {"SL-01": value}}]}
    assert len(_problems(document)) == 1


@pytest.mark.parametrize(
    "entry", [{"incident": 7}, {"incident": " "}, {"excused": "yes"}, {"excused": 1}]
)
def test_incident_is_text_and_excused_is_a_truth_value(entry: dict[str, Any]) -> None:
    results = {"SL-01": {"value": "1"} | entry}
    document = {"periods": [{"period": "2026-01", "charges": 1, "results": results}]}
    assert len(_problems(document)) == 1


_RICH = contract_with(
    {
        "method": "per_event",
        "amount": 100,
        "incidents": "chosen",
        "claim_within_days": 30,
        "milestones": [{"id": "M-1", "due": "2026-01-10", "amount": 100}],
    },
    [{"id": "SL-01", "expected": "99"}, {"id": "SL-02", "expected": "99"}],
)


def _read_rich(period: dict[str, Any], **keys: Any) -> PeriodResults:
    usual = {"period": "2026-01", "charges": "1", "results": {}}
    data = json.dumps({"periods": [usual | period], **keys}).encode()
    return read_results(data, "results.json", _RICH)[0]


def _rich_problems(period: dict[str, Any], **keys: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(BadInput) as error:
        _read_rich(period, **keys)
    return [(one.column, one.what, one.allowed) for one in error.value.problems]


def test_milestones_choices_and_claims_are_read() -> None:
    of_incident = {"value": "98", "incident": "INC-1"}
    found = _read_rich(
        {
            "results": {"SL-01": of_incident, "SL-02": of_incident},
            "milestones": {"M-1": "2026-01-12"},
            "chosen": {"INC-1": "SL-02"},
            "claimed_on": "2026-02-10",
        },
        as_of="2026-03-01",
    )
    assert found.milestones == {"M-1": date(2026, 1, 12)}
    assert found.chosen == {"INC-1": "SL-02"}
    assert found.claims == Claims(date(2026, 3, 1), date(2026, 2, 10))


def test_nothing_is_known_of_claims_without_a_day() -> None:
    nothing = {"milestones": None, "chosen": None, "claimed_on": None}
    assert _read_rich(nothing) == PeriodResults(Period.month(2026, 1), Decimal(1), {})
    assert _read_rich({}, as_of="2026-02-01").claims == Claims(date(2026, 2, 1))
    claimed = _read_rich({"claimed_on": "2026-02-03"})
    assert claimed.claims == Claims(date(2026, 2, 3), date(2026, 2, 3))
    assert _read_rich({"milestones": {"M-1": None}}).milestones == {}


@pytest.mark.parametrize(
    ("period", "problem"),
    [
        (
            {"milestones": {"M-2": "2026-01-12"}},
            ("milestones", "unknown milestone 'M-2'", "the nearest known one is 'M-1'"),
        ),
        (
            {"milestones": {"M-1": "12.1.2026"}},
            ("milestones.M-1", "is not a day", "a day as 2026-01-31"),
        ),
        (
            {"milestones": {"M-1": "2026-02-30"}},
            ("milestones.M-1", "is not a day", "a day as 2026-01-31"),
        ),
        ({"milestones": {"M-1": 7}}, ("milestones.M-1", "is not a day", "a day as 2026-01-31")),
        ({"milestones": []}, ("milestones", "is not an object", "days by milestone id")),
        ({"chosen": "SL-01"}, ("chosen", "is not an object", "service level ids by incident")),
        (
            {"chosen": {"INC-2": "SL-01"}},
            ("chosen.INC-2", "no result of the period is of the incident 'INC-2'", ""),
        ),
        (
            {"chosen": {"INC-1": "SL-02"}},
            (
                "chosen.INC-1",
                "the incident 'INC-1' is not behind this service level's result",
                "SL-01",
            ),
        ),
        (
            {"chosen": {"INC-1": 5}},
            (
                "chosen.INC-1",
                "the incident 'INC-1' is not behind this service level's result",
                "SL-01",
            ),
        ),
        ({"claimed_on": "soon"}, ("claimed_on", "is not a day", "a day as 2026-01-31")),
        (
            {"claimed_on": "2025-12-31"},
            ("claimed_on", "was claimed before the period", "2026-01-01 on"),
        ),
        (
            {"claimed_on": "2026-03-02"},
            ("claimed_on", "was claimed after as_of", "2026-03-01 or earlier"),
        ),
        ({"claimed": "2026-03-02"}, ("", "unknown key 'claimed'", "the nearest known one is")),
    ],
)
def test_what_results_can_not_say(period: dict[str, Any], problem: tuple[str, str, str]) -> None:
    results = {"SL-01": {"value": "98", "incident": "INC-1"}, "SL-02": "98"}
    column, what, allowed = problem
    found = _rich_problems({"results": results} | period, as_of="2026-03-01")
    assert len(found) == 1
    assert found[0][:2] == (f"periods[0].{column}".rstrip("."), what)
    assert found[0][2].startswith(allowed)


def test_as_of_is_a_day() -> None:
    assert _rich_problems({}, as_of="March") == [("as_of", "is not a day", "a day as 2026-01-31")]


def test_a_contract_without_the_agreement_has_no_choice_and_no_claim() -> None:
    results = {"SL-01": {"value": "98", "incident": "INC-1"}}
    period = {"period": "2026-01", "charges": 1, "results": results}
    period |= {"chosen": {"INC-1": "SL-01"}, "claimed_on": "2026-02-02"}
    assert _problems({"periods": [period | {"milestones": {"M-1": "2026-01-01"}}]}) == [
        ("periods[0].milestones", "unknown milestone 'M-1'"),
        (
            "periods[0].chosen",
            "can't be chosen, since the largest credit of an incident counts",
        ),
        (
            "periods[0].claimed_on",
            "nothing needs to be claimed, since the contract has no claim_within_days",
        ),
    ]
