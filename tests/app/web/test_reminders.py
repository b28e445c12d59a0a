"""The pages of reminders, statements and ageing: what is due, issued, sent, and taken away."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from app.database import session_scope
from billing.payments.allocating import allocate
from billing.payments.models import WriteOffKind, WriteOffState
from billing.payments.recording import NewPayment, record_payment
from billing.payments.values import Part
from billing.payments.write_offs import NewWriteOff, decide_write_off, propose_write_off
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import Browser, World, make_world
from tests.billing.payments.scenes import make_invoice
from tests.billing.reminders.scenes import late_contract
from tests.factories import NOW, actor_of, agree

_HERE = "/engagements/ENG-1"
_REMINDERS = f"{_HERE}/reminders"
_UNTIL = "first=2026-01-01&last=2026-06-30"


@dataclass(frozen=True)
class Place:
    """A world with three late invoices, one paid in part and one written off in part."""

    world: World
    ids: tuple[int, ...]


@pytest.fixture
def late(sqlite_template: Path, tmp_path: Path) -> Place:
    world = make_world(sqlite_template, tmp_path)
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        manager, billing = (
            actor_of(session.get_one(User, one.id)) for one in (world.manager, world.billing)
        )
        add_contract(session, manager, "late.yaml", late_contract())
        agree(session, engagement)
        invoices = [make_invoice(session, engagement, number, 119_000) for number in (2, 3, 4)]
        record_payment(session, billing, engagement, NewPayment(NOW.date(), "EUR", 19_000))
        allocate(session, billing, engagement, 1, [Part(invoices[0].id, 19_000)])
        new = NewWriteOff(invoices[1].id, 4_000, WriteOffKind.OTHER, "so be it")
        number = propose_write_off(session, billing, engagement, new).number
        decide_write_off(session, manager, engagement, number, WriteOffState.APPROVED)
        ids = tuple(one.id for one in invoices)
    return Place(world, ids)


def _post(browser: Browser, token: str, path: str, **fields: str | list[str]) -> str:
    """Where the answer leads, or what it says."""
    answer = browser.post(path, data={"csrf_token": token, **fields})
    return answer.headers.get("location", "") or answer.text


def _seen(page: str) -> str:
    (found,) = re.findall(r'name="seen" value="([\d.]+)"', page)
    return str(found)


def _text(pdf: bytes) -> str:
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_a_reminder_is_previewed_issued_sent_and_waived(late: Place) -> None:
    first, second, third = map(str, late.ids)
    with late.world.signed_in(late.world.billing) as (browser, token):
        listed = browser.get(_REMINDERS).text
        assert "3 due for a reminder" in listed
        assert "EUR\u00a01,150.00" in listed  # Less what is written off.
        assert browser.get(f"{_REMINDERS}/new").status_code == 422
        address = f"{_REMINDERS}/new?invoice={first}&invoice={second}"
        assert "isn’t charged with this letter" in browser.get(address).text
        preview = browser.get(f"{address}&charges=yes").text
        assert "Lump sum for late payment" in preview
        seen = _seen(preview)
        fields: dict[str, str | list[str]] = {"invoice": [first, second], "seen": seen}
        fields |= {"charges": "yes"}
        changed = _post(browser, token, _REMINDERS, **(fields | {"seen": "1.00"}))
        assert "look at the reminder again" in changed
        assert "no amount" in _post(browser, token, _REMINDERS, **(fields | {"seen": "x"}))
        assert "no invoice" in _post(browser, token, _REMINDERS, **(fields | {"invoice": ["x"]}))
        assert _post(browser, token, _REMINDERS, **fields) == f"{_REMINDERS}/1"
        again = _post(browser, token, _REMINDERS, **fields)
        assert "its reminder 2 is due on" in again
        page = browser.get(f"{_REMINDERS}/1").text
        total = f"EUR\u00a0{Decimal(seen):,.2f}"
        assert total in page
        pdf = browser.get(f"{_REMINDERS}/1/documents/reminder.pdf").content
        assert f"To pay EUR {Decimal(seen):,.2f}" in _text(pdf)
        assert "RM-1" in _text(pdf)
        assert "Lump sum for late payment of CW-2026-00002, EUR\u00a040.00" in page
        assert _post(browser, token, f"{_REMINDERS}/1/pdf") == f"{_REMINDERS}/1"
        sent = {"to": "ap@nordlicht.example", "after": "0"}
        assert _post(browser, token, f"{_REMINDERS}/1/send", **sent) == f"{_REMINDERS}/1"
        wrong = _post(browser, token, f"{_REMINDERS}/1/send", **(sent | {"after": "x"}))
        assert "no number of a delivery" in wrong
        page = browser.get(f"{_REMINDERS}/1").text
        assert "In the outbox to ap@nordlicht.example" in page
        waive = re.findall(r'action="([^"]+/waive)"', page)
        assert len(waive) == 4  # Interest and lump sum of each.
        assert _post(browser, token, waive[0], reason="goodwill") == f"{_REMINDERS}/1"
        assert "goodwill" in browser.get(f"{_REMINDERS}/1").text
        assert "Reminder 1" in browser.get(_REMINDERS).text  # The third is still to be reminded of.
        assert third in browser.get(_REMINDERS).text
        assert browser.get(f"{_REMINDERS}/1/documents/nothing.pdf").status_code == 404
    with late.world.signed_in(late.world.finance) as (browser, token):
        page = browser.get(_REMINDERS).text
        assert "RM-1" in page
        assert "Late invoices" not in page
        assert "/waive" not in browser.get(f"{_REMINDERS}/1").text
        assert browser.get(f"{_REMINDERS}/1/documents/reminder.json").status_code == 200


def test_ageing_adds_up_on_the_page_and_in_the_table(late: Place) -> None:
    with late.world.signed_in(late.world.billing) as (browser, _):
        page = browser.get(f"{_HERE}/ageing?day=2026-04-20").text
        # Due on 28 February (less 190), 28 March (less 40) and 28 April.
        assert "EUR\u00a03,340.00" in page
        assert "EUR\u00a01,000.00" in page
        assert browser.get(f"{_HERE}/ageing?day=2999-01-01").status_code == 422
        answer = browser.get("/ageing/open-invoices.csv?day=2026-04-20")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [(row["bucket"], row["open"]) for row in rows] == [
            ("31-60", "1000.00"),
            ("1-30", "1150.00"),
            ("not_due", "1190.00"),
        ]
        assert {row["engagement"] for row in rows} == {"ENG-1"}
        everywhere = browser.get("/ageing?day=2026-04-20").text
        assert "EUR\u00a03,340.00" in everywhere
        assert "ENG-2" not in everywhere
    with late.world.signed_in(late.world.finance) as (browser, _):
        answer = browser.get(f"{_HERE}/ageing/open-invoices.csv?day=2026-04-20")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert sum(Decimal(row["open"]) for row in rows) == Decimal("3380.00")
        assert browser.get("/ageing").status_code == 403


def test_the_statement_is_the_same_on_the_page_in_the_table_and_in_the_pdf(late: Place) -> None:
    here = f"{_HERE}/statement"
    with late.world.signed_in(late.world.billing) as (browser, token):
        page = browser.get(f"{here}?{_UNTIL}").text
        assert "Write-off WO-1" in page
        assert "EUR\u00a03,340.00" in page
        answer = browser.get(f"{here}/movements.csv?{_UNTIL}&side=client")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[-1]["balance"] == "3380.00"
        assert "write_off" not in {row["kind"] for row in rows}
        as_client = browser.get(f"{here}?{_UNTIL}&side=client").text
        assert "EUR\u00a03,380.00" in as_client
        text = _text(browser.get(f"{here}/statement.pdf?{_UNTIL}").content)
        assert "Closing balance on 30 Jun 2026 3,570.00 190.00 3,380.00" in text
        for row in rows[1:-1]:
            assert f"{Decimal(row['balance']):,.2f}" in text
            assert row["reference"] in text
        (uncharged,) = re.findall(r"come to EUR\u00a0([\d.,]+) besides", as_client)
        assert f"have come to EUR {uncharged} by 30 Jun 2026" in text
        span = {"first": "2026-01-01", "last": "2026-06-30", "currency": "EUR"}
        kept = _post(browser, token, f"{_HERE}/statements", **span)
        assert kept == f"{_HERE}/statements/1"
        assert "Statement to 30\u00a0Jun\u00a02026" in browser.get(kept).text
        sent = {"to": "ap@nordlicht.example", "after": "0"}
        assert _post(browser, token, f"{kept}/send", **sent) == kept
        assert "In the outbox" in browser.get(kept).text
        assert "EUR\u00a03,380.00" in browser.get(here).text
        assert browser.get(f"{here}?first=2026-05-01&last=2026-01-01").status_code == 422
        assert browser.get(f"{here}/movements.csv?currency=USD").status_code == 422
    with late.world.signed_in(late.world.finance) as (browser, _):
        assert browser.get(f"{here}?side=provider").status_code == 403
        page = browser.get(f"{here}?{_UNTIL}").text
        assert "Write-off" not in page
        assert "EUR\u00a03,380.00" in page
        assert browser.get(f"{_HERE}/statements/1/statement.pdf").content.startswith(b"%PDF")
        assert browser.get(f"{_HERE}/statements/9").status_code == 404
