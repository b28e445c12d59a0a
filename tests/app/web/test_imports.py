"""The guided import, the quarantine and replacements, as people go through them."""

from __future__ import annotations

import re

from httpx import Response

from tests.app.web.support import Browser, World
from tests.factories import INVOICES, RECEIPTS
from tests.paths import SHARED_DATA

BASE = "/engagements/ENG-1"
HTMX = {"HX-Request": "true"}
FOREIGN = """\
Doc No;Customer;Doc Date;Due Date;Curr;Gross
00017;Alpha GmbH;31.01.2026;02.03.2026;EUR;1.234,50
00018;Beta AG;05.02.2026;07.03.2026;EUR;99,00
00019;Beta AG;28.02.2026;30.03.2026;EUR;10,00
"""


def _upload(
    browser: Browser, token: str, name: str, data: str, path: str = "/evidence", **fields: str
) -> Response:
    return browser.post(
        BASE + path,
        data={"csrf_token": token} | fields,
        files={"files": (name, data.encode())},
    )


def test_an_unknown_file_leads_to_questions_and_a_saved_profile(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        before = own_world.counts()
        answer = _upload(browser, token, "ledger.csv", FOREIGN)
        assert answer.status_code == 303
        draft = answer.headers["location"]
        assert draft == f"{BASE}/imports/1"
        page = browser.get(draft)
        assert page.status_code == 200
        assert "Doc Date" in page.text
        answers = {
            "answer.column.invoice_id": "Doc No",
            "answer.column.customer_id": "Customer",
            "answer.column.issue_date": "Doc Date",
            "answer.column.due_date": "Due Date",
            "answer.column.currency": "Curr",
            "answer.column.amount": "Gross",
            "answer.name": "our_ledger",
            "answer.title": "Our ledger",
        }
        form = {"csrf_token": token} | answers
        part = browser.post(draft, data=form, headers=HTMX)
        assert part.status_code == 200, part.text
        assert "<html" not in part.text
        assert browser.post(draft, data=form).status_code == 303
        page = browser.get(draft)
        assert "Everything is answered" in page.text, page.text
        check = browser.get(f"{draft}/check")
        assert check.status_code == 200
        assert "our_ledger" in check.text
        text = browser.get(f"{draft}/text")
        assert "our_ledger" in text.text
        assert own_world.counts()["import_profile"] == before["import_profile"]
        used = browser.post(f"{draft}/use", data={"csrf_token": token})
        assert used.status_code == 303
        assert re.search(r"/(replacements|hand-ins)/\d+$", used.headers["location"])
        assert browser.get(used.headers["location"]).status_code == 200
        assert browser.get(draft).status_code == 404
        profiles = browser.get(f"{BASE}/import-profiles").text
        again = _upload(browser, token, "february.csv", FOREIGN, use="yes")
        assert again.status_code == 303
        hand_in = browser.get(again.headers["location"]).text
    assert "Our ledger" in profiles
    assert "read with the profile our_ledger" in hand_in


def test_a_profile_that_comes_with_the_product_is_used_as_it_is(own_world: World) -> None:
    lines = (SHARED_DATA / "ibm_late_payments.csv").read_text("utf-8").splitlines()[:30]
    with own_world.signed_in(own_world.manager) as (browser, token):
        known = "\r\n".join(lines)
        draft = _upload(browser, token, "known.csv", known, guide="yes").headers["location"]
        before = own_world.counts()["import_profile"]
        check = browser.get(f"{draft}/check")
        assert check.status_code == 200, check.text
        assert "comes with the product" in check.text
        form = {"csrf_token": token, "accept_rejections": "yes"}
        used = browser.post(f"{draft}/use", data=form)
    assert used.status_code == 303
    assert own_world.counts()["import_profile"] == before


def test_what_the_page_showed_is_no_answer_but_no_column_is_one(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        draft = _upload(browser, token, "ledger.csv", FOREIGN, guide="yes").headers["location"]
        form = {
            "csrf_token": token,
            "shown.column.currency": "Curr",
            "answer.column.currency": "Curr",
            "shown.column.name": "Customer",
            "answer.column.name": "",
        }
        assert browser.post(draft, data=form).status_code == 303
        page = browser.get(draft).text
    assert page.count("You answered this.") == 1


def test_a_profile_is_edited_as_text_with_its_lines(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        draft = _upload(browser, token, "ledger.csv", FOREIGN, guide="yes").headers["location"]
        wrong = "name: x\ntitle: X\nsource: {file: '*', columns: [a]}\ntabls: {}\n"
        answer = browser.post(f"{draft}/text", data={"csrf_token": token, "text": wrong})
        assert answer.status_code == 422
        assert "line 4" in answer.text
        assert "tabls" in answer.text
        discarded = browser.post(f"{draft}/discard", data={"csrf_token": token})
        assert discarded.headers["location"] == f"{BASE}/evidence/new"
        assert browser.get(draft).status_code == 404


def test_a_correction_waits_until_somebody_uses_it(own_world: World) -> None:
    changed = INVOICES.replace("I-2,C-1,2026-01-10,2026-01-25,EUR,200.00\n", "")
    with own_world.signed_in(own_world.manager) as (browser, token):
        before = own_world.counts()["evidence_hand_in"]
        answer = _upload(browser, token, "invoices.csv", changed)
        assert answer.headers["location"] == f"{BASE}/replacements/1"
        page = browser.get(answer.headers["location"]).text
        assert "January" in page
        assert "SL-01" in page
        assert "I-2" in page
        assert own_world.counts()["evidence_hand_in"] == before
        assert "invoices.csv" in browser.get(f"{BASE}/evidence/new").text
        used = browser.post(f"{BASE}/replacements/1/use", data={"csrf_token": token})
        assert used.status_code == 303
        shown = browser.get(used.headers["location"]).text
        assert "Figures already settled" in shown
        assert browser.get(answer.headers["location"]).status_code == 404
    assert own_world.counts()["evidence_hand_in"] == before + 1


def test_a_discarded_correction_leaves_everything_as_it_was(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        before = own_world.counts()
        _upload(browser, token, "invoices.csv", INVOICES.replace("200.00", "201.00"))
        form = {"csrf_token": token}
        assert browser.post(f"{BASE}/replacements/1/discard", data=form).status_code == 303
        assert browser.post(f"{BASE}/replacements/1/use", data=form).status_code == 404
    assert own_world.counts() == before
    assert not list((own_world.settings.data_dir / "waiting").iterdir())


def test_rejected_rows_are_shown_taken_out_and_corrected(own_world: World) -> None:
    wrong = RECEIPTS.replace("2026-01-18", "18.01.2026")
    with own_world.signed_in(own_world.manager) as (browser, token):
        answer = _upload(browser, token, "receipts.csv", wrong)
        assert answer.status_code == 422
        found = re.search(rf"{BASE}/hand-ins/(\d+)", answer.text)
        assert found
        hand_in = found[0]
        page = browser.get(hand_in).text
        assert "line 2" in page
        download = re.search(rf"{hand_in}/rejected/\d+", page)
        source = re.search(rf"{hand_in}/files/\d+", page)
        assert download
        assert source
        assert browser.get(source[0]).content == wrong.encode()
        rows = browser.get(download[0])
        assert rows.headers["content-disposition"].startswith("attachment")
        part = browser.get(f"{hand_in}?reason=0", headers=HTMX).text
        assert "<html" not in part
        still = _upload(
            browser,
            token,
            "fixed.csv",
            rows.text,
            f"/hand-ins/{found[1]}/fixes",
            file="receipts.csv",
        )
        assert still.status_code == 303
        assert "This corrects" in browser.get(still.headers["location"]).text
        fixed = rows.text.replace("18.01.2026", "2026-01-18", 1)
        done = _upload(
            browser, token, "fixed.csv", fixed, f"/hand-ins/{found[1]}/fixes", file="receipts.csv"
        )
        assert done.status_code == 303, done.text
        alone = browser.post(f"{hand_in}/leave-out", data={"csrf_token": token})
        assert alone.status_code == 303


def test_others_find_neither_drafts_nor_files(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        _upload(browser, token, "ledger.csv", FOREIGN)
    with own_world.signed_in(own_world.auditor) as (browser, _):
        assert browser.get(f"{BASE}/imports/1").status_code == 403
        assert browser.get(f"{BASE}/hand-ins/1/files/1").status_code == 200
    with own_world.signed_in(own_world.stranger) as (browser, _):
        for path in ("imports/1", "hand-ins/1/files/1", "import-profiles"):
            assert browser.get(f"{BASE}/{path}").status_code == 404
            assert browser.get(f"/engagements/ENG-2/{path}").status_code in {200, 404}
        assert browser.get("/engagements/ENG-2/imports/1").status_code == 404
