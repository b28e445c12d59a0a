"""The one place that maps typed errors to HTTP statuses and exit codes."""

from __future__ import annotations

from dataclasses import dataclass

from governance.errors import (
    BadInput,
    Busy,
    Conflict,
    Forbidden,
    InvalidNote,
    InvalidTimestamp,
    NotFound,
    NotSignedIn,
    PlumblineError,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one kind of error shows itself."""

    http_status: int
    exit_code: int
    title: str


_OUTCOMES: dict[type[PlumblineError], Outcome] = {
    BadInput: Outcome(422, 2, "This can't be used as it is"),
    InvalidNote: Outcome(422, 2, "This can't be used as it is"),
    InvalidTimestamp: Outcome(422, 2, "This can't be used as it is"),
    Unreachable: Outcome(503, 5, "A service outside doesn't answer"),
    NotSignedIn: Outcome(401, 3, "Please sign in"),
    Forbidden: Outcome(403, 3, "You may not do this"),
    NotFound: Outcome(404, 4, "Not found"),
    Conflict: Outcome(409, 5, "Not possible now"),
    Busy: Outcome(503, 5, "Busy"),
}


def outcome_of(error: PlumblineError) -> Outcome:
    """The HTTP status, exit code and title of an error, by its nearest class."""
    for kind in type(error).__mro__:
        if kind in _OUTCOMES:
            return _OUTCOMES[kind]
    return Outcome(500, 1, "Something went wrong")
