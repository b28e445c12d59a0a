"""Mails on their way out: over SMTP to a server that answers, and into a folder."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.database import session_scope
from app.mail.models import OutboxMail
from app.mail.outbox import CLAIM, Mail, list_mails, queue_mail
from app.mail.sending import mail_folder, mailer, send_due
from app.settings import Settings
from governance.access import Actor
from governance.engagements.invitations import Guest, invite_user
from governance.engagements.models import Invitation
from governance.parties.models import Organisation
from governance.tenancy import EVERYTHING
from tests.app.mail.server import PASSWORD, USER, Received, certificate, mail_server
from tests.factories import NOW, make_user

CONTEXT = {"name": "Zoë", "link": "http://localhost/reset/t", "until": "noon", "host": "localhost"}


def _settings(folder: Path, **more: Any) -> Settings:
    return Settings(data_dir=folder, public_url="http://localhost", **more)


def _to(port: int, folder: Path, **more: Any) -> Settings:
    return _settings(folder, smtp_host="127.0.0.1", smtp_port=port, **more)


def _queue(engine: Engine, settings: Settings, recipient: str = "ada@example.org") -> None:
    mail = Mail(recipient, "Plumbline: wähle", "reset", f"reset of {recipient}", CONTEXT)
    with session_scope(engine) as session:
        queue_mail(session, settings.secret(), mail, NOW)


def _only(engine: Engine) -> OutboxMail:
    with session_scope(engine, read_only=True) as session:
        (mail,) = list_mails(session)
    return mail


def _now() -> datetime:
    return NOW


@pytest.fixture
def received() -> Received:
    """What the server got."""
    return Received()


@pytest.fixture
def plain(received: Received, tmp_path: Path) -> Iterator[Settings]:
    """Settings for a server without encryption."""
    with mail_server(received) as port:
        yield _to(port, tmp_path, smtp_starttls=False)


def test_a_mail_arrives_as_text_and_html(
    fresh_engine: Engine, plain: Settings, received: Received
) -> None:
    _queue(fresh_engine, plain)
    report = send_due(fresh_engine, plain, _now)
    assert (report.sent, report.put_off, report.given_up) == (1, 0, 0)
    ((recipients, content),) = received.mails
    message = message_from_bytes(content, policy=default)
    assert recipients == ["ada@example.org"]
    assert message["Subject"] == "Plumbline: wähle"
    assert message["From"] == "Plumbline <plumbline@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    kinds = {part.get_content_type(): part for part in message.walk()}
    assert "Hello Zoë," in kinds["text/plain"].get_content()
    assert "<p>Hello Zoë,</p>" in kinds["text/html"].get_content()
    assert _only(fresh_engine).sent_at == NOW
    assert send_due(fresh_engine, plain, _now).sent == 0


def test_the_password_travels_only_over_tls_that_is_checked(
    sqlite_engine: Engine, received: Received, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, trusted = certificate(tmp_path)
    access = {"smtp_user": USER, "smtp_password": PASSWORD}
    with mail_server(received, tls) as port:
        settings = _to(port, tmp_path, **access)
        _queue(sqlite_engine, settings)
        assert send_due(sqlite_engine, settings, _now).put_off == 1  # Nobody vouches for it.
        assert "CERTIFICATE_VERIFY_FAILED" in _only(sqlite_engine).last_error
        context = ssl.create_default_context(cafile=str(trusted))
        monkeypatch.setattr(ssl, "create_default_context", lambda: context)
        later = NOW + timedelta(minutes=1)
        assert send_due(sqlite_engine, settings, lambda: later).sent == 1
    assert received.encrypted == [True]


@pytest.mark.parametrize(
    ("answer", "given_up"), [("550 no such user here", 1), ("451 come back later", 0)]
)
def test_a_refusal_is_kept_and_only_a_final_one_is_the_end(
    sqlite_engine: Engine, plain: Settings, received: Received, answer: str, given_up: int
) -> None:
    received.refusal = answer
    _queue(sqlite_engine, plain)
    report = send_due(sqlite_engine, plain, _now)
    assert (report.sent, report.put_off, report.given_up) == (0, 1 - given_up, given_up)
    mail = _only(sqlite_engine)
    assert mail.last_error == answer
    assert (mail.failed_at is not None) == bool(given_up)
    received.refusal = ""
    later = NOW + timedelta(minutes=1)
    assert send_due(sqlite_engine, plain, lambda: later).sent == 1 - given_up


def test_a_server_that_is_away_is_tried_again(sqlite_engine: Engine, tmp_path: Path) -> None:
    with mail_server(Received()) as port:
        pass
    settings = _to(port, tmp_path, smtp_starttls=False)
    _queue(sqlite_engine, settings)
    assert send_due(sqlite_engine, settings, _now).put_off == 1
    assert "ConnectionRefusedError" in _only(sqlite_engine).last_error


def test_a_server_may_take_its_time_over_the_message(
    sqlite_engine: Engine, plain: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: list[float | None] = []
    send = smtplib.SMTP.data

    def noted(server: smtplib.SMTP, message: bytes) -> tuple[int, bytes]:
        assert server.sock is not None
        patience.append(server.sock.gettimeout())
        return send(server, message)

    monkeypatch.setattr(smtplib.SMTP, "data", noted)
    _queue(sqlite_engine, plain)
    assert send_due(sqlite_engine, plain, _now).sent == 1
    (seconds,) = patience
    assert seconds is not None
    assert timedelta(minutes=10) <= timedelta(seconds=seconds) < CLAIM


def test_one_bad_address_stops_no_other_mail(
    sqlite_engine: Engine, plain: Settings, received: Received
) -> None:
    for recipient in ("a\r\nBcc: eve@example.org", "x,y@example.org", "ada@example.org"):
        _queue(sqlite_engine, plain, recipient)
    report = send_due(sqlite_engine, plain, _now)
    assert (report.sent, report.given_up) == (1, 2)
    assert [recipients for recipients, _ in received.mails] == [["ada@example.org"]]


def test_without_a_server_mails_are_files_for_their_owner_only(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    settings = _settings(tmp_path / "data")
    _queue(sqlite_engine, settings)
    assert send_due(sqlite_engine, settings, _now).sent == 1
    (path,) = mail_folder(settings).iterdir()
    assert path.suffix == ".eml"
    assert path.stat().st_mode & 0o077 == 0
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert message["To"] == "ada@example.org"
    assert "http://localhost/reset/t" in str(message.get_body(("plain",)))


def test_the_thread_sends_once_more_at_its_end(sqlite_engine: Engine, tmp_path: Path) -> None:
    settings = _settings(tmp_path / "data")
    with mailer(sqlite_engine, settings):
        _queue(sqlite_engine, settings)
    assert len(list(mail_folder(settings).iterdir())) == 1


def test_the_thread_forgets_old_invitations(sqlite_engine: Engine, tmp_path: Path) -> None:
    settings, system = _settings(tmp_path / "data"), Actor(None, "command line", NOW)
    with session_scope(sqlite_engine, sees=EVERYTHING) as session:
        employer = session.get_one(Organisation, make_user(session).organisation_id)
        guest = Guest("grace@example.org", "Grace")
        sent = invite_user(session, system, employer, guest, expires_at=NOW - timedelta(days=3000))
    with mailer(sqlite_engine, settings):
        pass
    with session_scope(sqlite_engine, sees=EVERYTHING) as session:
        kept = session.get_one(Invitation, sent.invitation.id)
    assert "race" not in kept.model_dump_json()
