"""Buttons of agreement: shown to who may press them, and a sentence to everybody else."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import select
from sqlmodel import Session, col

from app.cli import main
from app.database import session_scope
from app.mail.models import OutboxMail
from governance.access import Role, Side
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import actor_of, contract_bytes, make_employee, make_role

ENGAGEMENT = "/engagements/ENG-1"
PERIOD = f"{ENGAGEMENT}/periods/2026-01"
ISSUE = f"{PERIOD}/invoice/issue"
REVIEW = f"{PERIOD}/review"
CONFIRM = f"{PERIOD}/seal/confirm"
SEAL_ALL = "Agree to all and seal"
ACCEPT_VERSION = "Accept this version"


def _get(world: World, user: User, path: str) -> str:
    with world.signed_in(user) as (browser, _):
        answer = browser.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.text.split())


def _post(world: World, user: User, path: str, **form: str) -> int:
    with world.signed_in(user) as (browser, token):
        return browser.post(path, data={"csrf_token": token} | form).status_code


def _engagement(session: Session) -> Engagement:
    return session.scalars(select(Engagement).where(col(Engagement.reference) == "ENG-1")).one()


def _submission(world: World, user: User) -> str:
    found = re.search(r'name="submission" value="(\d+)"', _get(world, user, PERIOD))
    assert found
    return found[1]


def _proposal(world: World) -> str:
    found = re.search(r'name="proposal" value="(\d+)"', _get(world, world.chair, PERIOD))
    assert found
    return found[1]


def _submit(world: World) -> str:
    assert _post(world, world.billing, f"{REVIEW}/submit", note="all is in") == 303
    return _submission(world, world.chair)


def test_figures_are_submitted_agreed_and_sealed_once(own_world: World) -> None:
    page = _get(own_world, own_world.chair, PERIOD)
    assert "waits for the provider" in page
    assert SEAL_ALL not in page
    assert _post(own_world, own_world.chair, CONFIRM, submission="1") == 409
    submission = _submit(own_world)
    for user in (own_world.manager, own_world.billing, own_world.finance, own_world.auditor):
        page = _get(own_world, user, PERIOD)
        assert SEAL_ALL not in page
        assert "waits for the client" in page
        assert _post(own_world, user, CONFIRM, submission=submission) == 403
        assert _post(own_world, user, f"{REVIEW}/agree", submission=submission) == 403
    page = _get(own_world, own_world.chair, PERIOD)
    assert SEAL_ALL in page
    assert "all is in" in page
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/1/accept") == 303
    assert "1,079.03" in _get(own_world, own_world.chair, CONFIRM)
    assert _post(own_world, own_world.chair, CONFIRM, submission=submission) == 303
    assert _post(own_world, own_world.chair, CONFIRM, submission=submission) == 409
    page = _get(own_world, own_world.manager, PERIOD)
    assert "open the seal" in page
    seal = _get(own_world, own_world.auditor, f"{PERIOD}/seal")
    assert "by Ada Person for the client" in seal
    assert re.search(r"[0-9a-f]{64}", seal)


def test_figures_that_were_submitted_anew_are_not_sealed_unseen(own_world: World) -> None:
    first = _submit(own_world)
    assert _post(own_world, own_world.billing, f"{ENGAGEMENT}/periods", period="2026-01") == 303
    assert _post(own_world, own_world.chair, CONFIRM, submission=first) == 409
    _submit(own_world)
    assert _post(own_world, own_world.chair, CONFIRM, submission=first) == 409
    assert _post(own_world, own_world.chair, CONFIRM, submission="x") == 422
    assert _post(own_world, own_world.chair, CONFIRM) == 422


def test_a_figure_is_contested_answered_and_decided_on_the_page(own_world: World) -> None:
    submission = _submit(own_world)
    page = _get(own_world, own_world.chair, PERIOD)
    item = re.findall(r'id="item-(\d+)"', page)[0]
    path, form = f"{REVIEW}/items/{item}", {"submission": submission}
    for none in ("0", "9999", "9" * 30):
        agree = f"{REVIEW}/items/{none}/agree"
        assert _post(own_world, own_world.chair, agree, **form) == 404
    assert _post(own_world, own_world.chair, f"{path}/contest", **form) == 422
    reason = "<b>R-2</b> is late"
    assert _post(own_world, own_world.chair, f"{path}/contest", **form, reason=reason) == 303
    page = _get(own_world, own_world.manager, PERIOD)
    assert "&lt;b&gt;R-2&lt;/b&gt; is late" in page
    assert "1 contested" in page
    said = form | {"reason": "it came on the 10th"}
    assert _post(own_world, own_world.auditor, f"{path}/reply", **said) == 403
    assert _post(own_world, own_world.manager, f"{path}/reply", **said) == 303
    proposal = form | {"reason": "as the bank says", "ruling": "value", "value": "85.5"}
    assert _post(own_world, own_world.manager, f"{path}/propose", **proposal) == 303
    answer = form | {"answer": "accept", "proposal": _proposal(own_world)}
    assert _post(own_world, own_world.billing, f"{path}/answer", **answer) == 403
    assert _post(own_world, own_world.manager, f"{path}/propose", **proposal) == 303
    assert _post(own_world, own_world.chair, f"{path}/answer", **answer) == 409
    assert _post(own_world, own_world.chair, f"{path}/answer", **form, answer="accept") == 422
    answer["proposal"] = _proposal(own_world)
    assert "Accept the decision" in _get(own_world, own_world.chair, PERIOD)
    assert _post(own_world, own_world.chair, f"{path}/answer", **answer) == 303
    assert "Apply the decisions" in _get(own_world, own_world.manager, PERIOD)
    assert _post(own_world, own_world.manager, f"{REVIEW}/apply", **form) == 303
    page = _get(own_world, own_world.chair, PERIOD)
    assert "85.5%" in page
    assert "submission 2" in page
    assert "it came on the 10th" in page


def test_htmx_gets_the_review_alone(own_world: World) -> None:
    submission = _submit(own_world)
    with own_world.signed_in(own_world.chair) as (browser, token):
        answer = browser.post(
            f"{REVIEW}/begin",
            data={"csrf_token": token, "submission": submission},
            headers={"HX-Request": "true"},
        )
    assert answer.status_code == 200
    assert answer.headers["HX-Retarget"] == "#review"
    assert answer.text.lstrip().startswith('<div id="review"')
    assert "begun by Ada Person" in answer.text


def test_the_other_side_is_told_by_mail_without_any_figure(own_world: World) -> None:
    submission = _submit(own_world)
    item = re.findall(r'id="item-(\d+)"', _get(own_world, own_world.chair, PERIOD))[0]
    form = {"submission": submission, "reason": "see https://evil.example"}
    assert _post(own_world, own_world.chair, f"{REVIEW}/items/{item}/contest", **form) == 303
    with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
        mails = session.scalars(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        told = [(one.recipient, one.subject) for one in mails]
        keys = {one.idempotency_key for one in mails}
    assert own_world.chair.email in {recipient for recipient, _ in told}
    assert own_world.manager.email in {recipient for recipient, _ in told}
    assert own_world.auditor.email not in {recipient for recipient, _ in told}
    assert own_world.finance.email not in {recipient for recipient, _ in told}
    assert all("1,079" not in subject and "evil" not in subject for _, subject in told)
    assert len(keys) == len(told)


def test_what_was_sealed_is_taken_away_whole(own_world: World, tmp_path: Path) -> None:
    for name in ("seal", "seal/document", "seal/bundle"):
        with own_world.signed_in(own_world.auditor) as (browser, _):
            assert browser.get(f"{PERIOD}/{name}").status_code == 404
    submission = _submit(own_world)
    _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/1/accept")
    _post(own_world, own_world.chair, CONFIRM, submission=submission)
    with own_world.signed_in(own_world.auditor) as (browser, _):
        document = browser.get(f"{PERIOD}/seal/document")
        bundle = browser.get(f"{PERIOD}/seal/bundle")
    assert document.json()["plumbline_seal"] == 1
    (tmp_path / "sealed.zip").write_bytes(bundle.content)
    answer = CliRunner().invoke(main, ["verify", str(tmp_path / "sealed.zip")])
    assert answer.exit_code == 0, answer.output
    assert hashlib.sha256(document.content).hexdigest() in _get(
        own_world, own_world.auditor, f"{PERIOD}/seal"
    )


def test_the_providers_employee_with_a_clients_role_has_no_button(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        user = make_employee(session, _engagement(session), Side.PROVIDER)
        make_role(session, _engagement(session), user, Role.COMMITTEE_CHAIR)
    submission = _submit(own_world)
    assert SEAL_ALL not in _get(own_world, user, PERIOD)
    assert _post(own_world, user, CONFIRM, submission=submission) == 403
    assert _post(own_world, user, f"{ENGAGEMENT}/contracts/1/accept") == 403


def test_an_invoice_is_issued_step_by_step(own_world: World) -> None:
    invoice = f"{PERIOD}/invoice"
    assert "the client hasn’t sealed the figures" in _get(own_world, own_world.billing, invoice)
    assert _post(own_world, own_world.billing, ISSUE) == 409
    submission = _submit(own_world)
    assert _post(own_world, own_world.billing, ISSUE) == 409
    assert _post(own_world, own_world.chair, CONFIRM, submission=submission) == 409
    assert "version 1 of the contract" in _get(own_world, own_world.chair, PERIOD)
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/1/accept") == 303
    assert _post(own_world, own_world.chair, CONFIRM, submission=submission) == 303
    assert _post(own_world, own_world.billing, ISSUE) == 409
    assert _post(own_world, own_world.manager, f"{invoice}/check") == 303
    assert _post(own_world, own_world.manager, f"{invoice}/approve") == 403
    assert _post(own_world, own_world.billing, f"{invoice}/approve") == 303
    assert "you settled this period" in _get(own_world, own_world.manager, ISSUE)
    assert _post(own_world, own_world.manager, ISSUE) == 403
    assert f'href="{ISSUE}"' in _get(own_world, own_world.billing, invoice)
    confirm = _get(own_world, own_world.billing, ISSUE)
    for part in ("CW-{year}-{sequence:05}", "1,079.03", "frozen", "Issue the invoice</button>"):
        assert part in confirm
    assert _post(own_world, own_world.billing, ISSUE) == 303
    assert "CW-" in _get(own_world, own_world.finance, PERIOD)
    assert "issued already" in _get(own_world, own_world.billing, ISSUE)


def test_an_amendment_is_shown_with_what_it_changes(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        data = contract_bytes(expected="91.5").replace(b"title: Collections\n", b"title: Cash\n")
        add_contract(session, actor_of(own_world.manager), "v2.yaml", data)
    review = f"{ENGAGEMENT}/contracts/2/review"
    for user in (own_world.manager, own_world.finance, own_world.auditor):
        page = _get(own_world, user, review)
        assert ACCEPT_VERSION not in page
        assert "91.5" in page
        assert _post(own_world, user, f"{ENGAGEMENT}/contracts/2/accept") == 403
    page = _get(own_world, own_world.chair, ENGAGEMENT)
    assert "Proposed by the provider" in page
    assert "<h1>Collections</h1>" in page
    assert ACCEPT_VERSION in _get(own_world, own_world.chair, review)
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/2/accept") == 303
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/2/accept") == 409
    page = _get(own_world, own_world.finance, ENGAGEMENT)
    assert "<h1>Cash</h1>" in page
    assert "for the client" in _get(own_world, own_world.finance, review)


def test_versions_that_are_not_there_are_not_found(world: World) -> None:
    with world.signed_in(world.chair) as (browser, token):
        for number in ("9", "99999999999999999999"):
            path = f"{ENGAGEMENT}/contracts/{number}"
            assert browser.get(f"{path}/review").status_code == 404
            answer = browser.post(f"{path}/accept", data={"csrf_token": token})
            assert answer.status_code == 404
