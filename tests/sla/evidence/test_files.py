"""Files that can't be used as a whole, and the formats that can."""

# ruff: noqa: S608 (Queries name the test's own temporary files.)

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import pytest

from governance.errors import BadInput, Problem
from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.limits import Limits, limited, limits
from sla.evidence.reading import read_evidence, require_clean
from sla.evidence.sources import Opening, open_source
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from tests.sla.evidence.handing_in import INVOICE, INVOICES_HEADING, stored_rows, table, write_files

INVOICES = INVOICES_HEADING + INVOICE


def problems_of(folder: Path) -> list[Problem]:
    """What is wrong with a hand-in of which nothing can be stored."""
    with pytest.raises(BadInput) as error:
        read_evidence(folder, folder.parent / "store")
    assert not (folder.parent / "store").exists()
    return list(error.value.problems)


def zip_of(members: dict[str, bytes]) -> bytes:
    """A zip archive with the members given."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("invoices.csv", b"", "is empty"),
        ("invoices.csv", b"\n\n", "is empty"),
        ("invoices.csv", INVOICES_HEADING.encode(), "has a heading but no rows"),
        ("invoices.csv", INVOICES.encode("utf-16"), "looks like UTF-16 text"),
        ("invoices.csv", INVOICES.encode("utf-16-be"), "looks like UTF-16 text"),
        ("invoices.csv.gz", gzip.compress(INVOICES.encode("utf-16-le")), "looks like UTF-16 text"),
        ("invoices.csv", b"a,b\n1,\0\n", "isn't text"),
        ("invoices.csv", bytes(range(1, 256)), "isn't text"),
        ("invoices.parquet", b"", "is empty"),
        ("invoices.xlsx", b"", "is empty"),
        (
            "invoices.parquet",
            INVOICES.encode(),
            "isn't a Parquet file, as its name says",
        ),
        ("invoices.parquet", b"PAR1xxxxPAR1", "can't be read as Parquet"),
        (
            "invoices.xlsx",
            INVOICES.encode(),
            "isn't an Excel workbook, as its name says",
        ),
        ("invoices.xlsx", b"PK\x03\x04cut off", "isn't an Excel workbook"),
        (
            "invoices.xlsx",
            zip_of({"invoices.csv": INVOICES.encode()}),
            "is a zip archive but no Excel workbook",
        ),
        (
            "invoices.csv",
            zip_of({"invoices.csv": INVOICES.encode()}),
            "isn't CSV text, as its name says, but looks like an Excel workbook",
        ),
        (
            "invoices.csv",
            gzip.compress(INVOICES.encode()),
            "isn't CSV text, as its name says, but looks like gzip-compressed CSV",
        ),
        (
            "invoices.csv.gz",
            gzip.compress(INVOICES.encode() * 50)[:-20],
            "the compressed data is damaged or cut off",
        ),
        (
            "invoices.csv",
            INVOICES.replace("due_date", "issue_date").encode(),
            "the heading names this column twice",
        ),
    ],
)
def test_unusable_files(name: str, content: bytes, what: str, tmp_path: Path) -> None:
    problem = problems_of(write_files(tmp_path / "in", {name: content}))[0]
    assert (problem.file, problem.what) == (name, what)


def test_every_missing_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    content = "invoice_id,customer,issue_date,duedate,currency,amount\n" + INVOICE
    problems = problems_of(write_files(tmp_path / "in", {"invoices.csv": content}))
    assert [problem.what for problem in problems] == [
        "the column 'customer_id' is missing",
        "the column 'due_date' is missing",
    ]
    assert problems[1].allowed == "rename 'duedate' to 'due_date'"
    assert problems[1].found == "invoice_id, customer, issue_date, duedate, currency, amount"


def test_problems_of_all_files_are_listed(tmp_path: Path) -> None:
    files = {"invoices.csv": "a,b\n1,2\n", "receipts.parquet": "", "customers.csv": ""}
    problems = problems_of(write_files(tmp_path / "in", files))
    assert {problem.file for problem in problems} == set(files)


def test_two_files_for_one_dataset(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"invoices.csv": INVOICES}
    files["invoices.csv.gz"] = gzip.compress(INVOICES.encode())
    (problem,) = problems_of(write_files(tmp_path / "in", files))
    assert problem.what == "several files hold invoices"
    assert problem.found == "invoices.csv, invoices.csv.gz"


def test_a_misspelt_name_is_ignored_with_a_finding(tmp_path: Path) -> None:
    files = {"invoices.csv": INVOICES, "receits.csv": "a\n1\n", "notes.txt": "x", ".hidden": "x"}
    evidence = read_evidence(write_files(tmp_path / "in", files), tmp_path / "store")
    ignored = [each.message for each in evidence.findings if each.code == "file_ignored"]
    assert len(ignored) == 2
    assert ignored[1].startswith("receits.csv: is named after no dataset, did you mean 'receipts'?")


def test_nothing_known_in_a_folder(tmp_path: Path) -> None:
    problems = problems_of(write_files(tmp_path / "in", {"receits.csv": "a,b\n1,2\n"}))
    assert problems[0].what == "no evidence in folder 'in'"
    assert problems[1].file == "receits.csv"


def test_no_such_folder_and_unknown_zone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file or folder"):
        read_evidence(tmp_path / "none", tmp_path / "store")
    with pytest.raises(BadInput, match="unknown time zone"):
        read_evidence(tmp_path, tmp_path / "store", time_zone="Europe/Berlyn")


def workbook_of(*rows: list[object]) -> bytes:
    """An Excel workbook with one sheet."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def test_a_workbook_keeps_zeros_days_and_numbers(tmp_path: Path) -> None:
    heading: list[object] = [*INVOICES_HEADING.strip().split(","), "delivered_at"]
    day, due = dt.date(2013, 1, 2), dt.datetime(2013, 2, 1)  # noqa: DTZ001 (Excel knows no zones)
    data = workbook_of(
        heading,
        ["0001", 17.0, day, due, "EUR", 1234.56 + 2e-13, dt.datetime(2013, 1, 2, 14, 30)],  # noqa: DTZ001
        [None] * 7,
        ["0002", "17", "2013-01-02", "31/02/2013", "EUR", "1.234,56", None],
    )
    source = write_files(tmp_path / "in", {"invoices.xlsx": data})
    evidence = read_evidence(source, tmp_path / "store", accept_rejections=True)
    (row,) = stored_rows(table(evidence, "invoices"))
    assert (row["invoice_id"], row["customer_id"]) == ("0001", "17")
    assert (row["issue_date"], row["due_date"]) == (day, due.date())
    assert str(row["amount"]) == "1234.56"
    assert row["delivered_at"] == dt.datetime(2013, 1, 2, 14, 30)  # noqa: DTZ001
    assert [(each.row, each.line, each.sheet, each.column) for each in evidence.rejections] == [
        (3, 4, "Sheet", "due_date"),
        (3, 4, "Sheet", "amount"),
    ]


