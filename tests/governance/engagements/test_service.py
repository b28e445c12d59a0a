"""Engagements: opened by a contract, amended by another, seen by members only."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import Session, col

from governance.access import Actor, Permission, Role
from governance.audit.models import Action, AuditEntry
from governance.audit.service import events_of
from governance.engagements.members import Term, add_member, members, remove_member
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import (
    add_contract,
    contract_in_force,
    contract_of,
    contract_versions,
    get_engagement,
    parties_of,
    roles_in,
    visible_engagements,
)
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.parties.models import OrganisationKind, User
from governance.parties.service import deactivate
from tests.factories import (
    NOW,
    actor_of,
    agree,
    contract_bytes,
    make_actor,
    make_contract,
    make_engagement,
    make_member,
    make_user,
)


def _rows(session: Session, table: type[Engagement | ContractVersion | AuditEntry]) -> int:
    count: int = session.execute(select(func.count()).select_from(table)).scalar_one()
    return count


def test_a_contract_opens_an_engagement_and_makes_its_uploader_a_member(session: Session) -> None:
    actor = make_actor(session)
    data = contract_bytes("ENG-7")
    added = add_contract(session, actor, "c.yaml", data)
    assert (added.created, added.version.number, added.version.document) == (True, 1, data)
    client, provider = parties_of(session, added.engagement)
    assert (client.name, client.kind) == ("Nordlicht Handel GmbH", OrganisationKind.CLIENT)
    assert provider.name == "Clearwater Receivables Ltd"
    (summary,) = visible_engagements(session, actor)
    assert summary.engagement is added.engagement
    assert summary.roles == {Role.PROVIDER_ACCOUNT_MANAGER}
    assert contract_of(added.version) == added.contract


def test_a_client_who_opens_an_engagement_chairs_its_committee(session: Session) -> None:
    user = make_user(session, OrganisationKind.CLIENT, "Nordlicht Handel GmbH")
    added = make_contract(session, actor_of(user))
    assert roles_in(session, actor_of(user), added.engagement) == {Role.COMMITTEE_CHAIR}


@pytest.mark.parametrize("kind", list(OrganisationKind))
def test_only_a_party_opens_an_engagement(session: Session, kind: OrganisationKind) -> None:
    user = make_user(session, kind, "Prüfhaus Audit GmbH")
    with pytest.raises(Forbidden, match="neither the client nor the provider"):
        make_contract(session, actor_of(user))
    assert _rows(session, Engagement) == 0


def test_a_namesake_in_another_country_is_no_party(session: Session) -> None:
    with pytest.raises(Forbidden):
        make_contract(session, actor_of(make_user(session, country="FR")))


def test_a_later_document_is_a_new_version_with_one_event(session: Session) -> None:
    actor = make_actor(session)
    first = make_contract(session, actor)
    second = add_contract(session, actor, "v2.yaml", contract_bytes(expected="90.0"))
    assert second.engagement is first.engagement
    assert (second.created, second.version.number) == (False, 2)
    numbers = [one.number for one in contract_versions(session, actor, first.engagement)]
    assert numbers == [2, 1]
    actions = [event.action for event in events_of(session, first.engagement.id)]
    assert actions == [Action.CONTRACT_ADDED, Action.ENGAGEMENT_CREATED]


def test_the_same_document_again_changes_nothing(session: Session) -> None:
    actor = make_actor(session)
    first, again = make_contract(session, actor), make_contract(session, actor)
    assert again.repeated
    assert again.version is first.version
    assert (_rows(session, ContractVersion), _rows(session, AuditEntry)) == (1, 1)


def test_the_version_in_force_is_that_of_the_day(session: Session) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    later = date(2026, 7, 1)
    add_contract(session, actor, "v2.yaml", contract_bytes(expected="90.0"), effective_from=later)
    add_contract(session, actor, "v3.yaml", contract_bytes(expected="70.0"))
    agree(session, engagement)
    assert contract_in_force(session, engagement, later).number == 2
    assert contract_in_force(session, engagement, later - timedelta(days=1)).number == 3
    with pytest.raises(BadInput, match="in force"):
        contract_in_force(session, engagement, date(2025, 12, 31))


def test_an_amendment_keeps_parties_and_currency(session: Session) -> None:
    actor = make_actor(session)
    make_engagement(session, actor)
    other = contract_bytes(client="Other GmbH", provider="Other Ltd").replace(b"EUR", b"USD")
    with pytest.raises(BadInput) as refused:
        add_contract(session, actor, "v2.yaml", other)
    columns = [problem.column for problem in refused.value.problems]
    assert columns == ["engagement.client", "engagement.provider", "engagement.currency"]


def test_nobody_contracts_with_themselves(session: Session) -> None:
    actor = make_actor(session)
    own = contract_bytes(client="CLEARWATER  Receivables Ltd").replace(
        b"country: DE}", b"country: IE}"
    )
    with pytest.raises(BadInput, match="can't contract with itself"):
        add_contract(session, actor, "c.yaml", own)
    assert _rows(session, Engagement) == 0


def test_a_document_with_problems_stores_nothing(session: Session) -> None:
    actor = make_actor(session)
    with pytest.raises(BadInput):
        add_contract(session, actor, "c.yaml", b"plumbline: 1\n")
    assert (_rows(session, Engagement), _rows(session, AuditEntry)) == (0, 0)


def test_others_engagements_do_not_exist(session: Session) -> None:
    owner, stranger = make_actor(session), make_actor(session)
    engagement = make_engagement(session, owner)
    assert visible_engagements(session, stranger) == ()
    with pytest.raises(NotFound) as hidden:
        get_engagement(session, stranger, "ENG-1")
    with pytest.raises(NotFound) as unknown:
        get_engagement(session, stranger, "ENG-2")
    assert str(hidden.value) == str(unknown.value).replace("ENG-2", "ENG-1")
    with pytest.raises(NotFound):
        contract_versions(session, stranger, engagement)
    with pytest.raises(NotFound):
        members(session, stranger, engagement)
    with pytest.raises(Conflict, match="in use"):
        make_contract(session, stranger)


def test_a_member_without_the_permission_is_told_so(session: Session) -> None:
    engagement = make_engagement(session, make_actor(session))
    auditor = make_member(session, engagement, Role.AUDITOR)
    assert get_engagement(session, auditor, "ENG-1") is engagement
    with pytest.raises(Forbidden):
        get_engagement(session, auditor, "ENG-1", Permission.HAND_IN_EVIDENCE)
    with pytest.raises(Forbidden):
        add_contract(session, auditor, "v2.yaml", contract_bytes(expected="90.0"))


def test_nobody_opens_an_engagement_without_signing_in(session: Session) -> None:
    with pytest.raises(Forbidden):
        make_contract(session, Actor(None, "command line", NOW))


def test_a_role_ends_with_the_next_request(session: Session) -> None:
    owner = make_actor(session)
    engagement, user = make_engagement(session, owner), make_user(session)
    add_member(session, owner, engagement, user, Role.PROVIDER_FINANCE)
    assert get_engagement(session, actor_of(user), "ENG-1") is engagement
    (member,) = [one for one in members(session, owner, engagement) if one.user is user]
    remove_member(session, owner, engagement, member)
    with pytest.raises(NotFound):
        get_engagement(session, actor_of(user), "ENG-1")


def test_a_role_holds_on_its_days_only(session: Session) -> None:
    owner = make_actor(session)
    engagement, user = make_engagement(session, owner), make_user(session)
    term = Term(starts_on=NOW.date(), ends_on=NOW.date() + timedelta(days=1))
    add_member(session, owner, engagement, user, Role.PROVIDER_FINANCE, term=term)
    present = actor_of(user)
    assert roles_in(session, present, engagement) == {Role.PROVIDER_FINANCE}
    for days in (-1, 2):
        other_day = replace(present, at=NOW + timedelta(days=days))
        assert roles_in(session, other_day, engagement) == frozenset()


def test_a_closed_account_has_no_roles(session: Session) -> None:
    owner = make_actor(session)
    engagement = make_engagement(session, owner)
    deactivate(session, owner, session.get_one(User, owner.signed_in_id))
    with pytest.raises(NotFound):
        get_engagement(session, owner, engagement.reference)


def test_a_role_is_given_once_and_only_by_who_may(session: Session) -> None:
    owner = make_actor(session)
    engagement, user = make_engagement(session, owner), make_user(session)
    add_member(session, owner, engagement, user, Role.PROVIDER_FINANCE)
    with pytest.raises(Conflict):
        add_member(session, owner, engagement, user, Role.PROVIDER_FINANCE)
    with pytest.raises(Forbidden):
        add_member(session, actor_of(user), engagement, user, Role.PROVIDER_FINANCE)


def test_a_text_of_sql_is_a_text(session: Session) -> None:
    actor = make_actor(session)
    make_engagement(session, actor)
    for reference in ("' OR 1=1--", "ENG-1\x00", "%"):
        with pytest.raises(NotFound):
            get_engagement(session, actor, reference)
    count = session.execute(select(func.count(col(Engagement.id)))).scalar_one()
    assert count == 1
