"""The access policy: the table that people read, and what holds whatever roles are held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from governance.access import (
    AGREEMENTS,
    APPROVALS,
    ENGAGEMENT_ROLES,
    INSTALLATION_PERMISSIONS,
    LEADS,
    Actor,
    Decision,
    DutyConflict,
    Item,
    Permission,
    Role,
    Side,
    Standing,
    State,
    Verdict,
    conflicts,
    decide,
    grantable,
    manageable,
    permissions_of,
    permits,
)
from governance.errors import Conflict, Forbidden, NotFound
from tests.factories import NOW
from tests.paths import CASES

_ME, _OTHER = 1, 2
_NAMES = {
    "manager": Role.PROVIDER_ACCOUNT_MANAGER,
    "billing": Role.PROVIDER_FINANCE,
    "committee": Role.CLIENT_COMMITTEE,
    "chair": Role.COMMITTEE_CHAIR,
    "paying": Role.CLIENT_FINANCE,
    "auditor": Role.AUDITOR,
    "operator": Role.OPERATOR,
}
_TABLES: dict[str, Any] = yaml.safe_load((CASES / "access.yaml").read_text("utf-8"))
_MAKERS = {"self": _ME, "other": _OTHER, None: None}


def _table(name: str) -> dict[str, dict[str, str]]:
    """A table of text as rows by their first cell; bars only guide the eye."""
    heading, *lines = (line.replace("|", " ").split() for line in _TABLES[name].splitlines())
    return {cells[0]: dict(zip(heading[1:], cells[1:], strict=True)) for cells in lines}


def _roles(case: Mapping[str, Any], key: str = "who") -> frozenset[Role]:
    return frozenset(_NAMES[name] for name in case[key])


def _side(name: str | None) -> Side | None:
    return None if name in {None, "nobody"} else Side(name)


def _id(case: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in case.items())


def test_the_tables_name_every_permission_role_and_state() -> None:
    grants, states = _table("grants"), _table("states")
    assert set(grants) == set(Permission)
    assert all({_NAMES[name] for name in row} == set(Role) for row in grants.values())
    assert all(set(row) == set(State) for row in states.values())
    found = {Verdict(case["answer"]) for case in _TABLES["duties"]}
    assert found == set(Verdict)
    assert {one for case in _TABLES["conflicts"] for one in case["found"]} == set(DutyConflict)


@pytest.mark.parametrize("permission", Permission)
def test_each_role_carries_what_the_table_says(permission: Permission) -> None:
    for name, cell in _table("grants")[permission].items():
        role = _NAMES[name]
        assert permits({role}, permission) == (cell == "x"), name
        assert (permission in permissions_of({role})) == (cell == "x"), name


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("state", State)
def test_each_state_allows_what_the_table_says(permission: Permission, state: State) -> None:
    """Asked for somebody who may, and for whom it isn't their own."""
    for role in ENGAGEMENT_ROLES:
        if not permits({role}, permission):
            continue
        answer = decide(Standing(_ME, frozenset({role})), permission, Item(state, _OTHER))
        cell = _table("states").get(permission, {}).get(state, "yes")
        expected = Verdict.ALLOWED if cell == "yes" else Verdict.NOT_NOW
        assert answer.verdict is expected
        assert bool(answer.why) is not answer.allowed


@pytest.mark.parametrize("case", _TABLES["duties"], ids=_id)
def test_duties(case: Mapping[str, Any]) -> None:
    standing = Standing(
        _ME,
        _roles(case),
        _side(case["works_for"]),
        frozenset(DutyConflict(one) for one in case.get("conflicts", ())),
    )
    state = State(case["state"]) if "state" in case else None
    item = Item(state, _MAKERS[case.get("made")], _side(case.get("by")))
    answer = decide(standing, Permission(case["does"]), item)
    assert answer.verdict == case["answer"], answer.why
    assert case.get("why", "") in answer.why


@pytest.mark.parametrize("case", _TABLES["conflicts"], ids=_id)
def test_conflicts(case: Mapping[str, Any]) -> None:
    operates = case.get("operates", False)
    found = conflicts(_roles(case), _side(case["works_for"]), operator=operates)
    assert {one.value for one in found} == set(case["found"])
    assert all(one.words for one in found)


@pytest.mark.parametrize("case", _TABLES["grantable"], ids=_id)
def test_grantable(case: Mapping[str, Any]) -> None:
    led = {Side(one) for one in case["led"]}
    found = grantable(_roles(case), led, _side(case["to"]))
    assert found == _roles(case, "gives")


def test_a_decision_becomes_the_error_that_fits() -> None:
    Decision(Verdict.ALLOWED).enforce()
    for verdict, error in (
        (Verdict.UNKNOWN, NotFound),
        (Verdict.FORBIDDEN, Forbidden),
        (Verdict.NOT_NOW, Conflict),
    ):
        with pytest.raises(error, match="because"):
            Decision(verdict, "because").enforce()


def test_an_actor_who_is_not_signed_in_has_no_id() -> None:
    with pytest.raises(Forbidden):
        _ = Actor(None, "command line", NOW).signed_in_id


def test_roles_have_the_side_that_they_act_for() -> None:
    assert {role for role in Role if role.side is None} == {Role.AUDITOR, Role.OPERATOR}
    assert all(lead.side is side for side, lead in LEADS.items())


