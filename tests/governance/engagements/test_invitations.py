"""Invitations: who may send them, and who they make a member."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from governance.access import Actor, Role
from governance.audit.models import Action, AuditEntry
from governance.engagements.invitations import (
    Guest,
    Sent,
    erase_invitations,
    forget_old_invitations,
    invite_member,
    invite_user,
    open_invitations,
    open_user_invitations,
    revoke_invitation,
)
from governance.engagements.joining import accept_as_new, accept_as_user, open_invitation
from governance.engagements.members import add_member, members, remove_member
from governance.engagements.models import Engagement, Invitation
from governance.engagements.queries import roles_in
from governance.engagements.terms import Term
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.parties.models import OrganisationKind, User
from governance.parties.operators import appoint_operator, dismiss_operator
from governance.parties.service import (
    authenticate,
    deactivate,
    find_or_create_organisation,
    get_user,
    organisation_of,
)
from tests.factories import NOW, PASSWORD, actor_of, make_contract, make_member, make_user

UNTIL = NOW + timedelta(days=7)
GUEST = Guest(" Grace.Hopper@Example.org ", " Grace  Hopper ")
SYSTEM = Actor(None, "command line", NOW)
VISIT = Actor(None, "invited person", NOW, "request-2")


@dataclass
class _Scene:
    session: Session
    lead: Actor
    """Leads the provider's side."""
    engagement: Engagement

    def invite(self, role: Role = Role.PROVIDER_FINANCE, guest: Guest = GUEST) -> Sent:
        return invite_member(
            self.session, self.lead, self.engagement, guest, role, expires_at=UNTIL
        )

    def roles(self, user: User) -> frozenset[Role]:
        return roles_in(self.session, actor_of(user), self.engagement)


@pytest.fixture
def scene(session: Session) -> _Scene:
    """An engagement whose provider's lead has opened it; the client has nobody yet."""
    lead = actor_of(make_user(session))
    return _Scene(session, lead, make_contract(session, lead).engagement)


def _actions(session: Session) -> list[Action]:
    return list(session.scalars(select(col(AuditEntry.action)).order_by(col(AuditEntry.id))))


def test_somebody_new_becomes_user_and_member_at_once(scene: _Scene) -> None:
    sent = scene.invite()
    user = accept_as_new(scene.session, sent.token, "Grace M. Hopper", PASSWORD, VISIT)
    assert (user.email, user.name) == ("Grace.Hopper@Example.org", "Grace M. Hopper")
    assert organisation_of(scene.session, user.id).name == "Clearwater Receivables Ltd"
    assert scene.roles(user) == {Role.PROVIDER_FINANCE}
    assert authenticate(scene.session, GUEST.email, PASSWORD, NOW) is user
    assert _actions(scene.session)[-4:] == [
        Action.USER_INVITED,
        Action.USER_CREATED,
        Action.MEMBER_ADDED,
        Action.INVITATION_ACCEPTED,
    ]


def test_a_known_user_accepts_with_their_account(scene: _Scene) -> None:
    user = make_user(scene.session)
    sent = scene.invite(guest=Guest(user.email.upper(), user.name))
    assert open_invitation(scene.session, sent.token, NOW).account_id == user.id
    with pytest.raises(Forbidden):
        accept_as_user(scene.session, sent.token, actor_of(make_user(scene.session)))
    with pytest.raises(Conflict):
        accept_as_new(scene.session, sent.token, "Eve", PASSWORD, VISIT)
    assert accept_as_user(scene.session, sent.token, actor_of(user)) is scene.engagement
    assert scene.roles(user) == {Role.PROVIDER_FINANCE}


def test_a_link_works_once(scene: _Scene) -> None:
    sent = scene.invite()
    user = accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT)
    for accept in (
        lambda: open_invitation(scene.session, sent.token, NOW),
        lambda: accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT),
        lambda: accept_as_user(scene.session, sent.token, actor_of(user)),
    ):
        with pytest.raises(NotFound):
            accept()


def test_a_link_ends_and_can_be_withdrawn(scene: _Scene) -> None:
    first, second = scene.invite(), scene.invite(guest=Guest("b@example.org", "Bea"))
    assert open_invitation(scene.session, first.token, UNTIL - timedelta(seconds=1))
    with pytest.raises(NotFound):
        open_invitation(scene.session, first.token, UNTIL)
    listed = open_invitations(scene.session, scene.lead, scene.engagement)
    assert [one.email for one in listed] == ["b@example.org", "Grace.Hopper@Example.org"]
    revoke_invitation(scene.session, scene.lead, scene.engagement, second.invitation.id)
    with pytest.raises(NotFound):
        open_invitation(scene.session, second.token, NOW)
    with pytest.raises(NotFound):
        revoke_invitation(scene.session, scene.lead, scene.engagement, second.invitation.id)
    assert len(open_invitations(scene.session, scene.lead, scene.engagement)) == 1