def test_rows_of_a_sheet_are_counted_as_its_program_does(tmp_path: Path) -> None:
    lines = INVOICES.replace("EUR", "EURO").splitlines()
    rows: list[list[object]] = [[*line.split(",")] for line in lines]
    source = write_files(tmp_path / "in", {"invoices.xlsx": workbook_of([], [], *rows)})
    evidence = read_evidence(source, tmp_path / "store")
    (rejection,) = evidence.rejections
    assert (rejection.row, rejection.line) == (1, 4)
    with pytest.raises(BadInput, match=r"^invoices.xlsx, sheet Sheet, line 4, row 1, currency: "):
        require_clean(evidence)


_HEADING = "dispute_id,invoice_id,opened_at"


def _empty_parquet(folder: Path) -> bytes:
    columns = ", ".join(f"'' AS {name}" for name in _HEADING.split(","))
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {columns} LIMIT 0) TO '{folder / 'empty'}' (FORMAT parquet)"
        )
    return (folder / "empty").read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".xlsx", ".parquet"])
def test_a_heading_without_rows_is_handed_in_and_empty(suffix: str, tmp_path: Path) -> None:
    name = f"disputes{suffix}"
    content = {
        ".csv": _HEADING.encode(),
        ".csv.gz": gzip.compress(f"{_HEADING}\n".encode()),
        ".xlsx": workbook_of([*_HEADING.split(",")]),
        ".parquet": _empty_parquet(tmp_path),
    }[suffix]
    source = write_files(tmp_path / "in", {"invoices.csv": INVOICES, name: content})
    evidence = read_evidence(source, tmp_path / "store")
    assert table(evidence, "disputes").rows == 0
    assert f"{name} has a heading but no rows" in [each.message for each in evidence.findings]
    with open_ledger(evidence.files) as ledger:
        assert "disputes" in ledger.handed_in
        figures = [
            run_kpi(load_catalogue()[kpi], ledger, Period.month(2013, month), {}).value
            for kpi in ("dispute_rate", "dispute_resolution_time")
            for month in (1, 2)
        ]
    assert figures == [0, None, None, None]


