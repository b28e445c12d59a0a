"""Access reviews as pages: the chair decides, others read, and hostile words stay words."""

from __future__ import annotations

import csv
import io
import re

import pytest

from tests.app.web.support import HOSTILE, Browser, World

REVIEWS = "/engagements/ENG-1/access-reviews"


def _started(browser: Browser, token: str) -> str:
    answer = browser.post(REVIEWS, data={"csrf_token": token})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def _forms(page: str) -> list[str]:
    return re.findall(r'action="([^"]+/roles/\d+)"', page)


def test_a_review_from_its_start_to_its_end(own_world: World) -> None:
    with own_world.signed_in(own_world.chair) as (browser, token):
        assert "older than 90 days" in browser.get(REVIEWS).text
        review = _started(browser, token)
        page = browser.get(review).text
        assert "Your own role" in page
        forms = _forms(page)
        assert len(forms) == 4
        for form in forms[1:]:
            sent = {"csrf_token": token, "decision": "keep", "reason": HOSTILE}
            assert browser.post(form, data=sent).status_code == 303
        early = browser.post(f"{review}/complete", data={"csrf_token": token})
        assert early.status_code == 409
        empty = browser.post(forms[0], data={"csrf_token": token, "decision": "remove"})
        assert empty.status_code == 422
        browser.post(forms[0], data={"csrf_token": token, "decision": "keep"})
        done = browser.post(f"{review}/complete", data={"csrf_token": token})
        assert (done.status_code, done.headers["Location"]) == (303, review)
        page = browser.get(review).text
        assert "Completed on" in page
        assert "<img" not in page
        assert not _forms(page)
        table = browser.get(f"{review}/roles.csv").content.decode("utf-8-sig")
        assert "completed" in browser.get(REVIEWS).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 5
    assert {row["decision"] for row in rows} == {"keep", "undecided"}


def test_auditors_read_and_decide_nothing(own_world: World) -> None:
    with own_world.signed_in(own_world.chair) as (browser, token):
        review = _started(browser, token)
        form = _forms(browser.get(review).text)[0]
    with own_world.signed_in(own_world.auditor) as (browser, token):
        page = browser.get(review).text
        assert not _forms(page)
        assert "Start a review" not in browser.get(REVIEWS).text
        sent = {"csrf_token": token, "decision": "keep"}
        for path in (form, REVIEWS, f"{review}/complete"):
            assert browser.post(path, data=sent).status_code == 403
    with own_world.signed_in(own_world.stranger) as (browser, _):
        assert browser.get(review).status_code == 404


@pytest.mark.parametrize("number", ["3", "0", "99999999999999999999"])
def test_a_review_that_is_not_there(own_world: World, number: str) -> None:
    with own_world.signed_in(own_world.chair) as (browser, _):
        assert browser.get(f"{REVIEWS}/{number}").status_code == 404
