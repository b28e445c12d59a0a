"""Hand mails over: to a mail server, or where there is none into a folder."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.database import session_scope
from app.mail.claims import remind_and_lapse
from app.mail.outbox import Claimed, claim_next, has_due, note_failed, note_sent
from app.settings import Settings
from governance.access import Actor
from governance.engagements.invitations import forget_old_invitations
from governance.tenancy import EVERYTHING

Deliver = Callable[[EmailMessage], None]
_LOG = logging.getLogger("plumbline.mail")
_EVERY_SECONDS = 2.0
_SWEEP_EVERY = timedelta(hours=1)
_TIMEOUT_SECONDS = 20
_TLS_PORT = 465
_PERMANENT = range(500, 600)
_SENDER_NAME = "Plumbline"


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
        with session_scope(engine) as session:
            mail = claim_next(session, settings.secret(), now())
        if mail is None:
            break
        refusal = _tried(settings, mail, now())
        with session_scope(engine) as session:
            _note(session, mail, refusal, now(), report)
    return report


def _tried(settings: Settings, mail: Claimed, now: datetime) -> Exception | None:
    """Try to hand a mail over; answers what went wrong."""
    try:
        deliverer(settings)(compose(settings, mail, now))
    except (OSError, smtplib.SMTPException, MessageError, ValueError) as error:
        _LOG.warning("mail %d could not be sent: %s", mail.id, type(error).__name__)
        return error
    return None


def _note(
    session: Session, mail: Claimed, refusal: Exception | None, now: datetime, report: Report
) -> None:
    if refusal is None:
        note_sent(session, mail.id, now)
        report.sent += 1
        return
    for_good = _is_permanent(refusal)
    given_up = note_failed(session, mail.id, _reason(refusal), now, for_good=for_good)
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
    return isinstance(error, MessageError | ValueError) and not isinstance(error, OSError)


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def compose(settings: Settings, mail: Claimed, now: datetime) -> EmailMessage:
    """The message as it goes out; ValueError or MessageError for an unusable address."""
    host = settings.public_host
    sender = settings.mail_from or f"plumbline@{host}"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_SENDER_NAME, addr_spec=sender)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{sha256(mail.key.encode()).hexdigest()[:40]}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _hand_over(message: EmailMessage, settings: Settings) -> None:
    host, port, context = settings.smtp_host, settings.smtp_port, ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        if port == _TLS_PORT
        else smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
    ) as server:
        if settings.smtp_starttls and port != _TLS_PORT:
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(message)


def _write(message: EmailMessage, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = str(message["Message-ID"]).strip("<>").partition("@")[0]
    path, partial = folder / f"{name}.eml", folder / f"{name}.part"
    partial.write_bytes(message.as_bytes())
    partial.chmod(0o600)
    partial.replace(path)


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
        thread.join()


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
