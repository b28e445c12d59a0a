"""Import profiles: foreign files become datasets, by rules and never by guesses."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.errors import BadInput
from sla.evidence.profiles import Profile, load_profile, read_profile, shipped_profiles
from sla.evidence.reading import read_evidence, require_clean
from sla.evidence.values import EvidenceSet
from tests.paths import SHARED_DATA
from tests.sla.evidence.handing_in import stored_rows, table, write_files

PROFILE = """
name: ledger
title: A ledger with German numbers
source:
  file: "ledger*.csv"
  columns: [No, Customer, Issued, Due, Gross, State, Paid]
  encoding: latin-1
  delimiter: ";"
date_format: "%d.%m.%Y"
decimal_mark: ","
thousands_mark: "."
rows: {column: State, one_of: [open, paid]}
tables:
  customers:
    distinct: true
    columns: {customer_id: Customer, country: {value: DE}}
  invoices:
    columns:
      invoice_id: {template: "INV-{No}"}
      customer_id: Customer
      issue_date: Issued
      due_date: Due
      currency: {value: EUR}
      amount: {column: Gross, round: 2}
      first_time_right: {column: State, codes: {open: "false", paid: "true"}}
  allocations:
    only_if: {column: Paid}
    columns:
      receipt_id: {template: "R-{No}"}
      invoice_id: {template: "INV-{No}"}
      amount: {column: Gross, round: 2}
      applied_on: Paid
"""
HEADING = "No;Customer;Issued;Due;Gross;State;Paid\n"


def read(tmp_path: Path, rows: str, profile: str = PROFILE, *, accept: bool = False) -> EvidenceSet:
    """Read a ledger's rows through a profile."""
    source = write_files(tmp_path / "in", {"ledger_1.csv": (HEADING + rows).encode("latin-1")})
    chosen = read_profile(profile.encode(), "profile.yaml")
    return read_evidence(source, tmp_path / "store", chosen, accept_rejections=accept)


def test_a_foreign_ledger(tmp_path: Path) -> None:
    evidence = read(
        tmp_path,
        "0017;Müller;28.02.2013;30.03.2013;1.234,5649999;paid;1.03.2013\n"
        "0018;Müller;01.03.2013;31.03.2013;99,995;open;\n"
        "0019;Meier;x;x;x;cancelled;\n",
    )
    assert evidence.rejections == ()
    first, second = stored_rows(table(evidence, "invoices"))
    assert (first["invoice_id"], first["customer_id"]) == ("INV-0017", "Müller")
    assert str(first["issue_date"]) == "2013-02-28"
    assert (str(first["amount"]), str(second["amount"])) == ("1234.56", "1E+2")
    assert (first["first_time_right"], second["first_time_right"]) == (True, False)
    assert [row["customer_id"] for row in stored_rows(table(evidence, "customers"))] == ["Müller"]
    assert [row["invoice_id"] for row in stored_rows(table(evidence, "allocations"))] == [
        "INV-0017"
    ]
    assert evidence.findings[0].message == (
        "ledger_1.csv: 1 of 3 rows are left out, for profile ledger reads only rows whose State "
        "is one of open, paid"
    )


def test_faults_are_shown_in_the_words_of_the_source(tmp_path: Path) -> None:
    evidence = read(
        tmp_path,
        "1;A;28.02.2013;30.03.2013;10,00;paid;01.03.2013\n"
        "2;A;2013-02-28;31.02.2013;1234.56;paid;01.03.2013\n"
        "3;A;1.2.13;30.03.2013;1.23,00;open;\n",
    )
    assert [(each.row, each.line, each.column, each.value) for each in evidence.rejections] == [
        (2, 3, "Issued", "2013-02-28"),
        (2, 3, "Due", "31.02.2013"),
        (2, 3, "Gross", "1234.56"),
        (3, 4, "Issued", "1.2.13"),
        (3, 4, "Gross", "1.23,00"),
    ]
    assert evidence.rejections[0].reason == "not a date of the form %d.%m.%Y"
    assert evidence.rejections[2].reason == "not a number of the form 1.234,56"
    assert evidence.rejected_rows == {"ledger_1.csv": 2}


def test_a_rejected_row_is_left_out_of_every_table(tmp_path: Path) -> None:
    rows = (
        "1;A;28.02.2013;x;10,00;paid;01.03.2013\n2;A;28.02.2013;30.03.2013;5,00;paid;01.03.2013\n"
    )
    evidence = read(tmp_path, rows, accept=True)
    assert [row["receipt_id"] for row in stored_rows(table(evidence, "allocations"))] == ["R-2"]
    assert table(evidence, "customers").rows == 1


def test_one_customer_with_two_countries_is_reported(tmp_path: Path) -> None:
    profile = PROFILE.replace("country: {value: DE}", "country: State")
    rows = "1;A;28.02.2013;30.03.2013;1,00;paid;\n2;A;28.02.2013;30.03.2013;1,00;open;\n"
    (rejection,) = read(tmp_path, rows, profile).rejections
    assert (rejection.row, rejection.column) == (2, "Customer")
    assert rejection.reason == "given twice; row 1 has other values"


def test_a_profile_in_the_folder_is_used(tmp_path: Path) -> None:
    rows = HEADING + "1;A;28.02.2013;30.03.2013;1,00;open;\n"
    files = {"profile.yaml": PROFILE, "ledger.csv": rows}
    evidence = read_evidence(write_files(tmp_path / "in", files), tmp_path / "store")
    assert table(evidence, "invoices").rows == 1


