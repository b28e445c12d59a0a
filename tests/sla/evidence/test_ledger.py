"""The ledger: typed views, one currency, and nothing else within reach of a query."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import BadInput
from governance.values import round_half_up
from sla.evidence.datasets import DATASETS
from sla.evidence.instants import timestamp_columns, utc_name
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.evidence.values import EvidenceFile
from tests.sla.evidence.handing_in import INVOICE, INVOICES_HEADING, write_files

FILES = {
    "invoices.csv": INVOICES_HEADING
    + "I1,C1,2013-01-02,2013-02-01,USD,100.00\nI2,C1,2013-01-03,2013-02-01,EUR,50.00\n",
    "receipts.csv": "receipt_id,customer_id,received_at,currency,amount\n"
    "R1,C1,2013-01-20T23:00:00,USD,100.00\nR2,C1,2013-01-21,EUR,20.00\n",
    "allocations.csv": "receipt_id,invoice_id,amount,applied_on\n"
    "R1,I1,33.33,2013-01-20\nR1,I1,33.33,2013-01-20\nR2,I2,20.00,2013-01-21\n",
    "adjustments.csv": "adjustment_id,invoice_id,kind,amount,effective_on\n"
    "A1,I1,discount,33.34,2013-01-22\n",
    "disputes.csv": "dispute_id,invoice_id,opened_at,amount\n"
    "D1,I1,2013-01-05,10.00\nD2,I2,2013-01-05,\n",
    "fx_rates.csv": "on,from,to,rate\n2013-01-02,USD,EUR,0.7583\n2013-01-20,USD,EUR,0.75\n",
}


def hand_in(folder: Path, files: dict[str, str]) -> tuple[EvidenceFile, ...]:
    """Stored tables of small files."""
    source = write_files(folder / "in", files)
    return require_clean(read_evidence(source, folder / "store")).files


def amounts(ledger: Ledger, dataset: str) -> list[str]:
    """The amounts of a dataset, in no order."""
    found = ledger.connection.execute(f"SELECT amount FROM {dataset}").fetchall()  # noqa: S608
    return [f"{amount:.2f}" for (amount,) in found if amount is not None]


def test_every_dataset_is_a_view_with_its_types(tmp_path: Path) -> None:
    with open_ledger(hand_in(tmp_path, {"invoices.csv": INVOICES_HEADING + INVOICE})) as ledger:
        for name, dataset in DATASETS.items():
            described = ledger.connection.execute(f"DESCRIBE {name}").fetchall()
            assert [(row[0], row[1]) for row in described] == [
                *((column.name, column.sql_type) for column in dataset.columns),
                *((utc_name(name), "TIMESTAMP") for name in timestamp_columns(dataset)),
            ]
        assert (ledger.currency, ledger.handed_in) == ("EUR", frozenset({"invoices"}))
        assert ledger.digests["invoices"].dataset == "invoices"


def test_an_empty_ledger_has_no_currency() -> None:
    with open_ledger([]) as ledger:
        assert (ledger.currency, ledger.handed_in, ledger.warnings) == ("XXX", frozenset(), ())


def test_nothing_else_is_within_reach(tmp_path: Path) -> None:
    files = hand_in(tmp_path, {"invoices.csv": INVOICES_HEADING + INVOICE})
    (tmp_path / "other.csv").write_text("a\n1\n", encoding="utf-8")
    with open_ledger(files) as ledger:
        for query in (
            f"FROM read_csv('{tmp_path}/other.csv')",
            f"COPY invoices TO '{tmp_path}/out.csv'",
            f"COPY invoices TO '{files[0].path}'",
            f"ATTACH '{tmp_path}/out.db'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                ledger.connection.execute(query)
        assert ledger.connection.execute("SELECT count(*) FROM invoices").fetchone() == (1,)


def test_amounts_are_converted_and_paid_items_reach_zero(tmp_path: Path) -> None:
    with open_ledger(hand_in(tmp_path, FILES), "EUR") as ledger:
        assert sorted(amounts(ledger, "invoices")) == ["50.00", "75.83"]
        assert sorted(amounts(ledger, "receipts")) == ["20.00", "75.00"]
        # 33.33 × 0.7583 is 25.27, but 2 × 33.33 is 50.55 and the whole 75.83.
        assert sorted(amounts(ledger, "allocations")) == ["20.00", "25.27", "25.28"]
        assert amounts(ledger, "adjustments") == ["25.28"]
        assert amounts(ledger, "disputes") == ["7.58"]
        currencies = ledger.connection.execute("SELECT DISTINCT currency FROM invoices").fetchall()
        assert (ledger.currency, currencies) == ("EUR", [("EUR",)])


def test_several_currencies_need_a_choice(tmp_path: Path) -> None:
    files = hand_in(tmp_path, FILES)
    with pytest.raises(BadInput, match="the evidence holds several currencies; found EUR, USD"):
        open_ledger(files).__enter__()
    with pytest.raises(BadInput, match="unknown currency 'EURO'"):
        open_ledger(files, "EURO").__enter__()


def test_missing_rates_are_counted_by_pair(tmp_path: Path) -> None:
    files = hand_in(tmp_path, FILES | {"fx_rates.csv": "on,from,to,rate\n2013-01-02,USD,EUR,0.7\n"})
    with pytest.raises(BadInput) as error:
        open_ledger(files, "EUR").__enter__()
    assert [each.what for each in error.value.problems] == [
        "no exchange rate from USD to EUR on 2013-01-20"
    ]
    with pytest.raises(BadInput, match="from EUR to USD on 2 dates, the first of them 2013-01-03;"):
        open_ledger(files, "USD").__enter__()


def test_settlements_of_unknown_invoices_have_no_currency(tmp_path: Path) -> None:
    files = {name: FILES[name] for name in ("receipts.csv", "allocations.csv", "fx_rates.csv")}
    with pytest.raises(BadInput, match="2 invoices that allocations or adjustments name"):
        open_ledger(hand_in(tmp_path, files), "EUR").__enter__()


def test_a_table_twice_and_a_table_gone(tmp_path: Path) -> None:
    first = hand_in(tmp_path / "a", {"invoices.csv": INVOICES_HEADING + INVOICE})
    second = hand_in(
        tmp_path / "b", {"invoices.csv": INVOICES_HEADING + INVOICE.replace("I1", "I2")}
    )
    with pytest.raises(BadInput, match="two files hold invoices"):
        open_ledger([*first, *second]).__enter__()
    first[0].path.unlink()
    with pytest.raises(BadInput, match="isn't in the store any more"):
        open_ledger(first).__enter__()


@settings(max_examples=10)
@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    st.decimals(Decimal("0.0001"), 300, places=6),
)
def test_parts_of_an_invoice_add_up_in_any_currency(parts: list[int], rate: Decimal) -> None:
    cents = [Decimal(part).scaleb(-2) for part in parts]
    rows = "".join(f"R1,I1,{part},2013-01-20\n" for part in cents)
    files = {
        "invoices.csv": INVOICES_HEADING + f"I1,C1,2013-01-02,2013-02-01,USD,{sum(cents)}\n",
        "allocations.csv": "receipt_id,invoice_id,amount,applied_on\n" + rows,
        "fx_rates.csv": f"on,from,to,rate\n2013-01-02,USD,EUR,{rate:f}\n",
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        open_ledger(hand_in(Path(folder), files), "EUR") as ledger,
    ):
        query = "SELECT (SELECT sum(amount) FROM allocations), (SELECT sum(amount) FROM invoices)"
        found = ledger.connection.execute(query).fetchone()
        assert found == (round_half_up(sum(cents) * rate, 2),) * 2
