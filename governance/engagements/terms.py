"""The days of a role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from governance.errors import BadInput, Problem
from governance.parties.models import Membership


@dataclass(frozen=True, slots=True)
class Term:
    """The days of a role, both included; None is unbounded."""

    starts_on: date | None = None
    ends_on: date | None = None

    def runs_on(self, day: date) -> bool:
        """Whether the role is held on that day."""
        begun = self.starts_on is None or self.starts_on <= day
        return begun and not self.is_over(day)

    def is_over(self, day: date) -> bool:
        """Whether its last day is before that day."""
        return self.ends_on is not None and self.ends_on < day

    def overlaps(self, other: Term) -> bool:
        """Whether there is a day of both."""
        return not (
            (other.starts_on is not None and self.is_over(other.starts_on))
            or (self.starts_on is not None and other.is_over(self.starts_on))
        )

    def is_within(self, other: Term) -> bool:
        """Whether all its days are days of the other."""
        begins = other.starts_on is None or (
            self.starts_on is not None and self.starts_on >= other.starts_on
        )
        ends = other.ends_on is None or (self.ends_on is not None and self.ends_on <= other.ends_on)
        return begins and ends

    def check(self, today: date) -> None:
        """BadInput where it holds on no day from today on."""
        if self.ends_on is None:
            return
        first = max(today, self.starts_on or today)
        if self.is_over(first):
            raise BadInput.one(
                Problem(
                    "the last day is before the first, or past",
                    column="ends_on",
                    found=self.ends_on.isoformat(),
                    allowed=f"{first} or later, or none",
                )
            )


ALWAYS = Term()
"""Since ever and until further notice."""


def term_of(membership: Membership) -> Term:
    """The days of a stored role."""
    return Term(membership.starts_on, membership.ends_on)
