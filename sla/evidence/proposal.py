"""Proposes an import profile for a file that nobody has described yet.

Whatever the file itself decides is found, with the reason; whatever it leaves open is asked, with
what each answer would give. Nothing is guessed row by row.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml

from governance.errors import BadInput, Problem
from sla.evidence.hand_in import working_database
from sla.evidence.profiles import Profile, read_profile, shipped_profiles
from sla.evidence.proposal_columns import Desk, lay_out
from sla.evidence.proposal_decisions import Decisions, Found
from sla.evidence.proposal_file import find_opening
from sla.evidence.proposal_formats import (
    date_format,
    is_float,
    number_format,
    padding,
    sign_of,
)
from sla.evidence.proposal_names import Role
from sla.evidence.proposal_roles import find_roles
from sla.evidence.proposal_shape import currency, disputed, due_days, noisy, only_dated, row_is
from sla.evidence.proposal_tables import Decided, rows_of, tables_of
from sla.evidence.proposal_values import (
    Answers,
    Choice,
    ColumnFacts,
    Confidence,
    Option,
    Preview,
    Proposal,
    Trouble,
)
from sla.evidence.sources import Opening, open_source, repaired, suffix_of

__all__ = [
    "Answers",
    "Choice",
    "ColumnFacts",
    "Confidence",
    "Option",
    "Preview",
    "Proposal",
    "Trouble",
    "profile_yaml",
    "propose",
]

MEMORY_LIMIT = "1GB"
"""Of the working database; what doesn't fit goes to a temporary folder."""
SAMPLE = 20
"""Rows that a proposal shows as read."""
_TABLE = "unknown_source"
_EVENTS = (
    "a list of events needs a profile that says what each event does to its invoice; "
    "see the page on import profiles"
)


def propose(source: Path, answers: Answers | None = None, file: str = "") -> Proposal:
    """What an import profile of the file would be; answers override what is found.

    A pure reading: nothing is stored. The file's first rows are looked at, and its columns are
    counted in the engine, so that time and memory stay bounded for large files. Messages call
    it `file`, or by its own name. Answers to questions that the file doesn't pose are passed
    over: another answer may have taken the question away.

    Raises BadInput where the file can't be read at all, and for an answer that isn't allowed.
    """
    decisions, name = Decisions(answers or Answers()), file or source.name
    opening = find_opening(source, name, decisions)
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as folder,
        working_database(Path(folder), MEMORY_LIMIT) as connection,
    ):
        desk = _desk(connection, source, opening, name, Path(folder))
        return _proposal(desk, opening, name, decisions)


def _desk(
    connection: duckdb.DuckDBPyConnection, path: Path, opening: Opening, file: str, folder: Path
) -> Desk:
    opened = open_source(path, folder, opening, file)
    try:
        return lay_out(connection, opened, _TABLE)
    except duckdb.Error as error:
        if opened.dialect is None or opened.numbered:
            found = str(error).splitlines()[0]
            raise BadInput.one(Problem("can't be read to its end", file, found=found)) from error
    return lay_out(connection, repaired(opened, folder), _TABLE)


def _proposal(desk: Desk, opening: Opening, file: str, decisions: Decisions) -> Proposal:
    if not desk.rows:
        what = "has a heading but no rows"
        raise BadInput.one(Problem(what, file, allowed="at least one row"))
    shipped, troubles = _shipped(desk, decisions), list[Trouble]()
    profile, missing = shipped, list[str]()
    if shipped is None:
        profile, missing = _own(desk, opening, file, decisions, troubles)
    facts = tuple(desk.facts.values())
    choices = tuple(decisions.choices)
    return Proposal(
        file, desk.rows, facts, choices, tuple(troubles), profile, tuple(missing), _sample(desk)
    )


