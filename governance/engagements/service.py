"""Engagements and the versions of their contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from governance.access import Actor, Permission, Role
from governance.audit.models import Action
from governance.audit.service import Change, one_line, record
from governance.contract.document import Contract
from governance.contract.engagement import Party
from governance.contract.kpi_signature import KpiSignature
from governance.contract.reading import read_contract
from governance.engagements.acceptance import proposing_side
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import (
    get_engagement,
    memberships_of,
    require,
    roles_in,
    standing_of,
    visible,
)
from governance.engagements.versions import (
    agreed_contract,
    contract_in_force,
    contract_of,
    contract_versions,
)
from governance.errors import BadInput, Conflict, Forbidden, NotFound, Problem
from governance.parties.models import Membership, Organisation, OrganisationKind
from governance.parties.service import find_or_create_organisation, name_key, organisation_of
from governance.tables import digest

__all__ = [
    "ContractAdded",
    "EngagementSummary",
    "add_contract",
    "agreed_contract",
    "contract_in_force",
    "contract_of",
    "contract_versions",
    "get_engagement",
    "parties_of",
    "require",
    "roles_in",
    "visible_engagements",
]


@dataclass(frozen=True, slots=True)
class EngagementSummary:
    """An engagement as a list shows it."""

    engagement: Engagement
    client: Organisation
    provider: Organisation
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class ContractAdded:
    """What became of an uploaded contract."""

    engagement: Engagement
    version: ContractVersion
    contract: Contract
    created: bool
    """Whether the engagement is new."""
    repeated: bool = False
    """Whether this very document was there already; nothing was added then."""


def visible_engagements(session: Session, actor: Actor) -> tuple[EngagementSummary, ...]:
    """The engagements that the actor is a member of, by reference."""
    roles: dict[int, set[Role]] = {}
    for row in session.execute(memberships_of(actor)):
        roles.setdefault(row.engagement_id, set()).add(row.role)
    client, provider = aliased(Organisation), aliased(Organisation)
    rows = session.execute(
        visible(actor)
        .add_columns(client, provider)
        .join(client, col(client.id) == col(Engagement.client_id))
        .join(provider, col(provider.id) == col(Engagement.provider_id))
        .order_by(col(Engagement.reference))
    )
    return tuple(
        EngagementSummary(one, its_client, its_provider, frozenset(roles[one.id]))
        for one, its_client, its_provider in rows
    )


def parties_of(session: Session, engagement: Engagement) -> tuple[Organisation, Organisation]:
    """Client and provider of an engagement."""
    client = session.get_one(Organisation, engagement.client_id)
    return client, session.get_one(Organisation, engagement.provider_id)


def add_contract(
    session: Session,
    actor: Actor,
    file_name: str,
    data: bytes,
    kpis: Mapping[str, KpiSignature] | None = None,
    *,
    effective_from: date | None = None,
) -> ContractAdded:
    """Read a contract document and keep it, byte for byte.

    A new reference opens an engagement, whose first member is the actor; a known one gets a new
    version, which is to govern from `effective_from` (by default from the engagement's start)
    once the other side has accepted it. The same document again changes nothing.

    Raises BadInput with every problem of the document, Forbidden for a member who may not add
    contracts and for a new engagement that the actor's organisation is no party of, Conflict for
    a reference that others use.
    """
    contract = read_contract(data, file_name, kpis)
    _check_parties(contract, file_name)
    engagement = _known_engagement(session, actor, contract)
    if engagement is None:
        engagement, created = _open_engagement(session, actor, contract), True
    else:
        repeated = _version_of(session, engagement, digest(data))
        if repeated is not None:
            return ContractAdded(engagement, repeated, contract, created=False, repeated=True)
        _check_amendment(session, engagement, contract, file_name)
        created = False
    version = ContractVersion(
        engagement_id=engagement.id,
        number=_next_number(session, engagement),
        file_name=one_line(file_name)[:255],
        document=data,
        sha256=digest(data),
        effective_from=effective_from or contract.engagement.starts,
        added_at=actor.at,
        added_by_id=actor.signed_in_id,
        added_side=proposing_side(standing_of(session, actor, engagement)),
    )
    session.add(version)
    session.flush()
    _record_version(session, actor, engagement, version, created=created)
    return ContractAdded(engagement, version, contract, created=created)


def _check_parties(contract: Contract, file_name: str) -> None:
    """Nobody owes themselves anything, and one side's yes must not be the other's."""
    client, provider = contract.engagement.client, contract.engagement.provider
    if name_key(client.name) == name_key(provider.name) and client.country == provider.country:
        problem = Problem(
            "a party can't contract with itself",
            file=file_name,
            column="engagement.provider",
            found=f"{provider.name} ({provider.country})",
            allowed="another organisation than the client",
        )
        raise BadInput.one(problem)


def _known_engagement(session: Session, actor: Actor, contract: Contract) -> Engagement | None:
    """The contract's engagement under a row lock, so that versions are numbered one by one."""
    reference = contract.engagement.reference
    engagement = session.execute(
        select(Engagement)
        .where(col(Engagement.reference) == reference)
        .with_for_update(key_share=True)
    ).scalar_one_or_none()
    if engagement is None:
        return None
    try:
        require(session, actor, engagement, Permission.ADD_CONTRACT)
    except NotFound:
        raise _taken(reference) from None
    return engagement


def _taken(reference: str) -> Conflict:
    return Conflict(
        f"the reference {reference} is in use by an engagement that you are not a member of;"
        " choose another reference or ask to be added"
    )


def _open_engagement(session: Session, actor: Actor, contract: Contract) -> Engagement:
    terms = contract.engagement
    role = _first_role(organisation_of(session, actor.signed_in_id), contract)
    client = _organisation(session, actor, OrganisationKind.CLIENT, terms.client)
    provider = _organisation(session, actor, OrganisationKind.PROVIDER, terms.provider)
    engagement = Engagement(
        reference=terms.reference,
        title=terms.title,
        model=terms.model,
        client_id=client.id,
        provider_id=provider.id,
        currency=terms.currency,
        created_at=actor.at,
    )
    try:
        with session.begin_nested():
            session.add(engagement)
    except IntegrityError:
        raise _taken(terms.reference) from None
    session.add(Membership(user_id=actor.signed_in_id, engagement_id=engagement.id, role=role))
    session.flush()
    return engagement


def _organisation(
    session: Session, actor: Actor, kind: OrganisationKind, party: Party
) -> Organisation:
    return find_or_create_organisation(session, kind, party.name, party.country, actor.at)


def _first_role(own: Organisation, contract: Contract) -> Role:
    """Who opens an engagement leads its own side of it.

    Others may not open one: its invoices would take numbers of a provider that isn't theirs.
    """
    terms = contract.engagement
    if _is(own, terms.provider):
        return Role.PROVIDER_ACCOUNT_MANAGER
    if _is(own, terms.client):
        return Role.COMMITTEE_CHAIR
    raise Forbidden(
        f"{own.name} ({own.country}) is neither the client nor the provider of this contract;"
        " only the parties of a contract can open its engagement"
    )


def _is(organisation: Organisation, party: Party) -> bool:
    return (organisation.name_key, organisation.country) == (name_key(party.name), party.country)


def _check_amendment(
    session: Session, engagement: Engagement, contract: Contract, file_name: str
) -> None:
    """A new version keeps parties and currency: with others it would be another engagement."""
    client, provider = parties_of(session, engagement)
    terms = contract.engagement
    fixed = (
        ("client", f"{client.name} ({client.country})", terms.client),
        ("provider", f"{provider.name} ({provider.country})", terms.provider),
    )
    problems = [
        Problem(
            f"the {side} is not the one of {engagement.reference}",
            file=file_name,
            column=f"engagement.{side}",
            found=f"{party.name} ({party.country})",
            allowed=expected,
        )
        for side, expected, party in fixed
        if f"{' '.join(party.name.split())} ({party.country})".casefold() != expected.casefold()
    ]
    if terms.currency != engagement.currency:
        problems.append(
            Problem(
                f"the currency is not the one of {engagement.reference}",
                file=file_name,
                column="engagement.currency",
                found=terms.currency,
                allowed=engagement.currency,
            )
        )
    if problems:
        raise BadInput(problems)


def _version_of(session: Session, engagement: Engagement, sha256: str) -> ContractVersion | None:
    return session.execute(
        select(ContractVersion).where(
            col(ContractVersion.engagement_id) == engagement.id,
            col(ContractVersion.sha256) == sha256,
        )
    ).scalar_one_or_none()


def _next_number(session: Session, engagement: Engagement) -> int:
    highest = session.execute(
        select(func.max(col(ContractVersion.number))).where(
            col(ContractVersion.engagement_id) == engagement.id
        )
    ).scalar_one()
    return (highest or 0) + 1


def _record_version(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    version: ContractVersion,
    *,
    created: bool,
) -> None:
    action = Action.ENGAGEMENT_CREATED if created else Action.CONTRACT_ADDED
    after = {
        "version": version.number,
        "file_name": version.file_name,
        "sha256": version.sha256,
        "effective_from": version.effective_from.isoformat(),
        "side": version.added_side.value if version.added_side else None,
    }
    label = engagement.reference
    change = Change(action, "engagement", engagement.id, label, engagement.id, None, after)
    record(session, actor, change)
