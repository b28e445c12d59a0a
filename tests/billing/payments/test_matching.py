"""Proposals: cases worked by hand, and what holds for any payments and invoices."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from billing.payments.matching import Payer, propose
from billing.payments.references import named_in, same_party
from billing.payments.values import Direction, Entry, OpenInvoice
from tests.billing.payments.scenes import CLIENT_IBAN
from tests.paths import CASES

_CASES = yaml.safe_load((CASES / "payments.yaml").read_text(encoding="utf-8"))
_PAYER = Payer("Nordlicht Handel GmbH", frozenset({CLIENT_IBAN}))
_DAY = date(2026, 3, 2)


def _invoice(at: int, number: str, minor: int, due: date, withholding: int = 0) -> OpenInvoice:
    return OpenInvoice(at, number, "EUR", minor, due, withholding)


def _entry(at: int, said: dict[str, Any]) -> Entry:
    common: dict[str, Any] = {"debtor": _PAYER.name, "currency": "EUR", "booked_on": _DAY} | said
    common["references"] = tuple(common.get("references", ()))
    return Entry(
        key=f"key-{at}",
        place=f"line {at}",
        direction=Direction.IN,
        value_on=common["booked_on"],
        **common,
    )


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_worked_case(case: dict[str, Any]) -> None:
    invoices = [_invoice(at, *one) for at, one in enumerate(case["invoices"], start=1)]
    entries = [_entry(at, one) for at, one in enumerate(case["payments"])]
    numbers = {one.id: one.number for one in invoices}
    for proposal, expected in zip(
        propose(entries, invoices, _PAYER), case["proposals"], strict=True
    ):
        pays = {numbers[part.invoice_id]: part.minor for part in proposal.parts}
        assert (pays, proposal.rest_minor) == (expected["pays"], expected["rest"])
        assert proposal.confidence == expected["confidence"]
        assert expected.get("why", "") in proposal.reason


_MINOR = st.integers(min_value=1, max_value=60)
_SAID = st.fixed_dictionaries(
    {
        "minor": _MINOR,
        "text": st.sampled_from(["", "CW-2026-00001", "CW-2026-00002 and CW-2026-00003"]),
        "debtor": st.sampled_from([_PAYER.name, "Others AG"]),
        "booked_on": st.dates(date(2026, 3, 1), date(2026, 3, 3)),
    }
)


@given(st.lists(st.integers(0, 60), max_size=5), st.lists(_SAID, max_size=6), st.randoms())
def test_nothing_is_lost_or_given_twice_in_any_order(
    opens: list[int], said: list[dict[str, Any]], random: Any
) -> None:
    invoices = [
        _invoice(at, f"CW-2026-{at:05}", minor, date(2026, 4, at))
        for at, minor in enumerate(opens, start=1)
    ]
    entries = [_entry(at, one) for at, one in enumerate(said)]
    found = {one.key: one for one in propose(entries, invoices, _PAYER)}
    given_to = dict.fromkeys((one.id for one in invoices), 0)
    for entry in entries:
        proposal = found[entry.key]
        assert proposal.rest_minor >= 0
        assert sum(part.minor for part in proposal.parts) + proposal.rest_minor == entry.minor
        for part in proposal.parts:
            assert part.minor > 0
            given_to[part.invoice_id] += part.minor
    assert all(given_to[one.id] <= one.open_minor for one in invoices)
    random.shuffle(entries)
    random.shuffle(invoices)
    assert {one.key: one for one in propose(entries, invoices, _PAYER)} == found


def test_many_payments_and_invoices_take_no_time() -> None:
    invoices = [_invoice(at, f"CW-2026-{at:05}", at * 7, date(2026, 4, 1)) for at in range(1, 80)]
    entries = [_entry(at, {"minor": 999_983 + at, "debtor": "Others AG"}) for at in range(60)]
    assert {one.confidence for one in propose(entries, invoices, _PAYER)} == {"none"}


@pytest.mark.parametrize(
    ("text", "references", "expected"),
    [
        ("", (), set()),
        ("CW-2026-000011", (), set()),
        ("xCW.2026.00001x", (), {"CW-2026-00001"}),
        ("", ("RF00CW202600001",), {"CW-2026-00001"}),
        ("1" * 5000 + " CW-2026-00001", (), set()),
    ],
)
def test_numbers_in_texts(text: str, references: tuple[str, ...], expected: set[str]) -> None:
    assert named_in(text, references, ["CW-2026-00001"]) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("MÜLLER & SÖHNE GMBH", "Mueller & Soehne", True),
        ("Handel, Nordlicht", "Nordlicht Handel GmbH", True),
        ("Nordlicht", "Nordlicht Handel GmbH", False),
        ("GmbH", "AG", False),
        ("", "", False),
    ],
)
def test_names_of_parties(one: str, other: str, same: bool) -> None:
    assert same_party(one, other) is same
