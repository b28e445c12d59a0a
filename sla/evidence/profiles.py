"""Import profiles: documents that say how a foreign file becomes datasets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from governance.contract.messages import did_you_mean
from governance.contract.yaml_nodes import (
    MapNode,
    descend,
    found_text,
    parse_nodes,
    path_text,
    plain_value,
)
from governance.errors import BadInput, Problem
from sla.evidence.datasets import DATASETS, Column, Dataset, Kind
from sla.evidence.profile_parts import (
    ISO_DATE,
    ColumnRule,
    Condition,
    OtherRow,
    Profile,
    SourceRule,
    Table,
    Terms,
    template_parts,
)

__all__ = [
    "ISO_DATE",
    "ColumnRule",
    "Condition",
    "Profile",
    "SourceRule",
    "Table",
    "load_profile",
    "read_profile",
    "shipped_profiles",
    "template_parts",
]


def read_profile(data: bytes, file: str) -> Profile:
    """Read an import profile; raises BadInput with every problem and its line."""
    root, problems = parse_nodes(data, file)
    try:
        profile = Profile.model_validate(plain_value(root))
    except ValidationError as error:
        found = [_problem(dict(each), root, file) for each in error.errors(include_url=False)]
        raise BadInput([*problems, *found]) from None
    problems += [_at(path, what, root, file, allowed) for path, what, allowed in _faults(profile)]
    if problems:
        raise BadInput(problems)
    return profile


def _problem(error: dict[str, Any], root: MapNode, file: str) -> Problem:
    path = _in_document(tuple(error["loc"]), root)
    what = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        what = f"unknown key '{path[-1]}'" + did_you_mean(str(path[-1]), _KEYS)
    if error["type"] == "missing":
        what = f"the key '{path[-1]}' is missing"
    return _at(path, what, root, file)


def _in_document(path: tuple[str | int, ...], root: MapNode) -> tuple[str | int, ...]:
    """The path without the steps that stand for a choice of forms or a table without a list."""
    kept: tuple[str | int, ...] = ()
    for place, step in enumerate(path):
        last = place == len(path) - 1
        deep = len(list(descend(root, (*kept, step)))) > len(kept) + 1
        known = isinstance(step, str) and step in _KEYS
        if deep or known or (last and isinstance(step, str) and not _FORM.fullmatch(step)):
            kept = (*kept, step)
    return kept


_FORM = re.compile(r"[A-Z]\w+|int|constrained-int|function-.*|tuple.*|tagged.*|decimal|str|bool")
"""How pydantic names the form of a value that has several."""
_KEYS = sorted(
    {
        field.alias or name
        for part in (Profile, SourceRule, Table, ColumnRule, Condition, OtherRow, Terms)
        for name, field in part.model_fields.items()
    }
)


def _at(
    path: tuple[str | int, ...], what: str, root: MapNode, file: str, allowed: str = ""
) -> Problem:
    way = list(descend(root, path))
    node, line = way[-1]
    found = found_text(node) if len(way) > len(path) else ""
    return Problem(what, file, line=line, column=path_text(path), found=found, allowed=allowed)


_Fault = tuple[tuple[str | int, ...], str, str]
"""Path of a key, what is wrong there, what is allowed."""
_NO_COLUMN = "isn't among the source's columns"


def _faults(profile: Profile) -> Iterator[_Fault]:
    """What a profile's shape can't show: names that don't exist, columns that are missing."""
    sources = {"source": profile.source, **profile.further}
    for name, rule in sources.items():
        here = ("source",) if name == "source" else ("further", name)
        yield from _unknown(rule.fill_down, rule, (*here, "fill_down"))
    if profile.rows is not None:
        asked = tuple(profile.rows.source_columns())
        yield from _unknown(asked, profile.source, ("rows", "column"))
    for name, tables in profile.tables.items():
        if name not in DATASETS:
            what = f"unknown dataset{did_you_mean(name, DATASETS)}"
            yield ("tables", name), what, ", ".join(DATASETS)
            continue
        for number, table in enumerate(tables):
            path: tuple[str | int, ...] = ("tables", name)
            path = path if len(tables) == 1 else (*path, number)
            yield from _table_faults(DATASETS[name], table, path)
            yield from _source_faults(table, sources, path)
            yield from _remaining_faults(name, table, profile, path)


