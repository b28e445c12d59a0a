"""What the documents of a settlement state, and the sums that must hold before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.metering.catalogue import load_meters
from billing.settlement.checks import DoesNotReconcile, reconciles
from billing.settlement.documents import (
    credits_json,
    evidence_of,
    invoice_header,
    invoice_json,
    measurements_json,
)
from billing.settlement.values import InvoiceHeader, Settlement
from governance.errors import BadInput
from governance.values import Period
from tests.billing.settlement.cases import SHA256, contract_of, settled

_FEBRUARY = Period.month(2026, 2)


@pytest.fixture(scope="module", name="february")
def february_settled() -> Settlement:
    return settled({"period": "2026-02"})


def test_header_follows_the_contract() -> None:
    assert invoice_header(contract_of({}), _FEBRUARY, 17) == InvoiceHeader(
        number="CW-2026-00017",
        issued_on=date(2026, 3, 1),
        due_on=date(2026, 3, 31),
        purchase_order="PO-4711",
    )
    january = invoice_header(contract_of({}), Period.month(2026, 12), 1, date(2027, 1, 4))
    assert (january.number, january.due_on) == ("CW-2027-00001", date(2027, 2, 3))
    with pytest.raises(BadInput):
        invoice_header(contract_of({"change": {"invoicing": {"number": "CW"}}}), _FEBRUARY, 1)


def test_measurements(february: Settlement) -> None:
    answer = measurements_json(february)
    assert answer["period"] == {"start": "2026-02-01", "end": "2026-02-28"}
    assert answer["results"][0]["value"] == "74.2"
    assert answer["results"][0]["status"] == "below_minimum"


def test_credits(february: Settlement) -> None:
    answer = credits_json(february)
    assert answer["service_levels"][0].pop("why").startswith("Schedule 2, 3.1: 74.2 is below")
    assert answer == {
        "period": "2026-02",
        "currency": "EUR",
        "base": "1045.00",
        "cap": "104.50",
        "service_levels": [
            {
                "id": "SL-01",
                "value": "74.2",
                "status": "below_minimum",
                "multiplier": "1",
                "credit": "20.90",
            }
        ],
        "before_cap": "20.90",
        "credit": "20.90",
        "earned_back": "0.00",
        "net": "20.90",
    }


def test_credits_where_none_are_agreed() -> None:
    agreed_none = settled({"period": "2026-02", "replace": {"service_credits": "none"}})
    assert credits_json(agreed_none) == {
        "period": "2026-02",
        "currency": "EUR",
        "base": "1045.00",
        "cap": None,
        "service_levels": [],
        "before_cap": "0.00",
        "credit": "0.00",
        "earned_back": "0.00",
        "net": "0.00",
    }


def _invoice(settlement: Settlement) -> dict[str, Any]:
    return invoice_json(settlement, invoice_header(settlement.contract, settlement.period, 17))


def test_invoice_states_parties_dates_and_totals(february: Settlement) -> None:
    invoice = _invoice(february)
    stated = {key: invoice[key] for key in ("number", "issued_on", "due_on", "purchase_order")}
    assert stated == {
        "number": "CW-2026-00017",
        "issued_on": "2026-03-01",
        "due_on": "2026-03-31",
        "purchase_order": "PO-4711",
    }
    assert invoice["client"]["vat_id"] == "DE123456789"
    assert invoice["provider"]["iban"] == "IE29AIBK93115212345678"
    assert (invoice["period"], invoice["period_start"], invoice["period_end"]) == (
        "2026-02",
        "2026-02-01",
        "2026-02-28",
    )
    assert (invoice["subtotal"], invoice["service_credit"], invoice["total"]) == (
        "1045.00",
        "20.90",
        "1218.68",
    )
    assert invoice["contract_sha256"] == SHA256
    assert [each["dataset"] for each in invoice["evidence"]] == [
        "allocations",
        "invoices",
        "observations",
    ]


def test_every_line_leads_to_its_clause_and_its_ledger_rows(february: Settlement) -> None:
    lines = {line["charge"]: line for line in _invoice(february)["lines"]}
    assert lines["CH-01"]["reading"] is None
    assert lines["CH-02"]["clause"] == "Schedule 3, 2"
    assert lines["CH-02"]["reading"] == {
        "meter": "invoices_issued",
        "window": {"start": "2026-02-01", "end": "2026-02-28"},
        "rows": 3,
        "evidence": [{"dataset": "invoices", "sha256": "sha256 of invoices"}],
        "definition_sha256": load_meters()["invoices_issued"].sha256,
    }


def test_the_service_credit_leads_to_its_misses(february: Settlement) -> None:
    (given,) = _invoice(february)["service_credits"]
    (miss,) = given["misses"]
    assert (given["period"], given["credit"], given["net"]) == ("2026-02", "20.90", "20.90")
    assert "why" in miss
    assert {key: miss[key] for key in ("service_level", "clause", "value", "expected")} == {
        "service_level": "SL-01",
        "clause": "Schedule 2, 3.1",
        "value": "74.2",
        "expected": "85.0",
    }


def test_what_was_earned_back_says_why() -> None:
    earned = settled(
        {
            "period": "2026-03",
            "change": {"service_credits": {"earn_back": {"form": "met", "months": 1}}},
            "observations": {"2026-03": "90"},
        }
    )
    (given,) = _invoice(earned)["service_credits"]
    assert given["misses"] == []
    assert given["net"] == "-20.90"
    assert [(each["period"], each["amount"]) for each in given["earn_backs"]] == [
        ("2026-02", "20.90")
    ]


def test_a_draft_has_neither_number_nor_dates(february: Settlement) -> None:
    draft = invoice_json(february)
    assert (draft["number"], draft["issued_on"], draft["due_on"]) == (None, None, None)
    assert draft["purchase_order"] == "PO-4711"


def test_documents_are_json_without_floats(february: Settlement) -> None:
    for document in (measurements_json(february), credits_json(february), _invoice(february)):
        json.loads(json.dumps(document), parse_float=pytest.fail)


def test_evidence_is_listed_once(february: Settlement) -> None:
    digests = evidence_of(february)
    assert len(digests) == len(set(digests)) == 3


def _with(settlement: Settlement, **changed: Any) -> Settlement:
    return replace(settlement, priced=replace(settlement.priced, **changed))


def test_contradictions_are_found(february: Settlement) -> None:
    reconciles(february)
    cent = Decimal("0.01")
    priced = february.priced
    assert february.credits is not None
    wrong = {
        "subtotal": _with(february, subtotal=priced.subtotal + cent),
        "total": _with(february, total=priced.total + cent),
        "payable": _with(february, payable=priced.payable - cent),
        "tax bases": _with(february, taxes=()),
        "tax standard": _with(
            february, taxes=(replace(priced.taxes[0], amount=priced.taxes[0].amount + cent),)
        ),
        "service credit": replace(february, settled_credits=()),
        "credit of 2026-02: stated": replace(
            february, credits=replace(february.credits, credit=february.credits.credit + cent)
        ),
        "exceeds the cap": replace(february, credits=replace(february.credits, cap=cent)),
        "earned back": replace(february, credits=replace(february.credits, earned_back=cent)),
    }
    for message, settlement in wrong.items():
        with pytest.raises(DoesNotReconcile, match=message):
            reconciles(settlement)