def test_the_file_must_be_there_and_have_the_columns(tmp_path: Path) -> None:
    profile = read_profile(PROFILE.encode(), "profile.yaml")
    source = write_files(tmp_path / "in", {"other.csv": "a\n1\n"})
    with pytest.raises(BadInput, match="no file is named as profile ledger says"):
        read_evidence(source, tmp_path / "store", profile)
    source = write_files(tmp_path / "in", {"ledger.csv": "No;Customer\n1;2\n"})
    with pytest.raises(BadInput, match="the column 'Issued' is missing, which profile ledger"):
        read_evidence(source, tmp_path / "store", profile)


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("title:", "titel:", 3, "unknown key 'titel', did you mean 'title'?"),
        ("%d.%m.%Y", "%d.%Q", 9, "not a date format; write one such as %d.%m.%Y"),
        ("latin-1", "latin-99", 7, "not a known character encoding; write utf-8 or latin-1"),
        ("latin-1", "rot13", 7, "not a known character encoding; write utf-8 or latin-1"),
        ("latin-1", "idna", 7, "not a known character encoding; write utf-8 or latin-1"),
        ("latin-1", "punycode", 7, "not a known character encoding; write utf-8 or latin-1"),
        ("latin-1", "undefined", 7, "not a known character encoding; write utf-8 or latin-1"),
        ("  invoices:", "  invoces:", 17, "unknown dataset, did you mean 'invoices'?"),
        (
            "due_date: Due",
            "due_dat: Due",
            22,
            "unknown column of invoices, did you mean 'due_date'?",
        ),
        ("due_date: Due", "channel: Due", 18, "has no rule for due_date"),
        (
            '{No}"}\n      customer_id',
            '{Nr}"}\n      customer_id',
            17,
            "'Nr' isn't among the source's columns",
        ),
        (
            "{value: EUR}",
            "{value: EUR, column: No}",
            23,
            "needs exactly one of column, template, value, first_of, remaining",
        ),
        (
            'thousands_mark: "."',
            'thousands_mark: ","',
            2,
            "decimal_mark and thousands_mark are the same",
        ),
        (
            "column: State, one_of",
            "column: Stat, one_of",
            12,
            "'Stat' isn't among the source's columns, did you mean 'State'?",
        ),
        (
            "Customer, country: {value: DE}",
            "{column: Customer, round: 2}",
            16,
            "only numbers can be rounded",
        ),
    ],
)
def test_mistakes_in_a_profile(old: str, new: str, line: int, what: str) -> None:
    assert old in PROFILE
    with pytest.raises(BadInput) as error:
        read_profile(PROFILE.replace(old, new, 1).encode(), "p.yaml")
    assert (line, what) in [(each.line, each.what) for each in error.value.problems]


def test_shipped_profiles_by_name_and_others_by_path(tmp_path: Path) -> None:
    for profile in shipped_profiles():
        assert load_profile(profile.name) is profile
    path = tmp_path / "own.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    assert isinstance(load_profile(str(path)), Profile)
    with pytest.raises(BadInput, match="did you mean 'ibm_late_payments'"):
        load_profile("ibm_late_payment")


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        (
            "ibm_late_payments.csv",
            {
                "customers": 100,
                "invoices": 2466,
                "receipts": 2466,
                "allocations": 2466,
                "disputes": 561,
            },
        ),
        (
            "highradius_closed.csv.gz",
            {"customers": 940, "invoices": 36824, "receipts": 36824, "allocations": 36824},
        ),
    ],
)
def test_real_ledgers_are_recognised_by_their_columns(
    file: str, rows: dict[str, int], tmp_path: Path
) -> None:
    evidence = require_clean(read_evidence(SHARED_DATA / file, tmp_path / "store"))
    assert {each.dataset: each.rows for each in evidence.files} == rows
    if "ibm" in file:
        first = stored_rows(table(evidence, "invoices"))[0]
        assert (first["invoice_id"], str(first["issue_date"])) == ("0000611365", "2013-01-02")


def test_a_chosen_profile_is_the_only_one_that_reads_foreign_files(tmp_path: Path) -> None:
    ledger = (HEADING + "0017;M;28.02.2013;30.03.2013;1,00;open;\n").encode()
    ibm = (SHARED_DATA / "ibm_late_payments.csv").read_bytes()
    files: dict[str, str | bytes] = {
        "ledger_1.csv": ledger,
        "other.csv": ibm,
        "surveys.csv": "response_id,answered_on,score,scale_max\nS1,2013-01-02,4,5\n",
    }
    source = write_files(tmp_path / "in", files)
    chosen = read_profile(PROFILE.encode(), "profile.yaml")
    evidence = read_evidence(source, tmp_path / "store", chosen)
    assert {file.source for file in evidence.files} == {"ledger_1.csv", "surveys.csv"}
    ignored = [each.message for each in evidence.findings if each.code == "file_ignored"]
    assert ignored == ["other.csv: is named after no dataset, and profile ledger reads another"]
    write_files(source, {"profile.yaml": PROFILE})
    assert read_evidence(source, tmp_path / "store").files == evidence.files
    (source / "profile.yaml").unlink()
    write_files(source, {"copy.csv": ibm})
    with pytest.raises(BadInput, match="several files hold customers"):
        read_evidence(source, tmp_path / "store")
