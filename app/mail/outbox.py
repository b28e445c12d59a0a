"""The outbox: a mail is queued in the transaction of what it tells of, and sent afterwards.

Each is sent at least once: where a process stops between handing a mail over and noting it, the
mail goes out again. Its Message-ID is the same then, by which mail programs show it once.

A mail that delivers documents carries none of them here: its delivery names recipients and
documents, and learns in the same transaction what became of the mail.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from app.mail.models import OutboxMail
from app.mail.rendering import render_mail
from app.security.sealing import SealBroken, seal, unseal
from app.security.throttle import insert_for
from billing.deliveries.outcomes import note_given_up, note_handed_over
from billing.deliveries.recipients import without_addresses
from billing.deliveries.values import Handover
from governance.access import Actor
from governance.audit.service import one_line
from governance.translations import ENGLISH

_PURPOSE = "mail"
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
"""How long to wait after each attempt; after the one that follows the last it is given up."""
CLAIM = timedelta(minutes=30)
"""How long a mail is nobody else's: longer than a slow server may take to answer.

One whose process was killed goes out again after it.
"""
_WHILE_UNMADE = timedelta(minutes=1)
"""How long a mail waits for a document that isn't made yet; that uses up no attempt."""
_LONGEST_SUBJECT = 150
_LONGEST_ERROR = 300


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person, or to the recipients of a delivery."""

    recipient: str
    """E-mail address; empty where a delivery names the recipients."""
    subject: str
    template: str
    """Name in `templates/mail`, without its ending."""
    key: str
    """What the mail is about; the same again is not queued twice."""
    context: Mapping[str, object] = field(default_factory=dict)
    language: str = ENGLISH
    delivery_id: int | None = None
    """The delivery whose documents it carries."""
    sender: str = ""
    """On whose behalf it is sent; empty for the application's own mails."""
    reply_to: str = ""
    """Address that answers go to; empty for none."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this process is about to send."""

    id: int
    key: str
    recipient: str
    subject: str
    delivery_id: int | None
    text: str
    html: str
    sender: str = ""
    reply_to: str = ""


def queue_mail(session: Session, secret: bytes, mail: Mail, at: datetime) -> None:
    """Put a mail into the outbox; it is sent if the transaction commits.

    Its text is rendered now and sealed with `secret`, as it may hold a link that signs in.
    """
    text, html = render_mail(mail.template, mail.context, mail.language)
    said = {"text": text, "html": html, "sender": mail.sender, "reply_to": mail.reply_to}
    body = json.dumps(said).encode()
    new = insert_for(session)(OutboxMail).values(
        idempotency_key=mail.key,
        recipient=mail.recipient,
        delivery_id=mail.delivery_id,
        subject=one_line(mail.subject)[:_LONGEST_SUBJECT],
        body_sealed=seal(secret, _PURPOSE, body),
        created_at=at,
        next_attempt_at=at,
        attempts=0,
        last_error="",
    )
    session.execute(new.on_conflict_do_nothing(index_elements=["idempotency_key"]))


def has_due(session: Session, now: datetime) -> bool:
    """Whether any mail should be sent now."""
    found = session.scalars(select(col(OutboxMail.id)).where(*_due(now)).limit(1))
    return found.first() is not None


