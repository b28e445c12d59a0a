"""What holds for service credits of any shape."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.service_credits.calculation import compute_credits
from sla.service_credits.cap import share_out
from sla.service_credits.values import LevelResult, PeriodResults, ServiceCredits
from tests.sla.service_credits.contracts import contract_with

_HIGHER = Direction.HIGHER_IS_BETTER
_amounts = st.decimals(min_value=0, max_value=10**7, places=2)
_values = st.none() | st.decimals(min_value=0, max_value=100, places=1)
_months = st.lists(st.tuples(_amounts, _values, _values, _values), min_size=1, max_size=14)
_POOL: dict[str, Any] = {
    "method": "at_risk_pool",
    "at_risk_percent": "11",
    "categories": {"a": "70", "b": "65"},
    "below_expected": {"count": 2, "within_months": 6},
    "repeat": {"consecutive": 2, "multiplier": "1.75"},
}
_LEVELS = [
    {"id": "A", "expected": "80", "minimum": "60", "category": "a", "allocation": "73"},
    {"id": "B", "expected": "50", "category": "a", "allocation": "40"},
    {"id": "C", "expected": "90", "minimum": "30", "category": "b", "allocation": "99"},
]


def _credits(terms: dict[str, Any], months: list[Any]) -> tuple[ServiceCredits, ...]:
    ids = [level["id"] for level in _LEVELS]
    periods = [
        PeriodResults(
            Period.month(2026 + index // 12, index % 12 + 1),
            base,
            dict(zip(ids, map(LevelResult, values), strict=True)),
        )
        for index, (base, *values) in enumerate(months)
    ]
    contract = contract_with(terms, _LEVELS)
    return compute_credits(contract, dict.fromkeys(ids, _HIGHER), periods)


@given(
    months=_months,
    cap_percent=st.none() | st.integers(0, 12),
    annual=st.none() | st.integers(0, 12),
    form=st.sampled_from(["met", "exceeded", "yearly_average"]),
    back=st.tuples(st.integers(1, 4), st.integers(0, 100)),
)
def test_pool_credits_stay_under_the_cap_and_add_up(
    months: list[Any],
    cap_percent: int | None,
    annual: int | None,
    form: str,
    back: tuple[int, int],
) -> None:
    earn_back = {"form": form, "months": back[0], "percent": str(back[1])}
    caps = {"cap_percent": cap_percent, "annual_cap_percent": annual}
    computed = _credits(_POOL | caps | {"earn_back": earn_back}, months)
    for month in computed:
        assert month.cap is not None
        assert 0 <= month.credit <= month.cap
        assert month.credit == min(month.cap, month.before_cap)
        assert month.credit == sum(level.credit for level in month.service_levels)
        assert month.before_cap == sum(level.before_cap for level in month.service_levels)
        assert all(0 <= level.credit <= level.before_cap for level in month.service_levels)
        assert month.net == month.credit - month.earned_back
    given_so_far = sum(month.credit for month in computed)
    assert 0 <= sum(month.earned_back for month in computed) <= given_so_far


@given(each=st.lists(_amounts, min_size=1, max_size=8), percent=st.integers(0, 10000))
def test_shares_add_up_to_the_cent_and_never_exceed_their_own_credit(
    each: list[Decimal], percent: int
) -> None:
    uncapped = {str(index): credit for index, credit in enumerate(each)}
    total = (sum(each, Decimal(0)) * percent / 10000).quantize(Decimal("0.01"))
    shares = share_out(total, uncapped, "EUR")
    assert sum(shares.values()) == total
    assert all(0 <= shares[key] <= credit for key, credit in uncapped.items())


def test_a_few_cents_over_many_equal_credits() -> None:
    uncapped = {str(index): Decimal("0.01") for index in range(7)}
    shares = share_out(Decimal("0.03"), uncapped, "EUR")
    assert sorted(shares.values()) == [Decimal("0.00")] * 4 + [Decimal("0.01")] * 3


@given(
    values=st.tuples(*[st.decimals(min_value=0, max_value=100, places=2)] * 2),
    terms=st.sampled_from(
        [
            ({"method": "tiers"}, {"tiers": [{"below": "90", "percent": "5"}]}),
            (
                {"method": "tiers"},
                {"tiers": [{"below": "70", "percent": "9"}, {"below": "90", "percent": "4"}]},
            ),
            ({"method": "linear"}, {"linear": {"percent_per_point": "0.3"}}),
            (
                {"method": "linear", "max_percent": "7"},
                {"linear": {"percent_per_point": "0.3", "count": "pro_rata"}},
            ),
            ({"method": "interpolated", "max_percent": "12"}, {"minimum": "60"}),
            ({"method": "interpolated", "max_percent": "12"}, {}),
        ]
    ),
)
def test_a_worse_value_never_earns_a_smaller_credit(
    values: tuple[Decimal, Decimal], terms: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    better, worse = max(values), min(values)
    contract = contract_with(terms[0], [{"id": "A", "expected": "90"} | terms[1]])
    found = [
        compute_credits(
            contract,
            {"A": _HIGHER},
            [PeriodResults(Period.month(2026, 1), Decimal(12345), {"A": LevelResult(value)})],
        )[0].credit
        for value in (better, worse)
    ]
    assert found[0] <= found[1]
