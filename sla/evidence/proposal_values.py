"""What a proposed import profile consists of: facts of the file, choices, questions, previews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sla.evidence.profiles import Profile


class Confidence(StrEnum):
    """How sure a choice is, in words people use."""

    CERTAIN = "certain"
    """Stated by the user, or nothing else is possible."""
    LIKELY = "likely"
    """The names and the values agree."""
    UNSURE = "unsure"
    """Only one of them speaks for it; worth a look."""
    OPEN = "open"
    """Nothing decides it: the user must answer."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the user decided, by the key of the choice; it overrides whatever was found.

    Keys are those of `Choice.key`: "encoding", "delimiter", "sheet", "heading_line", "row",
    "date_format.<source column>", "decimal_mark", "sign", "currency", "pad.customer_id",
    "column.<dataset column>", and "name", "title" of the profile.
    """

    given: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str | None:
        """The answer to a choice, None where there is none."""
        return self.given.get(key)


@dataclass(frozen=True, slots=True)
class Preview:
    """One value of the file, and what a choice makes of it."""

    written: str
    gives: str


@dataclass(frozen=True, slots=True)
class Option:
    """One allowed answer to a choice."""

    value: str
    """What `Answers` takes."""
    label: str
    preview: tuple[Preview, ...] = ()
    """Values of the file with what this answer makes of them."""
    evidence: str = ""
    """What in the file speaks for or against it, with counts."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that the profile has to state, with what could be stated."""

    key: str
    question: str
    options: tuple[Option, ...]
    """Allowed answers, the likeliest first; empty where any text of the right form is one."""
    chosen: str | None
    """The answer, or what was found; None while nothing decides it."""
    confidence: Confidence
    reason: str
    """Why it was chosen, or why it can't be."""
    group: str = "file"
    """Where a page shows it: "file", "columns", "formats" or "values"."""
    needed: bool = True
    """Whether there is no profile without it."""

    @property
    def is_open(self) -> bool:
        """Whether the user has to answer it."""
        return self.chosen is None and self.needed


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of the file, counted over all rows."""

    name: str
    filled: int
    """Rows with a value."""
    distinct: int
    """About how many values differ."""
    examples: tuple[str, ...]
    """Its first values that differ."""
    looks_like: str
    """"dates", "amounts", "whole numbers", "currencies", "text" or "nothing"."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Values that no choice can make right, with the rows that hold them."""

    message: str
    column: str
    rows: tuple[tuple[int, str], ...]
    """Data row, counted from 1, and what it holds; the first ones."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an import profile of the file would be, as far as it can be told."""

    file: str
    rows: int
    columns: tuple[ColumnFacts, ...]
    choices: tuple[Choice, ...]
    """All, in the order in which a person would decide them."""
    troubles: tuple[Trouble, ...] = ()
    profile: Profile | None = None
    """None while a question is open or something is missing."""
    missing: tuple[str, ...] = ()
    """What there is no profile without, in words, besides the open questions."""
    sample: tuple[Mapping[str, str], ...] = ()
    """The first rows of the file as read, by heading."""

    @property
    def questions(self) -> tuple[Choice, ...]:
        """The choices that the user has to make."""
        return tuple(choice for choice in self.choices if choice.is_open)

    def choice(self, key: str) -> Choice | None:
        """The choice of that key, None where the file doesn't pose it."""
        return next((choice for choice in self.choices if choice.key == key), None)
