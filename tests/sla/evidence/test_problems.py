"""Rows that can't be used: each is reported with file, row, column, value and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.errors import BadInput
from sla.evidence.reading import read_evidence, require_clean
from tests.paths import CASES
from tests.sla.evidence.handing_in import INVOICE, INVOICES_HEADING, stored_rows, table, write_files

_CASES = yaml.safe_load((CASES / "evidence_problems.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", _CASES, ids=[case["title"] for case in _CASES])
def test_rejections(case: dict[str, Any], tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", case["files"])
    evidence = read_evidence(source, tmp_path / "store")
    found = [
        [each.file, each.row, each.column, each.value, each.reason] for each in evidence.rejections
    ]
    assert sorted(found) == sorted(case["rejections"])
    rows = {(file, row) for file, row, *_ in case["rejections"]}
    # A row that follows a rejected one is counted once, however many reasons are listed.
    assert sum((evidence.rejected_rows or {}).values()) >= len(rows)
    assert bool(evidence.files) == (not rows)
    assert (tmp_path / "store").exists() == (not rows)


def test_accepting_stores_the_sound_rows_only(tmp_path: Path) -> None:
    source = write_files(
        tmp_path / "in",
        {
            "invoices.csv": INVOICES_HEADING + INVOICE + "I2,C1,2013-01-02,2013-02-01,EUR,x\n",
            "allocations.csv": "receipt_id,invoice_id,amount,applied_on\n"
            "R1,I2,1,2013-01-20\nR1,I1,2,2013-01-20\n",
        },
    )
    evidence = read_evidence(source, tmp_path / "store", accept_rejections=True)
    assert [row["invoice_id"] for row in stored_rows(table(evidence, "invoices"))] == ["I1"]
    assert [row["invoice_id"] for row in stored_rows(table(evidence, "allocations"))] == ["I1"]
    assert evidence.rejected_rows == {"invoices.csv": 1, "allocations.csv": 1}


def test_lines_of_a_csv_file_are_given(tmp_path: Path) -> None:
    content = (
        INVOICES_HEADING + '"I\n1",C1,2013-01-02,2013-02-01,EUR,1\n\nI2,C1,x,2013-02-01,EUR,1\n'
    )
    source = write_files(tmp_path / "in", {"invoices.csv": content})
    (rejection,) = read_evidence(source, tmp_path / "store").rejections
    assert (rejection.row, rejection.line) == (2, 5)


def test_text_of_another_encoding_is_rejected_by_row(tmp_path: Path) -> None:
    data = "customer_id,name\nC1,Müller\nC2,Meier\n".encode("latin-1")
    source = write_files(tmp_path / "in", {"customers.csv": data})
    evidence = read_evidence(source, tmp_path / "store")
    (rejection,) = evidence.rejections
    assert (rejection.row, rejection.line) == (1, 2)
    assert rejection.reason == "not UTF-8 text; save the file in that encoding"
    assert evidence.rejected_rows == {"customers.csv": 1}


def test_many_rejections_are_counted_and_some_listed(tmp_path: Path) -> None:
    rows = "".join(f"I{number},C1,2013-01-02,2013-02-01,EUR,x\n" for number in range(1500))
    source = write_files(tmp_path / "in", {"invoices.csv": INVOICES_HEADING + rows})
    evidence = read_evidence(source, tmp_path / "store")
    assert len(evidence.rejections) == 1000
    assert evidence.rejected_rows == {"invoices.csv": 1500}
    with pytest.raises(BadInput) as error:
        require_clean(evidence)
    assert error.value.problems[-1].what == "500 further rows are rejected and not listed"
    assert str(error.value.problems[0]) == (
        "invoices.csv, line 2, row 1, amount: not an amount; write 1234.56; found x"
    )


def test_clean_evidence_passes(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", {"invoices.csv": INVOICES_HEADING + INVOICE})
    evidence = read_evidence(source, tmp_path / "store")
    assert require_clean(evidence) is evidence


def test_unchecked_references_and_unknown_columns_are_findings(tmp_path: Path) -> None:
    content = INVOICES_HEADING.strip() + ",chanel\n" + INVOICE.strip() + ",post\n"
    source = write_files(tmp_path / "in", {"invoices.csv": content})
    findings = {
        each.code: each.message for each in read_evidence(source, tmp_path / "store").findings
    }
    assert findings == {
        "unknown_columns": "invoices.csv: columns that invoices doesn't have are left out: "
        "'chanel', did you mean 'channel'?",
        "reference_not_checked": "'customer_id' of invoices isn't checked, for customers wasn't "
        "handed in",
    }
