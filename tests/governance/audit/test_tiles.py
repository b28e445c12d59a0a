"""Tiles and bundles stand where the format says."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.tiles import WIDTH, Tile, decode_bundle, encode_bundle, levels_of, tiles_of
from tests.governance.audit.vectors import vectors


@pytest.mark.parametrize("case", vectors()["tiles"]["paths"], ids=lambda case: case["path"])
def test_published_paths(case: dict[str, Any]) -> None:
    level = -1 if case.get("entries") else case["level"]
    assert Tile(level, case["n"], case["w"]).path == case["path"]


def _layout(size: int) -> list[dict[str, int]]:
    tiles = [tile for level in levels_of(size) for tile in tiles_of(level, size)]
    layout = []
    for level, group in groupby(tiles, lambda tile: tile.level):
        widths = [tile.width for tile in group]
        partial = [width for width in widths if width < WIDTH]
        full = len(widths) - len(partial)
        layout.append({"level": level, "full": full, "partial_width": sum(partial)})
    return layout


@pytest.mark.parametrize("size", vectors()["tiles"]["sizes"])
def test_published_sizes(size: str) -> None:
    assert _layout(int(size)) == vectors()["tiles"]["sizes"][size]


def test_an_empty_tree_has_no_tiles() -> None:
    assert _layout(0) == []


@given(st.lists(st.binary(max_size=300), max_size=9))
def test_bundles_give_back_their_entries(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data) == entries
    if data:
        with pytest.raises(ValueError, match="cut off"):
            decode_bundle(data[:-1])
