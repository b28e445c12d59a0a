"""What a settlement takes from earlier months and from dated evidence, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billing.settlement.calculation import settle
from billing.settlement.documents import evidence_of, invoice_json
from billing.settlement.earlier import charged_by
from billing.settlement.spans import invoice_month, invoice_span
from billing.settlement.values import Inputs, SealedMonth, Settlement
from governance.errors import BadInput
from governance.values import Period
from sla.evidence.values import EvidenceDigest
from sla.kpis.catalogue import load_catalogue
from tests.billing.settlement.cases import SETTLED, SHA256, contract_of, settled, tables_of
from tests.sla.kpis.ledgers import ledger_of

JANUARY = Period.month(2026, 1)


def _case(start: str) -> dict[str, Any]:
    (found,) = [case for case in SETTLED if case["case"].startswith(start)]
    return found


REBATE = _case("a rebate from the first euro on")
INDEXED = _case("a fee follows the index of two months before")


def _settled_after(case: Mapping[str, Any], sealed: SealedMonth) -> Settlement:
    """The case's month after a sealed January."""
    with ledger_of(tables_of(case)) as ledger:
        return settle(
            contract_of(case),
            SHA256,
            ledger,
            Period.parse(case["period"]),
            load_catalogue(),
            Inputs(sealed={JANUARY: sealed}),
        )


def test_what_was_sealed_counts_for_rebates() -> None:
    """6000.00 less one month is sealed: 10 % of 6000.00 + 1000.00, less the 600.00 given."""
    january = settled(REBATE | {"period": "2026-01"})
    sealed = SealedMonth(january.measured, None, Decimal(6000), {"CH-1": Decimal(6000)})
    priced = _settled_after(REBATE, sealed).priced
    assert {line.charge: line.amount for line in priced.lines} == {"CH-1": 1000, "RB": -100}


def test_restated_and_leaving_lines_are_no_charges_for_work() -> None:
    line = settled(REBATE).priced.lines[0]
    lines = [
        line,
        replace(line, late="2026-01"),
        replace(line, restatement="2026-01/1"),
        replace(line, charge="transfer", outside_base=True),
    ]
    assert charged_by(lines) == {"CH-1": 2000}


def test_the_indices_are_among_a_lines_evidence() -> None:
    found = settled(INDEXED)
    digest = EvidenceDigest("indices", "sha256 of indices")
    assert digest in evidence_of(found)
    (line,) = invoice_json(found)["lines"]
    assert line["evidence"] == [digest.as_json()]
    assert found.usage.charge_indices["CH-1"][-1].value == Decimal("112.2")


def test_milestones_are_evidence_of_credits_and_of_fees() -> None:
    digest = EvidenceDigest("milestones", "sha256 of milestones")
    for case in ("a milestone is paid", "a critical milestone that is late"):
        assert digest in evidence_of(settled(_case(case)))


@pytest.mark.parametrize("case", ["a milestone is paid", "a critical milestone that is late"])
def test_without_milestones_nobody_knows_whether_one_was_reached(case: str) -> None:
    without = {key: value for key, value in _case(case).items() if key != "evidence"}
    with pytest.raises(BadInput, match="needs the dataset milestones, which was not handed in"):
        settled(without)


def test_before_a_milestone_is_due_its_credit_needs_no_evidence() -> None:
    case = {key: value for key, value in _case("until it is reached").items() if key != "evidence"}
    january = settled(case | {"period": "2026-01"})
    assert january.credits is not None
    assert january.credits.credit == 0


@pytest.mark.parametrize(
    ("evidence", "what", "found"),
    [
        ({}, "has no value of it for 2025-11", "no value of HICP-EU"),
        (
            {"indices": "series, from, value\nHICP-EU, 2025-12-01, 112"},
            "has no value of it for 2025-11",
            "values from 2025-12-01 on, the last from 2025-12-01",
        ),
    ],
)
def test_a_missing_index_is_told(evidence: dict[str, str], what: str, found: str) -> None:
    with pytest.raises(BadInput) as error:
        settled(INDEXED | {"evidence": evidence})
    (problem,) = error.value.problems
    assert what in problem.what
    assert problem.found == found
    assert "a row series HICP-EU, from 2025-11-01" in problem.allowed


def test_everything_that_is_missing_is_told_at_once() -> None:
    charges = [
        *INDEXED["replace"]["charges"],
        *_case("a milestone is paid")["replace"]["charges"],
        {
            "id": "CH-9",
            "title": "Reminders",
            "type": "per_unit",
            "meter": "reminders_sent",
            "pricing": {"scheme": "flat", "price": "1"},
        },
    ]
    with pytest.raises(BadInput) as error:
        settled({"period": "2026-01", "replace": INDEXED["replace"] | {"charges": charges}})
    assert [problem.what.split()[1] for problem in error.value.problems] == [
        "meter",
        "CH-1",
        "MS",
    ]


@pytest.mark.parametrize(
    ("every", "ends", "month", "invoiced_with", "span"),
    [
        ("month", "2026-12-31", "2026-05", "2026-05", "2026-05"),
        ("quarter", "2026-12-31", "2026-05", "2026-06", None),
        ("quarter", "2026-12-31", "2026-06", "2026-06", "2026-Q2"),
        ("quarter", "2026-05-20", "2026-04", "2026-05", None),
        ("quarter", "2026-05-20", "2026-05", "2026-05", "2026-Q2"),
        ("year", "2026-12-31", "2026-11", "2026-12", None),
        ("year", "2026-12-31", "2026-12", "2026-12", "2026"),
        ("year", "2026-03-31", "2026-03", "2026-03", "2026"),
    ],
)
def test_the_months_that_an_invoice_charges(
    every: str, ends: str, month: str, invoiced_with: str, span: str | None
) -> None:
    change = {"invoicing": {"every": every}, "engagement": {"ends": ends}}
    contract, period = contract_of({"change": change}), Period.parse(month)
    assert invoice_month(contract, period).label == invoiced_with
    found = invoice_span(contract, period)
    assert (found.label if found else None) == span
