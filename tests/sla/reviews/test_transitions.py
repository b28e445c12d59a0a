"""The state machine of a review: every state, act and side, as the table says."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import yaml

from governance.access import Side
from sla.reviews.transitions import Earlier, Place, Refused, after, carried
from sla.reviews.values import Act, Figure, ItemKind, ItemState, Ruling, Stage
from tests.paths import CASES

_TABLES: dict[str, Any] = yaml.safe_load((CASES / "reviews.yaml").read_text("utf-8"))
_OTHER = {Side.CLIENT: Side.PROVIDER, Side.PROVIDER: Side.CLIENT}
_PERIOD_ACTS = {Act.SUBMIT, Act.RECALL, Act.BEGIN, Act.SEAL}


def _rows(name: str) -> list[tuple[list[str], dict[str, str]]]:
    heading, *lines = _TABLES[name].splitlines()
    columns = heading.split("|")[1].split()
    halves = [line.split("|") for line in lines]
    return [
        (keys.split(), dict(zip(columns, cells.split(), strict=True))) for keys, cells in halves
    ]


def _place(column: str, side: Side, stage: Stage = Stage.UNDER_REVIEW) -> Place:
    if column in {"own", "other"}:
        by = side if column == "own" else _OTHER[side]
        return Place(stage, ItemState.PROPOSED, by, Ruling.VALUE)
    return Place(stage, ItemState(column))


def test_the_tables_name_every_state_act_and_side() -> None:
    periods = {tuple(keys) for keys, _ in _rows("periods")}
    assert periods == {(act.value, side.value) for act, side in product(_PERIOD_ACTS, Side)}
    items = {tuple(keys) for keys, _ in _rows("items")}
    others = set(Act) - _PERIOD_ACTS
    assert items == {(act.value, side.value) for act, side in product(others, Side)}
    assert {keys[0] for keys, _ in _rows("stages")} == {act.value for act in others}
    for name in ("periods", "stages"):
        assert all(set(cells) == set(Stage) for _, cells in _rows(name))
    states = {one.value for one in ItemState} - {"proposed"} | {"own", "other"}
    assert all(set(cells) == states for _, cells in _rows("items"))


@pytest.mark.parametrize(("keys", "cells"), _rows("periods"), ids=str)
def test_the_whole_period(keys: list[str], cells: dict[str, str]) -> None:
    for stage, expected in cells.items():
        found = after(Place(Stage(stage)), Act(keys[0]), Side(keys[1]))
        _check(found, None if expected == "." else Place(Stage(expected)))


@pytest.mark.parametrize(("keys", "cells"), _rows("items"), ids=str)
def test_one_item(keys: list[str], cells: dict[str, str]) -> None:
    act, side = Act(keys[0]), Side(keys[1])
    for column, expected in cells.items():
        found = after(_place(column, side), act, side)
        if expected == ".":
            _check(found, None)
            continue
        assert isinstance(found, Place), column
        assert (found.item, found.stage) == (ItemState(expected), Stage.UNDER_REVIEW)
        assert (found.proposed_by is not None) == (found.item is ItemState.PROPOSED)


def _check(found: Place | Refused, expected: Place | None) -> None:
    if expected is not None:
        assert found == expected
        return
    assert isinstance(found, Refused)
    assert found.why


@pytest.mark.parametrize(("keys", "cells"), _rows("stages"), ids=str)
def test_items_are_talked_of_once_submitted_and_judged_in_review(
    keys: list[str], cells: dict[str, str]
) -> None:
    act = Act(keys[0])
    for stage, cell in cells.items():
        places = [
            (_place(column, side, Stage(stage)), side)
            for side in Side
            for column in ("open", "contested", "own", "other")
        ]
        possible = [isinstance(after(place, act, side), Place) for place, side in places]
        assert any(possible) == (cell == "x"), stage


def test_an_accepted_proposal_to_uphold_agrees_to_the_figure() -> None:
    place = replace(_place("other", Side.CLIENT), ruling=Ruling.UPHELD)
    assert after(place, Act.ACCEPT, Side.CLIENT) == Place(Stage.UNDER_REVIEW, ItemState.AGREED)


@pytest.mark.parametrize("case", _TABLES["carried"], ids=str)
def test_what_carries_over_to_new_figures(case: dict[str, Any]) -> None:
    earlier = Earlier(ItemState(case["state"]), "90%, met", "0" * 64, case.get("decided"))
    digest = "0" * 64 if case["same"] else "1" * 64
    figure = Figure(ItemKind.SERVICE_LEVEL, "SL-01", "Level", "90%, met", digest, case.get("value"))
    assert carried(earlier, figure) is ItemState(case["then"])


def test_an_item_that_is_new_is_open() -> None:
    figure = Figure(ItemKind.CHARGE, "CH-01", "Desk", "1 month, EUR 1000.00", "0" * 64)
    assert carried(None, figure) is ItemState.OPEN
