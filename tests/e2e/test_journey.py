"""From the contract to the invoice's PDF, in a real browser, with script and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, Visit
from tests.factories import PASSWORD
from tests.paths import ROOT, SHARED_DATA

CONTRACT = ROOT / "docs" / "examples" / "ibm-2013-02" / "contract.yaml"
REFERENCE = "ENG-2012-007"
LEDGER = SHARED_DATA / "ibm_late_payments.csv"

pytestmark = pytest.mark.e2e


def test_from_contract_to_invoice(site: Site, visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    _sign_in(page, site.email)
    expect(page.get_by_role("heading", name="No engagement yet")).to_be_visible()
    _upload_contract(page)
    _hand_in_evidence(page)
    _settle(page)
    _open_a_result(page)
    _open_the_invoice(page)
    _give_role(page, site.chair, "Committee chair")
    _give_role(page, site.billing, "Provider finance")
    _submit(page)
    _check(page)
    _change_person(page, site.chair)
    _accept(page)
    _change_person(page, site.billing)
    _issue(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PDF").click()
    saved = tmp_path / "invoice.pdf"
    download.value.save_as(saved)
    assert download.value.suggested_filename == "ENG-2012-007-2013-02-invoice.pdf"
    assert saved.read_bytes().startswith(b"%PDF-1.7")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_problems_stand_next_to_the_file(site: Site, visit: Visit, tmp_path: Path) -> None:
    broken = tmp_path / "contract.yaml"
    text = CONTRACT.read_text("utf-8").replace('minimum: "80.0"', "minium: 80")
    broken.write_text(text, "utf-8")
    page = visit.page
    _sign_in(page, site.email)
    page.get_by_role("link", name="Add a contract").first.click()
    page.get_by_label("Contract document").set_input_files(broken)
    page.get_by_role("button", name="Check and add").click()
    expect(page.get_by_role("heading", name="1 problem in contract.yaml")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="minium: 80")).to_have_class("wrong")
    visit.complaints = [text for text in visit.complaints if "status of 422" not in text]


def test_an_unknown_file_is_read_as_its_reader_says(
    site: Site, visit: Visit, tmp_path: Path
) -> None:
    """Semicolons, decimal commas and dates that could be read in two ways."""
    ledger = tmp_path / "offene_posten.csv"
    rows = [f"RE-{n:03},00{n % 9},0{n % 9 + 1}/04/2026,0{n % 9 + 1}/06/2026" for n in range(60)]
    heading = "Belegnummer;Kunde;Belegdatum;Fälligkeit;Betrag;Währung"
    lines = [heading, *(row.replace(",", ";") + ";1.234,56;USD" for row in rows)]
    ledger.write_text("\n".join(lines), "cp1252")
    page = visit.page
    _sign_in(page, site.email)
    _upload_contract(page)
    page.get_by_role("link", name="Hand in evidence").first.click()
    page.get_by_label("Files (CSV, Excel or Parquet)").set_input_files(ledger)
    page.get_by_role("button", name="Set up how to read it").click()
    expect(page.get_by_role("heading", name="2 questions are open")).to_be_visible()
    for column, still in (("Belegdatum", "1 question is open"), ("Fälligkeit", "Everything")):
        question = page.get_by_role("group", name=f"How are the dates in '{column}' written?")
        question.get_by_label("day/month/year").check()
        if page.evaluate("() => typeof htmx") == "undefined":
            page.get_by_role("button", name="Show what follows").click()
        expect(page.get_by_role("heading", name=still)).to_be_visible()
    page.get_by_role("link", name="Check every row").click()
    expect(page.get_by_role("row", name="Invoices 60")).to_be_visible()
    page.get_by_role("button", name="Save and hand in").click()
    expect(page.get_by_text("Every row passed its checks.")).to_be_visible()
    expect(page.get_by_text("read with the profile offene_posten")).to_be_visible()


def _sign_in(page: Page, email: str) -> None:
    page.goto("/engagements")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _upload_contract(page: Page) -> None:
    page.get_by_role("link", name="Add a contract").first.click()
    page.get_by_label("Contract document").set_input_files(CONTRACT)
    page.get_by_role("button", name="Check and add").click()
    title = "Collections for the late-payments ledger"
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("heading", name="No evidence yet")).to_be_visible()


def _hand_in_evidence(page: Page) -> None:
    page.get_by_role("link", name="Hand in evidence").first.click()
    page.get_by_label("Files (CSV, Excel or Parquet)").set_input_files(LEDGER)
    page.get_by_role("button", name="Check and hand in").click()
    expect(page.get_by_text("Every row passed its checks.")).to_be_visible()
    page.get_by_role("link", name="Back to the engagement").click()


def _settle(page: Page) -> None:
    page.get_by_label("Period to settle").select_option(label="February\u00a02013")
    page.get_by_role("button", name="Settle", exact=True).click()
    expect(page.get_by_role("heading", name="February 2013")).to_be_visible()
    expect(page.get_by_text("Four of five service levels were met")).to_be_visible()


def _open_a_result(page: Page) -> None:
    page.get_by_role("link", name="Collection effectiveness").first.click()
    expect(page.get_by_text("Rows 1 to 25 of 194")).to_be_visible()
    page.get_by_role("link", name="Later rows").click()
    expect(page.get_by_text("Rows 26 to 50 of 194")).to_be_visible()
    page.get_by_role("link", name="Earlier rows").click()
    expect(page.get_by_text("Rows 1 to 25 of 194")).to_be_visible()
    page.get_by_text("The SQL that was run").click()
    expect(page.get_by_text("WITH").first).to_be_visible()
    page.get_by_role("link", name="in the catalogue").click()
    expect(page.get_by_role("heading", name="Collection effectiveness index")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="February 2013").click()


def _open_the_invoice(page: Page) -> None:
    page.get_by_role("link", name="Open the invoice").click()
    page.get_by_text("Invoices issued", exact=True).click()
    page.get_by_role("link", name="Open the 100 ledger rows").click()
    expect(page.get_by_text("Rows 1 to 25 of 100")).to_be_visible()
    page.get_by_role("link", name="Invoice", exact=True).click()
    expect(page.get_by_text("USD\u00a01,900.55")).to_be_visible()


def _give_role(page: Page, email: str, role: str) -> None:
    page.goto(f"/engagements/{REFERENCE}")
    page.get_by_role("link", name="Members and their roles").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Role", exact=True).select_option(label=role)
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_role("cell", name=role, exact=True)).to_be_visible()


def _change_person(page: Page, email: str) -> None:
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, email)
    page.get_by_role("link", name="Collections for the late-payments ledger").click()


def _accept(page: Page) -> None:
    page.get_by_role("link", name="Review and accept").click()
    page.get_by_role("button", name="Accept this version").click()
    expect(page.get_by_role("link", name="Agreed by both sides")).to_be_visible()
    page.get_by_role("link", name="February 2013").click()
    _contest_and_withdraw(page)
    page.get_by_role("link", name="Agree to all and seal").click()
    page.get_by_role("button", name="Agree to all and seal").click()
    expect(page.get_by_role("heading", name="Sealed figures of February 2013")).to_be_visible()


def _contest_and_withdraw(page: Page) -> None:
    figure = page.locator("details.review-item").first
    figure.locator("summary").first.click()
    figure.get_by_text("Contest", exact=True).click()
    figure.get_by_label("What is wrong with it, and why").fill("a receipt is missing")
    figure.get_by_role("button", name="Contest the figure").click()
    expect(figure.get_by_text("a receipt is missing")).to_be_visible()
    figure.get_by_text("No longer contest it").click()
    figure.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("Not looked at").first).to_be_visible()


def _submit(page: Page) -> None:
    page.goto(f"/engagements/{REFERENCE}/periods/2013-02")
    page.get_by_label("Note to the client (optional)").fill("everything is handed in")
    page.get_by_role("button", name="Submit the figures to the client").click()
    expect(page.get_by_text("waits for the client").first).to_be_visible()


def _check(page: Page) -> None:
    page.get_by_role("link", name="Open the invoice").click()
    expect(page.get_by_text("An estimate:")).to_be_visible()
    page.get_by_role("button", name="Say that it is checked").click()
    expect(page.get_by_role("button", name="Take the check back")).to_be_hidden()


def _issue(page: Page) -> None:
    page.get_by_role("link", name="February 2013").click()
    page.get_by_role("link", name="Open the invoice").click()
    page.get_by_role("button", name="Approve it").click()
    page.get_by_role("link", name="Issue the invoice").click()
    expect(page.get_by_text("the next one of the series")).to_be_visible()
    page.get_by_role("button", name="Issue the invoice").click()
    expect(page.get_by_role("heading", name="Invoice CWR")).to_be_visible()