def _unknown(
    names: Iterable[str], rule: SourceRule, path: tuple[str | int, ...]
) -> Iterator[_Fault]:
    for name in names:
        if name not in rule.columns:
            what = f"'{name}' {_NO_COLUMN}{did_you_mean(name, rule.columns)}"
            yield path, what, ", ".join(rule.columns)


def _source_faults(
    table: Table, sources: Mapping[str, SourceRule], path: tuple[str | int, ...]
) -> Iterator[_Fault]:
    rule = sources.get(table.source or "source")
    if rule is None:
        further = [name for name in sources if name != "source"]
        near = did_you_mean(str(table.source), further)
        yield (*path, "source"), f"no source of that name under 'further'{near}", ", ".join(further)
        return
    yield from _unknown(table.source_columns(), rule, path)


def _remaining_faults(
    name: str, table: Table, profile: Profile, path: tuple[str | int, ...]
) -> Iterator[_Fault]:
    for column, rule in table.columns.items():
        if not rule.remaining:
            continue
        here = (*path, "columns", column, "remaining")
        if (name, column) not in _REMAINING:
            yield here, "only the amount of adjustments or placements can be what remains", ""
        invoices = profile.tables.get("invoices", ())
        if not any(each.source == table.source for each in invoices):
            yield here, "what remains needs invoices from the same source", "a table of invoices"


_REMAINING = {("adjustments", "amount"), ("placements", "amount")}


def _table_faults(dataset: Dataset, table: Table, path: tuple[str | int, ...]) -> Iterator[_Fault]:
    missing = [each for each in dataset.required if each not in table.columns]
    if missing:
        yield (*path, "columns"), f"has no rule for {', '.join(missing)}", "a rule for each"
    for column, rule in table.columns.items():
        if column not in dataset.column_names:
            near = did_you_mean(column, dataset.column_names)
            what = f"unknown column of {dataset.name}{near}"
            yield (*path, "columns", column), what, ", ".join(dataset.column_names)
        else:
            for key, what in _unfit(dataset.column(column), rule):
                yield (*path, "columns", column, key), what, ""


def _unfit(column: Column, rule: ColumnRule) -> Iterator[tuple[str, str]]:
    """Keys of a rule that say nothing about a column of that kind."""
    for kinds, keys, what in _ONLY:
        for key in keys:
            stated = getattr(rule, key)
            if column.kind not in kinds and stated not in {None, False, "as_written"}:
                yield key, what


_NUMBERS = frozenset({Kind.AMOUNT, Kind.NUMBER, Kind.RATE, Kind.INDEX})
_ONLY: tuple[tuple[frozenset[Kind], tuple[str, ...], str], ...] = (
    (_NUMBERS, ("round",), "only numbers can be rounded"),
    (_NUMBERS, ("minus", "plus", "sign"), "only numbers are added or have a sign"),
    (frozenset({Kind.IDENTIFIER, Kind.TEXT}), ("pad", "whole"), "only identifiers have zeros"),
    (frozenset({Kind.DATE}), ("plus_days",), "days are added only to dates"),
)


@cache
def shipped_profiles() -> tuple[Profile, ...]:
    """The profiles that come with the product, by name."""
    folder = files("sla.evidence").joinpath("profiles")
    documents = sorted(folder.iterdir(), key=lambda each: each.name)
    return tuple(
        read_profile(document.read_bytes(), document.name)
        for document in documents
        if document.name.endswith(".yaml")
    )


def load_profile(name_or_path: str) -> Profile:
    """A shipped profile by its name, or any other by the path of its file."""
    shipped = {profile.name: profile for profile in shipped_profiles()}
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if not path.is_file():
        near = did_you_mean(name_or_path, shipped)
        raise BadInput.one(
            Problem(
                f"no import profile '{name_or_path}'{near}",
                allowed=f"{', '.join(shipped)} or the path of a profile",
            )
        )
    return read_profile(path.read_bytes(), name_or_path)