def test_the_role_keeps_its_days(scene: _Scene) -> None:
    term = Term(date(2026, 4, 1), date(2026, 6, 30))
    sent = invite_member(
        scene.session,
        scene.lead,
        scene.engagement,
        GUEST,
        Role.PROVIDER_FINANCE,
        expires_at=UNTIL,
        term=term,
    )
    user = accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT)
    assert scene.roles(user) == frozenset()
    later = actor_of(user, NOW + timedelta(days=40))
    assert roles_in(scene.session, later, scene.engagement) == {Role.PROVIDER_FINANCE}


@pytest.mark.parametrize(
    "role", [Role.CLIENT_FINANCE, Role.CLIENT_COMMITTEE, Role.AUDITOR, Role.OPERATOR]
)
def test_a_lead_invites_only_into_what_they_may_give(scene: _Scene, role: Role) -> None:
    with pytest.raises(Forbidden):
        scene.invite(role)


def test_only_leads_invite(scene: _Scene) -> None:
    finance = make_member(scene.session, scene.engagement, Role.PROVIDER_FINANCE)
    stranger = actor_of(make_user(scene.session))
    for actor, error in ((finance, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            invite_member(
                scene.session,
                actor,
                scene.engagement,
                GUEST,
                Role.PROVIDER_FINANCE,
                expires_at=UNTIL,
            )
        with pytest.raises(error):
            open_invitations(scene.session, actor, scene.engagement)


def test_the_first_lead_of_the_other_side_is_invited_as_its_employee(scene: _Scene) -> None:
    sent = scene.invite(Role.COMMITTEE_CHAIR)
    user = accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT)
    assert organisation_of(scene.session, user.id).name == "Nordlicht Handel GmbH"
    assert scene.roles(user) == {Role.COMMITTEE_CHAIR}
    with pytest.raises(Forbidden):
        scene.invite(Role.COMMITTEE_CHAIR, Guest("b@example.org", "Bea"))


def test_no_party_makes_accounts_of_a_company_that_has_its_own(scene: _Scene) -> None:
    sent = scene.invite(Role.COMMITTEE_CHAIR)
    make_user(scene.session, OrganisationKind.CLIENT, "Nordlicht Handel GmbH")
    with pytest.raises(Forbidden, match="Nordlicht"):
        accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT)


def test_who_may_no_longer_invite_has_not_invited(scene: _Scene) -> None:
    sent = scene.invite()
    inviter = get_user(scene.session, scene.lead.signed_in_id)
    deactivate(scene.session, SYSTEM, inviter)
    with pytest.raises(Conflict, match="no longer"):
        accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT)


def test_a_conflict_of_duties_is_found_when_the_link_is_used(scene: _Scene) -> None:
    user = make_user(scene.session)
    appoint_operator(scene.session, SYSTEM, user)
    sent = scene.invite(guest=Guest(user.email, user.name))
    with pytest.raises(Conflict, match="a duty outside this engagement"):
        accept_as_user(scene.session, sent.token, actor_of(user))


def test_who_has_the_role_is_not_invited(scene: _Scene) -> None:
    lead = get_user(scene.session, scene.lead.signed_in_id)
    with pytest.raises(Conflict):
        scene.invite(Role.PROVIDER_ACCOUNT_MANAGER, Guest(lead.email.upper(), "Ada"))


@pytest.mark.parametrize(
    "guest",
    [
        Guest("no address", "Grace"),
        Guest("a@b.example,eve@example.org", "Grace"),
        Guest("grace@example.org", ""),
        Guest("grace@example.org", "Grace\x07"),
        Guest("gra\0ce@example.org", "Grace"),
    ],
)
def test_unusable_guests_are_refused(scene: _Scene, guest: Guest) -> None:
    with pytest.raises(BadInput):
        scene.invite(guest=guest)


def test_operators_and_the_command_line_invite_users_without_a_role(session: Session) -> None:
    operator = make_user(session)
    appoint_operator(session, SYSTEM, operator)
    employer = find_or_create_organisation(session, OrganisationKind.CLIENT, "Nord", "DE", NOW)
    for actor, email in ((actor_of(operator), "a@example.org"), (SYSTEM, "b@example.org")):
        sent = invite_user(session, actor, employer, Guest(email, "Ada"), expires_at=UNTIL)
        user = accept_as_new(session, sent.token, "Ada", PASSWORD, VISIT)
        assert organisation_of(session, user.id) is employer
    sent = invite_user(session, SYSTEM, employer, GUEST, expires_at=UNTIL)
    assert open_user_invitations(session, actor_of(operator)) == (sent.invitation,)
    revoke_invitation(session, actor_of(operator), None, sent.invitation.id)
    stranger = actor_of(make_user(session))
    with pytest.raises(Forbidden):
        invite_user(session, stranger, employer, GUEST, expires_at=UNTIL)
    with pytest.raises(Forbidden):
        open_user_invitations(session, stranger)


