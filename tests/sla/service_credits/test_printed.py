"""How service credits tell why, word by word, and that all of it can be stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from governance.values import money_text
from sla.service_credits.further import further_text, with_further
from sla.service_credits.serialise import service_credits_json
from sla.service_credits.values import ServiceCredits
from tests.printed import printed, told
from tests.sla.test_worked_credits import WORKED, credits_of
from tests.worked import case_name

_NAMED: dict[str, dict[str, Any]] = {case_name(case): case for case in WORKED}
_PARTS = ("service_levels", "persistent_failures", "milestones", "balance")


def _lines(given: ServiceCredits) -> Iterator[str]:
    answer = service_credits_json(given)
    nothing, credit = money_text(given.credit * 0, given.currency), answer["credit"]
    usual = {"currency": "EUR", "before_cap": credit, "net": credit, "earned_back": nothing}
    yield told({key: one for key, one in answer.items() if key not in _PARTS}, usual)
    for part in _PARTS:
        for one in answer.get(part, []):
            name = "" if part == "service_levels" else f"{part} "
            yield f"- {name}{told(one, {'before_cap': one.get('credit')})}"
    for back in given.earn_backs:
        label = back.period.label
        yield f"- earned back for {back.service_level} of {label}: {back.amount}; {back.why}"


def _told(name: str) -> str:
    return "\n".join(line for given in credits_of(_NAMED[name]) for line in _lines(given))


def all_told() -> Iterator[tuple[str, str]]:
    """Every case with what it prints."""
    return ((name, _told(name)) for name in _NAMED)


@pytest.mark.parametrize("name", _NAMED)
def test_every_word_is_printed_as_it_was(name: str) -> None:
    assert _told(name).splitlines() == printed("credits")[name].splitlines()


def test_nothing_is_kept_of_a_case_that_is_gone() -> None:
    assert list(printed("credits")) == list(_NAMED)


@pytest.mark.parametrize("name", _NAMED)
def test_what_is_stored_beside_misses_comes_back(name: str) -> None:
    for given in credits_of(_NAMED[name]):
        bare = replace(
            given, agreed=(), persistent_failures=(), milestones=(), balance=(), claim=None
        )
        assert with_further(bare, further_text(given)) == given


@pytest.mark.parametrize("name", _NAMED)
def test_what_a_month_costs_before_the_cap_is_the_sum_of_its_parts(name: str) -> None:
    for given in credits_of(_NAMED[name]):
        parts = [
            *(level.before_cap for level in given.service_levels),
            *(failure.before_cap for failure in given.persistent_failures),
            *(late.before_cap for late in given.milestones),
        ]
        assert given.before_cap == sum(parts)
