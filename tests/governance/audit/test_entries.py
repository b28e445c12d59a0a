"""Entries are exact, bounded, and state personal data only as commitments."""

from __future__ import annotations

import json
import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import rfc8785

from governance.access import Role
from governance.audit.entries import (
    ERASED,
    Personal,
    commitment,
    commitments,
    committed,
    decode_entry,
    encode_entry,
    plain_value,
    revealed,
)
from governance.audit.merkle import leaf_hash
from governance.errors import BadInput
from tests.governance.audit.vectors import vectors

KEY = bytes(range(32))


def _commit(personal: Personal) -> dict[str, str]:
    return committed("ref-1", KEY, personal)


@pytest.mark.parametrize("case", vectors()["jcs"]["objects"], ids=lambda case: case["name"])
def test_canonical_json_is_the_published_one(case: dict[str, Any]) -> None:
    assert rfc8785.dumps(json.loads(case["input"])).hex() == case["canonical_hex"]


@pytest.mark.parametrize(("bits", "text"), vectors()["jcs"]["numbers"])
def test_numbers_are_written_as_published(bits: str, text: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert rfc8785.dumps(number).decode() == text


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 2**53, "\ud800", {1: "x"}]
)
def test_what_readers_could_take_differently_is_refused(value: Any) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        rfc8785.dumps(value)


def test_the_published_commitment() -> None:
    known = vectors()["erasure_commitment"]
    key = bytes.fromhex(known["salt_hex"])
    assert rfc8785.dumps(known["value"]).decode() == known["jcs_utf8"]
    assert commitment(key, known["value"]) == known["commitment"]
    entry = rfc8785.dumps(known["record"])
    assert entry.decode() == known["entry_utf8"]
    assert leaf_hash(entry).hex() == known["leaf_hash_hex"]


@pytest.mark.parametrize(
    ("value", "stated"),
    [
        (True, True),
        (None, None),
        (2**31 - 1, 2**31 - 1),
        (2**31, "2147483648"),
        (-(2**31), "-2147483648"),
        (Decimal("12.50"), "12.5"),
        (Role.AUDITOR, "auditor"),
        (date(2026, 3, 1), "2026-03-01"),
        ("lone \ud800", "lone ?"),
        (
            datetime(2026, 3, 1, 12, 0, 0, 5, timezone(timedelta(hours=2))),
            "2026-03-01T10:00:00.000005Z",
        ),
    ],
)
def test_values_are_exact(value: Any, stated: Any) -> None:
    assert plain_value(value) == stated


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        encode_entry({"x": [1.5]}, _commit)


def test_an_entry_is_at_most_65535_bytes_and_32_levels() -> None:
    room = 65_535 - len(encode_entry({"x": ""}, _commit))
    assert len(encode_entry({"x": "a" * room}, _commit)) == 65_535
    with pytest.raises(BadInput, match="65535"):
        encode_entry({"x": "a" * (room + 1)}, _commit)
    deep: Any = "x"
    for _ in range(30):
        deep = [deep]
    encode_entry({"x": deep}, _commit)
    with pytest.raises(BadInput, match="32 levels"):
        encode_entry({"x": [deep]}, _commit)


def test_personal_values_stand_in_an_entry_as_commitments_only() -> None:
    fields = {"a": [Personal("Zoë", 7)], "b": {"c": "plain"}, "at": datetime.now(UTC)}
    data = encode_entry(fields, _commit)
    assert b"Zo" not in data
    decoded = decode_entry(data)
    (found,) = commitments(decoded)
    assert found["commitment"] == commitment(KEY, {"person": 7, "value": "Zoë"})
    assert revealed(decoded, {"ref-1": "Zoë"})["a"] == ["Zoë"]
    assert revealed(decoded, {})["a"] == [ERASED]


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"v":2}', b'{"v": 1}', b'{"v":1,"a":1}', b"\xff", b'{"v":1,"x":1.0}'],
)
def test_other_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_entry(data)