def test_an_operator_who_was_dismissed_takes_nobody_in(session: Session) -> None:
    operator, other = make_user(session), make_user(session)
    for one in (operator, other):
        appoint_operator(session, SYSTEM, one)
    employer = find_or_create_organisation(session, OrganisationKind.CLIENT, "Nord", "DE", NOW)
    sent = invite_user(session, actor_of(operator), employer, GUEST, expires_at=UNTIL)
    dismiss_operator(session, SYSTEM, operator)
    with pytest.raises(Conflict, match="may no longer"):
        accept_as_new(session, sent.token, "Grace", PASSWORD, VISIT)


def test_leads_and_operators_do_not_withdraw_each_others(scene: _Scene) -> None:
    sent = scene.invite()
    with pytest.raises(NotFound):
        revoke_invitation(scene.session, SYSTEM, None, sent.invitation.id)


def test_entries_state_neither_token_nor_person(scene: _Scene) -> None:
    sent = scene.invite()
    accept_as_new(scene.session, sent.token, "Grace Hopper", PASSWORD, VISIT)
    for data in scene.session.scalars(select(col(AuditEntry.data))):
        for text in (sent.token, "Grace", "hopper@example.org"):
            assert text.lower().encode() not in data.lower()


def test_invitations_forget_an_erased_person(scene: _Scene) -> None:
    sent = scene.invite()
    user = accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT)
    assert set(erase_invitations(scene.session, user.email, NOW).values()) == {"Grace Hopper"}
    (row,) = scene.session.scalars(select(Invitation))
    assert "race" not in row.model_dump_json()


def test_an_erased_address_is_invited_no_more(scene: _Scene) -> None:
    sent = scene.invite()
    assert list(erase_invitations(scene.session, GUEST.email, NOW)) == [sent.invitation.id]
    with pytest.raises(NotFound):
        open_invitation(scene.session, sent.token, NOW)
    assert erase_invitations(scene.session, GUEST.email, NOW) == {}


def test_unused_invitations_forget_whom_they_were_for(scene: _Scene) -> None:
    unused, withdrawn = scene.invite(), scene.invite(guest=Guest("b@example.org", "Bea"))
    revoke_invitation(scene.session, scene.lead, scene.engagement, withdrawn.invitation.id)
    used = scene.invite(guest=Guest("c@example.org", "Cleo"))
    accept_as_new(scene.session, used.token, "Cleo", PASSWORD, VISIT)
    day = timedelta(days=1)
    for after, forgotten in ((30 * day, []), (31 * day, [withdrawn]), (38 * day, [unused])):
        later = Actor(None, "housekeeping", NOW + after)
        assert forget_old_invitations(scene.session, later) == len(forgotten)
        for one in forgotten:
            assert (one.invitation.name, one.invitation.email_key) == (
                f"erased-{one.invitation.id}",
                f"erased-{one.invitation.id}@invalid",
            )
    assert used.invitation.name == "Cleo"
    assert _actions(scene.session).count(Action.INVITATION_FORGOTTEN) == 2


def test_a_new_invitation_sweeps_the_old_ones(scene: _Scene) -> None:
    old = scene.invite()
    at = NOW + timedelta(days=60)
    invite_member(
        scene.session,
        replace(scene.lead, at=at),
        scene.engagement,
        Guest("b@example.org", "Bea"),
        Role.PROVIDER_FINANCE,
        expires_at=at + timedelta(days=7),
    )
    assert "Grace" not in old.invitation.model_dump_json()


def test_a_guests_name_is_short(scene: _Scene) -> None:
    with pytest.raises(BadInput) as refused:
        scene.invite(guest=Guest("a@example.org", "x" * 81))
    assert [one.column for one in refused.value.problems] == ["name"]
    assert scene.invite(guest=Guest("a@example.org", "x" * 80))


def test_nobody_invites_themselves_to_a_further_role(scene: _Scene) -> None:
    lead = get_user(scene.session, scene.lead.signed_in_id)
    sent = scene.invite(guest=Guest(lead.email, lead.name))
    with pytest.raises(Conflict):
        accept_as_user(scene.session, sent.token, scene.lead)
    assert scene.roles(lead) == {Role.PROVIDER_ACCOUNT_MANAGER}


def test_a_lead_who_leaves_takes_nobody_in(scene: _Scene) -> None:
    second = make_user(scene.session)
    add_member(scene.session, scene.lead, scene.engagement, second, Role.PROVIDER_ACCOUNT_MANAGER)
    sent = scene.invite()
    first = next(
        one
        for one in members(scene.session, scene.lead, scene.engagement)
        if one.user.id == scene.lead.user_id
    )
    remove_member(scene.session, actor_of(second), scene.engagement, first)
    with pytest.raises(Conflict, match="no longer"):
        accept_as_new(scene.session, sent.token, "Grace", PASSWORD, VISIT)
