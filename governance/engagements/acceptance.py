"""Amendments: one side proposes a version of the contract, the other one accepts it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from governance.access import (
    Actor,
    Decision,
    Item,
    Permission,
    Side,
    Standing,
    State,
    Verdict,
    decide,
    permits,
)
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.contract.diff import ContractDiff, diff_contracts
from governance.engagements.models import ContractAcceptance, ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.engagements.versions import (
    acceptances_of,
    agreed_contract,
    contract_of,
    versions_of,
)
from governance.errors import NotFound
from governance.parties.models import User


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of the contract with who proposed and who accepted it."""

    version: ContractVersion
    added_by: User
    acceptance: ContractAcceptance | None
    accepted_by: User | None
    decision: Decision
    """Whether the one who looks may accept it, or why not."""

    @property
    def state(self) -> State:
        """Proposed or accepted."""
        return _state(self.version, self.acceptance)


def proposing_side(standing: Standing) -> Side:
    """The side for which a person adds a version.

    Who may add versions for both sides, by an exception, proposes for their employer.
    """
    sides = {
        role.side
        for role in standing.roles
        if role.side and permits({role}, Permission.ADD_CONTRACT)
    }
    if len(sides) > 1 and standing.employer is not None:
        return standing.employer
    return Side.PROVIDER if Side.PROVIDER in sides else Side.CLIENT


def accept_contract(
    session: Session, actor: Actor, engagement: Engagement, version: ContractVersion
) -> ContractAcceptance:
    """Agree, for the other side, to a version of the contract; it governs from then on.

    Raises NotFound for another engagement's version, Forbidden for who proposed it or acts for
    the side that did, Conflict where it is accepted already or a newer one is.
    """
    if version.engagement_id != engagement.id:
        raise NotFound(f"the contract of {engagement.reference} has no such version")
    lock_engagement(session, engagement)
    acceptance = acceptances_of(session, engagement).get(version.id)
    newest = agreed_contract(session, engagement)
    _decision(standing_of(session, actor, engagement), version, acceptance, newest).enforce()
    accepted = ContractAcceptance(
        contract_version_id=version.id, accepted_at=actor.at, accepted_by_id=actor.signed_in_id
    )
    session.add(accepted)
    session.flush()
    _follow(session, engagement)
    _record(session, actor, engagement, version)
    return accepted


def _state(version: ContractVersion, acceptance: ContractAcceptance | None) -> State:
    agreed = version.added_side is None or acceptance is not None
    return State.ACCEPTED if agreed else State.PROPOSED


def _item(version: ContractVersion, acceptance: ContractAcceptance | None) -> Item:
    return Item(_state(version, acceptance), version.added_by_id, version.added_side)


def _decision(
    standing: Standing,
    version: ContractVersion,
    acceptance: ContractAcceptance | None,
    newest: ContractVersion,
) -> Decision:
    """The policy's answer; an offer that later terms have overtaken can't be taken up any more.

    The first version can: it governs its days without a yes, and its invoices wait for one.
    """
    found = decide(standing, Permission.ACCEPT_CONTRACT, _item(version, acceptance))
    if found.allowed and 1 < version.number < newest.number:
        return Decision(
            Verdict.NOT_NOW,
            f"a newer version, {newest.number}, is agreed; propose these terms again",
        )
    return found


def _follow(session: Session, engagement: Engagement) -> None:
    """Title and model of the engagement are those that both sides agreed to last."""
    terms = contract_of(agreed_contract(session, engagement)).engagement
    engagement.title, engagement.model = terms.title, terms.model
    session.flush()


def _record(
    session: Session, actor: Actor, engagement: Engagement, version: ContractVersion
) -> None:
    side = version.added_side.value if version.added_side else None
    after = {"version": version.number, "sha256": version.sha256, "proposed_by_side": side}
    label = f"{engagement.reference} version {version.number}"
    record(
        session,
        actor,
        Change(
            Action.CONTRACT_ACCEPTED,
            "contract_version",
            version.id,
            label,
            engagement.id,
            {"state": State.PROPOSED.value},
            after | {"state": State.ACCEPTED.value},
        ),
    )


def version_views(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[VersionView, ...]:
    """All versions with who agreed to them, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    standing = standing_of(session, actor, engagement)
    accepted = acceptances_of(session, engagement)
    newest = agreed_contract(session, engagement)
    return tuple(
        _view(session, one, accepted.get(one.id), standing, newest)
        for one in versions_of(session, engagement)
    )


def _view(
    session: Session,
    version: ContractVersion,
    acceptance: ContractAcceptance | None,
    standing: Standing,
    newest: ContractVersion,
) -> VersionView:
    accepted_by = session.get_one(User, acceptance.accepted_by_id) if acceptance else None
    return VersionView(
        version,
        session.get_one(User, version.added_by_id),
        acceptance,
        accepted_by,
        _decision(standing, version, acceptance, newest),
    )


def version_of(session: Session, actor: Actor, engagement: Engagement, number: int) -> VersionView:
    """One version by its number; NotFound where there is none of it."""
    for view in version_views(session, actor, engagement):
        if view.version.number == number:
            return view
    raise NotFound(f"the contract of {engagement.reference} has no version {number}")


def amendment(
    session: Session, engagement: Engagement, version: ContractVersion
) -> ContractDiff | None:
    """What a version changes in the one that was agreed before it; None where there is none."""
    accepted = acceptances_of(session, engagement)
    for one in versions_of(session, engagement):
        agreed = one.number == 1 or one.added_side is None or one.id in accepted
        if one.number < version.number and agreed:
            return diff_contracts(contract_of(one), contract_of(version))
    return None
