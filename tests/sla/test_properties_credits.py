"""What holds for the service credits of every method, whatever the results."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.contract.document import Contract
from governance.values import Period
from sla.kpis.catalogue import signatures
from sla.service_credits.calculation import compute_credits, directions_of
from sla.service_credits.results import read_results
from sla.service_credits.serialise import service_credits_json
from tests.worked import as_json, contract_of

_POOL = {"category": "all", "allocation": "60"}
_METHODS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "at_risk_pool": (
        {
            "method": "at_risk_pool",
            "at_risk_percent": "12",
            "categories": {"all": "90"},
            "below_expected": {"count": "2", "within_months": "4"},
            "repeat": {"consecutive": "2", "multiplier": "1.75"},
        },
        _POOL,
    ),
    "service_points": (
        {"method": "service_points", "point_percent": "0.75", "repeat_multiplier": "2"},
        {
            "points": [
                {"from": "70", "points": "1"},
                {"from": "40", "points": "2.5"},
                {"points": "4"},
            ]
        },
    ),
    "tiers": (
        {"method": "tiers"},
        {"tiers": [{"below": "80", "percent": "3"}, {"below": "55", "percent": "11"}]},
    ),
    "linear": (
        {"method": "linear", "max_percent": "18"},
        {"linear": {"percent_per_point": "0.7", "count": "full"}},
    ),
    "linear_pro_rata": (
        {"method": "linear"},
        {"linear": {"percent_per_point": "0.7", "count": "pro_rata"}},
    ),
    "per_event": ({"method": "per_event", "amount": "333.33"}, {}),
    "bonus_malus": (
        {"method": "bonus_malus"},
        {
            "bonus_malus": {
                "neutral_points": "1.5",
                "percent_per_point": "0.6",
                "max_bonus_percent": "4",
                "max_malus_percent": "13",
            }
        },
    ),
    "interpolated": ({"method": "interpolated", "max_percent": "14"}, {}),
}
_few = settings(max_examples=25)
"""Each property runs for every method, so that all methods together see many examples."""
_FORMS = ["met", "exceeded", "yearly_average", "balance"]
_VALUES = st.none() | st.integers(0, 1000).map(lambda tenths: str(Decimal(tenths) / 10))
_BASES = st.integers(0, 10**8).map(lambda cents: str(Decimal(cents) / 100))
_MONTHS = st.lists(st.tuples(_BASES, _VALUES, _VALUES), min_size=1, max_size=16)
_DIRECTIONS = st.booleans()
"""Whether lower is better."""


def _mirrored(number: str | None) -> str | None:
    return None if number is None else str(100 - Decimal(number))


def _level(level_id: str, keys: dict[str, Any], *, lower: bool) -> dict[str, Any]:
    """A service level of 80 and 50, or of 20 and 50 with every bound mirrored."""
    level = {"id": level_id, "expected": "80", "minimum": "50", **keys}
    if not lower:
        return level
    level["kpi"] = "share_past_due"
    level["expected"] = _mirrored(level["expected"])
    if "points" in keys:
        level["points"] = [
            {**band, "from": _mirrored(band["from"])} if "from" in band else band
            for band in keys["points"]
        ]
    if "tiers" in keys:
        level["tiers"] = [{**tier, "below": _mirrored(tier["below"])} for tier in keys["tiers"]]
    return level


def _contract(name: str, *, lower: bool = False, **terms: Any) -> Contract:
    method, keys = _METHODS[name]
    return contract_of(
        levels=[_level("SL-01", keys, lower=lower), _level("SL-02", keys, lower=lower)],
        service_credits={**method, **terms},
    )


def _answers(contract: Contract, months: list[Any], *, lower: bool = False) -> list[dict[str, Any]]:
    """Every month's answer, oldest first."""
    period, periods = Period.month(2026, 1), []
    for base, *values in months:
        given = [_mirrored(value) for value in values] if lower else values
        results = dict(zip(("SL-01", "SL-02"), given, strict=True))
        periods.append({"period": period.label, "charges": base, "results": results})
        period = period.following()
    read = read_results(as_json({"periods": periods}), "results.json", contract)
    computed = compute_credits(contract, directions_of(contract, signatures()), read)
    return [service_credits_json(each) for each in computed]