def _sample(desk: Desk) -> tuple[Mapping[str, str], ...]:
    texts = ", ".join(desk.text(name) for name in desk.source.columns)
    query = f"SELECT {texts} FROM {desk.table} ORDER BY rowid LIMIT {SAMPLE}"  # noqa: S608 (names)
    names = list(desk.source.columns)
    return tuple(
        {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
        for row in desk.held(query)
    )


def _shipped(desk: Desk, decisions: Decisions) -> Profile | None:
    """The shipped profile that knows the columns, unless the user wants one of their own."""
    known = [
        profile
        for profile in shipped_profiles()
        if set(profile.source.columns) <= set(desk.source.columns)
    ]
    if not known:
        return None
    options = [Option(each.name, each.title) for each in known]
    options.append(Option("none", "none: describe the file anew"))
    found = Found(known[0].name, Confidence.LIKELY, "it knows all the columns that it reads")
    question = "Is the file read by a profile that comes with the product?"
    chosen = decisions.decide("shipped", question, options, found)
    return next((profile for profile in known if profile.name == chosen), None)


def _own(
    desk: Desk, opening: Opening, file: str, decisions: Decisions, troubles: list[Trouble]
) -> tuple[Profile | None, list[str]]:
    columns = find_roles(desk, decisions)
    row = row_is(desk, columns, decisions)
    if row == "event":
        return None, [_EVENTS]
    decided = _decided(desk, columns, row == "paid_invoice", decisions, troubles)
    document = _named(file, decisions)
    if decided is None or any(choice.is_open for choice in decisions.choices):
        return None, []
    document["source"] |= _source(opening, desk)
    document |= _document(decided)
    # Built as its document and read back, so that what is proposed is what can be saved.
    return _narrowed(read_profile(_yaml(document), f"the profile of {file}")), []


def _narrowed(profile: Profile) -> Profile:
    """The same profile, recognised by the columns that it reads alone."""
    asked = set(profile.rows.source_columns()) if profile.rows else set[str]()
    for tables in profile.tables.values():
        asked.update(name for table in tables for name in table.source_columns())
    columns = tuple(name for name in profile.source.columns if name in asked)
    source = profile.source.model_copy(update={"columns": columns})
    return profile.model_copy(update={"source": source})


def _source(opening: Opening, desk: Desk) -> dict[str, Any]:
    source: dict[str, Any] = {"columns": list(desk.source.columns)}
    if desk.source.dialect is not None:
        source |= {"encoding": opening.encoding, "delimiter": opening.delimiter}
    if opening.sheet is not None:
        source["sheet"] = opening.sheet
    return source | {"heading_line": opening.heading_line}


def _named(file: str, decisions: Decisions) -> dict[str, Any]:
    file = Path(file).name
    stem = file[: -len(suffix_of(Path(file)))] if suffix_of(Path(file)) else file
    slug = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "profile"
    found = Found(slug, Confidence.LIKELY, "after the file")
    name = decisions.decide("name", "What is the profile called?", [], found, free=True)
    found = Found(f"Rows of {stem}", Confidence.LIKELY, "after the file")
    title = decisions.decide("title", "Which title do people see?", [], found, free=True)
    found = Found(_pattern(file), Confidence.LIKELY, "the name with its numbers open")
    question = "By which names are such files known? * stands for anything."
    pattern = decisions.decide("file_pattern", question, [], found, free=True)
    return {"name": name, "title": title, "source": {"file": pattern}}


def _pattern(file: str) -> str:
    suffix = suffix_of(Path(file))
    stem = file[: -len(suffix)] if suffix else file
    stem = re.sub(r"[\[\]?*]", "?", stem)
    return re.sub(r"\d[\d._-]*", "*", stem) + suffix


def _decided(
    desk: Desk,
    columns: Mapping[Role, str],
    paid: bool,
    decisions: Decisions,
    troubles: list[Trouble],
) -> Decided | None:
    """All that tables depend on; None while anything of it is open."""
    dates = [columns[role] for role in _dates(paid) if role in columns]
    formats = {column: date_format(desk, column, decisions, troubles) for column in dates}
    amount = columns.get(Role.AMOUNT)
    numbers = number_format(desk, [amount], decisions) if amount else None
    sign = sign_of(desk, amount, numbers, decisions) if amount and numbers else None
    constant, only = currency(desk, columns, decisions)
    days = due_days(columns, decisions)
    dated = only_dated(desk, columns, decisions)
    widths, floats = _identifiers(desk, columns, decisions)
    if amount is None or numbers is None or sign is None:
        return None
    return Decided(
        columns,
        {column: stated for column, stated in formats.items() if stated is not None},
        numbers,
        sign,
        dated,
        paid,
        currency=constant,
        only_currency=only,
        due_days=days,
        disputed=disputed(desk, columns),
        widths=widths,
        floats=floats,
        rounded=noisy(desk, amount),
    )


def _dates(paid: bool) -> tuple[Role, ...]:
    return (Role.ISSUED, Role.DUE, Role.PAID) if paid else (Role.ISSUED, Role.DUE)


def _identifiers(
    desk: Desk, columns: Mapping[Role, str], decisions: Decisions
) -> tuple[dict[Role, int], frozenset[Role]]:
    """Widths to which identifiers are filled, and those that are written as decimals."""
    widths: dict[Role, int] = {}
    floats = set[Role]()
    for role in (Role.INVOICE, Role.CUSTOMER):
        column = columns.get(role)
        if column is None:
            continue
        if is_float(desk, column):
            floats.add(role)
        elif width := padding(desk, role, column, decisions):
            widths[role] = width
    return widths, frozenset(floats)


def _document(decided: Decided) -> dict[str, Any]:
    """The profile's keys besides its name, title and source."""
    numbers = decided.numbers
    document: dict[str, Any] = {
        "decimal_mark": numbers.decimal_mark,
        "thousands_mark": numbers.thousands_mark,
        "negatives": numbers.negatives,
        "number_marks": list(numbers.marks),
        "tables": tables_of(decided),
    }
    if (rows := rows_of(decided)) is not None:
        document["rows"] = rows
    return document


def profile_yaml(profile: Profile) -> bytes:
    """The profile as the document that `read_profile` reads, without what is usual."""
    document = profile.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    tables: Mapping[str, list[dict[str, Any]]] = document["tables"]
    document["tables"] = {
        name: each[0] if len(each) == 1 else each for name, each in tables.items()
    }
    return _yaml(_shortened(document))


def _shortened(value: Any) -> Any:
    """The same document with each rule that only names a column as that name."""
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    if not isinstance(value, dict):
        return value
    short = {key: _shortened(each) for key, each in value.items()}
    if isinstance(short.get("columns"), dict):
        rules = short["columns"].items()
        short["columns"] = {
            name: rule["column"] if isinstance(rule, dict) and set(rule) == {"column"} else rule
            for name, rule in rules
        }
    return short


class _Plain(yaml.SafeDumper):
    """Writes equal values out each time; a profile's document may not refer to itself."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (the dumper's signature)
        return True


def _yaml(document: Mapping[str, Any]) -> bytes:
    text = yaml.dump(dict(document), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)
    return str(text).encode()
