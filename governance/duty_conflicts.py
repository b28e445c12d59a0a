"""Duties that one person shouldn't hold together, as pure functions of what the person holds."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from governance.access_terms import Role, Side


class DutyConflict(StrEnum):
    """Duties that one person may hold together only by a recorded exception."""

    BOTH_SIDES = "both_sides"
    FOREIGN_EMPLOYER = "foreign_employer"
    PREPARES_AND_ISSUES = "prepares_and_issues"
    ACCEPTS_AND_PAYS = "accepts_and_pays"
    AUDITS_AND_ACTS = "audits_and_acts"
    OPERATES_AND_ACTS = "operates_and_acts"

    @property
    def words(self) -> str:
        """What is wrong with it, as half a sentence."""
        return _CONFLICT_WORDS[self]


_CONFLICT_WORDS = {
    DutyConflict.BOTH_SIDES: "acts for the client and for the provider",
    DutyConflict.FOREIGN_EMPLOYER: "works for the party that this role stands against",
    DutyConflict.PREPARES_AND_ISSUES: "prepares the figures and issues the invoice for them",
    DutyConflict.ACCEPTS_AND_PAYS: "accepts the figures and pays what follows from them",
    DutyConflict.AUDITS_AND_ACTS: "audits what they do themselves",
    DutyConflict.OPERATES_AND_ACTS: "runs the system that others must be able to trust",
}


def conflicts(
    roles: Collection[Role], employer: Side | None, *, operator: bool = False
) -> frozenset[DutyConflict]:
    """The conflicts among all that a person holds in an engagement.

    `employer` is the side the person works for, None for an outsider; `operator` says whether
    the person runs the installation, which the role of that name says too.
    """
    held = frozenset(roles) - {Role.OPERATOR}
    operator = operator or Role.OPERATOR in roles
    return frozenset(
        conflict for conflict, found in _conflicts(held, employer, operator=operator) if found
    )


def _conflicts(
    held: frozenset[Role], employer: Side | None, *, operator: bool
) -> tuple[tuple[DutyConflict, bool], ...]:
    sides = {role.side for role in held} - {None}
    accepts = held & {Role.COMMITTEE_CHAIR, Role.CLIENT_COMMITTEE}
    against = (employer is Side.PROVIDER and (Side.CLIENT in sides or Role.AUDITOR in held)) or (
        employer is Side.CLIENT and Side.PROVIDER in sides
    )
    prepares_and_issues = {Role.PROVIDER_ACCOUNT_MANAGER, Role.PROVIDER_FINANCE} <= held
    return (
        (DutyConflict.BOTH_SIDES, len(sides) > 1),
        (DutyConflict.FOREIGN_EMPLOYER, against),
        (DutyConflict.PREPARES_AND_ISSUES, prepares_and_issues),
        (DutyConflict.ACCEPTS_AND_PAYS, bool(accepts) and Role.CLIENT_FINANCE in held),
        (DutyConflict.AUDITS_AND_ACTS, Role.AUDITOR in held and len(held) > 1),
        (DutyConflict.OPERATES_AND_ACTS, operator and bool(held)),
    )
