"""Who may do what, to which object, in which state: the one policy, as pure functions.

Nothing here knows a session, a clock or a request. Services gather what the policy asks for
and turn its decision into an error.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from governance.access_terms import (
    ENGAGEMENT_ROLES,
    LEADS,
    Permission,
    Role,
    Side,
    State,
)
from governance.access_words import NOT_NOW, OWN
from governance.duty_conflicts import DutyConflict, conflicts
from governance.errors import Conflict, Forbidden, NotFound

__all__ = [
    "AGREEMENTS",
    "APPROVALS",
    "ENGAGEMENT_ROLES",
    "INSTALLATION_PERMISSIONS",
    "LEADS",
    "NO_ITEM",
    "Actor",
    "Decision",
    "DutyConflict",
    "Item",
    "Permission",
    "Role",
    "Side",
    "Standing",
    "State",
    "Verdict",
    "conflicts",
    "decide",
    "grantable",
    "manageable",
    "permissions_of",
    "permits",
]


_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.PROVIDER_ACCOUNT_MANAGER: frozenset(
        {
            Permission.VIEW,
            Permission.PROPOSE_RELIEF,
            Permission.RESTATE_PERIOD,
            Permission.ADD_CONTRACT,
            Permission.ACCEPT_CONTRACT,
            Permission.HAND_IN_EVIDENCE,
            Permission.SETTLE_PERIOD,
            Permission.SUBMIT_FIGURES,
            Permission.DISCUSS_FIGURES,
            Permission.DECIDE_FIGURES,
            Permission.CHECK_INVOICE,
            Permission.APPROVE_INVOICE,
            Permission.ISSUE_INVOICE,
            Permission.SEND_INVOICE,
            Permission.RUN_BILLING,
            Permission.RESOLVE_DISPUTE,
            Permission.PREPARE_CREDIT_NOTE,
            Permission.APPROVE_CREDIT_NOTE,
            Permission.RECORD_PAYMENT,
            Permission.WRITE_OFF,
            Permission.APPROVE_WRITE_OFF,
            Permission.EXPORT_JOURNAL,
            Permission.UPDATE_TRENDS,
            Permission.MANAGE_MEMBERS,
            Permission.VIEW_DUTIES,
        }
    ),
    Role.PROVIDER_FINANCE: frozenset(
        {
            Permission.VIEW,
            Permission.RESTATE_PERIOD,
            Permission.SETTLE_PERIOD,
            Permission.SUBMIT_FIGURES,
            Permission.DISCUSS_FIGURES,
            Permission.DECIDE_FIGURES,
            Permission.CHECK_INVOICE,
            Permission.APPROVE_INVOICE,
            Permission.ISSUE_INVOICE,
            Permission.SEND_INVOICE,
            Permission.RUN_BILLING,
            Permission.RESOLVE_DISPUTE,
            Permission.PREPARE_CREDIT_NOTE,
            Permission.APPROVE_CREDIT_NOTE,
            Permission.RECORD_PAYMENT,
            Permission.WRITE_OFF,
            Permission.APPROVE_WRITE_OFF,
            Permission.EXPORT_JOURNAL,
            Permission.UPDATE_TRENDS,
        }
    ),
    Role.CLIENT_COMMITTEE: frozenset(
        {
            Permission.VIEW,
            Permission.CLAIM_CREDIT,
            Permission.DISPUTE_INVOICE,
            Permission.CHECK_PROVIDER_INVOICE,
            Permission.DECIDE_RELIEF,
            Permission.REVIEW_FIGURES,
            Permission.DISCUSS_FIGURES,
            Permission.DECIDE_FIGURES,
            Permission.ACCEPT_FIGURES,
            Permission.UPDATE_TRENDS,
        }
    ),
    Role.COMMITTEE_CHAIR: frozenset(
        {
            Permission.VIEW,
            Permission.CLAIM_CREDIT,
            Permission.DISPUTE_INVOICE,
            Permission.CHECK_PROVIDER_INVOICE,
            Permission.DECIDE_RELIEF,
            Permission.ADD_CONTRACT,
            Permission.ACCEPT_CONTRACT,
            Permission.REVIEW_FIGURES,
            Permission.DISCUSS_FIGURES,
            Permission.DECIDE_FIGURES,
            Permission.ACCEPT_FIGURES,
            Permission.UPDATE_TRENDS,
            Permission.MANAGE_MEMBERS,
            Permission.VIEW_DUTIES,
            Permission.GRANT_EXCEPTION,
            Permission.REVIEW_ACCESS,
        }
    ),
    Role.CLIENT_FINANCE: frozenset(
        {
            Permission.VIEW,
            Permission.CLAIM_CREDIT,
            Permission.DISPUTE_INVOICE,
            Permission.CHECK_PROVIDER_INVOICE,
            Permission.EXPORT_JOURNAL,
            Permission.UPDATE_TRENDS,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            Permission.VIEW,
            Permission.VIEW_DUTIES,
            Permission.VIEW_AUDIT,
            Permission.EXPORT_AUDIT,
            Permission.EXPORT_JOURNAL,
        }
    ),
    Role.OPERATOR: frozenset({Permission.MANAGE_USERS, Permission.VIEW_OPERATION}),
}
"""Who runs the installation manages its users but sees no engagement's figures."""

