"""Hand mails over: to a mail server, or where there is none into a folder."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.message import EmailMessage
from pathlib import Path
from threading import Event, Thread
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.database import session_scope
from app.mail.claims import remind_and_lapse
from app.mail.messages import compose
from app.mail.outbox import Claimed, claim_next, has_due, note_failed, note_sent, note_waiting
from app.settings import Settings
from billing.deliveries.enclosing import Addressed, addressed
from billing.deliveries.models import Delivery
from billing.deliveries.values import Handover
from governance.access import Actor
from governance.engagements.invitations import forget_old_invitations
from governance.errors import BadInput, Busy, Conflict
from governance.tenancy import EVERYTHING, narrow

Answers = Mapping[str, tuple[int, bytes]]
"""What the server said of recipients that it doesn't take, by address."""
Deliver = Callable[[EmailMessage], Answers]
_LOG = logging.getLogger("plumbline.mail")
_EVERY_SECONDS = 2.0
_SWEEP_EVERY = timedelta(hours=1)
_CONNECT_SECONDS = 20
"""How long to wait for a connection, and for each short answer before the message."""
_ANSWER_SECONDS = 600
"""How long a server may look at a message before it answers (RFC 5321, 4.5.3.2.6)."""
_FAREWELL_SECONDS = 30
"""How long to wait at the end for a mail that is being sent."""
_TLS_PORT = 465
_PERMANENT = range(500, 600)


@dataclass(slots=True)
class Report:
    """What became of the mails that were due."""

    sent: int = 0
    put_off: int = 0
    given_up: int = 0


def mail_folder(settings: Settings) -> Path:
    """Where mails are written while no mail server is set."""
    return settings.data_dir / "mail"


def deliverer(settings: Settings) -> Deliver:
    """The way out of this installation."""
    if not settings.smtp_host:
        return lambda message: _write(message, mail_folder(settings))
    return lambda message: _hand_over(message, settings)


def send_due(engine: Engine, settings: Settings, now: Callable[[], datetime]) -> Report:
    """Send every mail that is due, each claimed and noted in transactions of its own."""
    report = Report()
    with session_scope(engine, read_only=True) as session:
        any_due = has_due(session, now())
    while any_due:
        with session_scope(engine, sees=EVERYTHING) as session:
            mail = claim_next(session, settings.secret(), now())
        if mail is None:
            break
        outcome = _tried(engine, settings, mail, now())
        with session_scope(engine, sees=EVERYTHING) as session:
            _note(session, mail, outcome, now(), report)
    return report


def _tried(
    engine: Engine, settings: Settings, mail: Claimed, now: datetime
) -> Handover | Exception:
    """Try to hand a mail over; answers what it carried, or what went wrong."""
    try:
        parcel = _addressed(engine, settings, mail)
        refused = deliverer(settings)(compose(settings, mail, parcel, now))
    except (OSError, smtplib.SMTPException, MessageError, ValueError) as error:
        _LOG.warning("mail %d could not be sent: %s", mail.id, type(error).__name__)
        return error
    except (BadInput, Busy, Conflict) as error:
        _LOG.warning("mail %d can't be sent as it is: %s", mail.id, type(error).__name__)
        return error
    return Handover(
        {one.document_id: one.sha256 for one in parcel.attachments},
        {address: f"{code} {_text(said)}" for address, (code, said) in refused.items()},
    )


def _addressed(engine: Engine, settings: Settings, mail: Claimed) -> Addressed:
    if mail.delivery_id is None:
        return Addressed((mail.recipient,), (), ())
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        delivery = session.get_one(Delivery, mail.delivery_id)
        narrow(session, delivery.engagement_id)
        return addressed(session, delivery, settings.mail_max_bytes)


def _note(
    session: Session, mail: Claimed, outcome: Handover | Exception, now: datetime, report: Report
) -> None:
    if isinstance(outcome, Handover):
        note_sent(session, mail.id, now, outcome)
        report.sent += 1
    elif isinstance(outcome, Busy):
        note_waiting(session, mail.id, str(outcome), now)
        report.put_off += 1
    else:
        for_good = _is_permanent(outcome)
        given_up = note_failed(session, mail.id, _reason(outcome), now, for_good=for_good)
        report.given_up += given_up
        report.put_off += not given_up


def _is_permanent(error: Exception) -> bool:
    """Whether the same mail would be refused again."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in _PERMANENT for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # Whoever runs the installation will set the password right.
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code in _PERMANENT
    # A certificate that nobody vouches for is an OSError too, and may be put right.
    unusable = MessageError | ValueError | BadInput | Conflict
    return isinstance(error, unusable) and not isinstance(error, OSError)


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, BadInput | Conflict):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


class _Server(smtplib.SMTP):
    """A mail server that may take its time over the message itself.

    Who hangs up before the answer sends a mail again that the server has taken.
    """

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the message and wait for the answer."""
        if self.sock is not None:
            self.sock.settimeout(_ANSWER_SECONDS)
        return super().data(msg)


class _TlsServer(_Server, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


def _hand_over(message: EmailMessage, settings: Settings) -> Answers:
    host, port, context = settings.smtp_host, settings.smtp_port, ssl.create_default_context()
    with (
        _TlsServer(host, port, timeout=_CONNECT_SECONDS, context=context)
        if port == _TLS_PORT
        else _Server(host, port, timeout=_CONNECT_SECONDS)
    ) as server:
        if settings.smtp_starttls and port != _TLS_PORT:
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        return server.send_message(message)


def _write(message: EmailMessage, folder: Path) -> Answers:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = str(message["Message-ID"]).strip("<>").partition("@")[0]
    path, partial = folder / f"{name}.eml", folder / f"{name}.part"
    partial.write_bytes(message.as_bytes())
    partial.chmod(0o600)
    partial.replace(path)
    return {}


@contextmanager
def mailer(engine: Engine, settings: Settings) -> Iterator[None]:
    """Send what is due every few seconds in a thread of its own, and once more at the end."""
    stop = Event()
    thread = Thread(target=_run, args=(engine, settings, stop), name="mailer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_FAREWELL_SECONDS)


def _run(engine: Engine, settings: Settings, stop: Event) -> None:
    stopping, swept_at = False, datetime.min.replace(tzinfo=UTC)
    while not stopping:
        stopping = stop.wait(_EVERY_SECONDS)
        try:
            if _now() - swept_at > _SWEEP_EVERY:
                swept_at = _now()
                _forget_old(engine, swept_at)
                remind_and_lapse(engine, settings, swept_at)
            send_due(engine, settings, _now)
        except Exception:  # noqa: BLE001 (the thread must outlive any failure)
            # The application goes on without mail; who runs it must learn of it.
            _LOG.exception("mail could not be sent")


def _forget_old(engine: Engine, now: datetime) -> None:
    """Invitations that nobody accepted say whom they were for no longer than they need to."""
    with session_scope(engine, sees=EVERYTHING) as session:
        forget_old_invitations(session, Actor(None, "housekeeping", now))


def _now() -> datetime:
    return datetime.now(UTC)
