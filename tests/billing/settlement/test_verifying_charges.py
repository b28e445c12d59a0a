"""Charges of sealed figures computed again, and every way in which they can differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from billing.settlement.service import Workshop, settle_period
from billing.settlement.verifying_charges import left_out, verify_charges
from governance.engagements.service import add_contract
from governance.tables import canonical_json
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.reviews.queries import seal_of_period
from sla.reviews.verifying import verify_seal
from tests.factories import (
    FEBRUARY,
    JANUARY,
    approve,
    contract_bytes,
    make_actor,
    make_workshop,
    write_evidence_folder,
)

_INDICES = "series,from,value\nHICP,2026-01-01,110\n"
Change = Callable[[dict[str, Any]], object]


def _contract() -> bytes:
    indexed = b'amount: "1000.00"\n    indexation: {series: HICP, base: 100}'
    return contract_bytes().replace(b'amount: "1000.00"', indexed)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


@pytest.fixture
def document(session: Session, tmp_path: Path, workshop: Workshop) -> bytes:
    """A sealed January whose fee follows an index."""
    return _sealed(session, tmp_path, workshop, _contract())


def _sealed(
    session: Session,
    tmp_path: Path,
    workshop: Workshop,
    contract: bytes,
    period: Period = JANUARY,
) -> bytes:
    actor = make_actor(session)
    engagement = add_contract(session, actor, "c.yaml", contract).engagement
    folder = write_evidence_folder(tmp_path / "evidence", indices=_INDICES)
    hand_in(session, actor, engagement, Upload(folder, "evidence"), tmp_path / "store")
    settle_period(session, actor, engagement, period, workshop)
    approve(session, engagement, period)
    seal = seal_of_period(session, engagement, period)
    assert seal is not None
    assert verify_seal(seal.document, seal.sha256, workshop.store.local).equal
    return seal.document


def _altered(document: bytes, change: Change) -> bytes:
    content = json.loads(document)
    change(content)
    return canonical_json(content)


def _line(content: dict[str, Any], charge: str) -> dict[str, Any]:
    return next(line for line in content["invoice"]["lines"] if line["charge"] == charge)


def _other_terms(content: dict[str, Any]) -> None:
    text = content["contract"]["document"].replace("base: 100", "base: 88")
    content["contract"]["document"] = text


def test_sealed_charges_come_out_the_same(document: bytes, workshop: Workshop) -> None:
    line = _line(json.loads(document), "CH-01")
    assert line["amount"] == "1100.00"
    assert [one["dataset"] for one in line["evidence"]] == ["indices"]
    assert verify_charges(document, workshop.store.local) == ()


@pytest.mark.parametrize(
    ("change", "what", "where", "expected", "found"),
    [
        (
            lambda one: _line(one, "CH-01").update(amount="1200.00"),
            "amount differs",
            "CH-01",
            "1200.00",
            "1100.00",
        ),
        (_other_terms, "amount differs", "CH-01", "1100.00", "1250.00"),
        (
            lambda one: _line(one, "CH-01").pop("evidence"),
            "evidence differs",
            "CH-01",
            "",
            "indices",
        ),
        (
            lambda one: _line(one, "CH-02").update(quantity="9"),
            "quantity differs",
            "CH-02",
            "9",
            "",
        ),
    ],
)
def test_what_differs_is_named(
    document: bytes,
    workshop: Workshop,
    change: Change,
    what: str,
    where: str,
    expected: str,
    found: str,
) -> None:
    verified = verify_charges(_altered(document, change), workshop.store.local)
    (difference,) = verified
    assert (difference.what, difference.where, difference.expected) == (what, where, expected)
    assert difference.found.startswith(found)


def test_without_the_indices_the_charges_cannot_be_computed(
    document: bytes, workshop: Workshop
) -> None:
    def without_indices(content: dict[str, Any]) -> None:
        content["evidence"] = [one for one in content["evidence"] if one["dataset"] != "indices"]

    verified = verify_charges(_altered(document, without_indices), workshop.store.local)
    (difference,) = verified
    assert difference.what == "the charges can't be computed again"
    assert "CH-01 follows the index HICP" in difference.where


_REBATE = b"""\
  - {id: CH-03, title: Rebate, clause: "4, 3", type: volume_rebate, of: [CH-01], per: year,
     tiers: [{over: "500.00", percent: 10}]}
minimum_commitment: {amount: "2000.00", per: month}
invoicing:"""


def _looking_back() -> bytes:
    return contract_bytes().replace(b"invoicing:", _REBATE)


def test_the_first_invoice_of_a_year_has_its_rebate_and_commitment_computed(
    session: Session, tmp_path: Path, workshop: Workshop
) -> None:
    document = _sealed(session, tmp_path, workshop, _looking_back())
    assert left_out(document) == ()
    assert verify_charges(document, workshop.store.local) == ()

    def altered(content: dict[str, Any]) -> None:
        _line(content, "CH-03").update(amount="-60.00")
        _line(content, "minimum_commitment").update(amount="1042.50")

    found = verify_charges(_altered(document, altered), workshop.store.local)
    # 10 % of what is over 500.00; 1,000.00 + 7.50 - 50.00 is 1,042.50 short of 2,000.00.
    assert [(one.where, one.expected, one.found) for one in found] == [
        ("CH-03", "-60.00", "-50.00"),
    ]


def test_what_follows_from_earlier_invoices_is_said_to_be_left_out(
    session: Session, tmp_path: Path, workshop: Workshop
) -> None:
    document = _sealed(session, tmp_path, workshop, _looking_back(), FEBRUARY)
    assert verify_charges(document, workshop.store.local) == ()
    assert left_out(document) == tuple(
        f"{name} follows from earlier invoices and isn't computed again from this one alone"
        for name in ("CH-03", "minimum_commitment")
    )