INSTALLATION_PERMISSIONS = _GRANTS[Role.OPERATOR]
"""What one may do to the installation; all others belong to an engagement."""


def permits(roles: Collection[Role], permission: Permission) -> bool:
    """Whether any of the roles carries the permission."""
    return any(permission in _GRANTS[role] for role in roles)


def permissions_of(roles: Collection[Role]) -> frozenset[Permission]:
    """Everything that the roles carry together."""
    return frozenset().union(*(_GRANTS[role] for role in roles))


_STATES: dict[Permission, frozenset[State]] = {
    Permission.SETTLE_PERIOD: frozenset(
        {State.OPEN, State.SETTLED, State.SUBMITTED, State.UNDER_REVIEW, State.AGREED}
    ),
    Permission.SUBMIT_FIGURES: frozenset({State.SETTLED, State.SUBMITTED}),
    Permission.REVIEW_FIGURES: frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.AGREED}),
    Permission.DISCUSS_FIGURES: frozenset({State.SUBMITTED, State.UNDER_REVIEW}),
    Permission.DECIDE_FIGURES: frozenset({State.SUBMITTED, State.UNDER_REVIEW}),
    Permission.ACCEPT_FIGURES: frozenset({State.AGREED}),
    Permission.APPROVE_INVOICE: frozenset({State.SEALED}),
    Permission.ISSUE_INVOICE: frozenset({State.SEALED}),
    Permission.DECIDE_RELIEF: frozenset({State.PROPOSED}),
    Permission.ACCEPT_CONTRACT: frozenset({State.PROPOSED}),
}
"""In which states a permission is of use; the others don't ask for the state."""
APPROVALS = frozenset(
    {
        Permission.ACCEPT_CONTRACT,
        Permission.REVIEW_FIGURES,
        Permission.DECIDE_FIGURES,
        Permission.ACCEPT_FIGURES,
        Permission.DECIDE_RELIEF,
        Permission.APPROVE_INVOICE,
        Permission.ISSUE_INVOICE,
        Permission.APPROVE_CREDIT_NOTE,
        Permission.APPROVE_WRITE_OFF,
        Permission.GRANT_EXCEPTION,
    }
)
"""Nobody approves what they prepared, and nobody whose duties conflict approves anything."""
AGREEMENTS = frozenset(
    {
        Permission.ACCEPT_CONTRACT,
        Permission.REVIEW_FIGURES,
        Permission.DECIDE_FIGURES,
        Permission.DECIDE_RELIEF,
        Permission.ACCEPT_FIGURES,
    }
)
"""What one side proposes and the other agrees to; never the same side, whoever acts for it."""
_PROPOSES = {
    Permission.REVIEW_FIGURES: Side.PROVIDER,
    Permission.ACCEPT_FIGURES: Side.PROVIDER,
    Permission.DECIDE_RELIEF: Side.PROVIDER,
}
"""Figures are the provider's, whoever settled them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person is to an engagement at a moment."""

    user_id: int
    roles: frozenset[Role]
    """The roles held on the day, in this engagement."""
    employer: Side | None = None
    """The side whose organisation the person works for; None for an outsider."""
    conflicts: frozenset[DutyConflict] = frozenset()
    """The conflicts among the person's duties that no exception covers on the day."""

    @property
    def sides(self) -> frozenset[Side]:
        """The sides that the person acts for, as employee or by a role."""
        acted = {role.side for role in self.roles} | {self.employer}
        return frozenset(side for side in acted if side is not None)


