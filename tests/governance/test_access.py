"""The access policy, role by role."""

from __future__ import annotations

import pytest

from governance.access import Actor, Permission, Role, permits
from governance.errors import Forbidden
from tests.factories import NOW


def test_nobody_without_a_role_may_do_anything() -> None:
    assert not any(permits((), permission) for permission in Permission)


def test_roles_add_up() -> None:
    roles = {Role.AUDITOR, Role.PROVIDER_FINANCE}
    assert permits(roles, Permission.VIEW_AUDIT)
    assert permits(roles, Permission.ISSUE_INVOICE)
    assert not permits(roles, Permission.ADD_CONTRACT)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.CLIENT_FINANCE, {Permission.VIEW}),
        (Role.CLIENT_COMMITTEE, {Permission.VIEW}),
        (Role.AUDITOR, {Permission.VIEW, Permission.VIEW_AUDIT}),
        (Role.OPERATOR, {Permission.MANAGE_USERS}),
    ],
)
def test_roles_that_only_look_change_nothing(role: Role, allowed: set[Permission]) -> None:
    assert {one for one in Permission if permits({role}, one)} == allowed


def test_the_client_side_issues_no_invoices() -> None:
    client = {Role.CLIENT_COMMITTEE, Role.COMMITTEE_CHAIR, Role.CLIENT_FINANCE}
    assert not permits(client, Permission.ISSUE_INVOICE)
    assert not permits(client, Permission.SETTLE_PERIOD)


def test_an_actor_who_is_not_signed_in_has_no_id() -> None:
    with pytest.raises(Forbidden):
        _ = Actor(None, "command line", NOW).signed_in_id
