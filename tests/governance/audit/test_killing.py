"""A killed process leaves exactly one entry for each change that was committed, and no other."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from tests.governance.audit.killing import kill_at_random, what_is_wrong


def test_kills_lose_and_double_nothing(fresh_engine: Engine, tmp_path: Path) -> None:
    kill_at_random(fresh_engine, tmp_path, kills=6, seed=7)
    assert what_is_wrong(fresh_engine, tmp_path) == []
