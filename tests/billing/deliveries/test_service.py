"""Deliveries: mails that are queued once, what was done elsewhere, and that it came."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.deliveries import unsent
from billing.deliveries.enclosing import addressed, check_size
from billing.deliveries.erasing import erase_recipient
from billing.deliveries.models import Delivery, DeliveryRecipient
from billing.deliveries.outcomes import note_given_up, note_handed_over
from billing.deliveries.queries import (
    deliveries_of,
    latest_number,
    proposed_recipients,
    sent_of,
)
from billing.deliveries.recipients import MOST, addresses_in, checked_recipients
from billing.deliveries.recording import acknowledge, record_elsewhere
from billing.deliveries.service import deliver
from billing.deliveries.subjects import subject_of
from billing.deliveries.values import (
    DeliveryState,
    DeliverySubject,
    DocumentTable,
    Elsewhere,
    Enclosure,
    Handover,
    Means,
    RecipientKind,
)
from billing.invoices.standing import Stage
from billing.invoices.standings import standings_of
from billing.settlement.models import DocumentKind, SettlementDocument
from governance.access import Actor, Role
from governance.audit.models import Action, AuditEntry
from governance.audit.service import read_entries
from governance.errors import BadInput, Busy, Conflict, Forbidden
from governance.parties.models import User
from governance.tables import digest
from tests.billing.credit_notes.scenes import TWO_LINES, Scene, make_scene
from tests.billing.deliveries.scenes import (
    NAME,
    PDF,
    UBL,
    XML_NAME,
    KeptPost,
    deliverable,
    issued_scene,
    parcel,
)
from tests.factories import NOW, contract_bytes, make_role

MAILER = Actor(None, "mailer", NOW + timedelta(minutes=1))


def _send(session: Session, scene: Scene, *to: str, after: int = 0, **more: object) -> Delivery:
    sent = parcel(session, scene, *to, after=after, **more)
    return deliver(session, scene.preparer, scene.engagement, sent, KeptPost())


def _stage(session: Session, scene: Scene) -> Stage:
    return standings_of(session, [scene.invoice], NOW.date())[scene.invoice.id].stage


def test_a_mail_is_queued_with_references_and_sent_by_the_mailers_note(session: Session) -> None:
    scene, post = issued_scene(session), KeptPost()
    wanted = parcel(session, scene, "ap@example.org", cc=("Boss@example.org", "AP@example.org"))
    made = deliver(session, scene.preparer, scene.engagement, wanted, post)
    assert [one for one, _ in post.parcels] == [made.id]
    (shown,) = deliveries_of(session, DeliverySubject.INVOICE, [scene.invoice.id])[scene.invoice.id]
    assert [(one.kind, one.address) for one in shown.recipients] == [
        (RecipientKind.TO, "ap@example.org"),
        (RecipientKind.CC, "Boss@example.org"),
    ]
    assert [(one.file_name, one.sha256) for one in shown.documents] == [
        (NAME, digest(PDF)),
        (XML_NAME, digest(UBL)),
    ]
    assert (made.state, _stage(session, scene)) == (DeliveryState.QUEUED, Stage.ISSUED)
    found = addressed(session, made, 1_000_000)
    assert [one.data for one in found.attachments] == [PDF, UBL]
    assert [one.media_type for one in found.attachments] == ["application/pdf", "application/xml"]
    digests = {one.document_id: one.sha256 for one in found.attachments}
    refused = {"Boss@example.org": "550 no such user"}
    note_handed_over(session, MAILER, made.id, Handover(digests, refused))
    assert (made.state, made.sent_at, made.delivered_on) == (
        DeliveryState.SENT,
        MAILER.at,
        NOW.date(),
    )
    assert [one.problem for one in shown.recipients] == ["", "550 no such user"]
    assert set(sent_of(session, [scene.invoice.id])) == {scene.invoice.id}
    assert _stage(session, scene) is Stage.SENT
    assert proposed_recipients(session, scene.engagement).to == ("ap@example.org",)
    note_handed_over(session, MAILER, made.id, Handover(digests))
    assert [one.problem for one in shown.recipients] == ["", "550 no such user"]


def test_the_same_click_twice_is_one_delivery_and_another_in_between_is_told(
    session: Session,
) -> None:
    scene = issued_scene(session)
    first = _send(session, scene)
    assert _send(session, scene).id == first.id
    for other in ({"note": "please"}, {"cc": ("x@example.org",)}):
        with pytest.raises(Conflict, match="delivered invoice CW-2026-00001 meanwhile"):
            _send(session, scene, **other)
    only_pdf = deliverable(session, scene).chosen([NAME])
    with pytest.raises(Conflict, match="look at that first"):
        _send(session, scene, enclosures=only_pdf)
    wanted = parcel(session, scene)
    with pytest.raises(Conflict, match="Ada Person"):
        deliver(session, scene.approver, scene.engagement, wanted, KeptPost())
    assert _send(session, scene, after=1).number == 2
    assert latest_number(session, DeliverySubject.INVOICE, scene.invoice.id) == 2


def test_a_pdf_that_is_not_made_yet_is_waited_for(session: Session) -> None:
    scene = issued_scene(session, pdf=b"")
    found = deliverable(session, scene).made
    assert {one.file_name for one in found if not found[one].sha256} == {NAME}
    made = _send(session, scene)
    with pytest.raises(Busy, match=r"ENG-1-2026-02-invoice\.pdf isn't made yet"):
        addressed(session, made, 1_000_000)
    row = _document(session, scene)
    row.data, row.sha256 = PDF, digest(PDF)
    session.flush()
    carried = addressed(session, made, 1_000_000).attachments
    note_handed_over(
        session, MAILER, made.id, Handover({one.document_id: one.sha256 for one in carried})
    )
    (shown,) = deliveries_of(session, DeliverySubject.INVOICE, [scene.invoice.id])[scene.invoice.id]
    assert shown.documents[0].sha256 == digest(PDF)


def _document(session: Session, scene: Scene) -> SettlementDocument:
    return session.scalars(
        select(SettlementDocument).where(
            col(SettlementDocument.settlement_id) == scene.invoice.settlement_id,
            col(SettlementDocument.kind) == DocumentKind.INVOICE_PDF,
        )
    ).one()


def test_what_was_queued_is_what_is_sent_or_nothing(session: Session) -> None:
    scene = issued_scene(session, pdf=b"")
    made = _send(session, scene)
    row = _document(session, scene)
    row.data = PDF  # Its digest is still that of nothing.
    session.flush()
    with pytest.raises(Conflict, match="isn't what it was"):
        addressed(session, made, 1_000_000)
    row.sha256 = digest(PDF)
    session.flush()
    with pytest.raises(BadInput, match="too large for one mail"):
        addressed(session, made, 10)


def test_a_mail_given_up_is_no_delivery_and_may_be_sent_again(session: Session) -> None:
    scene = issued_scene(session)
    made = _send(session, scene)
    note_given_up(session, MAILER, made.id, "550 no\r\nsuch user")
    assert (made.state, made.problem) == (DeliveryState.GIVEN_UP, "550 no  such user")
    assert _stage(session, scene) is Stage.ISSUED
    assert proposed_recipients(session, scene.engagement).to == ("client@example.org",)
    assert _send(session, scene, after=1).number == 2


def test_whoever_hands_it_over_is_right_and_a_later_refusal_changes_nothing(
    session: Session,
) -> None:
    scene = issued_scene(session)
    made = _send(session, scene)
    digests = {one.document_id: one.sha256 for one in addressed(session, made, 10**6).attachments}
    note_given_up(session, MAILER, made.id, "550 no")
    note_handed_over(session, MAILER, made.id, Handover(digests))
    taken = (DeliveryState.SENT, "", None, MAILER.at)
    assert (made.state, made.problem, made.given_up_at, made.sent_at) == taken
    note_given_up(session, MAILER, made.id, "550 no")
    assert (made.state, made.problem, made.given_up_at, made.sent_at) == taken


def test_whom_a_reminder_went_to_gets_no_invoice(session: Session) -> None:
    scene = issued_scene(session)
    _send(session, scene, "ap@example.org")
    reminder = DeliverySubject.REMINDER
    _send(session, scene, "lawyer@example.org", subject=reminder, subject_id=1)
    assert proposed_recipients(session, scene.engagement).to == ("ap@example.org",)


def test_only_a_pdf_that_will_be_made_is_waited_for(session: Session) -> None:
    scene = issued_scene(session)
    for table, kind in (("statement_document", "statement.pdf"), ("settlement_document", "x.xml")):
        absent = Enclosure(DocumentTable(table), 99, kind, kind)
        with pytest.raises(Conflict, match="isn't there to be sent"):
            _send(session, scene, enclosures=(absent,))


def test_those_without_an_address_crowd_out_nobody(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "MOST", 1)
    silent = make_scene(session, TWO_LINES, contract_bytes().replace(b"ENG-1", b"ENG-9"))
    scene = issued_scene(session)
    sender = session.get_one(User, scene.preparer.user_id)
    make_role(session, silent.engagement, sender, Role.PROVIDER_FINANCE)
    found = unsent.unsent_invoices(session, scene.preparer)
    assert [one.invoice.id for one in found] == [scene.invoice.id, silent.invoice.id]
    assert [one.whom.to for one in found] == [("client@example.org",), ()]


_RECIPIENTS = (
    (("no address",), (), "no e-mail address"),
    (("a@example.org\r\nBcc: x@example.org",), (), "no e-mail address"),
    (("ä@example.org",), (), "no e-mail address"),
    (("a@example",), (), "no e-mail address"),
    ((f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.org",), (), "no e-mail address"),
    ((), ("a@example.org",), "nobody is named"),
    (tuple(f"a{number}@example.org" for number in range(MOST)), ("b@example.org",), "too many"),
)


@pytest.mark.parametrize(("to", "cc", "said"), _RECIPIENTS)
def test_recipients_that_are_refused(to: tuple[str, ...], cc: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        checked_recipients(to, cc)


def test_recipients_are_named_once() -> None:
    assert addresses_in(" a@x.org; b@x.org,\n c@x.org ") == ("a@x.org", "b@x.org", "c@x.org")
    found = checked_recipients(["A@x.org", "a@x.org"], ["a@X.org", "b@x.org"])
    assert found == (("a@x.org",), ("b@x.org",))


def test_a_mail_counts_as_it_travels() -> None:
    check_size(729_927, 1_000_000)
    with pytest.raises(BadInput, match=r"1\.0 MB as a mail"):
        check_size(729_928, 1_000_000)


def test_what_is_refused(session: Session) -> None:
    scene = issued_scene(session)
    wanted, small = parcel(session, scene), KeptPost(largest=20)
    with pytest.raises(Forbidden):
        deliver(session, scene.client, scene.engagement, wanted, KeptPost())
    with pytest.raises(BadInput, match="nothing is to be sent"):
        _send(session, scene, enclosures=())
    with pytest.raises(BadInput, match="the note is too long"):
        _send(session, scene, note="x" * 4001)
    with pytest.raises(BadInput, match="there is no such document"):
        deliverable(session, scene).chosen(["pack.pdf"])
    with pytest.raises(BadInput, match="too large for one mail"):
        deliver(session, scene.preparer, scene.engagement, wanted, small)
    scene.invoice.number = None
    with pytest.raises(Conflict, match="isn't issued"):
        subject_of(scene.invoice)


PORTAL = Elsewhere(Means.PORTAL, NOW.date(), " SUP-77 ", "by hand", 0)


def test_a_delivery_made_elsewhere_counts_at_once(session: Session) -> None:
    scene = issued_scene(session)
    place = (session, scene.preparer, scene.engagement, subject_of(scene.invoice))
    made = record_elsewhere(*place, PORTAL)
    assert record_elsewhere(*place, replace(PORTAL, reference="SUP-77")).id == made.id
    assert (made.means, made.reference, made.delivered_on) == (
        Means.PORTAL,
        "SUP-77",
        NOW.date(),
    )
    assert _stage(session, scene) is Stage.SENT
    with pytest.raises(Conflict, match="meanwhile"):
        record_elsewhere(*place, replace(PORTAL, means=Means.POST))


_WRONG = (
    (replace(PORTAL, means=Means.EMAIL), "which way it took"),
    (replace(PORTAL, on=None), "on which day"),
    (replace(PORTAL, on=date(2020, 1, 1)), "on which day"),
    (replace(PORTAL, on=NOW.date() + timedelta(days=2)), "on which day"),
    (replace(PORTAL, reference="x" * 201), "reference is too long"),
)


def test_what_can_not_be_recorded(session: Session) -> None:
    scene = issued_scene(session)
    subject = subject_of(scene.invoice)
    for done, said in _WRONG:
        with pytest.raises(BadInput, match=said):
            record_elsewhere(session, scene.preparer, scene.engagement, subject, done)
    with pytest.raises(Forbidden):
        record_elsewhere(session, scene.client, scene.engagement, subject, PORTAL)


def test_the_client_says_that_it_came(session: Session) -> None:
    scene = issued_scene(session)
    place = (session, scene.client, scene.engagement, subject_of(scene.invoice))
    with pytest.raises(Forbidden):
        acknowledge(session, scene.preparer, *place[2:])
    made = _send(session, scene)
    here = acknowledge(*place)
    assert (here.means, here.number, here.acknowledged_by_id) == (
        Means.HERE,
        2,
        scene.client.user_id,
    )
    assert acknowledge(*place).id == here.id
    note_given_up(session, MAILER, made.id, "550 no")
    again = _send(session, scene, after=2)
    assert again.number == 3


def test_what_was_sent_is_acknowledged_itself(session: Session) -> None:
    scene = issued_scene(session)
    place = (session, scene.preparer, scene.engagement, subject_of(scene.invoice))
    made = record_elsewhere(*place, PORTAL)
    assert acknowledge(session, scene.client, *place[2:]).id == made.id
    assert made.acknowledged_at == NOW


def test_an_erased_address_is_gone_and_the_evidence_stays(session: Session) -> None:
    scene = issued_scene(session)
    made = _send(session, scene, "ap@example.org", "second@example.org")
    assert len(erase_recipient(session, "AP@example.org")) == 1
    assert addressed(session, made, 1_000_000).to == ("second@example.org",)
    assert len(erase_recipient(session, "second@example.org")) == 1
    with pytest.raises(Conflict, match="erased"):
        addressed(session, made, 1_000_000)
    rows = session.scalars(select(DeliveryRecipient)).all()
    assert {(one.address, one.salt) for one in rows} == {("", "")}


def test_copies_go_on_alone_where_the_recipient_is_erased(session: Session) -> None:
    scene = issued_scene(session)
    made = _send(session, scene, cc=("copy@example.org",))
    erase_recipient(session, "ap@example.org")
    found = addressed(session, made, 1_000_000)
    assert (found.to, found.cc) == (("copy@example.org",), ())


def test_entries_name_recipients_as_personal_values(session: Session) -> None:
    scene = issued_scene(session)
    _send(session, scene)
    entry = session.scalars(
        select(AuditEntry).where(col(AuditEntry.action) == Action.DELIVERY_QUEUED)
    ).one()
    assert b"ap@example.org" not in entry.data
    (event,) = read_entries(session, [entry])
    assert event.after is not None
    assert "ap@example.org" in event.after
    assert event.subject_label == "invoice CW-2026-00001, delivery 1"
