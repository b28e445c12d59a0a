"""Proposed profiles: what a file decides is found, what it leaves open is asked."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from governance.errors import BadInput
from sla.evidence.ledger import open_ledger
from sla.evidence.profiles import Profile, load_profile, read_profile
from sla.evidence.proposal import Answers, Confidence, Proposal, profile_yaml, propose
from sla.evidence.reading import read_evidence
from tests.paths import SHARED_DATA
from tests.sla.evidence.handing_in import stored_rows, table, write_files

INVOICE_FIGURES = "SELECT invoice_id, issue_date, due_date, amount FROM invoices ORDER BY ALL"
PAID_FIGURES = "SELECT invoice_id, amount, applied_on FROM allocations ORDER BY ALL"
DISPUTED = "SELECT invoice_id, amount, CAST(opened_at AS DATE) FROM disputes ORDER BY ALL"
HEADING = "Invoice No,Customer,Date,Due date,Amount,Currency\n"


def proposed(
    tmp_path: Path, content: str | bytes, name: str = "list.csv", **given: str
) -> Proposal:
    """What is proposed for a file."""
    folder = write_files(tmp_path / "in", {name: content})
    return propose(folder / name, Answers({key.replace("__", "."): given[key] for key in given}))


def figures(file: Path, profile: Profile, store: Path) -> Sequence[Sequence[tuple[object, ...]]]:
    """Everything that KPIs of invoices, payments and disputes are made of."""
    evidence = read_evidence(file, store, profile, accept_rejections=True)
    with open_ledger(evidence.files, "USD" if "closed" not in file.name else None) as ledger:
        queries = (INVOICE_FIGURES, PAID_FIGURES, DISPUTED)
        return [ledger.execute(query, {}).rows for query in queries]


@pytest.mark.parametrize(
    ("file", "answers", "shipped"),
    [
        ("ibm_late_payments.csv", {"currency": "USD"}, "ibm_late_payments"),
        ("highradius_closed.csv.gz", {"only_currency": "USD"}, "highradius_closed"),
        ("highradius_open_items.csv.gz", {"only_currency": "USD"}, "sap_open_items"),
    ],
)
def test_with_the_right_answers_the_figures_are_those_of_the_shipped_profile(
    file: str, answers: Mapping[str, str], shipped: str, tmp_path: Path
) -> None:
    path = SHARED_DATA / file
    proposal = propose(path, Answers({"shipped": "none", **answers}))
    assert proposal.profile is not None
    known = load_profile(shipped)
    if shipped == "sap_open_items":
        only = proposal.profile.rows
        known = known.model_copy(update={"rows": only})
    found = figures(path, proposal.profile, tmp_path / "a")
    assert found == figures(path, known, tmp_path / "b")
    assert len(found[0]) > 2_000


@pytest.mark.parametrize(
    ("file", "shipped"),
    [
        ("ibm_late_payments.csv", "ibm_late_payments"),
        ("highradius_closed.csv.gz", "highradius_closed"),
        ("highradius_open_items.csv.gz", "sap_open_items"),
        ("traffic_fines_events.csv.gz", "traffic_fines_events"),
    ],
)
def test_a_known_file_is_recognised(file: str, shipped: str) -> None:
    proposal = propose(SHARED_DATA / file)
    assert (proposal.profile, proposal.questions) == (load_profile(shipped), ())


def test_a_list_of_events_is_named_as_such() -> None:
    proposal = propose(SHARED_DATA / "traffic_fines_events.csv.gz", Answers({"shipped": "none"}))
    assert proposal.profile is None
    row = proposal.choice("row")
    assert row is not None
    assert row.chosen == "event"
    assert "a list of events needs a profile" in proposal.missing[0]


def test_excel_dates_and_lost_zeros(tmp_path: Path) -> None:
    path = SHARED_DATA / "messy_excel_dates_lost_zeros.csv.gz"
    proposal = propose(path)
    padded = proposal.choice("pad.customer_id")
    assert padded is not None
    assert (padded.chosen, padded.confidence) == ("10", Confidence.UNSURE)
    assert padded.options[0].preview[0].gives.startswith("0")
    stated = proposal.choice("date_format.posting_date")
    assert stated is not None
    assert stated.chosen == "%d-%m-%Y"
    assert proposal.profile is not None
    evidence = read_evidence(path, tmp_path / "store", proposal.profile)
    assert evidence.rejections == ()
    rows = stored_rows(table(evidence, "invoices"))
    with gzip.open(path, "rt") as stream:
        total = sum(Decimal(line.rstrip("\n").rsplit(",", 1)[1]) for line in list(stream)[1:])
    assert sum(row["amount"] for row in rows) == total
    assert str(rows[0]["issue_date"]) == "2020-03-30"
    assert rows[0]["customer_id"] == "0140105686"


def test_the_copy_with_swapped_dates_is_readable(tmp_path: Path) -> None:
    path = SHARED_DATA / "messy_day_month_swapped.csv.gz"
    profile = propose(path, Answers({"row": "open_item"})).profile
    assert profile is not None
    evidence = read_evidence(path, tmp_path / "store", profile, accept_rejections=True)
    with open_ledger(evidence.files) as ledger:
        assert "day_and_month_swapped" in {finding.code for finding in ledger.warnings}


def test_dates_that_fit_both_ways_are_asked_with_what_each_gives(tmp_path: Path) -> None:
    rows = "1,A,03/04/2020,13/05/2020,1.50,EUR\n2,B,01/02/2020,20/03/2020,2.00,EUR\n"
    proposal = proposed(tmp_path, HEADING + rows)
    assert proposal.profile is None
    (question,) = proposal.questions
    assert question.key == "date_format.Date"
    shown = {each.value: [one.gives for one in each.preview] for each in question.options}
    assert shown == {
        "%d/%m/%Y": ["3 April 2020", "1 February 2020"],
        "%m/%d/%Y": ["4 March 2020", "2 January 2020"],
    }
    answered = propose(tmp_path / "in/list.csv", Answers({"date_format.Date": "%m/%d/%Y"}))
    assert answered.profile is not None
    evidence = read_evidence(tmp_path / "in/list.csv", tmp_path / "store", answered.profile)
    assert [str(row["issue_date"]) for row in stored_rows(table(evidence, "invoices"))] == [
        "2020-03-04",
        "2020-01-02",
    ]


def test_two_ways_of_writing_dates_in_one_column_name_their_rows(tmp_path: Path) -> None:
    rows = "1,A,25/04/2020,2020-05-13,1.50,EUR\n2,B,2020-04-03,2020-05-13,2.00,EUR\n"
    proposal = proposed(tmp_path, HEADING + rows)
    assert [choice.key for choice in proposal.questions] == ["date_format.Date"]
    (trouble,) = proposal.troubles
    assert trouble.column == "Date"
    assert len(trouble.rows) == 1


def test_a_german_list(tmp_path: Path) -> None:
    content = (
        "Rechnungsnr;Kunde;Rechnungsdatum;Fällig am;Betrag;Währung\n"
        "R1;Müller;28.02.2020;30.03.2020;1.234,50;EUR\nR2;Groß;01.02.2020;03.04.2020;99,00;EUR\n"
    )
    proposal = proposed(tmp_path, content.encode("cp1252"))
    assert proposal.questions == ()
    profile = proposal.profile
    assert profile is not None
    assert (profile.source.encoding, profile.source.delimiter) == ("cp1252", ";")
    assert (profile.decimal_mark, profile.thousands_mark) == (",", ".")
    evidence = read_evidence(tmp_path / "in/list.csv", tmp_path / "store", profile)
    rows = stored_rows(table(evidence, "invoices"))
    assert [(row["customer_id"], row["amount"]) for row in rows] == [
        ("Müller", Decimal("1234.5")),
        ("Groß", Decimal(99)),
    ]


def test_numbers_that_fit_both_ways_are_asked(tmp_path: Path) -> None:
    rows = "1,A,2020-03-04,2020-05-13,1.500,EUR\n2,B,2020-01-02,2020-03-20,2.000,EUR\n"
    (question,) = proposed(tmp_path, HEADING + rows).questions
    assert question.key == "decimal_mark"
    assert {each.value for each in question.options} >= {".", ",."}


def test_a_report_with_lines_above_and_a_total_below(tmp_path: Path) -> None:
    content = (
        "Open invoices,,,\nas of 31 May 2020,,,\n\nInvoice No,Customer,Date,Amount\n"
        "1,A,2020-05-13,10.50\n2,B,2020-05-03,1.20\nTotal,,,11.70\n"
    )
    proposal = proposed(tmp_path, content, currency="EUR", due_days="30")
    profile = proposal.profile
    assert profile is not None
    assert profile.source.heading_line == 4
    evidence = read_evidence(tmp_path / "in/list.csv", tmp_path / "store", profile)
    rows = stored_rows(table(evidence, "invoices"))
    assert [(row["invoice_id"], str(row["due_date"])) for row in rows] == [
        ("1", "2020-06-12"),
        ("2", "2020-06-02"),
    ]
    assert evidence.findings[0].code == "rows_left_out"


@pytest.mark.parametrize(
    ("sign", "amounts"), [("left_out", ["10"]), ("absolute", ["10", "3"]), ("reversed", [])]
)
def test_amounts_below_zero_are_asked(sign: str, amounts: list[str], tmp_path: Path) -> None:
    rows = "1,A,2020-03-14,2020-05-13,10.00,EUR\n2,B,2020-01-22,2020-03-20,-3.00,EUR\n"
    assert [each.key for each in proposed(tmp_path, HEADING + rows).questions] == ["sign"]
    profile = propose(tmp_path / "in/list.csv", Answers({"sign": sign})).profile
    assert profile is not None
    evidence = read_evidence(tmp_path / "in/list.csv", tmp_path / "store", profile)
    if sign == "reversed":
        assert [each.row for each in evidence.rejections] == [1]
        return
    rows_read = stored_rows(table(evidence, "invoices"))
    assert [f"{row['amount']:f}" for row in rows_read] == amounts


def test_the_fullest_sheet_is_taken(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    workbook.active.append(["Notes"])
    sheet = workbook.create_sheet("Items")
    sheet.append(HEADING.strip().split(","))
    sheet.append(["0017", "A", "2020-03-14", "2020-04-13", "10.00", "EUR"])
    path = tmp_path / "book.xlsx"
    workbook.save(path)
    profile = propose(path).profile
    assert profile is not None
    assert profile.source.sheet == "Items"
    evidence = read_evidence(path, tmp_path / "store", profile)
    assert [row["invoice_id"] for row in stored_rows(table(evidence, "invoices"))] == ["0017"]


def test_the_document_reads_back_as_the_same_profile() -> None:
    for name in ("traffic_fines_events", "highradius_closed", "sap_open_items"):
        profile = load_profile(name)
        assert read_profile(profile_yaml(profile), "p.yaml") == profile


def test_an_answer_that_is_not_allowed(tmp_path: Path) -> None:
    rows = "1,A,2020-03-14,2020-05-13,10.00,EUR\n"
    with pytest.raises(BadInput, match=r"'Amont' is no answer to the question 'column\.amount'"):
        proposed(tmp_path, HEADING + rows, column__amount="Amont")
    with pytest.raises(BadInput, match="not a currency"):
        proposed(
            tmp_path,
            "No,Customer,Date,Due,Amount\n1,A,2020-03-14,2020-05-13,10\n",
            "other.csv",
            currency="EURO",
        )