@dataclass(frozen=True, slots=True)
class Item:
    """What a permission is asked for."""

    state: State | None = None
    """None where the question is about the person alone."""
    prepared_by: int | None = None
    """The user who prepared it; for an exception the user who benefits from it."""
    prepared_side: Side | None = None
    """The side that proposes it."""
    others: frozenset[int] = frozenset()
    """Further users who had a hand in it."""


NO_ITEM = Item()
"""Where a permission is asked for as such."""


class Verdict(StrEnum):
    """How the policy answers."""

    ALLOWED = "allowed"
    UNKNOWN = "unknown"
    """For this person the object doesn't exist."""
    FORBIDDEN = "forbidden"
    NOT_NOW = "not_now"
    """The person might, were the object in another state."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The policy's answer and its reason in words."""

    verdict: Verdict
    why: str = ""

    @property
    def allowed(self) -> bool:
        """Whether it may be done."""
        return self.verdict is Verdict.ALLOWED

    def enforce(self) -> None:
        """Raise NotFound, Forbidden or Conflict unless it may be done."""
        match self.verdict:
            case Verdict.UNKNOWN:
                raise NotFound(self.why)
            case Verdict.FORBIDDEN:
                raise Forbidden(self.why)
            case Verdict.NOT_NOW:
                raise Conflict(self.why)


_ALLOWED = Decision(Verdict.ALLOWED)


def decide(standing: Standing, permission: Permission, item: Item = NO_ITEM) -> Decision:
    """Whether a person may do something to an object as it stands.

    Who has no role in the engagement learns nothing of it; running the installation is none.
    Then the roles are asked, then the duties (nobody approves what they prepared, no side agrees
    to its own proposal, nobody approves while their duties conflict without an exception,
    whatever roles a person holds), and last the object's state.
    """
    roles = standing.roles - {Role.OPERATOR}
    if not roles:
        return Decision(Verdict.UNKNOWN, "there is no such engagement")
    if not permits(roles, permission):
        return Decision(Verdict.FORBIDDEN, f"none of your roles lets you {permission.words}")
    refusal = _duty_refusal(standing, permission, item)
    if refusal:
        return Decision(Verdict.FORBIDDEN, refusal)
    if item.state is not None and item.state not in _STATES.get(permission, State):
        why = NOT_NOW.get((permission, item.state), f"it is {item.state.value}")
        return Decision(Verdict.NOT_NOW, why)
    return _ALLOWED


def _duty_refusal(standing: Standing, permission: Permission, item: Item) -> str:
    """Why a person's duties forbid what their roles allow; empty where they don't."""
    if permission not in APPROVALS:
        return ""
    if standing.user_id in {item.prepared_by, *item.others}:
        return OWN[permission]
    side = item.prepared_side or _PROPOSES.get(permission)
    if permission in AGREEMENTS and side in standing.sides:
        return f"the {side.value} proposes this and you act for it; the other side accepts"
    if standing.conflicts:
        found = ", ".join(sorted(one.words for one in standing.conflicts))
        return f"approvals are closed to who {found}; the chair can grant an exception"
    return ""


def manageable(roles: Collection[Role]) -> frozenset[Role]:
    """The roles that a holder of `roles` gives, changes and takes away.

    Each lead says who belongs to its own side; the chair appoints the auditor too.
    """
    own = {side for side, lead in LEADS.items() if lead in roles}
    found = {role for role in ENGAGEMENT_ROLES if role.side in own}
    return frozenset(found | ({Role.AUDITOR} if Side.CLIENT in own else set()))


def grantable(
    roles: Collection[Role], led: Collection[Side], employer: Side | None = None
) -> frozenset[Role]:
    """The roles that a holder of `roles` may give to a person who works for `employer`.

    Beyond its own side a lead may only name the first lead of the other one: `led` are the sides
    that have a lead. That one must work for the side, so that no side picks who answers to it.
    """
    own = manageable(roles)
    if not own:
        return own
    return own | {lead for side, lead in LEADS.items() if side not in led and side is employer}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, when and in which request.

    Services take the moment from here, so none of them reads a clock.
    """

    user_id: int | None
    """None for the command line and for strangers at the door."""
    name: str
    at: datetime
    """When the request or job began, in UTC."""
    request_id: str = ""

    @property
    def signed_in_id(self) -> int:
        """The user's id; Forbidden where nobody is signed in."""
        if self.user_id is None:
            raise Forbidden("only a signed-in user can do this")
        return self.user_id
