"""Which column of an unknown file is which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sla.evidence.proposal_columns import Desk
from sla.evidence.proposal_decisions import Decisions, Found
from sla.evidence.proposal_names import LOOKS, Look, Role, name_score, plain
from sla.evidence.proposal_values import ColumnFacts, Confidence, Option, Preview

_FITS = 60
"""What values of the right kind count beside a heading."""
_TELLING = 50
"""From this score on a heading speaks for a role."""
_UNIQUE = 0.9
"""Share of values that differ from which on they can be numbers of invoices; counted roughly."""
_GUESSED = ("predict", "forecast", "prognose")
"""Words in headings of columns that hold somebody's expectations, and so no evidence."""
_STRICT = frozenset({"dates", "currencies", "flags"})
"""Kinds without which a column can't have the role."""

Columns = Mapping[Role, str]


@dataclass(frozen=True, slots=True)
class _Candidate:
    column: str
    score: int
    named: bool
    fits: bool


def find_roles(desk: Desk, decisions: Decisions) -> dict[Role, str]:
    """The column of each role that has one, as answered or found."""
    found: dict[Role, str] = {}
    for role, look in LOOKS.items():
        candidates = _candidates(desk, role, look, found)
        options = [_option(desk, each.column) for each in candidates]
        if not look.needed:
            options.append(Option("", "no column"))
        best = candidates[0] if candidates and candidates[0].score >= _TELLING else None
        question = f"Which column holds the {look.title}?"
        chosen = decisions.decide(
            f"column.{role}",
            question,
            options,
            _found(best, look),
            group="columns",
            needed=look.needed,
        )
        if chosen:
            found[role] = chosen
    return found


def _candidates(desk: Desk, role: Role, look: Look, taken: Mapping[Role, str]) -> list[_Candidate]:
    """The columns that can have the role, the likeliest first."""
    candidates = []
    for place, (name, facts) in enumerate(desk.facts.items()):
        fits = facts.looks_like in look.kinds if look.kinds else facts.filled > 0
        if not facts.filled or (look.kinds & _STRICT and not fits):
            continue
        named = name_score(look, name)
        score = named + (_FITS if fits and look.kinds else 0)
        score += _suits(role, facts, desk.rows)
        if name in taken.values() and role not in {Role.CUSTOMER, Role.NAME}:
            score -= 150
        if any(word in plain(name) for word in _GUESSED):
            score -= 300
        candidates.append(
            (score, -place, _Candidate(name, score if named else min(score, 0), named > 0, fits))
        )
    candidates.sort(key=lambda each: each[:2], reverse=True)
    return [candidate for _, _, candidate in candidates]


def _suits(role: Role, facts: ColumnFacts, rows: int) -> int:
    """What the values themselves say about the role."""
    if role is Role.INVOICE:
        return 40 if facts.distinct >= facts.filled * _UNIQUE and facts.filled == rows else -40
    if role is Role.EVENT:
        return 0 if facts.distinct <= 100 and facts.filled == rows else -300
    if role is Role.AMOUNT:
        return 20 if facts.looks_like == "amounts" else -20
    if role in {Role.ISSUED, Role.DUE, Role.CUSTOMER}:
        return 20 if facts.filled == rows else 0
    return 0


def _found(best: _Candidate | None, look: Look) -> Found:
    if best is None:
        confidence = Confidence.OPEN if look.needed else Confidence.UNSURE
        return Found(None if look.needed else "", confidence, "no heading is a usual name for it")
    if best.fits and best.score >= 150:
        return Found(best.column, Confidence.LIKELY, "its heading and its values agree")
    return Found(best.column, Confidence.UNSURE, "by its heading")


def _option(desk: Desk, column: str) -> Option:
    facts = desk.facts[column]
    preview = tuple(Preview(column, example) for example in facts.examples[:2])
    evidence = f"{facts.looks_like}, {facts.filled} filled, about {facts.distinct} differ"
    return Option(column, column, preview, evidence)