def _sum(amounts: list[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _column(answers: list[dict[str, Any]], key: str) -> list[Decimal]:
    return [Decimal(answer[key]) for answer in answers]


@pytest.mark.parametrize("name", _METHODS)
@_few
@given(months=_MONTHS, better=_VALUES, lower=_DIRECTIONS)
def test_a_better_result_never_earns_a_larger_credit(
    name: str, months: list[Any], better: str | None, lower: bool
) -> None:
    base, value, other = months[-1]
    if value is None or better is None:
        return
    worse, best = sorted((value, better), key=Decimal)
    contract = _contract(name, lower=lower)
    credits_ = [
        _answers(contract, [*months[:-1], (base, each, other)], lower=lower)[-1]["credit"]
        for each in (best, worse)
    ]
    assert Decimal(credits_[0]) <= Decimal(credits_[1])


@pytest.mark.parametrize("name", _METHODS)
@_few
@given(months=_MONTHS)
def test_lower_is_better_is_higher_is_better_in_the_mirror(name: str, months: list[Any]) -> None:
    keys = ("credit", "before_cap", "cap", "net")
    both = [_answers(_contract(name, lower=lower), months, lower=lower) for lower in (False, True)]
    found = [[[answer[key] for key in keys] for answer in answers] for answers in both]
    assert found[0] == found[1]


@pytest.mark.parametrize("name", _METHODS)
@_few
@given(months=_MONTHS, cap=st.integers(0, 20), annual=st.integers(0, 15), lower=_DIRECTIONS)
def test_no_method_exceeds_its_caps(
    name: str, months: list[Any], cap: int, annual: int, lower: bool
) -> None:
    caps = {"cap_percent": str(cap), "annual_cap_percent": str(annual)}
    answers = _answers(_contract(name, lower=lower, **caps), months, lower=lower)
    credits_, bases = _column(answers, "credit"), [Decimal(base) for base, *_ in months]
    half_a_cent = Decimal("0.005")
    for at, credit in enumerate(credits_):
        start = max(0, at - 11)
        room = _sum(bases[start : at + 1]) * annual / 100 - _sum(credits_[start:at])
        assert 0 <= credit <= bases[at] * cap / 100 + half_a_cent
        assert credit <= max(Decimal(0), room) + half_a_cent
        assert credit <= Decimal(answers[at]["cap"])
        levels = [Decimal(level["credit"]) for level in answers[at]["service_levels"]]
        assert sum(levels) == credit
        assert min(levels) >= 0


@pytest.mark.parametrize("name", _METHODS)
@_few
@given(months=_MONTHS)
def test_the_pool_never_exceeds_what_is_at_risk(name: str, months: list[Any]) -> None:
    for answer in _answers(_contract(name), months):
        credit, before = Decimal(answer["credit"]), Decimal(answer["before_cap"])
        cap = answer["cap"]
        assert credit == (before if cap is None else min(before, Decimal(cap)))
        if name == "at_risk_pool":
            assert Decimal(cap) <= Decimal(answer["base"]) * 12 / 100 + Decimal("0.005")


@pytest.mark.parametrize("name", _METHODS)
@_few
@given(
    months=_MONTHS,
    form=st.sampled_from(_FORMS),
    good=st.integers(1, 4),
    percent=st.integers(0, 100),
    cap=st.none() | st.integers(0, 20),
)
def test_earn_back_never_exceeds_what_was_credited(
    name: str, months: list[Any], form: str, good: int, percent: int, cap: int | None
) -> None:
    earn_back = {"form": form, "percent": str(percent)}
    earn_back |= {"lapse_months": str(good)} if form == "balance" else {"months": str(good)}
    caps: dict[str, Any] = {} if cap is None else {"cap_percent": str(cap)}
    answers = _answers(_contract(name, earn_back=earn_back, **caps), months)
    given = back = Decimal(0)
    for answer in answers:
        credit, earned, net = (Decimal(answer[key]) for key in ("credit", "earned_back", "net"))
        bonus = Decimal(answer.get("bonus", 0))
        given, back = given + credit, back + earned
        assert 0 <= back <= given
        if form != "balance":
            assert net == credit - earned - bonus


@pytest.mark.parametrize("name", _METHODS)
@_few
@given(months=_MONTHS)
def test_no_data_costs_no_more_than_any_value(name: str, months: list[Any]) -> None:
    base, _, other = months[-1]
    contract = _contract(name)
    found = [
        _answers(contract, [*months[:-1], (base, value, other)])[-1]["credit"]
        for value in (None, "80", "0")
    ]
    assert Decimal(found[0]) == Decimal(found[1]) <= Decimal(found[2])


@pytest.mark.parametrize("name", _METHODS)
@_few
@given(months=_MONTHS, upto=st.integers(1, 16))
def test_a_month_is_the_same_whatever_follows(name: str, months: list[Any], upto: int) -> None:
    earn_back = {"form": "met", "months": "2", "percent": "50"}
    contract = _contract(name, earn_back=earn_back, annual_cap_percent="7")
    assert _answers(contract, months)[:upto] == _answers(contract, months[:upto])


@_few
@given(months=_MONTHS, annual=st.integers(0, 6), better=_VALUES, lower=_DIRECTIONS)
def test_a_bonus_keeps_its_annual_cap_and_grows_with_the_result(
    months: list[Any], annual: int, better: str | None, lower: bool
) -> None:
    contract = _contract("bonus_malus", lower=lower, annual_bonus_cap_percent=str(annual))
    answers = _answers(contract, months, lower=lower)
    bonuses, bases = _column(answers, "bonus"), [Decimal(base) for base, *_ in months]
    for at, bonus in enumerate(bonuses):
        start = max(0, at - 11)
        room = _sum(bases[start : at + 1]) * annual / 100 - _sum(bonuses[start:at])
        assert 0 <= bonus <= max(Decimal(0), room) + Decimal("0.005")
    base, value, other = months[-1]
    if value is not None and better is not None:
        other_month = (base, better, other)
        changed = _answers(contract, [*months[:-1], other_month], lower=lower)[-1]
        worse, best = sorted(
            ((Decimal(value), answers[-1]), (Decimal(better), changed)), key=lambda each: each[0]
        )
        assert Decimal(best[1]["net"]) <= Decimal(worse[1]["net"])