_ROLES = st.frozensets(st.sampled_from(Role))
_STANDINGS = st.builds(
    Standing,
    st.just(_ME),
    _ROLES,
    st.none() | st.sampled_from(Side),
    st.frozensets(st.sampled_from(DutyConflict), max_size=2),
)
_ITEMS = st.builds(
    Item,
    st.none() | st.sampled_from(State),
    st.none() | st.sampled_from([_ME, _OTHER]),
    st.none() | st.sampled_from(Side),
)
_PERMISSIONS = st.sampled_from(Permission)


@given(_STANDINGS, st.sampled_from(sorted(APPROVALS)), _ITEMS)
def test_nobody_approves_what_they_prepared(
    standing: Standing, permission: Permission, item: Item
) -> None:
    own = Item(item.state, standing.user_id, item.prepared_side)
    assert not decide(standing, permission, own).allowed


@given(_STANDINGS, st.sampled_from(sorted(AGREEMENTS)), _ITEMS)
def test_no_set_of_roles_lets_a_side_agree_to_its_own_proposal(
    standing: Standing, permission: Permission, item: Item
) -> None:
    for side in standing.sides:
        own = Item(item.state, item.prepared_by, side)
        assert not decide(standing, permission, own).allowed


@given(_STANDINGS, _ITEMS)
def test_who_works_for_the_provider_accepts_no_figures(standing: Standing, item: Item) -> None:
    employee = Standing(_ME, standing.roles, Side.PROVIDER, standing.conflicts)
    figures = Item(item.state, item.prepared_by, Side.PROVIDER)
    for one in (figures, Item(item.state, item.prepared_by)):
        assert not decide(employee, Permission.ACCEPT_FIGURES, one).allowed


@given(_STANDINGS, st.sampled_from(sorted(APPROVALS)), _ITEMS)
def test_uncovered_conflicts_close_approvals_and_nothing_else(
    standing: Standing, permission: Permission, item: Item
) -> None:
    free = Standing(_ME, standing.roles, standing.employer)
    if standing.conflicts:
        assert not decide(standing, permission, item).allowed
    for other in set(Permission) - APPROVALS:
        assert decide(standing, other, item) == decide(free, other, item)


@given(_STANDINGS, st.sampled_from(Role), _PERMISSIONS, _ITEMS)
def test_another_role_takes_nothing_away_but_by_a_conflict(
    standing: Standing, more: Role, permission: Permission, item: Item
) -> None:
    wider = Standing(_ME, standing.roles | {more}, standing.employer, standing.conflicts)
    if not decide(standing, permission, item).allowed or decide(wider, permission, item).allowed:
        return
    assert permission in AGREEMENTS
    new = conflicts(wider.roles, wider.employer) - conflicts(standing.roles, standing.employer)
    assert new & {DutyConflict.BOTH_SIDES, DutyConflict.FOREIGN_EMPLOYER}


@given(st.none() | st.sampled_from(Side), _PERMISSIONS, _ITEMS)
def test_without_a_role_nothing_exists(
    employer: Side | None, permission: Permission, item: Item
) -> None:
    for roles in (frozenset[Role](), frozenset({Role.OPERATOR})):
        answer = decide(Standing(_ME, roles, employer), permission, item)
        assert answer.verdict is Verdict.UNKNOWN


@given(_STANDINGS, _PERMISSIONS, _ITEMS)
def test_who_belongs_always_gets_a_reason_and_never_an_unknown(
    standing: Standing, permission: Permission, item: Item
) -> None:
    answer = decide(standing, permission, item)
    belongs = bool(standing.roles - {Role.OPERATOR})
    assert (answer.verdict is not Verdict.UNKNOWN) is belongs
    assert answer.allowed or answer.why
    if answer.allowed:
        assert permits(standing.roles, permission)


@given(_ROLES, _PERMISSIONS)
def test_running_the_installation_opens_nothing_in_an_engagement(
    roles: frozenset[Role], permission: Permission
) -> None:
    without = Standing(_ME, roles - {Role.OPERATOR})
    if permission not in INSTALLATION_PERMISSIONS:
        with_it = Standing(_ME, roles | {Role.OPERATOR})
        assert decide(with_it, permission) == decide(without, permission)


@given(_ROLES, st.frozensets(st.sampled_from(Side)), st.none() | st.sampled_from(Side))
def test_nobody_gives_a_role_that_answers_to_the_other_side(
    roles: frozenset[Role], led: frozenset[Side], employer: Side | None
) -> None:
    given_ = grantable(roles, led, employer)
    assert Role.OPERATOR not in given_
    assert manageable(roles) <= given_
    for role in given_ - manageable(roles):
        assert role in LEADS.values()
        assert role.side is employer
        assert role.side not in led
    own_sides = {side for side, lead in LEADS.items() if lead in roles}
    assert {role.side for role in manageable(roles)} - {None} == own_sides


@given(roles=_ROLES, employer=st.none() | st.sampled_from(Side), operates=st.booleans())
def test_more_roles_never_mend_a_conflict(
    roles: frozenset[Role], employer: Side | None, *, operates: bool
) -> None:
    found = conflicts(roles, employer, operator=operates)
    for more in Role:
        assert found <= conflicts(roles | {more}, employer, operator=operates)
