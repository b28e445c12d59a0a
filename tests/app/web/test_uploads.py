"""Contracts and evidence by upload: what is wrong is shown next to the file, nothing is kept."""

from __future__ import annotations

import io
import zipfile

import pytest
from httpx import Response

from tests.app.web.support import World
from tests.factories import ALLOCATIONS, INVOICES, RECEIPTS, contract_bytes
from tests.paths import ROOT, SHARED_DATA

HTMX = {"HX-Request": "true"}
EVIDENCE = "/engagements/ENG-1/evidence"
TIERS = b"""
  - id: CH-03
    title: Overlap
    type: per_unit
    meter: invoices_issued
    pricing: {scheme: graduated, tiers: [{up_to: 100, price: "1"}, {up_to: 50, price: "2"}]}
invoicing:"""


def _contract(world: World, data: bytes, *, part: bool = False) -> Response:
    with world.signed_in(world.manager) as (browser, token):
        return browser.post(
            "/contracts",
            data={"csrf_token": token, "effective_from": ""},
            files={"contract": ("contract.yaml", data)},
            headers=HTMX if part else {},
        )


def _hand_in(world: World, files: dict[str, bytes], **fields: str) -> Response:
    with world.signed_in(world.manager) as (browser, token):
        return browser.post(
            EVIDENCE,
            data={"csrf_token": token} | fields,
            files=[("files", (name, data)) for name, data in files.items()],
        )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"clause: Schedule 2, 1", b"claus: Schedule 2, 1", ["claus", "clause", "line 15"]),
        (b'expected: "80.0"', b"expected: many", ["many", "service_levels[0].expected"]),
        (b"\ninvoicing:", TIERS, ["charges[2].pricing.tiers"]),
        (b"plumbline: 1\n", b"plumbline: [\n", ["contract.yaml"]),
    ],
    ids=["unknown key", "wrong type", "overlapping tiers", "no YAML"],
)
def test_a_contracts_problems_stand_next_to_its_lines(
    world: World, old: bytes, new: bytes, expected: list[str]
) -> None:
    before, data = world.counts(), contract_bytes("ENG-7")
    assert old in data
    for part in (False, True):
        answer = _contract(world, data.replace(old, new), part=part)
        assert answer.status_code == 422
        assert ("<html" in answer.text) is not part
        for text in expected:
            assert text in answer.text
        assert '<li class="wrong">' in answer.text
    assert world.counts() == before


def test_a_good_contract_leads_to_its_engagement(own_world: World) -> None:
    answer = _contract(own_world, contract_bytes("ENG/7.1"))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/engagements/ENG~7.1"
    with own_world.signed_in(own_world.manager) as (browser, _):
        page = browser.get("/engagements/ENG~7.1")
    assert page.status_code == 200
    assert "ENG/7.1" in page.text


def test_a_reference_of_others_is_refused(world: World) -> None:
    answer = _contract(world, contract_bytes("ENG-2"))
    assert answer.status_code == 409
    assert "ENG-2" in answer.text