def test_problems_of_a_single_file_call_it_as_the_caller_does(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", {"invoices.csv": INVOICES.replace("EUR", "EURO")})
    shown = "in/invoices.csv"
    evidence = read_evidence(source / "invoices.csv", tmp_path / "store", file=shown)
    assert [each.file for each in evidence.rejections] == [shown]
    assert evidence.rejected_rows == {shown: 1}
    (source / "invoices.csv").write_bytes(b"")
    with pytest.raises(BadInput, match=r"^in/invoices.csv: is empty"):
        read_evidence(source / "invoices.csv", tmp_path / "store", file=shown)


def test_messages_hold_no_control_characters() -> None:
    assert str(Problem("wrong", "a.csv", found="a\0\x1b[1m\n")) == (
        r"a.csv: wrong; found a\x00\x1b[1m\n"
    )


def test_archives_that_would_burst(tmp_path: Path) -> None:
    files = {"invoices.xlsx": zip_of({"[Content_Types].xml": b"0" * 1_000_000, "../x": b"x"})}
    problems = problems_of(write_files(tmp_path / "in", files))
    assert [problem.what for problem in problems] == [
        "unpacks to more than 100 times its size",
        "holds a part whose path leads out of the archive",
    ]
    with limited(Limits(workbook_bytes=10, workbook_parts=1)):
        problems = problems_of(tmp_path / "in")
    assert [problem.what for problem in problems][:2] == [
        "holds 2 parts; at most 1 are read",
        "unpacks to 1000001 bytes; at most 10 are read",
    ]


def test_a_compressed_file_that_would_fill_the_disk(tmp_path: Path) -> None:
    bomb = gzip.compress(INVOICES.encode() + b"\n" * limits().small_bytes)
    (problem,) = problems_of(write_files(tmp_path / "in", {"invoices.csv.gz": bomb}))
    assert problem.what == "unpacks to more than 100 times its size"


@pytest.mark.parametrize("name", ["invoices.csv", "invoices.csv.gz", "invoices.parquet"])
def test_the_same_rows_give_the_same_digest(name: str, tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_files(source, {})
    rows = 300_000
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 'I' || i AS invoice_id, 'C' || i % 7 AS customer_id, "
            "DATE '2013-01-02' AS issue_date, DATE '2013-02-01' AS due_date, 'EUR' AS currency, "
            f"CAST(i AS DECIMAL(18, 4)) AS amount FROM range({rows}) AS t(i)) TO '{source / name}'"
        )
    first, second = (table(read_evidence(source, tmp_path / "store"), "invoices") for _ in range(2))
    assert first == second
    assert first.path.name == f"{first.sha256}.parquet"
    assert len(list((tmp_path / "store").iterdir())) == 1
    assert [row["invoice_id"] for row in stored_rows(first)] == [f"I{i}" for i in range(rows)]


def test_strange_file_names(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "a [b] it's*?", {"invoices.csv": INVOICES})
    evidence = read_evidence(folder, folder / "st[o]re")
    assert table(evidence, "invoices").rows == 1


def test_timestamps_become_local_time(tmp_path: Path) -> None:
    content = (
        "dispute_id,invoice_id,opened_at,resolved_at\n"
        "D1,I1,2013-07-01T23:30:00Z,2013-12-01T23:30:00.5-05:00\n"
        "D2,I1,2013-07-01 23:30,2013-07-02\n"
    )
    source = write_files(tmp_path / "in", {"disputes.csv": content})
    evidence = read_evidence(source, tmp_path / "store", time_zone="Europe/Berlin")
    first, second = stored_rows(table(evidence, "disputes"))
    assert str(first["opened_at"]) == "2013-07-02 01:30:00"
    assert str(first["resolved_at"]) == "2013-12-02 05:30:00.500000"
    assert str(second["opened_at"]) == "2013-07-01 23:30:00"
    assert str(second["resolved_at"]) == "2013-07-02 00:00:00"


def test_parquet_with_other_types(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", {})
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT * FROM (VALUES (7, 'C1', TIMESTAMP '2013-01-02', DATE '2013-02-01', "
            "'EUR', 12.5::DOUBLE), (8, 'C1', TIMESTAMP '2013-01-02 10:00:00', 'infinity', 'EUR', "
            "'nan'::DOUBLE), (9, ' ', TIMESTAMP '2013-01-02', DATE '2013-02-01', 'EUR', -1)) AS "
            "t(invoice_id, customer_id, issue_date, due_date, currency, amount)) "
            f"TO '{source / 'invoices.parquet'}'"
        )
    evidence = read_evidence(source, tmp_path / "store", accept_rejections=True)
    (row,) = stored_rows(table(evidence, "invoices"))
    assert (row["invoice_id"], str(row["amount"])) == ("7", "12.5")
    assert [(each.row, each.column) for each in evidence.rejections] == [
        (2, "issue_date"),
        (2, "due_date"),
        (2, "amount"),
        (3, "customer_id"),
        (3, "amount"),
    ]


def test_references_may_lead_to_tables_handed_in_earlier(tmp_path: Path) -> None:
    store = tmp_path / "store"
    earlier = read_evidence(write_files(tmp_path / "1", {"invoices.csv": INVOICES}), store)
    heading = "receipt_id,invoice_id,amount,applied_on\n"
    rows = "R1,I1,10,2013-02-01\nR2,I9,10,2013-02-01\n"
    later = write_files(tmp_path / "2", {"allocations.csv": heading + rows})
    evidence = read_evidence(later, store, known=earlier.files)
    (rejection,) = evidence.rejections
    assert (rejection.row, rejection.column, rejection.value) == (2, "invoice_id", "I9")
    assert [finding.code for finding in evidence.findings] == ["reference_not_checked"]
    assert "receipts" in evidence.findings[0].message


def test_a_correction_that_orphans_and_shrinks(tmp_path: Path) -> None:
    store = tmp_path / "store"
    rows = "".join(INVOICE.replace("I1", f"I{number}") for number in range(1, 5))
    paid = "receipt_id,invoice_id,amount,applied_on\nR1,I1,10,2013-02-01\nR2,I2,10,2013-02-01\n"
    files = {"invoices.csv": INVOICES_HEADING + rows, "allocations.csv": paid}
    earlier = read_evidence(write_files(tmp_path / "1", files), store)
    corrected = write_files(tmp_path / "2", {"invoices.csv": INVOICES})
    evidence = read_evidence(corrected, store, known=earlier.files)
    assert [(each.code, each.dataset, each.message) for each in evidence.findings[-2:]] == [
        ("table_shrinks", "invoices", "1 row of invoices takes the place of 4"),
        (
            "references_orphaned",
            "allocations",
            "1 row of allocations refers to invoices that this file doesn't hold",
        ),
    ]
    again = read_evidence(tmp_path / "1", store, known=earlier.files)
    assert not {each.code for each in again.findings} & {"table_shrinks", "references_orphaned"}


def test_stored_evidence_is_read_under_the_name_of_its_download(tmp_path: Path) -> None:
    first = read_evidence(write_files(tmp_path / "1", {"invoices.csv": INVOICES}), tmp_path / "a")
    stored = table(first, "invoices")
    name = f"invoices-{stored.sha256[:12]}.parquet"
    source = write_files(tmp_path / "2", {name: stored.path.read_bytes()})
    assert table(read_evidence(source, tmp_path / "b"), "invoices").sha256 == stored.sha256


def test_utf_16_without_its_mark_is_refused(tmp_path: Path) -> None:
    path = write_files(tmp_path / "in", {"a.csv": INVOICES.encode("utf-16-be")}) / "a.csv"
    with pytest.raises(BadInput, match=r"a\.csv: isn't UTF-16 text"):
        open_source(path, tmp_path, Opening("utf-16"))
