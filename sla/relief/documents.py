"""Approved relief as a document, for those who measure from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from governance.contract.base import Identifier, Name, Terms, Text, Titled, Whole
from governance.contract.document import Contract
from governance.contract.reading import read_terms
from governance.contract.yaml_nodes import descend, parse_nodes
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.relief.claims import MOST_ROWS, read_instant
from sla.relief.shadowing import ROW_KEYS
from sla.relief.values import Relief, ReliefEvent, ReliefKind, Span


class SpanTerms(Terms):
    """A span of time in which clocks stand still."""

    from_: Text = Field(alias="from")
    """Its first instant, as 2026-03-05 08:00; the contract's zone unless an offset is given."""
    to: Text
    """The instant at which it ends."""


class EventTerms(Titled):
    """One event that the client granted."""

    kind: Literal["client_caused", "maintenance", "force_majeure"]
    reason: Text
    clause: Name | None = None
    period: Name
    """The month, quarter or year that it is granted for."""
    service_levels: tuple[Identifier, ...] = ()
    """Those that it relieves; none are all of them."""
    rows: dict[Name, tuple[Text, ...]] = Field(default_factory=dict)
    """By dataset, the keys of the rows that are taken out."""
    spans: tuple[SpanTerms, ...] = ()
    excused: bool = False
    """Whether the service levels are excused as a whole."""


class ReliefTerms(Terms):
    """A document of relief events."""

    plumbline_relief: Annotated[Whole, Field(ge=1, le=1)]
    """Version of the document's form."""
    events: Annotated[tuple[EventTerms, ...], Field(min_length=1)]


def read_relief(data: bytes, file: str, contract: Contract) -> tuple[ReliefEvent, ...]:
    """The events of a relief document, checked against the contract.

    Raises BadInput with every problem and its line.
    """
    terms = read_terms(ReliefTerms, data, file)
    problems: list[Problem] = []
    root, _ = parse_nodes(data, file)
    events = []
    for index, one in enumerate(terms.events):
        line = list(descend(root, ("events", index)))[-1][1]
        try:
            events.append(_event(one, contract))
        except BadInput as error:
            problems += [
                Problem(each.what, file, line, each.row, each.column, each.found, each.allowed)
                for each in error.problems
            ]
    twice = sorted(
        {one.id for one in terms.events if [o.id for o in terms.events].count(one.id) > 1}
    )
    problems += [Problem(f"two events are called {name}", file, column="events") for name in twice]
    if problems:
        raise BadInput(problems)
    return tuple(events)


def _event(one: EventTerms, contract: Contract) -> ReliefEvent:
    problems = list(_problems(one, contract))
    if problems:
        raise BadInput(problems)
    return ReliefEvent(
        reference=one.id,
        kind=ReliefKind(one.kind),
        title=one.title,
        reason=one.reason,
        clause=one.clause or "",
        period=Period.parse(one.period),
        service_levels=frozenset(one.service_levels),
        relief=Relief(
            {name: frozenset(keys) for name, keys in one.rows.items()},
            tuple(_span(each, contract) for each in one.spans),
        ),
        excused=one.excused,
    )


def _problems(one: EventTerms, contract: Contract) -> list[Problem]:
    known = {level.id for level in contract.service_levels}
    unknown = sorted(set(one.service_levels) - known)
    problems = [
        Problem(
            f"event {one.id}: the contract has no service level {name}",
            column="service_levels",
            found=name,
            allowed=", ".join(sorted(known)),
        )
        for name in unknown
    ]
    problems += [
        Problem(
            f"event {one.id}: rows of {name} can't be taken out",
            column="rows",
            found=name,
            allowed=", ".join(ROW_KEYS),
        )
        for name in one.rows
        if name not in ROW_KEYS
    ]
    if sum(len(keys) for keys in one.rows.values()) > MOST_ROWS:
        problems.append(Problem(f"event {one.id}: too many rows", allowed=f"{MOST_ROWS:,}"))
    if not (one.rows or one.spans or one.excused):
        allowed = "rows, spans, or excused: true"
        problems.append(Problem(f"event {one.id} takes nothing out", allowed=allowed))
    return problems


def _span(terms: SpanTerms, contract: Contract) -> Span:
    zone = ZoneInfo(contract.engagement.time_zone)
    start, end = read_instant(terms.from_, zone), read_instant(terms.to, zone)
    if start is None or end is None or end <= start:
        raise BadInput.one(
            Problem(
                "not a span of time",
                column="spans",
                found=f"{terms.from_} to {terms.to}",
                allowed="from: and to: as 2026-03-05 08:00, the end after the start",
            )
        )
    return Span(start, end)


def load_relief(path: Path | None, contract: Contract) -> tuple[ReliefEvent, ...]:
    """The events of a document; none without one. BadInput with every problem and its line."""
    if path is None:
        return ()
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = Problem("the file can't be read", str(path), found=error.strerror or "")
        raise BadInput.one(problem) from None
    return read_relief(data, str(path), contract)
