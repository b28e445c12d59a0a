"""What one entry of the log states, as the bytes that are hashed.

An entry is written once, as RFC 8785 bytes, and never serialised again. Personal data stands in
it only as a commitment, whose key and value are kept elsewhere and can be erased: the entry and
its proofs stay as they are.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import rfc8785

from governance.audit.tiles import MAX_ENTRY_BYTES
from governance.errors import BadInput, Problem
from governance.values import plain

VERSION = 1
KEY_BYTES = 32
MAX_DEPTH = 32
_ALGORITHM = "HMAC-SHA256"
_SMALL = 2**31
"""Whole numbers below it are JSON numbers, all others text: readers differ beyond 2^53."""
ERASED = "[erased]"
"""What readers see of a value that was erased."""


@dataclass(frozen=True, slots=True)
class Personal:
    """A value about a person, which an entry may only commit to."""

    value: str
    person_id: int | None = None
    """The user whose data it is, None where only the value itself is known."""


Committer = Callable[[Personal], Mapping[str, str]]
"""Keeps a personal value and answers what an entry states instead of it."""


def commitment(key: bytes, value: Any) -> str:
    """What binds an entry to a value without stating it: HMAC-SHA256 of its canonical JSON."""
    return hmac.digest(key, rfc8785.dumps(value), "sha256").hex()


def committed(ref: str, key: bytes, personal: Personal) -> dict[str, str]:
    """How an entry states a personal value; `ref` names the row that keeps key and value."""
    value = {"person": personal.person_id, "value": personal.value}
    return {"ref": ref, "alg": _ALGORITHM, "commitment": commitment(key, value)}


def encode_entry(fields: Mapping[str, Any], commit: Committer) -> bytes:
    """The bytes of an entry, complete with its version.

    Raises BadInput where it is longer or deeper than entries may be; TypeError for floats,
    which are never exact.
    """
    data = rfc8785.dumps(_plain({"v": VERSION, **fields}, commit, 1))
    if len(data) > MAX_ENTRY_BYTES:
        raise _unfit(f"{len(data)} bytes", f"at most {MAX_ENTRY_BYTES} bytes")
    return data


def _plain(value: Any, commit: Committer, depth: int) -> Any:
    """The value as JSON with nothing in it that readers could take differently."""
    if depth > MAX_DEPTH:
        raise _unfit("deeper fields", f"at most {MAX_DEPTH} levels")
    if isinstance(value, Personal):
        return dict(commit(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(one, commit, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, commit, depth + 1) for one in value]
    return plain_value(value)


def plain_value(value: Any) -> str | int | bool | None:  # noqa: PLR0911 (one a type)
    """A single value as JSON states it: exact, and the same for every reader."""
    match value:
        case None | bool():
            return value
        case Enum():
            return plain_value(value.value)
        case int():
            return value if abs(value) < _SMALL else str(value)
        case str():
            return value.encode("utf-8", "replace").decode()
        case Decimal():
            return plain(value)
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
        case _:
            raise TypeError(f"an entry can't state a {type(value).__name__}")


def moment(at: datetime) -> str:
    """A moment in UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _unfit(found: str, allowed: str) -> BadInput:
    what = "what the log would keep of this change is too large"
    return BadInput.one(Problem(what, found=found, allowed=allowed))


def decode_entry(data: bytes) -> dict[str, Any]:
    """The fields of an entry; ValueError where these can't be the bytes of one."""
    fields = json.loads(data.decode(), parse_float=_refuse_float)
    if not isinstance(fields, dict) or fields.get("v") != VERSION:
        raise ValueError("this is no entry of a version that is known")
    quick = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if quick.encode() != data and rfc8785.dumps(fields) != data:
        raise ValueError("the entry is not written in its canonical form")
    return fields


def _refuse_float(written: str) -> None:
    raise ValueError(f"an entry holds no number like {written}")


def is_committed(value: Any) -> bool:
    """Whether a field of an entry is a commitment."""
    return isinstance(value, dict) and value.keys() == {"ref", "alg", "commitment"}


def commitments(value: Any) -> Iterator[dict[str, str]]:
    """Every commitment in an entry's fields."""
    if is_committed(value):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from commitments(one)
    elif isinstance(value, list):
        for one in value:
            yield from commitments(one)


def revealed(value: Any, values: Mapping[str, str]) -> Any:
    """Fields of an entry with personal values, by their refs, where they are still kept."""
    if is_committed(value):
        return values.get(value["ref"], ERASED)
    if isinstance(value, dict):
        return {key: revealed(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [revealed(one, values) for one in value]
    return value
