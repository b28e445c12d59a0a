"""Each key of the profile language does what its page says."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from governance.errors import BadInput
from sla.evidence.profiles import read_profile
from sla.evidence.reading import read_evidence
from sla.evidence.values import EvidenceSet
from tests.sla.evidence.handing_in import stored_rows, table, write_files

PROFILE = """
name: rules
title: One rule at a time
source: {file: "list*.csv", columns: [No, Who, Day, Due, Net, Tax, Kind, Terms], %(source)s}
%(top)s
tables:
  invoices:
    %(table)s
    columns:
      invoice_id: %(invoice_id)s
      customer_id: %(customer_id)s
      issue_date: %(issue_date)s
      due_date: %(due_date)s
      currency: {value: EUR}
      amount: %(amount)s
      channel: %(channel)s
%(more)s
"""
USUAL = {
    "source": "encoding: utf-8",
    "top": "date_format: '%Y-%m-%d'",
    "table": "distinct: false",
    "invoice_id": "No",
    "customer_id": "Who",
    "issue_date": "Day",
    "due_date": "Due",
    "amount": "Net",
    "channel": "Kind",
    "more": "",
}
HEADING = "No;Who;Day;Due;Net;Tax;Kind;Terms\n"
ROW = "1;A;2020-03-04;2020-04-03;10.00;1.90;I;30\n"


def read(tmp_path: Path, rules: Mapping[str, str], rows: str = ROW, above: str = "") -> EvidenceSet:
    """Rows read through the usual profile with some rules changed."""
    document = PROFILE % (USUAL | dict(rules))
    profile = read_profile(document.encode(), "profile.yaml")
    source = write_files(tmp_path / "in", {"list.csv": above + HEADING + rows})
    return read_evidence(source, tmp_path / "store", profile)


def invoices(
    tmp_path: Path, rules: Mapping[str, str], rows: str = ROW, above: str = ""
) -> list[dict[str, Any]]:
    """The invoices that come out, where no row is rejected."""
    evidence = read(tmp_path, rules, rows, above)
    assert evidence.rejections == ()
    return stored_rows(table(evidence, "invoices"))


def row(**values: str) -> str:
    """A line of the list with some values changed."""
    usual = dict(zip(HEADING.strip().split(";"), ROW.strip().split(";"), strict=True))
    return ";".join((usual | values).values()) + "\n"


@pytest.mark.parametrize(
    ("column", "rule", "written", "gives"),
    [
        ("invoice_id", "{column: No, pad: 6}", {"No": "17"}, "000017"),
        ("invoice_id", "{column: No, pad: 6}", {"No": "AB17"}, "AB17"),
        ("invoice_id", "{column: No, whole: true}", {"No": "1930571429.0"}, "1930571429"),
        ("invoice_id", "{column: No, whole: true}", {"No": "12.5"}, "12.5"),
        ("invoice_id", "{column: No, whole: true, pad: 4}", {"No": "7.0"}, "0007"),
        ("invoice_id", "No", {"No": "17  "}, "17"),
        ("invoice_id", "{column: No, after: '-'}", {"No": "INV-17"}, "17"),
        ("channel", "{column: Kind, before: ' '}", {"Kind": "post office"}, "post"),
        ("channel", "{column: Kind, codes: {I: mail}, default: other}", {"Kind": "X"}, "other"),
        ("channel", "{column: Kind, codes: {Ab: x}, ignore_case: true}", {"Kind": "aB"}, "x"),
        ("channel", "{column: Kind, if_empty: none}", {"Kind": ""}, "none"),
        ("customer_id", "{first_of: [Kind, Who]}", {"Kind": "", "Who": "B"}, "B"),
        ("customer_id", "{first_of: [Kind, Who]}", {"Kind": "K", "Who": "B"}, "K"),
        ("due_date", "{column: Day, plus_days: 30}", {}, "2020-04-03"),
        (
            "due_date",
            "{column: Day, plus_days: {column: Terms}}",
            {"Terms": "Net 14"},
            "2020-03-18",
        ),
        (
            "due_date",
            "{column: Day, plus_days: {column: Terms, codes: {N10: 10}, default: 5}}",
            {"Terms": "N10"},
            "2020-03-14",
        ),
        (
            "due_date",
            "{column: Day, plus_days: {column: Terms, codes: {N10: 10}, default: 5}}",
            {"Terms": ""},
            "2020-03-09",
        ),
        ("due_date", "{first_of: [Due, {column: Day, plus_days: 1}]}", {"Due": ""}, "2020-03-05"),
        ("amount", "{column: Net, plus: Tax}", {}, "11.9"),
        ("amount", "{column: Net, plus: Tax}", {"Tax": ""}, "1E+1"),
        ("amount", "{column: Net, minus: Tax}", {}, "8.1"),
        ("amount", "{column: Net, minus: Tax}", {"Net": "", "Tax": "-3"}, "3"),
        ("amount", "{column: Net, sign: reversed}", {"Net": "-3.50"}, "3.5"),
        ("amount", "{column: Net, sign: reversed}", {"Net": "0.00"}, "0"),
        ("amount", "{column: Net, sign: absolute}", {"Net": "-3.50"}, "3.5"),
    ],
)
def test_a_rule(
    column: str, rule: str, written: dict[str, str], gives: str, tmp_path: Path
) -> None:
    (found,) = invoices(tmp_path, {column: rule}, row(**written))
    assert str(found[column]) == gives


@pytest.mark.parametrize(
    ("column", "rule", "written"),
    [
        ("channel", "{column: Kind, codes: {I: mail}}", {"Kind": "X"}),
        ("due_date", "{column: Day, plus_days: {column: Terms}}", {"Terms": "2% 10 Net 30"}),
        ("amount", "{column: Net, sign: reversed}", {"Net": "3.50"}),
        ("amount", "{column: Net, minus: Tax}", {"Tax": "x"}),
        ("due_date", "{first_of: [Due, Day]}", {"Due": "soon"}),
    ],
)
def test_what_a_rule_can_not_read_is_rejected(
    column: str, rule: str, written: dict[str, str], tmp_path: Path
) -> None:
    assert len(read(tmp_path, {column: rule}, row(**written)).rejections) == 1


@pytest.mark.parametrize(
    ("top", "written", "gives"),
    [
        ('{decimal_mark: ",", thousands_mark: "."}', "1.234,50", "1234.5"),
        ('{thousands_mark: ","}', "1,234.50", "1234.5"),
        ('{number_marks: ["$"], thousands_mark: ","}', "$ 1,234.50", "1234.5"),
        ('{decimal_mark: ",", thousands_mark: " "}', "1 234,50", "1234.5"),
    ],
)
def test_how_numbers_are_written(top: str, written: str, gives: str, tmp_path: Path) -> None:
    (found,) = invoices(tmp_path, {"top": top[1:-1].replace(", ", "\n")}, row(Net=written))
    assert str(found["amount"]) == gives


@pytest.mark.parametrize(
    ("negatives", "written"), [("trailing_minus", "12.50-"), ("brackets", "(12.50)")]
)
def test_numbers_below_zero(negatives: str, written: str, tmp_path: Path) -> None:
    rules = {"top": f"negatives: {negatives}", "amount": "{column: Net, sign: reversed}"}
    (found,) = invoices(tmp_path, rules, row(Net=written))
    assert found["amount"] == Decimal("12.5")


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("{column: Net, less_than: 20}", ["1"]),
        ("{column: Net, at_least: 20}", ["2", "3"]),
        ("{column: Net, greater_than: 20, at_most: 30}", ["3"]),
        ("{column: Kind, starts_with: I}", ["1", "2"]),
        ("{column: Kind, equals: i, ignore_case: true}", ["1"]),
        ("{not: {column: Kind, one_of: [I, X]}}", ["2"]),
        ("{not: {column: Tax}}", ["3"]),
        ("{all: [{column: Kind, starts_with: I}, {column: Net, at_least: 20}]}", ["2"]),
        ("{any: [{column: No, equals: '1'}, {column: Net, equals: '30'}]}", ["1", "3"]),
    ],
)
def test_a_condition(condition: str, kept: list[str], tmp_path: Path) -> None:
    rows = row() + row(No="2", Net="20", Kind="IX") + row(No="3", Net="30", Kind="X", Tax="")
    found = invoices(tmp_path, {"table": f"only_if: {condition}"}, rows)
    assert [each["invoice_id"] for each in found] == kept


def test_the_condition_on_rows_is_said_in_words(tmp_path: Path) -> None:
    top = "rows: {all: [{column: Net, greater_than: 0}, {not: {column: Kind, equals: T}}]}"
    evidence = read(tmp_path, {"top": top}, row() + row(No="2", Kind="T"))
    assert evidence.findings[0].message.endswith(
        "reads only rows whose Net is greater than 0 and not Kind is T"
    )


def test_the_sign_decides_the_dataset(tmp_path: Path) -> None:
    more = """
  adjustments:
    only_if: {column: Net, less_than: 0}
    columns:
      adjustment_id: No
      invoice_id: Kind
      kind: {value: credit_note}
      amount: {column: Net, sign: absolute}
      effective_on: Day
