"""Slow down who tries too often, counted in the database, so over all processes.

What is counted starts anew when its window ends: nobody is locked out for good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Network, ip_address
from math import ceil
from typing import Any

from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import Throttle


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may be tried."""

    purpose: str
    limit: int
    """Attempts in a window."""
    window: timedelta


SIGN_IN_ACCOUNT = Rate("sign-in account", 10, timedelta(minutes=15))
"""An e-mail address at the sign-in form, whether or not an account has it."""
SIGN_IN_ADDRESS = Rate("sign-in address", 60, timedelta(minutes=15))
"""A network address; offices share one."""
CONFIRM = Rate("confirm", 10, timedelta(minutes=15))
RESET_ADDRESS = Rate("reset address", 10, timedelta(hours=1))
RESET_ACCOUNT = Rate("reset account", 3, timedelta(hours=1))
INVITE = Rate("invite", 30, timedelta(hours=1))
INVITED = Rate("invited address", 5, timedelta(hours=24))
"""Invitations that one e-mail address gets, whoever sends them."""
DISPUTE = Rate("dispute", 60, timedelta(hours=1))
"""Disputes that one user raises, withdraws or answers."""
DISPUTE_MAILS = Rate("dispute mails", 30, timedelta(hours=24))
"""Mails on disputes that one e-mail address gets; the pages tell the rest."""
LINK = Rate("link", 30, timedelta(minutes=15))
"""Links of mails, opened from one network address."""
TOKENS = Rate("API tokens", 20, timedelta(hours=1))
EXPORT = Rate("export", 60, timedelta(minutes=1))
"""Files taken out, by one user."""
PDF = Rate("PDF", 30, timedelta(minutes=1))
IMPORT = Rate("import", 30, timedelta(minutes=1))
PREVIEW = Rate("preview", 30, timedelta(minutes=1))
"""Previews of runs, which look at every engagement of a provider."""


def attempt(session: Session, rate: Rate, who: str, now: datetime) -> int | None:
    """Count an attempt of `who`; answers how many seconds to wait where it is one too many.

    The caller commits whatever follows, so that attempts that fail are counted too.
    """
    key = key_of(rate.purpose, who)
    row = session.execute(_counted(session, key, rate.window, now)).one()
    left: timedelta = row.window_ends_at - now
    return None if row.attempts <= rate.limit else max(1, ceil(left.total_seconds()))


def _counted(session: Session, key: str, window: timedelta, now: datetime) -> Any:
    """One statement, so that no two attempts at the same moment count as one."""
    new = insert_for(session)(Throttle).values(key=key, attempts=1, window_ends_at=now + window)
    ended = col(Throttle.window_ends_at) <= now
    return new.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "attempts": case((ended, 1), else_=col(Throttle.attempts) + 1),
            "window_ends_at": case((ended, now + window), else_=col(Throttle.window_ends_at)),
        },
    ).returning(col(Throttle.attempts), col(Throttle.window_ends_at))


def insert_for(session: Session) -> Callable[..., Any]:
    """The INSERT that can meet an existing row, of the session's own database."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert
    return sqlite.insert


def clear(session: Session, rate: Rate, who: str) -> None:
    """Forget the attempts of `who`, who has succeeded."""
    session.execute(delete(Throttle).where(col(Throttle.key) == key_of(rate.purpose, who)))


def network_of(address: str) -> str:
    """What a visitor is counted by: an IPv4 address, or the /64 that an IPv6 address is of.

    Whoever has one IPv6 address mostly has all of its network.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), 64), strict=False))


def forget_ended(session: Session, now: datetime) -> None:
    """Delete the counters whose windows are over, so that the table stays small.

    It waits for no other transaction, so no two can wait for each other.
    """
    ended = select(col(Throttle.key)).where(col(Throttle.window_ends_at) <= now)
    free = ended.with_for_update(skip_locked=True)
    session.execute(
        delete(Throttle)
        .where(col(Throttle.key).in_(free))
        .execution_options(synchronize_session=False)
    )


def key_of(purpose: str, who: str) -> str:
    """Digest of what is counted and whom for; e-mail addresses count in any case."""
    return sha256(f"{purpose}\0{who.strip().casefold()}".encode()).hexdigest()
