"""Credit notes and disputes as people see them: from the disputed line to the issued note."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.database import session_scope
from app.mail.models import OutboxMail
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import World, make_world
from tests.billing.credit_notes.scenes import TWO_LINES, add_issued_invoice
from tests.factories import actor_of

BASE = "/engagements/ENG-1"
INVOICE = f"{BASE}/periods/2026-02/invoice"


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path) -> World:
    """ENG-1 with an issued invoice of February: 900.00 and 6.75 before tax."""
    made = make_world(sqlite_template, tmp_path)
    with session_scope(made.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        add_issued_invoice(session, actor_of(made.manager), engagement, TWO_LINES)
    return made


def _get(world: World, user: User, path: str, status: int = 200) -> str:
    with world.signed_in(user) as (browser, _):
        answer = browser.get(path)
    assert answer.status_code == status, (path, answer.text[:2000])
    return " ".join(answer.text.split())


def _post(world: World, user: User, path: str, **form: str) -> tuple[int, str]:
    with world.signed_in(user) as (browser, token):
        answer = browser.post(path, data={"csrf_token": token} | form)
    return answer.status_code, answer.headers.get("location", " ".join(answer.text.split()))


def _credit(world: World, **form: str) -> tuple[int, str]:
    asked = {"invoice": "CW-2026-00001", "how": "lines", "reason": "closed on the <12th>"} | form
    return _post(world, world.manager, f"{INVOICE}/credit", **asked)


def test_a_note_from_the_form_to_the_download(place: World) -> None:
    form = _get(place, place.manager, f"{INVOICE}/credit")
    assert "<strong>900.00</strong>" in form
    assert "EUR 906.75 before tax" in form
    assert _credit(place, line_1="100,00", rest_2="yes") == (303, f"{BASE}/credit-notes/1")
    own = _get(place, place.manager, f"{BASE}/credit-notes/1")
    assert "you drew up this credit note" in own
    draft = _get(place, place.billing, f"{BASE}/credit-notes/1")
    assert 'name="seen" value="127.03"' in draft
    assert "closed on the &lt;12th&gt;" in draft
    assert _post(place, place.manager, f"{BASE}/credit-notes/1/issue", seen="127.03")[0] == 403
    assert _post(place, place.billing, f"{BASE}/credit-notes/1/issue", seen="127.02")[0] == 409
    issued = _post(place, place.billing, f"{BASE}/credit-notes/1/issue", seen="127.03")
    assert issued == (303, f"{BASE}/credit-notes/1")
    page = _get(place, place.finance, f"{BASE}/credit-notes/1")
    assert "Credit note CN-" in page
    assert "Service credit, lapsed with lines credited in full" in page
    with place.signed_in(place.finance) as (browser, _):
        answer = browser.get(f"{BASE}/credit-notes/1/documents/credit-note.pdf")
        missing = browser.get(f"{BASE}/credit-notes/1/documents/invoice.pdf")
    assert (answer.content[-6:], missing.status_code) == (b"127.03", 404)
    assert "ENG-1-CN-" in answer.headers["content-disposition"]
    listed = _get(place, place.auditor, f"{BASE}/credit-notes?invoice=CW-2026-00001")
    assert "EUR 127.03" in listed
    assert "<strong>800.00</strong>" in _get(place, place.manager, f"{INVOICE}/credit")


_REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"line_1": "12,x"}, "this is no amount"),
    ({"line_1": "1,000"}, "can be read in two ways"),
    ({"line_1": "900.01"}, "has 900.00 left"),
    ({"line_9": "1"}, "no such line"),
    ({"line_x": "1"}, "nothing is credited"),
    ({"how": "percent", "percent": "101"}, "no percentage"),
    ({"how": "amount", "amount": "907"}, "hasn&#39;t so much left"),
    ({"how": "all"}, "say what is credited"),
    ({"how": "everything", "reason": " "}, "reason is missing"),
)


def test_what_the_form_refuses(place: World) -> None:
    for form, said in _REFUSED:
        status, text = _credit(place, **form)
        assert (status, said in text) == (422, True), form


def test_a_form_of_another_invoice_credits_nothing(place: World) -> None:
    for number in ("CW-2026-00002", ""):
        status, text = _credit(place, how="everything", invoice=number)
        assert (status, "invoice CW-2026-00001 is the one of this period now" in text) == (
            409,
            True,
        )
    form = _get(place, place.manager, f"{INVOICE}/credit")
    assert '<input type="hidden" name="invoice" value="CW-2026-00001" />' in form


def test_everything_and_discarded(place: World) -> None:
    assert _credit(place, how="everything") == (303, f"{BASE}/credit-notes/1")
    assert _credit(place, how="percent", percent="50")[0] == 303
    assert _credit(place, how="amount", amount="10.00")[0] == 303
    assert _post(place, place.billing, f"{BASE}/credit-notes/1/issue", seen="1079.03")[0] == 303
    assert "it is credited in full" in _get(place, place.manager, f"{INVOICE}/credit")
    stale = _get(place, place.billing, f"{BASE}/credit-notes/2")
    assert "draw it up anew" in stale
    gone = _post(place, place.manager, f"{BASE}/credit-notes/2/discard")
    assert gone == (303, f"{BASE}/credit-notes")
    assert "discarded this draft" in _get(place, place.finance, f"{BASE}/credit-notes/2")


def _mails(world: World) -> list[str]:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        found = session.scalars(select(OutboxMail).order_by(col(OutboxMail.id)))
        return [f"{mail.recipient} {mail.subject}" for mail in found]


def test_a_dispute_is_answered_by_a_credit_note(place: World) -> None:
    form = _get(place, place.finance, f"{INVOICE}/dispute?line=1")
    assert 'name="what" value="1" required checked' in form
    raised = {"what": "1", "amount": "200.00", "reason": "the desk was closed", "remark": "late"}
    assert _post(place, place.finance, f"{INVOICE}/dispute", **raised) == (
        303,
        f"{BASE}/disputes/1",
    )
    assert {mail.split(" ", 1)[1] for mail in _mails(place)} == {"Plumbline: ENG-1, dispute D-1"}
    told = {mail.split()[0] for mail in _mails(place)}
    assert told == {place.manager.email, place.billing.email}
    page = _get(place, place.manager, f"{BASE}/disputes/1")
    assert "D-1: line 1 of invoice CW-2026-00001" in page
    assert f"{INVOICE}/lines/1" in page
    answer = {"amount": "80.00", "reason": "two days of it"}
    accepted = _post(place, place.manager, f"{BASE}/disputes/1/accept", **answer)
    assert accepted == (303, f"{BASE}/disputes/1")
    page = _get(place, place.finance, f"{BASE}/disputes/1")
    assert "EUR 80.00 are credited." in page
    assert f"{BASE}/credit-notes/1" in page
    assert place.finance.email in {mail.split()[0] for mail in _mails(place)}
    assert "Accepted in part" in _get(place, place.auditor, f"{BASE}/disputes")
    assert _post(place, place.billing, f"{BASE}/credit-notes/1/discard")[0] == 303
    assert "Draw it up anew" in _get(place, place.manager, f"{BASE}/disputes/1")
    assert _post(place, place.manager, f"{BASE}/disputes/1/credit-note")[0] == 303
    assert f"{BASE}/credit-notes/2" in _get(place, place.manager, f"{BASE}/disputes/1")


def test_a_dispute_is_upheld_or_withdrawn(place: World) -> None:
    for what in ("service_credit", "whole"):
        raised = {"what": what, "reason": "not as agreed", "remark": "late"}
        assert _post(place, place.finance, f"{INVOICE}/dispute", **raised)[0] == 303
    assert "All measurements of" in _get(place, place.manager, f"{BASE}/disputes/1")
    upheld = _post(place, place.manager, f"{BASE}/disputes/1/uphold", reason="it is right")
    assert upheld == (303, f"{BASE}/disputes/1")
    assert _post(place, place.finance, f"{BASE}/disputes/2/withdraw")[0] == 303
    assert "The invoice stands." in _get(place, place.finance, f"{BASE}/disputes/1")
    assert "The dispute was withdrawn." in _get(place, place.finance, f"{BASE}/disputes/2")
    assert "D-2" in _get(place, place.chair, f"{BASE}/disputes?invoice=CW-2026-00001")
    for what in ("line", "tax", ""):
        raised = {"what": what, "reason": "x"}
        assert _post(place, place.finance, f"{INVOICE}/dispute", **raised)[0] == 422


def test_other_tenants_find_nothing(place: World) -> None:
    for path in ("/credit-notes", "/credit-notes/1", "/disputes", "/disputes/1"):
        _get(place, place.stranger, f"{BASE}{path}", 404)
    _get(place, place.finance, f"{BASE}/credit-notes/1", 404)
    _get(place, place.finance, f"{BASE}/disputes/1", 404)
    _get(place, place.manager, f"{BASE}/credit-notes?invoice=CW-1", 404)