"""
    rules = {"table": "only_if: {column: Net, at_least: 0}", "more": more}
    evidence = read(tmp_path, rules, row() + row(No="C1", Net="-4.00", Kind="1"))
    assert evidence.rejections == ()
    (credit,) = stored_rows(table(evidence, "adjustments"))
    assert (credit["invoice_id"], credit["amount"]) == ("1", Decimal(4))
    assert table(evidence, "invoices").rows == 1


def test_several_tables_give_one_dataset_and_what_remains(tmp_path: Path) -> None:
    more = """
  adjustments:
    - only_if: {column: Kind, equals: fee}
      columns: {adjustment_id: No, invoice_id: Who, kind: {value: debit_note}, amount: Net,
                effective_on: Day}
    - only_if: {column: Kind, equals: off}
      columns: {adjustment_id: No, invoice_id: Who, kind: {value: write_off},
                amount: {remaining: true}, effective_on: Day}
"""
    rows = (
        row(Who="1")
        + row(No="2", Who="1", Kind="off", Day="2020-05-01")
        + row(No="3", Who="1", Kind="fee", Net="2.00", Day="2020-05-01")
        + row(No="4", Who="1", Kind="fee", Net="5.00", Day="2020-05-02")
        + row(No="5", Who="1", Kind="off", Day="2020-05-03")
    )
    rules = {"table": "only_if: {column: Kind, equals: I}", "more": more}
    evidence = read(tmp_path, rules, rows)
    assert evidence.rejections == ()
    found = {each["adjustment_id"]: each for each in stored_rows(table(evidence, "adjustments"))}
    assert {key: str(each["amount"]) for key, each in found.items()} == {
        "3": "2",
        "4": "5",
        "2": "12",
        "5": "5",
    }


def test_another_row_of_the_same_thing(tmp_path: Path) -> None:
    paid = "{same: Who, when: {column: Kind, equals: P}%s}"
    rules = {"table": "only_if: {column: Kind, equals: I}"}
    rows = (
        row(No="0", Kind="P", Day="2020-01-01")
        + row()
        + row(No="2", Kind="P", Day="2020-05-01")
        + row(No="3", Kind="P", Day="2020-06-01")
    )
    for number, (extra, day) in enumerate(
        [("", "2020-01-01"), (", pick: last", "2020-06-01"), (", later: true", "2020-05-01")]
    ):
        due = "{column: Day, of: " + paid % extra + "}"
        (found,) = invoices(tmp_path / str(number), rules | {"due_date": due}, rows)
        assert str(found["due_date"]) == day


def test_a_heading_further_down_and_values_filled_down(tmp_path: Path) -> None:
    rules = {
        "source": "heading_line: 3, fill_down: [Who]",
        "table": "only_if: {column: Day}",
    }
    rows = "Total A;A;;;99;;;\n" + row(Who="") + row(No="2", Who="B") + row(No="3", Who="")
    found = invoices(tmp_path, rules, rows, above="Open items;;\n\n")
    assert [each["customer_id"] for each in found] == ["A", "B", "B"]


def test_lines_are_counted_from_the_top_of_the_file(tmp_path: Path) -> None:
    rules = {"source": "heading_line: 3"}
    (rejection,) = read(tmp_path, rules, row(Net="x"), above="Open items;;\n\n").rejections
    assert (rejection.row, rejection.line) == (1, 4)


def test_one_row_a_key_and_a_finding_where_they_differ(tmp_path: Path) -> None:
    more = """
  customers:
    distinct: key
    columns: {customer_id: Who, name: Kind}
