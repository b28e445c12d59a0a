"""The pages of accounting: the journal with its files, and the three-way check."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from app.database import session_scope
from app.documents.wording import tax_total
from app.evidence_store import store_of
from billing.charges.values import TaxLine
from billing.invoices.service import issue_invoice
from billing.settlement.service import Workshop
from billing.tax import tax_title
from governance.contract.charges import TaxCategory
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from sla.kpis.catalogue import load_catalogue
from tests.app.web.support import Browser, World, form_token, make_world
from tests.factories import JANUARY, TextRenderer, approve

_HERE = "/engagements/ENG-1/journal"
_MONTHS = "first=2026-03&last=2026-03"


@pytest.fixture(scope="module", name="browser")
def signed_in(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The manager's, in a world whose January was sealed, and issued on 2 March."""
    world: World = make_world(sqlite_template, tmp_path_factory.mktemp("accounting"))
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        issuer = approve(session, engagement, JANUARY)
        workshop = Workshop(store_of(world.settings), load_catalogue(), TextRenderer())
        issue_invoice(session, issuer, engagement, JANUARY, workshop)
    with world.signed_in(world.manager) as (browser, _):
        yield browser


def test_the_page_shows_entries_and_offers_files(browser: Browser) -> None:
    page = browser.get(f"{_HERE}?{_MONTHS}").text
    assert "Books of" in page
    assert "CW-2026-00001" in page
    assert "assets:receivable" in page
    assert "entries.csv?first=2026-03&amp;last=2026-03&amp;side=provider" in page


def test_the_table_is_one_posting_a_line_and_balances(browser: Browser) -> None:
    answer = browser.get(f"{_HERE}/entries.csv?{_MONTHS}")
    assert "ENG-1-journal-provider-2026-03-2026-03.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert "invoice" in {row["kind"] for row in rows}
    debit, credit = (sum(Decimal(row[name] or 0) for row in rows) for name in ("debit", "credit"))
    assert debit == credit > 0


def test_the_other_format_and_the_other_side(browser: Browser) -> None:
    answer = browser.get(f"{_HERE}/entries.journal?{_MONTHS}&side=client")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "account liabilities:payable  ; type:L" in answer.text


@pytest.mark.parametrize("query", ["first=x", "side=x", "own_tax=x", "first=2027-01&last=2026-01"])
def test_what_makes_no_sense_is_said(browser: Browser, query: str) -> None:
    assert browser.get(f"{_HERE}?{query}").status_code == 422


def test_contract_measurement_and_invoice_stand_side_by_side(browser: Browser) -> None:
    here = "/engagements/ENG-1/periods/2026-01/three-way"
    page = browser.get(here).text
    assert "All lines and totals agree." in page
    assert "EUR\u00a01,000.00 a month." in page
    assert "come out the same" not in page
    again = browser.post(here, data={"csrf_token": form_token(page)}).text
    assert "come out the same from the evidence" in again
    assert "below_minimum" not in again
    assert browser.get(here.replace("01", "05")).status_code == 404


@pytest.mark.parametrize("category", TaxCategory)
@pytest.mark.parametrize("name", [None, "Sales tax"])
def test_taxes_have_the_words_of_the_document(category: TaxCategory, name: str | None) -> None:
    rate = Decimal(19) if category is TaxCategory.STANDARD else Decimal(0)
    line = TaxLine(category, rate, Decimal(0), Decimal(0), name=name)
    assert tax_title(category, rate, name) == tax_total(line)