def test_a_form_without_a_file_says_so(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        form = {"csrf_token": token, "contract": "", "files": ""}
        for path in ("/contracts", EVIDENCE):
            answer = browser.post(path, data=form, files={"other": ("x", b"")})
            assert answer.status_code == 422
            assert "no file was chosen" in answer.text


def test_a_day_that_is_none_is_refused(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        answer = browser.post(
            "/contracts",
            data={"csrf_token": token, "effective_from": "soon"},
            files={"contract": ("contract.yaml", contract_bytes("ENG-8"))},
        )
    assert answer.status_code == 422
    assert "this is not a day" in answer.text


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("notes.txt", "not a workbook")
    return buffer.getvalue()


_GOOD = {"receipts.csv": RECEIPTS.encode(), "allocations.csv": ALLOCATIONS.encode()}
BAD_EVIDENCE: dict[str, tuple[dict[str, bytes], list[str]]] = {
    "missing column": (
        {"invoices.csv": INVOICES.replace("due_date", "due").encode()},
        ["invoices.csv", "due_date"],
    ),
    "impossible date": (
        {"invoices.csv": INVOICES.replace("2026-01-20", "31/02/2013").encode()},
        ["31/02/2013", "due_date", "invoices.csv"],
    ),
    "foreign amount": (
        {"invoices.csv": INVOICES.replace("EUR,100.00", 'EUR,"1.234,56"').encode()},
        ["1.234,56", "amount"],
    ),
    "duplicated invoice": (
        {"invoices.csv": (INVOICES + "I-1,C-1,2026-01-05,2026-01-20,EUR,100.00\n").encode()},
        ["I-1", "invoice_id"],
    ),
    "allocation to an unknown invoice": (
        {
            "invoices.csv": INVOICES.encode(),
            "receipts.csv": RECEIPTS.encode(),
            "allocations.csv": ALLOCATIONS.replace("I-3", "I-77").encode(),
        },
        ["I-77", "allocations.csv"],
    ),
    "empty file": ({"invoices.csv": b""}, ["invoices.csv", "empty"]),
    "empty Parquet": ({"invoices.parquet": b""}, ["invoices.parquet"]),
    "zip as workbook": ({"invoices.xlsx": _zip()}, ["invoices.xlsx"]),
    "unknown profile": ({"invoices.csv": INVOICES.encode()}, []),
    "twice the same name": ({"a/invoices.csv": b"x", "invoices.csv": b"y"}, ["same name"]),
}


@pytest.mark.parametrize("case", BAD_EVIDENCE)
def test_bad_evidence_is_shown_and_nothing_counts(world: World, case: str) -> None:
    files, expected = BAD_EVIDENCE[case]
    before, stored = world.counts(), _tables(world)
    profile = "no_such_profile" if case == "unknown profile" else ""
    answer = _hand_in(world, files, profile=profile)
    assert answer.status_code == 422, answer.text
    for text in expected:
        assert text in answer.text
    after = world.counts()
    assert after["evidence_table"] == before["evidence_table"]
    assert _tables(world) == stored


def _tables(world: World) -> set[str]:
    return {name for name in world.stored_files() if name.endswith(".parquet")}


def test_rejected_rows_may_be_left_out(own_world: World) -> None:
    bad = INVOICES.replace("EUR,100.00", "EUR,much").encode()
    answer = _hand_in(own_world, {"invoices.csv": bad} | _GOOD)
    assert answer.status_code == 422
    assert "much" in answer.text
    files = {"invoices.csv": INVOICES.encode() + b"I-9,C-1,soon,2026-02-20,EUR,1.00\n"} | _GOOD
    answer = _hand_in(own_world, files, accept_rejections="yes", use="yes")
    assert answer.status_code == 303
    with own_world.signed_in(own_world.manager) as (browser, _):
        page = browser.get(answer.headers["location"]).text
    assert "1 rejected row was left out" in page
    assert "soon" in page


def test_a_foreign_ledger_is_recognised_and_settled(own_world: World) -> None:
    contract = (ROOT / "docs/examples/ibm-2013-02/contract.yaml").read_bytes()
    theirs = b"Clearwater Receivables Inc.\n    country: US"
    own = contract.replace(theirs, b"Clearwater Receivables Ltd\n    country: IE")
    assert _contract(own_world, own).status_code == 303
    engagement = "/engagements/ENG-2012-007"
    ledger = (SHARED_DATA / "ibm_late_payments.csv").read_bytes()
    with own_world.signed_in(own_world.manager) as (browser, token):
        answer = browser.post(
            f"{engagement}/evidence",
            data={"csrf_token": token, "profile": ""},
            files={"files": ("ibm_late_payments.csv", ledger)},
        )
        assert answer.status_code == 303
        assert "Every row passed its checks." in browser.get(answer.headers["location"]).text
        assert "Nothing settled yet" in browser.get(engagement).text
        form = {"csrf_token": token, "period": "2013-02"}
        assert browser.post(f"{engagement}/periods", data=form).status_code == 303
        invoice = browser.get(f"{engagement}/periods/2013-02/invoice").text
    assert "1,900.55" in invoice
