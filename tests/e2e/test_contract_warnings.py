"""Warnings are seen before a contract is added, and again on the page of its version."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Site, Visit
from tests.factories import PASSWORD
from tests.paths import ROOT

CONTRACT = ROOT / "docs" / "examples" / "ibm-2013-02" / "contract.yaml"

pytestmark = pytest.mark.e2e


def test_warnings_before_adding_and_after(site: Site, visit: Visit, tmp_path: Path) -> None:
    unwise = tmp_path / "contract.yaml"
    text = CONTRACT.read_text("utf-8").replace("scheme: graduated", "scheme: volume")
    unwise.write_text(text, "utf-8")
    page = visit.page
    page.goto("/")
    page.get_by_label("E-mail").fill(site.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Add a contract").first.click()
    page.get_by_label("Contract document").set_input_files(unwise)
    page.get_by_role("button", name="Only check").click()
    expect(page.get_by_role("heading", name="contract.yaml is sound")).to_be_visible()
    expect(page.get_by_text("51 units cost 76.50, 50 cost 100.00")).to_be_visible()
    page.get_by_label("Contract document").set_input_files(unwise)
    page.get_by_role("button", name="Check and add").click()
    expect(page.get_by_role("heading", name="Service levels", exact=True)).to_be_visible()
    page.goto("/engagements/ENG-2012-007/contracts/1/review")
    expect(page.get_by_text("51 units cost 76.50, 50 cost 100.00")).to_be_visible()
