"""Contracts with every mechanism, and results for them, for tests of what always holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.contract.service_credits import EarnBackForm
from governance.values import Period
from sla.service_credits.calculation import compute_credits
from sla.service_credits.values import Claims, LevelResult, PeriodResults, ServiceCredits
from tests.sla.service_credits.contracts import contract_with

LEVELS = ("A", "B", "C")
_BONUS = {
    "neutral_points": "1.5",
    "percent_per_point": "0.7",
    "max_bonus_percent": "4",
    "max_malus_percent": "6",
}
_COMMON: dict[str, Any] = {
    "points": [{"from": "60", "points": 1}, {"points": "2.5"}],
    "tiers": [{"below": "60", "percent": "9"}, {"below": "80", "percent": "4"}],
    "linear": {"percent_per_point": "0.3", "count": "pro_rata"},
    "bonus_malus": _BONUS,
    "category": "a",
    "allocation": "60",
    "max_percent": "12",
    "amount": "150",
}
_TERMS: dict[str, dict[str, Any]] = {
    "at_risk_pool": {
        "at_risk_percent": "11",
        "categories": {"a": "70"},
        "below_expected": {"count": 2, "within_months": 6},
        "repeat": {"consecutive": 2, "multiplier": "1.75"},
    },
    "service_points": {"point_percent": "1.1"},
    "bonus_malus": {"annual_bonus_cap_percent": "2"},
}
METHODS = (
    "at_risk_pool",
    "service_points",
    "tiers",
    "linear",
    "per_event",
    "interpolated",
    "bonus_malus",
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A contract and the results of some months."""

    contract: Contract
    months: tuple[PeriodResults, ...]

    @property
    def has_balances(self) -> bool:
        """Whether credits are earned back without cash."""
        terms = self.contract.service_credits
        earn_back = None if terms is None else terms.earn_back
        return earn_back is not None and earn_back.form is EarnBackForm.BALANCE

    def computed(self, months: Sequence[PeriodResults] | None = None) -> tuple[ServiceCredits, ...]:
        """The credits of its months, or of others."""
        directions = dict.fromkeys(LEVELS, Direction.HIGHER_IS_BETTER)
        given = self.months if months is None else months
        return compute_credits(self.contract, directions, given)


_values = st.none() | st.decimals(min_value=40, max_value=100, places=1)
_percents = st.none() | st.integers(0, 12)
_amounts = st.decimals(min_value=0, max_value=10**6, places=2)


@st.composite
def _earn_backs(draw: st.DrawFn) -> dict[str, Any] | None:
    form = draw(st.sampled_from(["none", "met", "exceeded", "yearly_average", "balance"]))
    if form == "none":
        return None
    terms: dict[str, Any] = {"form": form, "percent": str(draw(st.integers(0, 100)))}
    if form == "balance":
        return terms | {"lapse_months": draw(st.none() | st.integers(1, 4))}
    return terms | {"months": draw(st.integers(1, 4))}


@st.composite
def _contracts(draw: st.DrawFn) -> Contract:
    method = draw(st.sampled_from(METHODS))
    terms = {
        "method": method,
        **_TERMS.get(method, {}),
        "cap_percent": draw(_percents),
        "annual_cap_percent": draw(_percents),
        "claim_within_days": 40,
        "incidents": draw(st.sampled_from(["largest", "chosen"])),
        "earn_back": draw(_earn_backs()),
        "persistent_failure": draw(st.sampled_from([[], [_PERSISTENT], [_PERSISTENT, _OF_A]])),
        "milestones": draw(st.sampled_from([[], _MILESTONES])),
    }
    levels = [
        {"id": "A", "expected": "80", "minimum": "60", **_COMMON},
        {"id": "B", "expected": "80", **_COMMON, "ratchet": {"form": "halfway_to_average"}},
        {"id": "C", "expected": "90", "minimum": "50", "window": "quarter", **_COMMON},
    ]
    return contract_with(terms, levels)


_PERSISTENT = {"count": 2, "within_months": 3, "percent": "1.5"}
_OF_A = {"count": 3, "within_months": 5, "percent": "2", "service_levels": ["A"]}
_MILESTONES = [
    {"id": "M-1", "due": "2026-01-20", "amount": "500", "per_day": "33.33", "maximum": "2000"},
    {"id": "M-2", "due": "2026-03-31", "amount": "750"},
]
_CLAIMS = (None, Claims(date(2030, 1, 1)), Claims(date(2026, 1, 31)))
"""Nothing known; lapsed; open or, for later months, not even begun."""


@st.composite
def _month(draw: st.DrawFn, index: int) -> PeriodResults:
    incident = draw(st.sampled_from([None, "INC-1"]))
    results = {name: LevelResult(draw(_values), incident=incident) for name in LEVELS}
    reached = draw(st.sampled_from([{}, {"M-1": date(2026, 4, 1)}]))
    return PeriodResults(
        period=Period.month(2026 + index // 12, index % 12 + 1),
        charges=draw(_amounts),
        results=results,
        milestones=reached,
        chosen={"INC-1": draw(st.sampled_from(LEVELS))},
        claims=draw(st.sampled_from(_CLAIMS)),
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Any method with any of the mechanisms, over up to fourteen months."""
    count = draw(st.integers(1, 14))
    return Scene(draw(_contracts()), tuple(draw(_month(index)) for index in range(count)))


def total(amounts: Sequence[Decimal]) -> Decimal:
    """Their sum."""
    return sum(amounts, Decimal(0))
