"""The pages of payments: record, import with a preview, allocate, write off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.database import session_scope
from billing.payments.listing import PAGE
from billing.payments.recording import NewPayment, record_payment
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from tests.app.web.support import Browser, World, make_world
from tests.billing.payments.scenes import make_invoice
from tests.billing.payments.statements import Tx, entry, statement
from tests.factories import NOW, actor_of

_HERE = "/engagements/ENG-1/payments"
_WRITE_OFFS = "/engagements/ENG-1/write-offs"


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> World:
    found = make_world(sqlite_template, tmp_path)
    with session_scope(found.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        make_invoice(session, engagement, 2, 119000)
        make_invoice(session, engagement, 3, 50000)
    return found


def _post(browser: Browser, token: str, path: str, **fields: str | list[str]) -> str:
    """Where the answer leads, or what it says."""
    answer = browser.post(path, data={"csrf_token": token, **fields})
    return answer.headers.get("location", "") or answer.text


def _preview(browser: Browser, token: str, name: str, data: bytes, **fields: str) -> str:
    answer = browser.post(
        f"{_HERE}/imports",
        data={"csrf_token": token, **fields},
        files={"file": (name, data)},
    )
    return answer.headers.get("location", "") or answer.text


def test_a_statement_is_previewed_and_confirmed(world: World) -> None:
    data = statement(
        entry("1190.00", Tx("CW-2026-00002")),
        entry("9.00", Tx("rent", debtor="Others AG", iban="X")),
        entry("4.00", Tx("pending"), status="PDNG"),
    )
    with world.signed_in(world.billing) as (browser, token):
        path = _preview(browser, token, "march.xml", data)
        page = browser.get(path).text
        assert "It names CW-2026-00002 and pays exactly what is open" in page
        assert "It isn&#39;t booked: its status is PDNG" in page
        key, pays = re.findall(
            r'name="take" value="(\w+)" checked.*?<option value="([^"]+)"', page, re.DOTALL
        )[0]
        done = _post(browser, token, f"{path}/confirm", take=[key], **{f"pays-{key}": pays})
        assert done == _HERE
        listed = browser.get(_HERE).text
        assert "PAY-1" in listed
        assert "EUR\u00a0500.00" in listed
        assert "was imported on" in _preview(browser, token, "again.xml", data)
        assert browser.get(path).status_code == 404
        payment = browser.get(f"{_HERE}/1").text
        assert "EUR\u00a01,190.00" in payment
        (allocation,) = re.findall(r"allocations/(\d+)/take-back", payment)
        _post(browser, token, f"{_HERE}/1/allocations/{allocation}/take-back", reason="wrong")
        (invoice,) = re.findall(r'name="pay-(\d+)"', browser.get(f"{_HERE}/1").text)[1:]
        _post(browser, token, f"{_HERE}/1/allocate", **{f"pay-{invoice}": "500,00"})
        _post(browser, token, f"{_HERE}/1/refund", amount="690.00", reason="paid too much")
        after = browser.get(f"{_HERE}/1").text
        assert "Refunded" in after
        assert ": wrong</div>" in after
    with world.signed_in(world.finance) as (browser, token):
        assert "take-back" not in browser.get(f"{_HERE}/1").text


def test_bad_files_are_answered_with_line_and_reason(world: World) -> None:
    with world.signed_in(world.billing) as (browser, token):
        wrong = _preview(browser, token, "bank.csv", b"Date,Amount\n2026-03-01,1.234\n")
        assert "the amounts don&#39;t tell" in wrong
        assert "line 1" in _preview(browser, token, "bank.csv", b"When,Sum\n1,2\n")
        mapped = {"column_booked": "When", "column_amount": "Sum", "mark": "comma"}
        path = _preview(browser, token, "b.csv", b"When,Sum\n2026-03-01,1.234\n", **mapped)
        assert "EUR\u00a01,234.00" in browser.get(path).text
        assert "waits for your decision" in browser.get(_HERE).text
        assert _post(browser, token, f"{path}/confirm", take=["x"]) != _HERE
        assert _post(browser, token, f"{path}/discard") == _HERE
    with world.signed_in(world.manager) as (browser, token):
        assert "waits for your decision" not in browser.get(_HERE).text


def test_a_payment_is_recorded_by_hand_found_and_bounces(world: World) -> None:
    with world.signed_in(world.billing) as (browser, token):
        assert browser.get(f"{_HERE}/new").status_code == 200
        fields = {"amount": "1.190,00", "currency": "eur", "booked_on": "2026-03-01"}
        assert _post(browser, token, _HERE, **fields, debtor="<i>Nord") == f"{_HERE}/1"
        assert "two ways" in _post(browser, token, _HERE, **(fields | {"amount": "1,190"}))
        assert "&lt;i&gt;Nord" in browser.get(f"{_HERE}?find=nord&standing=account").text
        assert "No payment fits" in browser.get(f"{_HERE}?find=sued").text
        assert "No payment fits" in browser.get(f"{_HERE}?standing=bounced").text
        _post(browser, token, f"{_HERE}/1/bounce", reason="no funds", day="2026-03-05")
        assert "Bounced on 5\u00a0Mar\u00a02026" in browser.get(f"{_HERE}/1").text


def test_a_write_off_needs_two_people(world: World) -> None:
    with world.signed_in(world.billing) as (browser, token):
        invoice = re.findall(r'<option value="(\d+)">CW-2026-00003', browser.get(_HERE).text)[0]
        fields = {"invoice": invoice, "amount": "0.50", "reason": "bank charges"}
        for _ in range(2):
            _post(browser, token, _WRITE_OFFS, **fields, kind="small_difference")
        assert "another person approves it" in browser.get(_HERE).text
        refused = _post(browser, token, f"{_WRITE_OFFS}/1/decide", verdict="approved")
        assert "another person" in refused
        _post(browser, token, f"{_WRITE_OFFS}/2/withdraw")
    with world.signed_in(world.manager) as (browser, token):
        _post(browser, token, f"{_WRITE_OFFS}/1/decide", verdict="approved")
        assert "EUR\u00a0499.50" in browser.get(_HERE).text
        assert "none of" in _post(browser, token, f"{_WRITE_OFFS}/1/decide", verdict="x")
    with world.signed_in(world.chair) as (browser, _):
        seen = browser.get(_HERE).text
        assert "EUR\u00a0500.00" in seen, "the client owes what the provider gave up"
        assert "EUR\u00a0499.50" not in seen


def test_a_write_off_is_reversed_by_two_people(world: World) -> None:
    reversal = f"{_WRITE_OFFS}/reversals/1"
    with world.signed_in(world.billing) as (browser, token):
        invoice = re.findall(r'<option value="(\d+)">CW-2026-00003', browser.get(_HERE).text)[0]
        fields = {"invoice": invoice, "amount": "500.00", "reason": "insolvent"}
        _post(browser, token, _WRITE_OFFS, **fields, kind="bad_debt")
    with world.signed_in(world.manager) as (browser, token):
        _post(browser, token, f"{_WRITE_OFFS}/1/decide", verdict="approved")
        asked = {"amount": "200.00", "reason": "a quota is paid"}
        assert "#write-offs" in _post(browser, token, f"{_WRITE_OFFS}/1/reversals", **asked)
        assert "no write-off" in _post(browser, token, f"{_WRITE_OFFS}/9/reversals", **asked)
        page = browser.get(_HERE).text
        assert "Reversal of WO-1" in page
        assert "another person" in _post(browser, token, f"{reversal}/decide", verdict="approved")
        _post(browser, token, f"{_WRITE_OFFS}/1/reversals", **asked)
        _post(browser, token, f"{_WRITE_OFFS}/reversals/2/withdraw")
    with world.signed_in(world.billing) as (browser, token):
        _post(browser, token, f"{reversal}/decide", verdict="approved")
        page = browser.get(_HERE).text
        assert "EUR\u00a0200.00 open" in page
        assert "Withdrawn" in page


def test_what_was_written_off_can_be_paid(world: World) -> None:
    with world.signed_in(world.billing) as (browser, token):
        invoice = re.findall(r'<option value="(\d+)">CW-2026-00003', browser.get(_HERE).text)[0]
        fields = {"invoice": invoice, "amount": "500.00", "reason": "insolvent"}
        _post(browser, token, _WRITE_OFFS, **fields, kind="bad_debt")
    with world.signed_in(world.manager) as (browser, token):
        _post(browser, token, f"{_WRITE_OFFS}/1/decide", verdict="approved")
    data = statement(entry("500.00", Tx("CW-2026-00003")))
    with world.signed_in(world.billing) as (browser, token):
        path = _preview(browser, token, "march.xml", data)
        page = browser.get(path).text
        assert "paying that reverses it" in page
        assert "checked" not in page
        key, pays = re.findall(
            r'name="take" value="(\w+)".*?<option value="([^"]+)"', page, re.DOTALL
        )[0]
        _post(browser, token, f"{path}/confirm", take=[key], **{f"pays-{key}": pays})
        assert "PAY-1 pays it after all" in browser.get(_HERE).text


def test_the_same_payment_from_another_kind_of_statement_is_told(world: World) -> None:
    data = statement(entry("1190.00", Tx("CW-2026-00002")))
    with world.signed_in(world.billing) as (browser, token):
        path = _preview(browser, token, "march.xml", data)
        (key,) = re.findall(r'name="take" value="(\w+)"', browser.get(path).text)
        _post(browser, token, f"{path}/confirm", take=[key])
        rows = b"Date,Amount,Text\n2026-03-02,1190.00,cw 2026 2\n2026-03-02,5.00,other\n"
        again = browser.get(_preview(browser, token, "march.csv", rows)).text
        assert "Probably recorded already" in again
        assert f'href="{_HERE}/1"' in again
        assert "Probably the same as PAY-1, from a camt.053 statement" in again


def test_an_invoice_in_the_clients_favour_is_paid_out(world: World) -> None:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        owed = make_invoice(session, session.get_one(Engagement, 1), 4, -7000).id
    fields = {"invoice": str(owed), "amount": "70.00", "day": "2026-03-02", "reason": "transfer"}
    with world.signed_in(world.billing) as (browser, token):
        assert "EUR\u00a070.00 to be paid out" in browser.get(_HERE).text
        assert "#paid-out" in _post(browser, token, f"{_HERE}/refunds", **fields)
        assert "Record what was paid out" not in browser.get(_HERE).text
        _post(browser, token, f"{_HERE}/refunds/1/take-back", reason="it came back")
        assert "it came back" in browser.get(_HERE).text
        missing = fields | {"invoice": "999"}
        assert "no such invoice" in _post(browser, token, f"{_HERE}/refunds", **missing)


def test_payments_come_in_pages(world: World) -> None:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement, finance = session.get_one(Engagement, 1), actor_of(world.billing)
        for number in range(1, PAGE + 2):
            new = NewPayment(NOW.date(), "EUR", number, debtor=f"Debtor {number}")
            record_payment(session, finance, engagement, new)
    with world.signed_in(world.finance) as (browser, _):
        first = browser.get(f"{_HERE}?find=debtor&standing=account").text
        assert f"1 to {PAGE} of {PAGE + 1}" in first
        (older,) = re.findall(r'href="([^"]+)"[^>]*>Older', first)
        assert "standing=account&amp;find=debtor&amp;from=50" in older
        second = browser.get(older.replace("&amp;", "&")).text
        assert "Debtor 1<" in second
        assert "Newer" in second
        assert browser.get(f"{_HERE}?from=-1").status_code == 400
        assert "Debtor 7<" in browser.get(f"{_HERE}?find=PAY-7").text
