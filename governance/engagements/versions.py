"""The versions of an engagement's contract, and which of them governs."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.contract.document import Contract
from governance.contract.reading import read_contract
from governance.engagements.models import ContractAcceptance, ContractVersion, Engagement
from governance.engagements.queries import require
from governance.errors import BadInput, Problem
from governance.zones import local_day

_KEPT: Final = 64
"""Contracts kept read: reading one takes as long as a page's other work together."""


def contract_versions(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[ContractVersion, ...]:
    """All versions of an engagement's contract, proposed ones too, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    return tuple(versions_of(session, engagement))


def versions_of(session: Session, engagement: Engagement) -> list[ContractVersion]:
    """The same, where the caller has checked the permission."""
    found = session.scalars(
        select(ContractVersion)
        .where(col(ContractVersion.engagement_id) == engagement.id)
        .order_by(col(ContractVersion.number).desc())
    )
    return list(found)


def acceptances_of(session: Session, engagement: Engagement) -> dict[int, ContractAcceptance]:
    """The acceptances of an engagement's versions, by the version's id."""
    found = session.scalars(
        select(ContractAcceptance)
        .join(
            ContractVersion, col(ContractVersion.id) == col(ContractAcceptance.contract_version_id)
        )
        .where(col(ContractVersion.engagement_id) == engagement.id)
    )
    return {one.contract_version_id: one for one in found}


def is_accepted(session: Session, version: ContractVersion) -> bool:
    """Whether both sides agreed to a version; those from before sides were kept count as agreed."""
    if version.added_side is None:
        return True
    accepted = select(ContractAcceptance).where(
        col(ContractAcceptance.contract_version_id) == version.id
    )
    return session.scalars(accepted).one_or_none() is not None


def _governing(session: Session, engagement: Engagement) -> list[ContractVersion]:
    """The versions that may govern, newest first: proposed amendments don't.

    The first version opens the engagement. It may be measured before the other side accepts it,
    so that both see what it means; no invoice is issued under it before.
    """
    accepted = acceptances_of(session, engagement)
    return [
        one
        for one in versions_of(session, engagement)
        if one.number == 1 or one.added_side is None or one.id in accepted
    ]


def governing_versions(session: Session, engagement: Engagement) -> tuple[ContractVersion, ...]:
    """The versions that govern from their days on, oldest first; the caller has checked access."""
    return tuple(reversed(_governing(session, engagement)))


def agreed_contract(session: Session, engagement: Engagement) -> ContractVersion:
    """The newest version that both sides agreed to, whether or not its days have come.

    It is the first one while they agreed to none.
    """
    return _governing(session, engagement)[0]


def contract_in_force(session: Session, engagement: Engagement, on: date) -> ContractVersion:
    """The version that governs on a day: the latest effective date, then the highest number.

    Raises BadInput where no version governs yet.
    """
    governing = [one for one in _governing(session, engagement) if one.effective_from <= on]
    if not governing:
        raise BadInput.one(
            Problem(
                f"no contract of {engagement.reference} is in force on {on}",
                allowed="a day on or after the engagement's start",
            )
        )
    return max(governing, key=lambda one: (one.effective_from, one.number))


def local_today(session: Session, engagement: Engagement, at: datetime) -> date:
    """The day that it is at a moment where the engagement is, by the contract that is agreed."""
    zone = contract_of(agreed_contract(session, engagement)).engagement.time_zone
    return local_day(zone, at)


def contract_of(version: ContractVersion) -> Contract:
    """The terms that a stored version states; frozen, and shared by who asks again."""
    return _read(version.document, version.file_name)


@lru_cache(maxsize=_KEPT)
def _read(document: bytes, file_name: str) -> Contract:
    # Known by all its bytes, so that no digest in a row can stand for another document.
    return read_contract(document, file_name)
