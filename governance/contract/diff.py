"""What an amendment changes, in fields and in words.

Contracts are compared by their terms, not by their text: key order, comments, `85` for `85.0` and
a default that is written out change nothing. Items with an id are matched by it wherever they
stand; tiers, bands and other lists without ids are matched by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from governance.contract.base import Terms
from governance.contract.document import Contract


class ChangeKind(StrEnum):
    """What happened to a term."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One term that differs."""

    path: str
    """Key path, items by their id: "service_levels[SL-01].expected"."""
    kind: ChangeKind
    old: str | None
    """The old term as text, None where it is new."""
    new: str | None
    """The new term as text, None where it is removed."""
    sentence: str
    """The change in words, without a full stop."""

    def as_json(self) -> dict[str, str | None]:
        """Stable keys for `--json`."""
        return {
            "path": self.path,
            "kind": self.kind.value,
            "old": self.old,
            "new": self.new,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class ContractDiff:
    """All changes from one version to another, in the order of the contract language."""

    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        """Stable keys for `--json`."""
        return {
            "changed": bool(self.changes),
            "changes": [change.as_json() for change in self.changes],
        }


def diff_contracts(old: Contract, new: Contract) -> ContractDiff:
    """Every term that is added, removed or changed from `old` to `new`.

    Terms come in the order of the contract language and items in that of `new`; what is removed
    stands after what it followed in `old`.
    """
    return ContractDiff(tuple(_mapping_changes(_terms(old), _terms(new), _Place())))


_SUBJECTS = {
    "engagement": "Engagement",
    "service_levels": "Service level",
    "service_credits": "Service credits",
    "charges": "Charge",
    "minimum_commitment": "Minimum commitment",
    "invoicing": "Invoicing",
    "governance": "Governance",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the contract a term stands, as path and in words."""

    path: str = ""
    subject: str = ""
    """The part that a sentence is about, such as "Charge CH-02 'Invoices'"."""
    inner: str = ""
    """The way from that part to the term."""

    @property
    def verb(self) -> str:
        return "are" if self.subject == _SUBJECTS["service_credits"] else "is"

    def key(self, key: str) -> _Place:
        if not self.path:
            return _Place(key, _SUBJECTS.get(key, key))
        return _Place(f"{self.path}.{key}", self.subject, f"{self.inner}.{key}".lstrip("."))

    def item(self, item: Mapping[str, Any]) -> _Place:
        """An item of a list that is known by its id."""
        title = f" '{item['title']}'" if "title" in item else ""
        here = f"{self.path}[{item['id']}]"
        if self.inner:
            return _Place(here, self.subject, f"{self.inner}[{item['id']}]")
        return _Place(here, f"{self.subject} {item['id']}{title}")

    def position(self, index: int) -> _Place:
        """An item of a list that is known by its position, counted from 0."""
        return _Place(f"{self.path}[{index}]", self.subject, f"{self.inner}[{index}]")


def _terms(value: Any) -> Any:
    """A term as plain mappings, lists and values; keys without a value are left out."""
    if isinstance(value, Terms):
        fields = type(value).model_fields
        pairs = ((info.alias or name, getattr(value, name)) for name, info in fields.items())
        return _terms(dict(pairs))
    if isinstance(value, Mapping):
        terms = {key: _terms(item) for key, item in value.items()}
        return {key: item for key, item in terms.items() if item not in (None, [], {})}
    if isinstance(value, list | tuple):
        return [_terms(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _changes(old: Any, new: Any, place: _Place) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _mapping_changes(old, new, place)
    elif _is_records(old) and _is_records(new):
        yield from _list_changes(old, new, place)
    elif old != new:
        before, after = _text(old), _text(new)
        sentence = f"{place.subject}: {place.inner} goes from {before} to {after}"
        if not place.inner:
            sentence = f"{place.subject} goes from {before} to {after}"
        yield Change(place.path, ChangeKind.CHANGED, before, after, sentence)


def _mapping_changes(
    old: Mapping[str, Any], new: Mapping[str, Any], place: _Place
) -> Iterator[Change]:
    for key in _in_both_orders(old, new):
        here = place.key(key)
        if key in old and key in new:
            yield from _changes(old[key], new[key], here)
        elif not place.path and _is_records(old.get(key, new.get(key))):
            yield from _changes(old.get(key, []), new.get(key, []), here)
        elif key in new:
            yield _added(new[key], here)
        else:
            yield _removed(old[key], here)


def _in_both_orders(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """The keys in the order of `new`; those of `old` alone after the one they followed."""
    keys = list(new)
    place = 0
    for key in old:
        if key in keys:
            place = keys.index(key) + 1
        else:
            keys.insert(place, key)
            place += 1
    return keys


def _list_changes(old: list[Any], new: list[Any], place: _Place) -> Iterator[Change]:
    if not _have_ids(old) or not _have_ids(new):
        yield from _positional_changes(old, new, place)
        return
    before = {item["id"]: item for item in old}
    after = {item["id"]: item for item in new}
    for item_id in _in_both_orders(before, after):
        here = place.item(after.get(item_id) or before[item_id])
        if item_id not in before:
            yield _added(after[item_id], here)
        elif item_id not in after:
            yield _removed(before[item_id], here)
        else:
            yield from _changes(before[item_id], after[item_id], here)


def _positional_changes(old: list[Any], new: list[Any], place: _Place) -> Iterator[Change]:
    for index in range(max(len(old), len(new))):
        here = place.position(index)
        if index >= len(old):
            yield _added(new[index], here)
        elif index >= len(new):
            yield _removed(old[index], here)
        else:
            yield from _changes(old[index], new[index], here)


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _have_ids(items: list[Any]) -> bool:
    return all("id" in item for item in items)


def _added(value: Any, place: _Place) -> Change:
    text = _text(value)
    added = f"{place.subject}: {place.inner} is added: {text}"
    sentence = added if place.inner else f"{place.subject} {place.verb} added"
    return Change(place.path, ChangeKind.ADDED, None, text, sentence)


def _removed(value: Any, place: _Place) -> Change:
    text = _text(value)
    removed = f"{place.subject}: {place.inner} is removed, it was {text}"
    sentence = removed if place.inner else f"{place.subject} {place.verb} removed"
    return Change(place.path, ChangeKind.REMOVED, text, None, sentence)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case dict():
            return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_text, value)) + "]"
        case _:
            return str(value)
