"""Who may do what, in one place: roles, permissions, and which role carries which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from governance.errors import Forbidden


class Role(StrEnum):
    """What a person is to an engagement; `operator` is what one is to the installation."""

    PROVIDER_ACCOUNT_MANAGER = "provider_account_manager"
    PROVIDER_FINANCE = "provider_finance"
    CLIENT_COMMITTEE = "client_committee"
    COMMITTEE_CHAIR = "committee_chair"
    CLIENT_FINANCE = "client_finance"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Permission(StrEnum):
    """One thing that a person may do in an engagement, `subject:action`."""

    VIEW = "engagement:view"
    ADD_CONTRACT = "contract:add"
    HAND_IN_EVIDENCE = "evidence:hand_in"
    SETTLE_PERIOD = "period:settle"
    ISSUE_INVOICE = "invoice:issue"
    MANAGE_MEMBERS = "members:manage"
    VIEW_AUDIT = "audit:view"
    MANAGE_USERS = "users:manage"


_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.PROVIDER_ACCOUNT_MANAGER: frozenset(
        {
            Permission.VIEW,
            Permission.ADD_CONTRACT,
            Permission.HAND_IN_EVIDENCE,
            Permission.SETTLE_PERIOD,
            Permission.ISSUE_INVOICE,
            Permission.MANAGE_MEMBERS,
        }
    ),
    Role.PROVIDER_FINANCE: frozenset(
        {Permission.VIEW, Permission.SETTLE_PERIOD, Permission.ISSUE_INVOICE}
    ),
    Role.CLIENT_COMMITTEE: frozenset({Permission.VIEW}),
    Role.COMMITTEE_CHAIR: frozenset(
        {Permission.VIEW, Permission.ADD_CONTRACT, Permission.MANAGE_MEMBERS}
    ),
    Role.CLIENT_FINANCE: frozenset({Permission.VIEW}),
    Role.AUDITOR: frozenset({Permission.VIEW, Permission.VIEW_AUDIT}),
    Role.OPERATOR: frozenset({Permission.MANAGE_USERS}),
}
"""Who runs the installation manages its users but sees no engagement's figures."""


def permits(roles: Collection[Role], permission: Permission) -> bool:
    """Whether any of the roles carries the permission."""
    return any(permission in _GRANTS[role] for role in roles)


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