"""
    evidence = read(tmp_path, {"more": more}, row() + row(No="2", Kind="J"))
    assert evidence.rejections == ()
    (customer,) = stored_rows(table(evidence, "customers"))
    assert customer["name"] == "I"
    (finding,) = [each for each in evidence.findings if each.code == "one_customer_many_names"]
    assert finding.examples[0].text == "I, J"


SHEETS = """
name: book
title: A workbook with two sheets
source: {file: "*.xlsx", sheet: Invoices, columns: [No, Who, Day, Net]}
further:
  paid: {file: "*.xlsx", sheet: Payments, columns: [Paid, No, Day, Net], heading_line: 2}
tables:
  invoices:
    columns: {invoice_id: No, customer_id: Who, issue_date: Day, due_date: Day,
              currency: {value: EUR}, amount: Net}
  allocations:
    source: paid
    columns: {receipt_id: Paid, invoice_id: No, amount: Net, applied_on: Day}
"""


def book(path: Path, *, paid: str = "4.00") -> Path:
    """A workbook with invoices on one sheet and payments on another."""
    workbook = openpyxl.Workbook()
    first = workbook.active
    assert first is not None
    first.title = "Invoices"
    first.append(["No", "Who", "Day", "Net"])
    first.append(["1", "A", "2020-03-04", "10.00"])
    second = workbook.create_sheet("Payments")
    second.append(["Payments of March"])
    second.append(["Paid", "No", "Day", "Net"])
    second.append(["P1", "1", "2020-03-14", paid])
    workbook.save(path)
    return path


def test_several_sheets(tmp_path: Path) -> None:
    profile = read_profile(SHEETS.encode(), "profile.yaml")
    evidence = read_evidence(book(tmp_path / "a.xlsx"), tmp_path / "store", profile)
    assert evidence.rejections == ()
    assert {file.dataset: file.rows for file in evidence.files} == {"invoices": 1, "allocations": 1}


def test_a_row_of_the_second_sheet_is_named(tmp_path: Path) -> None:
    profile = read_profile(SHEETS.encode(), "profile.yaml")
    evidence = read_evidence(book(tmp_path / "a.xlsx", paid="x"), tmp_path / "store", profile)
    (rejection,) = evidence.rejections
    assert (rejection.row, rejection.line, rejection.sheet) == (1, 3, "Payments")


def test_several_files_of_one_system(tmp_path: Path) -> None:
    document = SHEETS.replace('"*.xlsx", sheet: Invoices', '"inv*.csv"')
    document = document.replace('"*.xlsx", sheet: Payments', '"pay*.csv"')
    profile = read_profile(document.replace(", heading_line: 2", "").encode(), "profile.yaml")
    files = {
        "inv_1.csv": "No,Who,Day,Net\n1,A,2020-03-04,10\n",
        "pay_1.csv": "Paid,No,Day,Net\nP1,1,2020-03-05,10\n",
    }
    evidence = read_evidence(write_files(tmp_path / "in", files), tmp_path / "store", profile)
    assert {file.dataset for file in evidence.files} == {"invoices", "allocations"}
    (tmp_path / "in" / "pay_1.csv").unlink()
    with pytest.raises(BadInput, match="no file is named as profile book says"):
        read_evidence(tmp_path / "in", tmp_path / "store", profile)


def test_days_as_they_are_written(tmp_path: Path) -> None:
    rules = {
        "top": "date_format: '%Y-%m-%dT%H:%M:%S%z'\noffsets: as_written",
    }
    written = row(Day="2020-03-04T00:00:00+01:00", Due="2020-04-03T00:00:00+02:00")
    (found,) = invoices(tmp_path, rules, written)
    assert (str(found["issue_date"]), str(found["due_date"])) == ("2020-03-04", "2020-04-03")


@pytest.mark.parametrize(
    ("key", "rule", "what"),
    [
        ("due_date", "{column: Day, of: {same: Whom, when: {column: Kind}}}", "isn't among"),
        ("amount", "{column: Net, pad: 4}", "only identifiers have zeros"),
        ("invoice_id", "{column: No, sign: reversed}", "only numbers are added or have a sign"),
        ("amount", "{column: Net, plus_days: 4}", "days are added only to dates"),
        ("amount", "{remaining: true}", "only the amount of adjustments or placements"),
        ("channel", "{column: Kind, default: x}", "default and ignore_case need codes"),
        ("channel", "{value: x, of: {same: No, when: {column: No}}}", "it needs column"),
        ("table", "source: sheet2", "no source of that name under 'further'"),
        ("table", "only_if: {all: [{column: Nett}]}", "'Nett' isn't among the source's columns"),
        ("table", "only_if: {column: No, equals: a, one_of: [b]}", "asks several things"),
        ("table", "only_if: {equals: a}", "needs exactly one of column, all, any, not"),
        ("source", "fill_down: [Whose]", "'Whose' isn't among the source's columns"),
    ],
)
def test_mistakes_are_named_with_their_line(key: str, rule: str, what: str) -> None:
    document = PROFILE % (USUAL | {key: rule})
    with pytest.raises(BadInput) as error:
        read_profile(document.encode(), "profile.yaml")
    (problem,) = error.value.problems
    assert what in problem.what
    assert problem.line is not None