def claim_next(session: Session, secret: bytes, now: datetime) -> Claimed | None:
    """The mail that is due longest; None where none is.

    Its next attempt is put off at once, so that no other process sends it meanwhile. One whose
    text can't be read any more is given up.
    """
    due = (
        select(OutboxMail)
        .where(*_due(now))
        .order_by(col(OutboxMail.next_attempt_at), col(OutboxMail.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while (mail := session.scalars(due).first()) is not None:
        if (claimed := _claimed(session, mail, secret, now)) is not None:
            session.flush()
            return claimed
    return None


def _claimed(session: Session, mail: OutboxMail, secret: bytes, now: datetime) -> Claimed | None:
    """None where the text can't be read; then the mail is given up."""
    mail.attempts += 1
    mail.next_attempt_at = now + CLAIM
    try:
        body = json.loads(unseal(secret, _PURPOSE, mail.body_sealed or b""))
    except SealBroken as error:
        _give_up(session, mail, str(error), now)
        return None
    return Claimed(
        mail.id, mail.idempotency_key, mail.recipient, mail.subject, mail.delivery_id, **body
    )


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(OutboxMail.sent_at).is_(None),
        col(OutboxMail.failed_at).is_(None),
        col(OutboxMail.next_attempt_at) <= now,
    )


def note_sent(
    session: Session, mail_id: int, now: datetime, handover: Handover | None = None
) -> None:
    """The mail was handed over: its address and text are deleted.

    `handover` says with which documents, where it carries any; its delivery is sent by that.
    """
    mail = session.get_one(OutboxMail, mail_id)
    mail.sent_at, mail.recipient, mail.body_sealed, mail.last_error = now, "", None, ""
    mail.failed_at = None
    session.flush()
    if mail.delivery_id is not None:
        note_handed_over(session, _mailer(now), mail.delivery_id, handover or Handover())


def note_waiting(session: Session, mail_id: int, why: str, now: datetime) -> None:
    """A document of the mail isn't made yet: it is looked at again soon, as often as it takes."""
    mail = session.get_one(OutboxMail, mail_id)
    if _is_over(mail):
        return
    mail.attempts -= 1
    mail.next_attempt_at = now + _WHILE_UNMADE
    mail.last_error = _said(why)
    session.flush()


def note_failed(
    session: Session, mail_id: int, why: str, now: datetime, *, for_good: bool = False
) -> bool:
    """An attempt failed; answers whether the mail is given up.

    It is after the last delay, or at once where the server refuses it `for_good`. Where another
    process has sent it meanwhile, or given it up, nothing changes.
    """
    mail = session.get_one(OutboxMail, mail_id)
    if _is_over(mail):
        return False
    given_up = for_good or mail.attempts > len(DELAYS)
    if given_up:
        _give_up(session, mail, why, now)
    else:
        mail.last_error = _said(why)
        mail.next_attempt_at = now + DELAYS[mail.attempts - 1]
    session.flush()
    return given_up


def _give_up(session: Session, mail: OutboxMail, why: str, now: datetime) -> None:
    mail.failed_at, mail.body_sealed = now, None
    mail.last_error = _said(why)
    if mail.delivery_id is not None:
        note_given_up(session, _mailer(now), mail.delivery_id, why)


def _is_over(mail: OutboxMail) -> bool:
    return mail.sent_at is not None or mail.failed_at is not None


def _said(why: str) -> str:
    return one_line(without_addresses(why))[:_LONGEST_ERROR]


def _mailer(now: datetime) -> Actor:
    return Actor(None, "mailer", now)


def waiting_mails(session: Session, delivery_ids: Collection[int]) -> dict[int, OutboxMail]:
    """By delivery: its mail while that is still to be sent."""
    found = session.scalars(
        select(OutboxMail).where(
            col(OutboxMail.delivery_id).in_(delivery_ids),
            col(OutboxMail.sent_at).is_(None),
            col(OutboxMail.failed_at).is_(None),
        )
    )
    return {one.delivery_id: one for one in found if one.delivery_id is not None}


def list_mails(session: Session, limit: int = 100) -> tuple[OutboxMail, ...]:
    """The latest mails, newest first."""
    found = session.scalars(select(OutboxMail).order_by(col(OutboxMail.id).desc()).limit(limit))
    return tuple(found)


def forget_recipient(session: Session, address: str, now: datetime) -> None:
    """Erase a person's address from the outbox; what was still to be sent is given up."""
    mine = func.lower(col(OutboxMail.recipient)) == address.lower()
    unsent = col(OutboxMail.sent_at).is_(None) & col(OutboxMail.failed_at).is_(None)
    session.execute(update(OutboxMail).where(mine, unsent).values(failed_at=now))
    session.execute(
        update(OutboxMail).where(mine).values(recipient="", body_sealed=None, last_error="erased")
    )
