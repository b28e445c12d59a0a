"""The provider's own invoices as people see them: from the file to the credit note."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.database import session_scope
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from billing.invoices.fee_document import read_fee_document
from billing.provider_invoices import service
from billing.provider_invoices.reading import read_provider_invoice
from billing.provider_invoices.values import BilledDocument
from billing.settlement.models import DocumentKind, SettlementDocument
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import World, make_world
from tests.billing.provider_invoices.documents import as_issued

BASE = "/engagements/ENG-1/provider-invoices"
_CSV = """\
No;Invoice date;Month;Item;Description;Qty;Unit price;Net;VAT rate;VAT
P-1;31.01.2026;{month};CH-01;Service <b>desk;1;1.000,00;1.000,00;19;190,00
P-1;31.01.2026;{month};CH-02;Invoices issued;3;{price};{amount};19;{tax}
P-1;31.01.2026;{month};;Service credit January 2026;-1;100,75;-100,75;19;-19,14
"""
_AGREED = {"month": "2026-01", "price": "2,50", "amount": "7,50", "tax": "1,42"}


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path) -> World:
    """ENG-1 with a settled January, for which nothing is handed in yet."""
    return make_world(sqlite_template, tmp_path)


def _computed_xml(world: World) -> bytes:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        data = session.scalars(
            select(col(SettlementDocument.data)).where(
                col(SettlementDocument.kind) == DocumentKind.INVOICE
            )
        ).one()
    document = as_issued(read_fee_document(data), "P-1")
    return e_invoice_xml(document, Syntax.CII, Profile.EN16931)


def _get(world: World, user: User, path: str, status: int = 200) -> str:
    with world.signed_in(user) as (browser, _):
        answer = browser.get(path)
    assert answer.status_code == status, (path, answer.text[:2000])
    return " ".join(answer.text.split())


def _post(world: World, user: User, path: str, **form: str) -> tuple[int, str]:
    with world.signed_in(user) as (browser, token):
        answer = browser.post(path, data={"csrf_token": token} | form)
    return answer.status_code, answer.headers.get("location", " ".join(answer.text.split()))


def _hand_in(world: World, data: bytes | str, **form: str) -> tuple[int, str]:
    raw = data.encode() if isinstance(data, str) else data
    with world.signed_in(world.finance) as (browser, token):
        file = {"file": ("invoice", raw)}
        answer = browser.post(BASE, data={"csrf_token": token} | form, files=file)
    return answer.status_code, answer.headers.get("location", " ".join(answer.text.split()))


def _csv(world: World, **changed: str) -> tuple[int, str]:
    return _hand_in(world, _CSV.format(**_AGREED | changed), column_number="No")


def test_what_was_computed_has_no_differences(place: World) -> None:
    assert "No invoice of the provider yet" in _get(place, place.auditor, BASE)
    data = _computed_xml(place)
    assert _hand_in(place, data) == (303, f"{BASE}/1")
    assert "as agreed, to the cent" in _get(place, place.finance, f"{BASE}/1")
    again, said = _hand_in(place, data)
    assert (again, "this file was handed in on" in said) == (409, True)
    again, said = _hand_in(place, data.replace(b"Service desk", b"Help desk"))
    assert (again, "a provider may use a number once" in said) == (409, True)
    assert _post(place, place.finance, f"{BASE}/1/decide", state="approved") == (303, f"{BASE}/1")
    assert "Approved for payment" in _get(place, place.billing, BASE)
    with place.signed_in(place.manager) as (browser, _):
        assert browser.get(f"{BASE}/1/file").content == data


def test_an_overcharge_from_the_file_to_the_credit_note(place: World) -> None:
    assert _csv(place, price="4,50", amount="13,50", tax="2,56") == (303, f"{BASE}/1")
    page = _get(place, place.finance, f"{BASE}/1")
    for said in (
        "Billed at EUR 4.50; agreed are EUR 2.50.",
        "Schedule 4, 2",
        "/periods/2026-01/invoice/lines/2",
        "EUR 7.14<small>billed too much",
        "Service &lt;b&gt;desk",
    ):
        assert said in page
    refused, said = _post(place, place.finance, f"{BASE}/1/decide", state="approved")
    assert (refused, "reason" in said) == (422, True)
    assert _post(place, place.finance, f"{BASE}/1/contest", all="yes")[0] == 303
    assert _post(place, place.finance, f"{BASE}/1/contest", all="yes")[0] == 409
    page = _get(place, place.billing, f"{BASE}/1")
    assert "We contest EUR 7.14 in total." in page
    letter = _get(place, place.finance, f"{BASE}/1/letter")
    assert "PC-1 Invoices issued (P-1): EUR 6.00" in letter
    contests = f"{BASE}/contests"
    answer = {"amount": "6.00", "answer": "a <wrong> list price"}
    assert _post(place, place.finance, f"{contests}/1/answer", **answer)[0] == 403
    assert _post(place, place.billing, f"{contests}/1/answer", **answer)[0] == 303
    refusal = {"amount": "0", "answer": "tax follows"}
    assert _post(place, place.billing, f"{contests}/2/answer", **refusal)[0] == 303
    resolved = _post(place, place.finance, f"{contests}/1/resolve", credit_note="C-1")
    assert resolved == (303, f"{BASE}#contested")
    page = _get(place, place.auditor, BASE)
    for said in ("Credited by credit note C-1.", "a &lt;wrong&gt; list price", "Refused"):
        assert said in page
    assert re.search(r"<dt>Recovered</dt><dd>EUR\s6.00", page)


def test_a_line_is_for_something_else(place: World) -> None:
    assert _csv(place)[0] == 303
    page = _get(place, place.finance, f"{BASE}/1")
    assert "as agreed, to the cent" in page
    match = {"item": "line 2", "target": "line:"}
    assert _post(place, place.finance, f"{BASE}/1/match", **match)[0] == 303
    page = _get(place, place.finance, f"{BASE}/1")
    assert "As Ada Person said" in page
    assert "the contract has no charge for it." in page
    match = {"item": "line 2", "target": "by itself"}
    assert _post(place, place.finance, f"{BASE}/1/match", **match)[0] == 303
    assert "as agreed, to the cent" in _get(place, place.finance, f"{BASE}/1")
    for item, target in (("line 9", "line:"), ("line 1", "line:CH-99")):
        form = {"item": item, "target": target}
        assert _post(place, place.finance, f"{BASE}/1/match", **form)[0] == 422


def test_the_check_waits_until_the_period_is_settled(place: World) -> None:
    assert _csv(place, month="")[0] == 422
    assert _hand_in(place, _CSV.format(**_AGREED | {"month": ""}), column_number="No",
                    period="2026-02") == (303, f"{BASE}/1")  # fmt: skip
    assert "The check waits" in _get(place, place.finance, f"{BASE}/1")
    assert "Waits until the period is settled" in _get(place, place.finance, BASE)
    assert _post(place, place.finance, f"{BASE}/1/check")[0] == 409
    assert _post(place, place.finance, f"{BASE}/1/decide", state="approved")[0] == 409
    form = {"state": "set_aside", "remark": "of another client"}
    assert _post(place, place.finance, f"{BASE}/1/decide", **form) == (303, f"{BASE}/1")
    assert "of another client" in _get(place, place.finance, f"{BASE}/1")


def test_what_cannot_be_read_is_shown_with_its_line(place: World) -> None:
    status, page = _csv(place, amount="7,5o")
    assert (status, "line 3, net" in page, 'class="wrong"' in page) == (422, True, True)
    assert "no file was chosen" in _post(place, place.finance, BASE, period="2026-01")[1]
    saved = 'name="column_number" maxlength="200" value="No"'
    assert saved not in _get(place, place.finance, f"{BASE}/new")
    assert _csv(place)[0] == 303
    assert saved in _get(place, place.finance, f"{BASE}/new")


def test_nobody_waits_while_a_file_is_read(place: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote = []

    def read(*asked: Any) -> BilledDocument:
        with session_scope(place.engine, sees=EVERYTHING) as session:
            session.execute(update(User).values(name="Ada Person"))
        wrote.append(asked[0])
        return read_provider_invoice(*asked)

    monkeypatch.setattr(service, "read_provider_invoice", read)
    assert _csv(place)[0] == 303
    assert wrote == ["invoice"]


def test_others_see_none_of_it(place: World) -> None:
    assert _csv(place)[0] == 303
    for path in ("", "/1", "/1/file", "/1/letter", "/new"):
        _get(place, place.stranger, BASE + path, 404)
    _get(place, place.finance, f"{BASE}/1/letter", 404)
    _get(place, place.finance, f"{BASE}/2", 404)
