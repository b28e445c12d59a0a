"""Invoices on their way to the client, as both sides see and send them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import session_scope
from app.mail.sending import mail_folder, send_due
from billing.deliveries.erasing import erase_recipient
from billing.deliveries.models import Delivery
from billing.deliveries.queries import Proposed
from billing.invoices.issuing import commit_issue, prepare_issue
from billing.statements.models import AccountStatement, StatementDocument, StatementDocumentKind
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.tables import digest
from governance.tenancy import EVERYTHING
from tests.app.web.support import World, make_world
from tests.billing.credit_notes.scenes import TWO_LINES, add_issued_invoice
from tests.billing.deliveries.scenes import add_documents
from tests.factories import JANUARY, actor_of, approve

BASE = "/engagements/ENG-1"
INVOICE = f"{BASE}/periods/2026-01/invoice"
NAME = "ENG-1-2026-01-invoice.pdf"
_Form: TypeAlias = dict[str, str | list[str]]
FORM: _Form = {"to": "ap@example.org; boss@example.org", "documents": NAME, "after": "0"}


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path) -> World:
    """ENG-1 with an issued invoice of January, whose PDF isn't made yet."""
    made = make_world(sqlite_template, tmp_path)
    workshop = made.app.state.workshop
    with session_scope(made.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        issuer = approve(session, engagement, JANUARY)
        prepared = prepare_issue(session, issuer, engagement, JANUARY, workshop)
        commit_issue(session, issuer, engagement, prepared)
    return made


def _make_pdf(world: World) -> None:
    assert _post(world, world.billing, f"{INVOICE}/pdf")[0] == 303


def _get(world: World, user: User, path: str, status: int = 200) -> str:
    with world.signed_in(user) as (browser, _):
        answer = browser.get(path)
    assert answer.status_code == status, (path, answer.text[:2000])
    return " ".join(answer.text.split())


def _post(world: World, user: User, path: str, **form: str | list[str]) -> tuple[int, str]:
    with world.signed_in(user) as (browser, token):
        answer = browser.post(path, data={"csrf_token": token} | form)
    return answer.status_code, answer.headers.get("location", " ".join(answer.text.split()))


def _run(world: World, later: timedelta = timedelta(0)) -> None:
    send_due(world.engine, world.settings, lambda: datetime.now(UTC) + later)


def _count(world: World) -> int:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        return len(session.scalars(select(Delivery)).all())


def test_an_invoice_from_the_form_to_the_receipt(place: World) -> None:
    assert "Not sent yet" in _get(place, place.billing, INVOICE)
    assert "Nothing was sent yet" in _get(place, place.finance, INVOICE)
    form = _get(place, place.billing, f"{INVOICE}/send")
    assert "The contract states no e-mail address of the client" in form
    assert "Invoice CW-2026-00001 from" in form
    assert f'value="{NAME}" checked' in form
    _make_pdf(place)
    noted = FORM | {"note": "as <agreed>"}
    assert _post(place, place.billing, f"{INVOICE}/send", **noted) == (303, INVOICE)
    assert _post(place, place.billing, f"{INVOICE}/send", **noted) == (303, INVOICE)
    assert _count(place) == 1
    assert "On its way" in _get(place, place.finance, INVOICE)
    _run(place)
    (path,) = mail_folder(place.settings).iterdir()
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert message["To"] == "ap@example.org, boss@example.org"
    (pdf,) = message.iter_attachments()
    with place.signed_in(place.finance) as (browser, _):
        download = browser.get(f"{BASE}/periods/2026-01/documents/invoice.pdf")
    assert (pdf.get_filename(), pdf.get_content()) == (NAME, download.content)
    seen = _get(place, place.billing, INVOICE)
    assert "Handed to the mail server" in seen
    assert "as &lt;agreed&gt;" in seen
    client = _get(place, place.finance, INVOICE)
    assert "We have received it" in client
    assert "boss@example.org" in client
    assert "Sent</span>" in _get(place, place.finance, f"{BASE}/invoices")
    assert _post(place, place.finance, f"{INVOICE}/received") == (303, INVOICE)
    received = _get(place, place.finance, INVOICE)
    assert "Received" in received
    assert "We have received it" not in received
    again = _get(place, place.billing, f"{INVOICE}/send")
    assert ">ap@example.org, boss@example.org</textarea>" in again
    assert "look at that first" in again


def test_a_client_that_downloads_is_seen_to(place: World) -> None:
    def took(user: User) -> bool:
        with place.signed_in(user) as (browser, _):
            answer = browser.get(f"{BASE}/periods/2026-01/documents/invoice.pdf")
        assert answer.status_code == 200
        return "The client downloaded" in _get(place, place.manager, INVOICE)

    _make_pdf(place)
    assert not took(place.billing)
    assert took(place.finance)
    assert f"The client downloaded {NAME} on" in _get(place, place.manager, INVOICE)


def test_what_fails_is_the_providers_business(place: World) -> None:
    assert "the mail waits for it" in _get(place, place.billing, f"{INVOICE}/send")
    _post(place, place.billing, f"{INVOICE}/send", **FORM)
    _run(place)
    waiting = _get(place, place.billing, INVOICE)
    assert "Put off" in waiting
    assert f"{NAME} isn&#39;t made yet" in waiting
    assert "Tried again" in waiting
    client = _get(place, place.finance, INVOICE)
    assert "On its way" in client
    assert "Tried again" not in client
    assert f"{NAME} isn" not in client
    with session_scope(place.engine, sees=EVERYTHING) as session:
        for address in ("ap@example.org", "boss@example.org"):
            erase_recipient(session, address)
    _run(place, timedelta(minutes=2))
    assert "Given up" in _get(place, place.auditor, INVOICE)
    gone = _get(place, place.finance, INVOICE)
    assert "erased" not in gone
    assert "Nothing was sent yet" in gone
    assert _post(place, place.billing, f"{INVOICE}/send", **FORM)[0] == 409


_REFUSED: tuple[tuple[_Form, str], ...] = (
    ({"to": "nobody"}, "no e-mail address"),
    ({"to": " "}, "nobody is named"),
    ({"documents": "pack.pdf"}, "there is no such document"),
    ({"documents": ""}, "nothing is to be sent"),
    ({"after": "-1"}, "no number of a delivery"),
    ({"after": "99999999999"}, "no number of a delivery"),
)


def test_what_the_form_refuses(place: World) -> None:
    for more, said in _REFUSED:
        status, text = _post(place, place.billing, f"{INVOICE}/send", **FORM | more)
        assert (status, said in text) == (422, True), more
    assert _count(place) == 0


def test_a_delivery_made_elsewhere(place: World) -> None:
    today = datetime.now(UTC).date().isoformat()
    done: _Form = {"means": "peppol", "on": today, "reference": "AS4-1", "after": "0"}
    assert _post(place, place.billing, f"{INVOICE}/delivered", **done) == (303, INVOICE)
    page = _get(place, place.finance, INVOICE)
    assert "Over the Peppol network" in page
    assert "Reference AS4-1" in page
    wrong = done | {"means": "pigeon", "after": "1"}
    assert _post(place, place.billing, f"{INVOICE}/delivered", **wrong)[0] == 422


def test_many_are_sent_at_once(place: World) -> None:
    none = _get(place, place.billing, "/unsent")
    assert "Nobody to send them to" in none
    assert "Ready to be sent" not in none
    nobody = f"1 {Proposed((), ()).mark}"
    status, text = _post(place, place.billing, "/unsent", invoice="1", whom=nobody)
    assert (status, "nobody is named to send it to" in text) == (200, True)
    _make_pdf(place)
    _post(place, place.billing, f"{INVOICE}/send", **FORM)
    _run(place)
    assert "Nothing is to be sent" in _get(place, place.billing, "/unsent")
    with session_scope(place.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        second = add_issued_invoice(session, actor_of(place.manager), engagement, TWO_LINES)
        add_documents(session, second.settlement_id)
        ids = str(second.id)
    listed = _get(place, place.billing, "/unsent?month=2026-02&engagement=ENG-1")
    assert "CW-2026-00002" in listed
    assert "ap@example.org, boss@example.org" in listed
    assert "Nothing is to be sent" in _get(place, place.billing, "/unsent?month=2026-03")
    status, text = _post(place, place.billing, "/unsent", invoice=ids, whom=nobody)
    assert (status, "others than the page showed" in text) == (200, True)
    whom = re.findall(r'name="whom" value="([^"]+)"', listed)
    chosen: _Form = {"invoice": [ids, "x", "99"], "whom": whom}
    status, text = _post(place, place.billing, "/unsent", **chosen)
    assert (status, "1 invoice is on its way" in text) == (200, True)
    assert _post(place, place.billing, "/unsent", invoice=ids)[0] == 422
    _get(place, place.stranger, "/unsent?engagement=ENG-1")
    _get(place, place.finance, "/unsent", status=403)


def test_a_credit_note_goes_the_same_way(place: World) -> None:
    asked = {"invoice": "CW-2026-00001", "how": "everything", "reason": "not delivered"}
    note = f"{BASE}/credit-notes/1"
    assert _post(place, place.manager, f"{INVOICE}/credit", **asked) == (303, note)
    _get(place, place.billing, f"{note}/send", status=409)
    assert _post(place, place.billing, f"{note}/issue", seen="1079.03")[0] == 303
    form = _get(place, place.billing, f"{note}/send")
    assert "Credit note CN-" in form
    (name,) = re.findall(r'name="documents" value="([^"]+)"', form)
    wanted: _Form = {"to": "ap@example.org", "documents": name, "after": "0"}
    assert _post(place, place.billing, f"{note}/send", **wanted) == (303, note)
    assert "On its way" in _get(place, place.finance, note)
    assert _post(place, place.finance, f"{note}/received") == (303, note)
    assert "Taken from these pages" in _get(place, place.billing, note)


def test_a_statement_is_mailed_with_its_own_pdf(place: World) -> None:
    theirs, mine = b"%PDF of theirs", b"%PDF of mine"
    with session_scope(place.engine, sees=EVERYTHING) as session:
        # Two engagements keep one at once: the first statement has the second document.
        rows = [_statement(session, place.manager, engagement_id) for engagement_id in (1, 2)]
        for row, data in ((rows[1], theirs), (rows[0], mine)):
            _add_pdf(session, row, data)
    sent: _Form = {"to": "ap@example.org", "after": "0"}
    page = f"{BASE}/statements/1"
    assert _post(place, place.billing, f"{page}/send", **sent) == (303, page)
    _run(place)
    (path,) = mail_folder(place.settings).iterdir()
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert [one.get_content() for one in message.iter_attachments()] == [mine]


def _statement(session: Session, maker: User, engagement_id: int) -> AccountStatement:
    row = AccountStatement(
        engagement_id=engagement_id,
        number=1,
        first_day=JANUARY.start,
        last_day=JANUARY.end,
        currency="EUR",
        closing_minor=0,
        made_at=datetime.now(UTC),
        made_by_id=maker.id,
    )
    session.add(row)
    session.flush()
    return row


def _add_pdf(session: Session, row: AccountStatement, data: bytes) -> None:
    document = StatementDocument(
        statement_id=row.id,
        kind=StatementDocumentKind.PDF,
        sha256=digest(data),
        data=data,
        template_version=digest(b""),
    )
    session.add(document)
    session.flush()
