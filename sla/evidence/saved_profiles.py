"""An engagement's own import profiles: saved in versions, kept word for word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement
from governance.engagements.service import require
from governance.errors import BadInput, NotFound, Problem
from governance.tables import digest
from sla.evidence.models import ImportProfile
from sla.evidence.profiles import Profile, read_profile, shipped_profiles

MAX_PROFILE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """A saved version and what it says."""

    id: int
    version: int
    sha256: str
    profile: Profile


def save_profile(
    session: Session, actor: Actor, engagement: Engagement, text: str
) -> ImportProfile:
    """Save a profile under the name that its text states, as a new version of it.

    The newest version again is answered with that. Raises BadInput with every problem and its
    line, and for the name of a profile that comes with the product.
    """
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    profile = checked_profile(text)
    lock_engagement(session, engagement)
    before = _newest(session, engagement, profile.name)
    sha256 = digest(text.encode())
    if before is not None and before.sha256 == sha256:
        return before
    row = ImportProfile(
        engagement_id=engagement.id,
        name=profile.name,
        version=before.version + 1 if before else 1,
        title=profile.title,
        sha256=sha256,
        text=text,
        saved_at=actor.at,
        saved_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    after = {"version": row.version, "sha256": row.sha256}
    change = Change(
        Action.PROFILE_SAVED, "import_profile", row.id, row.name, engagement.id, None, after
    )
    record(session, actor, change)
    return row


def checked_profile(text: str) -> Profile:
    """The profile that a text states; BadInput with every problem and its line."""
    data = text.encode()
    if len(data) > MAX_PROFILE_BYTES:
        allowed = f"at most {MAX_PROFILE_BYTES} bytes"
        raise BadInput.one(Problem("the profile is too long", allowed=allowed))
    profile = read_profile(data, "profile.yaml")
    if profile.name in {each.name for each in shipped_profiles()}:
        what = "a profile that comes with the product has this name"
        allowed = "a name of your own"
        raise BadInput.one(Problem(what, column="name", found=profile.name, allowed=allowed))
    return profile


def _newest(session: Session, engagement: Engagement, name: str) -> ImportProfile | None:
    return session.scalars(
        select(ImportProfile)
        .where(
            col(ImportProfile.engagement_id) == engagement.id,
            col(ImportProfile.name) == name,
        )
        .order_by(col(ImportProfile.version).desc())
        .limit(1)
    ).first()


def profile_versions(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[ImportProfile, ...]:
    """All versions of the engagement's profiles, by name and the newest first."""
    require(session, actor, engagement, Permission.VIEW)
    return _versions(session, engagement)


def _versions(session: Session, engagement: Engagement) -> tuple[ImportProfile, ...]:
    return tuple(
        session.scalars(
            select(ImportProfile)
            .where(col(ImportProfile.engagement_id) == engagement.id)
            .order_by(col(ImportProfile.name), col(ImportProfile.version).desc())
        )
    )


def get_profile(
    session: Session, actor: Actor, engagement: Engagement, profile_id: int
) -> ImportProfile:
    """One version; NotFound where the engagement has none of that id."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.scalars(
        select(ImportProfile).where(
            col(ImportProfile.id) == profile_id,
            col(ImportProfile.engagement_id) == engagement.id,
        )
    ).one_or_none()
    if row is None:
        raise NotFound("there is no such import profile")
    return row


def saved_profiles(session: Session, engagement: Engagement) -> tuple[SavedProfile, ...]:
    """The newest version of each profile, the last saved first; the permission is checked.

    One that today's rules don't read any more is left out.
    """
    newest = {row.name: row for row in reversed(_versions(session, engagement))}
    rows = sorted(newest.values(), key=lambda row: row.id, reverse=True)
    read = [(row, _read(row.text)) for row in rows]
    return tuple(
        SavedProfile(row.id, row.version, row.sha256, profile) for row, profile in read if profile
    )


def profile_of_digest(session: Session, engagement: Engagement, sha256: str) -> Profile | None:
    """The profile whose text has that digest: a saved version, or one that is shipped."""
    text = session.scalars(
        select(col(ImportProfile.text))
        .where(
            col(ImportProfile.engagement_id) == engagement.id,
            col(ImportProfile.sha256) == sha256,
        )
        .limit(1)
    ).first()
    if text is not None:
        return read_profile(text.encode(), "profile.yaml")
    by_digest = {shipped_sha256(each.name): each for each in shipped_profiles()}
    return by_digest.get(sha256)


@lru_cache(maxsize=256)
def _read(text: str) -> Profile | None:
    try:
        return read_profile(text.encode(), "profile.yaml")
    except BadInput:
        return None


def knowing(profiles: Sequence[SavedProfile], columns: Sequence[str]) -> tuple[SavedProfile, ...]:
    """The profiles whose columns are all there."""
    held = set(columns)
    return tuple(each for each in profiles if held >= set(each.profile.source.columns))


def shipped_sha256(name: str) -> str | None:
    """Digest of the text of a profile that comes with the product; None for another name."""
    return _shipped_digests().get(name)


@cache
def _shipped_digests() -> dict[str, str]:
    folder = files("sla.evidence").joinpath("profiles")
    texts = [each.read_bytes() for each in folder.iterdir() if each.name.endswith(".yaml")]
    return {read_profile(text, "shipped").name: digest(text) for text in texts}
