"""The page on import profiles names every key, and its example is a profile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from sla.evidence.profile_parts import (
    ColumnRule,
    Condition,
    OtherRow,
    Profile,
    SourceRule,
    Table,
    Terms,
)
from sla.evidence.profiles import read_profile, shipped_profiles

PAGE = Path(__file__).parents[3] / "docs" / "import-profiles.md"


@pytest.mark.parametrize(
    "part", [Profile, SourceRule, Table, ColumnRule, Condition, OtherRow, Terms]
)
def test_every_key_is_described(part: type[BaseModel]) -> None:
    text = PAGE.read_text()
    keys = [field.alias or name for name, field in part.model_fields.items()]
    assert [key for key in keys if f"`{key}" not in text] == []


def test_the_first_profile_reads() -> None:
    first = re.search(r"```yaml\n(name: .*?)```", PAGE.read_text(), re.DOTALL)
    assert first is not None
    assert read_profile(first[1].encode(), "page").name == "ledger"


def test_every_shipped_profile_is_listed() -> None:
    text = PAGE.read_text()
    assert [each.name for each in shipped_profiles() if f"`{each.name}`" not in text] == []
