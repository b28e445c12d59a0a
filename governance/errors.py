"""What can go wrong, as typed errors; `app.errors` maps them to pages and exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: what, where, and what to do about it."""

    what: str
    """What is wrong, in a short sentence without a full stop."""
    file: str = ""
    """File name as the user gave it, empty where there is no file."""
    line: int | None = None
    """Line of a document, or line of a CSV file, counted from 1."""
    row: int | None = None
    """Data row of a table, counted from 1 without the heading."""
    column: str = ""
    """Column of a table, or key path of a document ("service_levels[0].kpi")."""
    found: str = ""
    """The offending value as text."""
    allowed: str = ""
    """What would be accepted, or what to do."""

    def where(self) -> str:
        """Location as text: "contract.yaml, line 7, service_levels[0].kpi"."""
        parts = [
            self.file,
            f"line {self.line}" if self.line is not None else "",
            f"row {self.row}" if self.row is not None else "",
            self.column,
        ]
        return ", ".join(part for part in parts if part)

    def __str__(self) -> str:
        where = self.where()
        text = f"{where}: {self.what}" if where else self.what
        if self.found:
            text += f"; found {self.found}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        # A value may hold line ends and control characters, which terminals obey.
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)

    def as_json(self) -> dict[str, str | int | None]:
        """Stable keys for `--json`."""
        return {
            "what": self.what,
            "file": self.file,
            "line": self.line,
            "row": self.row,
            "column": self.column,
            "found": self.found,
            "allowed": self.allowed,
        }


class PlumblineError(Exception):
    """Base of all errors that a user may see."""


class BadInput(PlumblineError):
    """An input can't be used; carries every problem found, never only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def one(cls, problem: Problem) -> BadInput:
        """With a single problem."""
        return cls([problem])


class NotFound(PlumblineError):
    """The object doesn't exist, or not for this user: the two look the same."""


class Forbidden(PlumblineError):
    """The user may see the object but not do this to it."""


class Conflict(PlumblineError):
    """The object's state doesn't allow this now."""


class Busy(PlumblineError):
    """Others hold what this needs for too long; the same again in a moment may succeed."""


class InvalidNote(PlumblineError):
    """A signed note, a key or a checkpoint is malformed or not signed as it must be."""


class InvalidTimestamp(PlumblineError):
    """A timestamp is malformed, of something else, or not signed by a trusted authority."""


class Unreachable(PlumblineError):
    """A service outside doesn't answer, or not as it must."""


class NotSignedIn(PlumblineError):
    """The request carries no valid session."""
