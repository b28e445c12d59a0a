"""Mails with documents on their way: byte for byte, at least once, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import col

from app.database import session_scope
from app.mail import sending
from app.mail.deliveries import OutboxPost, send_invoice
from app.mail.delivery_letters import letter_of, parcel_of
from app.mail.models import OutboxMail
from app.mail.outbox import CLAIM, list_mails
from app.mail.sending import mail_folder, send_due
from app.settings import Settings
from billing.deliveries.erasing import erase_recipient
from billing.deliveries.models import Delivery, DeliveryDocument
from billing.deliveries.queries import (
    Delivered,
    Proposed,
    deliveries_of,
    proposed_recipients,
)
from billing.deliveries.service import deliver
from billing.deliveries.values import DeliveryState, DeliverySubject, DocumentTable
from billing.invoices.fee_document import DocumentReference, DocumentType
from billing.settlement.models import DocumentKind, SettlementDocument
from governance.audit.models import Action, AuditEntry
from governance.errors import BadInput, Conflict
from governance.tables import digest
from governance.tenancy import EVERYTHING
from tests.app.mail.server import Received, mail_server
from tests.billing.credit_notes.scenes import TWO_LINES, Scene, make_scene
from tests.billing.deliveries.scenes import (
    NAME,
    PDF,
    UBL,
    XML_NAME,
    add_documents,
    deliverable,
    issued_scene,
)
from tests.factories import NOW, contract_bytes

GERMAN = replace(TWO_LINES, language="de", buyer_reference="04011000-12345-39")


@dataclass
class Place:
    """An installation with one issued invoice, and its mail server."""

    engine: Engine
    settings: Settings
    received: Received
    scene: Scene

    def queue(self, *to: str, cc: tuple[str, ...] = (), after: int = 0) -> None:
        """Send PDF and UBL of the invoice."""
        with session_scope(self.engine, sees=EVERYTHING) as session:
            found = deliverable(session, self.scene)
            names = [one.file_name for one in found.enclosures]
            whom = Proposed(to or ("ap@example.org",), cc)
            parcel = parcel_of(found, whom, names, after=after, note="Für <Frau Muster>.\nDanke.")
            place = (session, self.scene.preparer, self.scene.engagement)
            deliver(*place, parcel, OutboxPost(self.settings))

    def run(self, after: timedelta = timedelta(0)) -> tuple[int, int, int]:
        """How many were sent, put off and given up."""
        report = send_due(self.engine, self.settings, lambda: NOW + after)
        return report.sent, report.put_off, report.given_up

    def latest(self) -> Delivered:
        """The latest delivery."""
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            key = self.scene.invoice.id
            return deliveries_of(session, DeliverySubject.INVOICE, [key])[key][0]

    def mail(self) -> OutboxMail:
        """The latest mail of the outbox."""
        with session_scope(self.engine, read_only=True) as session:
            return list_mails(session)[0]

    def messages(self) -> list[EmailMessage]:
        """What the server got."""
        return [message_from_bytes(data, policy=default) for _, data in self.received.mails]


def _place(
    engine: Engine, folder: Path, received: Received, port: int, pdf: bytes = PDF, **more: Any
) -> Place:
    settings = Settings(
        data_dir=folder,
        public_url="http://localhost",
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_starttls=False,
        **more,
    )
    with session_scope(engine, sees=EVERYTHING) as session:
        scene = issued_scene(session, pdf, GERMAN)
    return Place(engine, settings, received, scene)


@pytest.fixture
def server() -> Iterator[tuple[Received, int]]:
    """A mail server and its port."""
    received = Received()
    with mail_server(received) as port:
        yield received, port


def test_documents_arrive_byte_for_byte(
    fresh_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(fresh_engine, tmp_path, *server)
    place.queue("ap@example.org", "second@example.org", cc=("copy@example.org",))
    assert place.mail().recipient == ""
    assert place.run() == (1, 0, 0)
    ((envelope, _),) = place.received.mails
    assert envelope == ["ap@example.org", "second@example.org", "copy@example.org"]
    (message,) = place.messages()
    assert (message["To"], message["Cc"]) == (
        "ap@example.org, second@example.org",
        "copy@example.org",
    )
    assert message["From"].addresses[0].display_name == f"{GERMAN.seller.name} (Plumbline)"
    carried = {one.get_filename(): one for one in message.iter_attachments()}
    assert {name: one.get_content_type() for name, one in carried.items()} == {
        NAME: "application/pdf",
        XML_NAME: "application/xml",
    }
    assert carried[NAME].get_content() == PDF
    assert carried[XML_NAME].get_content() == UBL
    delivered = place.latest()
    assert delivered.delivery.state is DeliveryState.SENT
    assert [one.sha256 for one in delivered.documents] == [digest(PDF), digest(UBL)]
    mail = place.mail()
    assert (mail.sent_at, mail.body_sealed) == (NOW, None)


def test_the_letter_is_in_the_language_of_the_contract(
    sqlite_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(sqlite_engine, tmp_path, *server)
    place.queue()
    place.run()
    (message,) = place.messages()
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert message["Subject"] == f"Rechnung CW-2026-00001 von {GERMAN.seller.name}"
    text = plain.get_content().replace("\r\n", "\n")
    assert text.startswith("Sehr geehrte Damen und Herren,\n\nanbei erhalten Sie unsere Rechnung")
    assert "Zahlbetrag: 1.079,03\u00a0EUR" in text
    assert "Ihre Referenz: 04011000-12345-39" in text
    assert "Für <Frau Muster>.\nDanke." in text
    assert "Für &lt;Frau Muster&gt;." in html.get_content()
    assert '<html lang="de">' in html.get_content()


def test_words_of_the_other_letters() -> None:
    corrected = replace(
        TWO_LINES,
        number="CN-1",
        type=DocumentType.CREDIT_NOTE,
        purchase_order="PO-7",
        corrects=DocumentReference("CW-1", NOW.date()),
    )
    letter = letter_of(corrected)
    assert letter.subject == f"Credit note CN-1 from {TWO_LINES.seller.name}"
    assert "for invoice CW-1 of 2\u00a0Mar\u00a02026" in letter.paragraphs[0]
    assert letter.facts == (("Credited", "EUR\u00a01,079.03"), ("Your order", "PO-7"))
    instead = letter_of(replace(corrected, type=DocumentType.CORRECTED_INVOICE))
    assert "It takes the place of invoice CW-1 of 2\u00a0Mar\u00a02026." in instead.paragraphs[0]
    assert instead.facts[1][0] == "Due"


def test_a_crash_between_hand_over_and_note_sends_the_same_mail_again(
    fresh_engine: Engine,
    tmp_path: Path,
    server: tuple[Received, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = _place(fresh_engine, tmp_path, *server)
    place.queue()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending, "note_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            place.run()
    assert place.latest().delivery.state is DeliveryState.QUEUED
    assert place.run() == (0, 0, 0)
    assert place.run(CLAIM) == (1, 0, 0)
    first, second = place.messages()
    assert first["Message-ID"] == second["Message-ID"]
    assert place.latest().delivery.state is DeliveryState.SENT
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        sent = select(AuditEntry).where(col(AuditEntry.action) == Action.DELIVERY_SENT)
        assert len(session.scalars(sent).all()) == 1


def test_outbox_and_delivery_are_noted_together_or_not_at_all(
    fresh_engine: Engine,
    tmp_path: Path,
    server: tuple[Received, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = _place(fresh_engine, tmp_path, *server)
    place.queue()

    def broken(*_: object) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr("billing.deliveries.outcomes.record_delivery", broken)
        with pytest.raises(RuntimeError):
            place.run()
    assert (place.mail().sent_at, place.latest().delivery.sent_at) == (None, None)


def test_a_mail_waits_for_its_pdf_and_loses_no_attempt(
    fresh_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(fresh_engine, tmp_path, *server, pdf=b"")
    place.queue()
    for minutes in range(12):
        assert place.run(timedelta(minutes=minutes)) == (0, 1, 0)
    mail = place.mail()
    assert (mail.attempts, mail.last_error) == (0, f"{NAME} isn't made yet")
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        row = session.scalars(
            select(SettlementDocument).where(
                col(SettlementDocument.kind) == DocumentKind.INVOICE_PDF
            )
        ).one()
        row.data, row.sha256, row.frozen = PDF, digest(PDF), True
    assert place.run(timedelta(hours=1)) == (1, 0, 0)
    assert place.latest().documents[0].sha256 == digest(PDF)


def test_what_the_server_refuses_is_given_up_and_can_be_sent_again(
    fresh_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(fresh_engine, tmp_path, *server)
    place.received.refusal = "550 no such user here"
    place.queue()
    assert place.run() == (0, 0, 1)
    given_up = place.latest().delivery
    assert (given_up.state, given_up.problem) == (DeliveryState.GIVEN_UP, "550 no such user here")
    place.received.refusal = ""
    place.queue(after=1)
    assert place.run() == (1, 0, 0)


def test_one_recipient_refused_is_marked_and_the_others_have_it(
    sqlite_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(sqlite_engine, tmp_path, *server)
    place.received.refused_addresses = {"gone@example.org"}
    place.queue("gone@example.org", "ap@example.org")
    assert place.run() == (1, 0, 0)
    delivered = place.latest()
    assert delivered.delivery.state is DeliveryState.SENT
    assert [one.problem for one in delivered.recipients] == ["550 not here", ""]


def test_refusals_are_kept_without_the_addresses_in_them(
    fresh_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(fresh_engine, tmp_path, *server)
    place.received.refusal = "550 5.1.1 <AP@example.org>: moved to ada.o'neill@example.net"
    place.queue()
    assert place.run() == (0, 0, 1)
    kept = "550 5.1.1 <[address]>: moved to [address]"
    assert (place.latest().delivery.problem, place.mail().last_error) == (kept, kept)
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        given_up = select(AuditEntry).where(col(AuditEntry.action) == Action.DELIVERY_GIVEN_UP)
        entry = session.scalars(given_up).one()
    assert b"example." not in entry.data.lower()


def test_a_document_of_another_engagement_is_never_sent(
    fresh_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(fresh_engine, tmp_path, *server)
    place.queue()
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        contract = contract_bytes().replace(b"ENG-1", b"ENG-9")
        foreign = make_scene(session, TWO_LINES, contract)
        add_documents(session, foreign.invoice.settlement_id, b"%PDF of somebody else")
        row = DeliveryDocument(
            delivery_id=session.scalars(select(col(Delivery.id))).one(),
            position=3,
            document_table=DocumentTable.SETTLEMENT,
            owner_id=foreign.invoice.settlement_id,
            kind="invoice.pdf",
            file_name="theirs.pdf",
        )
        session.add(row)
    assert place.run()[0] == 0
    assert place.received.mails == []


def test_a_letter_that_nobody_can_read_any_more_is_given_up(
    sqlite_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(sqlite_engine, tmp_path, *server)
    place.queue()
    with session_scope(sqlite_engine) as session:
        session.scalars(select(OutboxMail)).one().body_sealed = b"of another secret"
    assert place.run() == (0, 0, 0)
    assert place.latest().delivery.state is DeliveryState.GIVEN_UP


def test_what_can_not_be_composed_is_given_up(
    sqlite_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(sqlite_engine, tmp_path, *server)
    place.queue()
    with session_scope(sqlite_engine, sees=EVERYTHING) as session:
        erase_recipient(session, "ap@example.org")
    assert place.run() == (0, 0, 1)
    assert place.latest().delivery.problem == "all recipients were erased"


def test_without_a_server_the_mail_is_a_file_with_its_documents(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    place = _place(sqlite_engine, tmp_path, Received(), 1)
    place.settings = place.settings.model_copy(update={"smtp_host": ""})
    with session_scope(sqlite_engine, sees=EVERYTHING) as session:
        scene = place.scene
        actor, engagement = scene.preparer, scene.engagement
        made = send_invoice(session, place.settings, actor, engagement, scene.invoice)
        assert made.number == 1
    with session_scope(sqlite_engine, sees=EVERYTHING) as session, pytest.raises(Conflict):
        send_invoice(session, place.settings, actor, engagement, scene.invoice)
    assert place.run() == (1, 0, 0)
    (path,) = mail_folder(place.settings).iterdir()
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert message["To"] == "client@example.org"
    assert [one.get_filename() for one in message.iter_attachments()] == [NAME]


def test_too_much_for_one_mail_is_said_before_it_is_queued(
    sqlite_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(sqlite_engine, tmp_path, *server, pdf=b"x" * 800_000, mail_max_mb=1)
    with pytest.raises(BadInput, match=r"at most 1\.0 MB; choose fewer of them"):
        place.queue()
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        assert not session.scalars(select(Delivery)).all()


def test_a_queued_mail_keeps_its_moment(
    sqlite_engine: Engine, tmp_path: Path, server: tuple[Received, int]
) -> None:
    place = _place(sqlite_engine, tmp_path, *server)
    place.received.refusal = "451 come back later"
    place.queue()
    assert place.run() == (0, 1, 0)
    mail = place.mail()
    due: datetime = mail.next_attempt_at
    assert (due, mail.last_error) == (NOW + timedelta(minutes=1), "451 come back later")
    assert place.latest().delivery.state is DeliveryState.QUEUED


def test_an_invoice_goes_to_those_only_whom_the_page_showed(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    place = _place(sqlite_engine, tmp_path, Received(), 1)
    who = (place.settings, place.scene.preparer, place.scene.engagement, place.scene.invoice)
    other = Proposed(("other@example.org",), ()).mark
    with session_scope(sqlite_engine, sees=EVERYTHING) as session:
        with pytest.raises(Conflict, match="others than the page showed"):
            send_invoice(session, *who, other)
        mark = proposed_recipients(session, place.scene.engagement).mark
        assert send_invoice(session, *who, mark).number == 1
