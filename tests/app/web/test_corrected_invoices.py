"""A corrected invoice as people see it: from the credited invoice to its own documents."""

from __future__ import annotations

from sqlmodel import Session

from app.database import session_scope
from billing.corrections.issuing import issue_corrected
from billing.corrections.service import draw_up_corrected, take_correction_step
from billing.corrections.values import CorrectedHeader
from billing.credit_notes.calculation import Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.service import draw_up
from billing.invoices.models import FeeInvoice
from billing.invoices.service import issue_invoice
from billing.invoices.values import Act
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.billing.corrections.services import BUYER
from tests.factories import JANUARY, actor_of, approve

BASE = "/engagements/ENG-1"
INVOICE = f"{BASE}/periods/2026-01/invoice"


def _credited(session: Session, world: World) -> tuple[Engagement, FeeInvoice]:
    """ENG-1's invoice of January, issued and credited in full."""
    engagement = session.get_one(Engagement, 1)
    issuer = approve(session, engagement, JANUARY)
    invoice = issue_invoice(session, issuer, engagement, JANUARY, world.app.state.workshop)
    first, second = actor_of(world.manager), actor_of(world.billing)
    note = draw_up(session, first, engagement, invoice, Everything(), "wrong order")
    issue_credit_note(session, second, engagement, note.draft_number)
    return engagement, invoice


def _page(world: World, user: User, path: str) -> str:
    with world.signed_in(user) as (browser, _):
        answer = browser.get(path)
    assert answer.status_code == 200, answer.text[:1000]
    return " ".join(answer.text.split())


def _post(world: World, user: User, path: str, **form: str) -> tuple[int, str]:
    with world.signed_in(user) as (browser, token):
        answer = browser.post(path, data={"csrf_token": token} | form)
    return answer.status_code, answer.headers.get("location", " ".join(answer.text.split()))


def test_from_the_credited_invoice_to_the_download(own_world: World) -> None:
    world = own_world
    with session_scope(world.engine, sees=EVERYTHING) as session:
        number = _credited(session, world)[1].number or ""
    assert "Draw up a corrected invoice" in _page(world, world.manager, INVOICE)
    form = _page(world, world.manager, f"{INVOICE}/correct")
    assert 'name="client_name" value="Nordlicht Handel GmbH"' in form
    assert f'<input type="hidden" name="invoice" value="{number}" />' in form
    entered = {"client_name": "Nordlicht <Handel> SE", "client_country": "DE", "order": "PO-9"}
    status, said = _post(world, world.manager, f"{INVOICE}/correct", **entered, invoice="CW-1")
    assert (status, "opened for another one" in said) == (409, True)
    entered["invoice"] = number
    status, said = _post(world, world.manager, f"{INVOICE}/correct", **entered)
    assert (status, "reason is missing" in said) == (422, True)
    wrong = entered | {"client_country": "Germany", "reason": "moved"}
    status, said = _post(world, world.manager, f"{INVOICE}/correct", **wrong)
    assert (status, "client_country" in said) == (422, True)
    entered["reason"] = "the client is another company"
    status, page = _post(world, world.manager, f"{INVOICE}/correct", **entered)
    assert (status, page.startswith(f"{BASE}/corrected-invoices/")) == (303, True)
    draft = _page(world, world.manager, page)
    assert "Nordlicht &lt;Handel&gt; SE" in draft
    assert "is drawn up and not issued yet" in _page(world, world.manager, INVOICE)
    assert '<a href="' + page in _page(world, world.manager, f"{INVOICE}/correct")
    assert _post(world, world.manager, f"{page}/check") == (303, page)
    assert _post(world, world.manager, f"{page}/approve")[0] == 403
    assert _post(world, world.billing, f"{page}/approve") == (303, page)
    assert _post(world, world.billing, f"{page}/issue") == (303, page)
    shown = _page(world, world.finance, page)
    assert "Corrected invoice CW-2" in shown
    assert "Dispute this line" in shown
    assert "takes its place" in _page(world, world.finance, INVOICE)
    assert "corrected invoice" in _page(world, world.finance, f"{BASE}/invoices")
    with world.signed_in(world.finance) as (browser, _):
        pdf = browser.get(f"{page}/documents/invoice.pdf")
        missing = browser.get(f"{page}/documents/pack.pdf")
    assert (pdf.status_code, pdf.content[-7:], missing.status_code) == (200, b"1079.03", 404)
    assert _post(world, world.billing, f"{page}/pdf")[0] == 409


def test_steps_are_taken_back_and_a_draft_is_discarded(own_world: World) -> None:
    world = own_world
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement, credited = _credited(session, world)
        first, second = actor_of(world.manager), actor_of(world.billing)
        header = CorrectedHeader(BUYER)
        invoice = draw_up_corrected(session, first, engagement, credited, header, "moved")
        take_correction_step(session, first, engagement, invoice.id, Act.CHECK)
        take_correction_step(session, second, engagement, invoice.id, Act.APPROVE)
        page = f"{BASE}/corrected-invoices/{invoice.id}"
    assert _post(world, world.manager, f"{page}/discard")[0] == 409
    assert _post(world, world.billing, f"{page}/approve/take-back")[0] == 422
    for act, user in (("approve", world.billing), ("check", world.manager)):
        assert _post(world, user, f"{page}/{act}/take-back", reason="wait") == (303, page)
    assert _post(world, world.manager, f"{page}/discard") == (303, f"{BASE}/invoices")
    assert "Draw up a corrected invoice" in _page(world, world.manager, INVOICE)


def test_a_pdf_that_failed_is_made_on_demand(own_world: World) -> None:
    world = own_world
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement, credited = _credited(session, world)
        first, second = actor_of(world.manager), actor_of(world.billing)
        header = CorrectedHeader(BUYER)
        invoice = draw_up_corrected(session, first, engagement, credited, header, "moved")
        take_correction_step(session, first, engagement, invoice.id, Act.CHECK)
        take_correction_step(session, second, engagement, invoice.id, Act.APPROVE)
        issue_corrected(session, second, engagement, invoice.id)
        page = f"{BASE}/corrected-invoices/{invoice.id}"
    assert "its PDF isn’t made yet" in _page(world, world.billing, page)
    assert _post(world, world.billing, f"{page}/pdf") == (303, page)
    assert "Download PDF" in _page(world, world.billing, page)
