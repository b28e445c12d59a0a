"""Meters on small ledgers, from tests/cases/meters.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
import yaml

from billing.charges.values import Meter
from billing.metering.catalogue import load_meters
from billing.metering.definitions import MeterKind, parse_meter
from billing.metering.engine import drill_down_meter, read_late, read_meter
from billing.metering.names import base_of, meter_named
from billing.metering.rows import columns_of, identity_of, rows_found
from billing.metering.values import LateRows
from governance.errors import BadInput
from governance.values import Period
from sla.evidence.datasets import DATASETS
from sla.evidence.values import EvidenceDigest
from tests.paths import CASES
from tests.sla.kpis.ledgers import ledger_of, rows_of

# The base loader reads every scalar as text, so that no number passes through a float.
_CASES = yaml.load((CASES / "meters.yaml").read_bytes(), yaml.BaseLoader)  # noqa: S506 (makes texts only)
_EXPECTED = [(case["evidence"], expected) for case in _CASES for expected in case["expect"]]
_FEBRUARY = Period.month(2026, 2)
_INVOICE = "invoice_id, issue_date, due_date, amount\nI1, 2026-02-01, 2026-03-03, 200.00"


def _shown(meter: Meter) -> Any:
    if isinstance(meter, tuple):
        return [[each.amount, each.age_days, each.count] for each in meter]
    return dict(meter) if isinstance(meter, Mapping) else meter


def _wanted(expected: dict[str, Any]) -> Any:
    if "amounts" in expected:
        return [[Decimal(cell) for cell in row] for row in expected["amounts"]]
    if "roles" in expected:
        return {role: Decimal(fte) for role, fte in expected["roles"].items()}
    return Decimal(expected["quantity"])


@pytest.mark.parametrize(
    ("evidence", "expected"), _EXPECTED, ids=lambda value: value.get("meter", "")
)
def test_quantities(evidence: dict[str, str], expected: dict[str, Any]) -> None:
    tables = {name: rows_of(table) for name, table in evidence.items()}
    period = Period.parse(expected["period"])
    with ledger_of(tables) as ledger:
        meter, reading = read_meter(expected["meter"], ledger, period)
        page = drill_down_meter(expected["meter"], ledger, period)
    assert _shown(meter) == _wanted(expected)
    assert reading.meter == expected["meter"]
    assert reading.rows == int(expected["rows"]) == page.total == len(page.rows)


def test_every_meter_has_a_case() -> None:
    assert {base_of(expected["meter"]) for _, expected in _EXPECTED} == set(load_meters())


@pytest.mark.parametrize(
    ("evidence", "expected"), _EXPECTED, ids=lambda value: value.get("meter", "")
)
def test_the_single_rows_come_to_the_same(
    evidence: dict[str, str], expected: dict[str, Any]
) -> None:
    """What is left of a meter without one row, and that row as a late one, add up to all of it."""
    tables = {name: rows_of(table) for name, table in evidence.items()}
    name, period = expected["meter"], Period.parse(expected["period"])
    with ledger_of(tables) as ledger:
        whole, reading = read_meter(name, ledger, period)
        definition, part = meter_named(name)
        rows = [one.row for one in rows_found(definition, ledger, period, part)]
        assert len(set(rows)) == len(rows), "a row has to be known from all others"
        late, of_late = read_late(name, ledger, LateRows(period, period, tuple(rows)))
        assert (late, of_late.rows) == (whole, reading.rows)
        assert read_late(name, ledger, LateRows(period, period, ()))[1].rows == 0
        for row in rows[:5]:
            rest, shortened = read_meter(name, ledger, period, (row,))
            one, _ = read_late(name, ledger, LateRows(period, period, (row,)))
            assert shortened.left_out == 1
            assert _sum(rest) + _sum(one) == pytest.approx(_sum(whole), abs=Decimal("1e-10"))
            assert drill_down_meter(name, ledger, period, without=(row,)).total == len(rows) - 1


def _sum(meter: Meter) -> Decimal:
    if isinstance(meter, tuple):
        return sum((one.amount * one.count for one in meter), Decimal(0))
    return sum(meter.values(), Decimal(0)) if isinstance(meter, Mapping) else meter


@pytest.mark.parametrize("name", load_meters())
def test_the_drill_down_shows_what_rows_are_known_by(name: str) -> None:
    definition = load_meters()[name]
    with ledger_of(dict.fromkeys(definition.datasets, ())) as ledger:
        columns = columns_of(definition, ledger, _FEBRUARY)
    identity = identity_of(definition, columns)
    assert {*identity.names, *identity.amounts} <= set(columns)
    assert identity.names
    if identity.group:
        assert identity.day is not None or not definition.day


def test_a_part_of_a_meter_that_has_none() -> None:
    with ledger_of({"disputes": [], "invoices": rows_of(_INVOICE)}) as ledger:
        for name in ("disputes_resolved/price", "invoices_issued/"):
            with pytest.raises(BadInput, match="has no part"):
                read_meter(name, ledger, _FEBRUARY)
        with pytest.raises(BadInput, match=r"invoices\.channel, which no row states"):
            read_meter("invoices_issued/email", ledger, _FEBRUARY)


def test_a_reading_names_its_evidence_and_definition() -> None:
    with ledger_of({"invoices": rows_of(_INVOICE)}) as ledger:
        _, reading = read_meter("invoices_issued", ledger, _FEBRUARY)
    assert reading.evidence == (EvidenceDigest("invoices", "sha256 of invoices"),)
    assert reading.definition_sha256 == load_meters()["invoices_issued"].sha256


def test_converted_amounts_rest_on_the_rates_too() -> None:
    tables: dict[str, Any] = dict.fromkeys(("allocations", "invoices", "fx_rates"), ())
    with ledger_of(tables) as ledger:
        meter, reading = read_meter("cash_collected", ledger, _FEBRUARY)
    assert meter == ()
    assert [digest.dataset for digest in reading.evidence] == [
        "allocations",
        "invoices",
        "fx_rates",
    ]


def test_drill_down_pages() -> None:
    evidence = _CASES[0]["evidence"]
    with ledger_of({name: rows_of(table) for name, table in evidence.items()}) as ledger:
        page = drill_down_meter("invoices_issued", ledger, _FEBRUARY, offset=1, limit=1)
    assert page.total == 2
    assert [dict(zip(page.columns, row, strict=True))["invoice_id"] for row in page.rows] == ["I3"]


def test_an_unknown_meter_names_a_near_one_and_lists_all() -> None:
    with ledger_of({}) as ledger:
        with pytest.raises(BadInput, match=r"did you mean 'invoices_issued'\?") as near:
            read_meter("invoice_issued", ledger, _FEBRUARY)
        with pytest.raises(BadInput) as far:
            read_meter("widgets", ledger, _FEBRUARY)
    assert far.value.problems[0].what == "'widgets' is no meter that is counted from evidence"
    for error in (near, far):
        assert all(name in error.value.problems[0].allowed for name in load_meters())


@pytest.mark.parametrize("name", load_meters())
def test_a_dataset_that_was_not_handed_in_is_no_zero(name: str) -> None:
    with ledger_of({}) as ledger:
        for act in (read_meter, drill_down_meter):
            with pytest.raises(BadInput, match=f"meter {name} needs the dataset"):
                act(name, ledger, _FEBRUARY)


def test_a_column_that_no_row_states_is_no_zero() -> None:
    receipts = rows_of("receipt_id, received_at, amount\nR1, 2026-02-01 08:00:00, 5.00")
    with (
        ledger_of({"receipts": receipts}) as ledger,
        pytest.raises(BadInput, match=r"receipts\.posted_at"),
    ):
        read_meter("receipts_posted", ledger, _FEBRUARY)
    with ledger_of({"receipts": []}) as ledger:
        assert read_meter("receipts_posted", ledger, _FEBRUARY)[0] == 0


def test_every_definition_names_known_datasets() -> None:
    for definition in load_meters().values():
        assert set(definition.datasets) <= set(DATASETS)
        assert definition.kind in MeterKind


_FILE = """/* ---
title: T
kind: count
datasets: [invoices]
definition: D
source: S
drill_down: R
--- */
WITH
counted AS (SELECT * FROM invoices)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY invoice_id
"""


@pytest.mark.parametrize(
    ("replaced", "by", "message"),
    [
        ("-- figure", "-- number", "a section of the file is missing"),
        ("kind: count", "kind: sum", "front matter"),
        ("kind: count", "kind: [", "the front matter is not YAML"),
        ("source: S", "", "front matter"),
        ("ORDER BY invoice_id", "ORDER BY; SELECT 1", "SQL"),
        ("SELECT * FROM counted", "SELECT ( FROM counted", "the SQL can't be read"),
        ("FROM invoices", "FROM invoices WHERE issue_date > $since", r"\$since is not declared"),
    ],
)
def test_malformed_files(replaced: str, by: str, message: str) -> None:
    assert parse_meter("good", _FILE).kind is MeterKind.COUNT
    with pytest.raises(BadInput, match=message):
        parse_meter("bad", _FILE.replace(replaced, by))
