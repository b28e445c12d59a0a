"""The outbox: queued with the change, sealed, tried again, given up."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import Session

from app.mail.models import OutboxMail
from app.mail.outbox import (
    CLAIM,
    DELAYS,
    Mail,
    claim_next,
    forget_recipient,
    has_due,
    list_mails,
    note_failed,
    note_sent,
    note_waiting,
    queue_mail,
)
from tests.factories import NOW

SECRET = b"a secret of the installation's own"
CONTEXT = {
    "name": "Ada",
    "link": "http://localhost/reset/secret-token",
    "until": "tomorrow",
    "host": "localhost",
}


def _queue(session: Session, key: str = "reset 1", recipient: str = "ada@example.org") -> None:
    queue_mail(session, SECRET, Mail(recipient, "Choose", "reset", key, CONTEXT), NOW)


def _row(session: Session) -> OutboxMail:
    (row,) = session.scalars(select(OutboxMail).execution_options(populate_existing=True))
    return row


def test_a_mail_is_queued_once_and_sealed(session: Session) -> None:
    _queue(session)
    _queue(session)
    row = _row(session)
    assert row.body_sealed is not None
    assert b"secret-token" not in row.body_sealed
    mail = claim_next(session, SECRET, NOW)
    assert mail is not None
    assert "http://localhost/reset/secret-token" in mail.text
    assert 'href="http://localhost/reset/secret-token"' in mail.html


def test_a_claimed_mail_is_nobody_elses_until_the_delay_is_over(session: Session) -> None:
    _queue(session)
    assert has_due(session, NOW)
    assert claim_next(session, SECRET, NOW) is not None
    assert not has_due(session, NOW)
    # A slow server may take ten minutes for its answer alone.
    assert claim_next(session, SECRET, NOW + timedelta(minutes=11)) is None
    assert claim_next(session, SECRET, NOW + CLAIM) is not None


def test_address_and_text_go_when_it_is_sent(session: Session) -> None:
    _queue(session)
    mail = claim_next(session, SECRET, NOW)
    assert mail is not None
    note_sent(session, mail.id, NOW)
    row = _row(session)
    assert (row.recipient, row.body_sealed, row.sent_at) == ("", None, NOW)
    assert claim_next(session, SECRET, NOW + timedelta(days=1)) is None


def test_delays_grow_and_in_the_end_it_is_given_up_with_the_reason(session: Session) -> None:
    _queue(session)
    now, waits = NOW, []
    while (mail := claim_next(session, SECRET, now)) is not None:
        given_up = note_failed(session, mail.id, "451 try\r\nlater", now)
        row = _row(session)
        waits.append(row.next_attempt_at - now)
        now = row.next_attempt_at
        assert given_up is (len(waits) == len(DELAYS) + 1)
    assert tuple(waits[: len(DELAYS)]) == DELAYS
    row = _row(session)
    assert row.failed_at is not None
    assert row.body_sealed is None
    assert "\n" not in row.last_error
    assert "later" in row.last_error


def test_a_failure_of_what_another_process_sent_changes_nothing(session: Session) -> None:
    _queue(session)
    first, second = claim_next(session, SECRET, NOW), claim_next(session, SECRET, NOW + CLAIM)
    assert first is not None
    assert second is not None
    note_sent(session, second.id, NOW)
    assert not note_failed(session, first.id, "550 no", NOW, for_good=True)
    note_waiting(session, first.id, "not made", NOW)
    row = _row(session)
    assert (row.sent_at, row.failed_at, row.last_error, row.attempts) == (NOW, None, "", 2)


def test_what_can_never_be_sent_is_given_up_at_once(session: Session) -> None:
    _queue(session)
    mail = claim_next(session, SECRET, NOW)
    assert mail is not None
    assert note_failed(session, mail.id, "550 no such user", NOW, for_good=True)
    assert not has_due(session, NOW + timedelta(days=9))


def test_a_mail_of_another_secret_is_given_up_and_the_next_goes_out(session: Session) -> None:
    for number in range(20):
        _queue(session, f"first {number}")
    rows = list_mails(session)
    for row in rows:
        row.body_sealed = b"\x01" + bytes(40)
    session.flush()
    _queue(session, "second")
    mail = claim_next(session, SECRET, NOW)
    assert mail is not None
    assert mail.key == "second"
    assert {row.failed_at for row in rows} == {NOW}


def test_an_erased_address_leaves_the_outbox(session: Session) -> None:
    _queue(session, "first", "Ada@example.org")
    _queue(session, "second", "bea@example.org")
    forget_recipient(session, "ada@EXAMPLE.org", NOW)
    mails = {one.idempotency_key: one for one in list_mails(session)}
    session.refresh(mails["first"])
    assert mails["first"].recipient == ""
    assert mails["first"].failed_at == NOW
    assert mails["second"].recipient == "bea@example.org"


def test_subjects_are_one_line(session: Session) -> None:
    subject = "Hello\r\nBcc: eve@example.org"
    queue_mail(session, SECRET, Mail("a@example.org", subject, "reset", "key", CONTEXT), NOW)
    assert "\n" not in _row(session).subject
    assert "\r" not in _row(session).subject


def test_texts_are_escaped_in_html_only(session: Session) -> None:
    hostile = '"><img src=x onerror=alert(1)>'
    context = CONTEXT | {"name": hostile}
    queue_mail(session, SECRET, Mail("a@example.org", "s", "reset", "key", context), NOW)
    mail = claim_next(session, SECRET, NOW)
    assert mail is not None
    assert hostile in mail.text
    assert "<img" not in mail.html
