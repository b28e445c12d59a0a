"""Small files that would fill the memory are refused, and large ones that are real are read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import duckdb
import pytest

from governance.errors import BadInput
from sla.evidence.sources import Opening, open_source
from sla.evidence.workbooks import check_archive

_WORKBOOK = (
    '<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Ledger" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_RELATIONS = (
    '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
)


def _workbook(folder: Path, sheet: str) -> Path:
    path = folder / "invoices.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", _WORKBOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", _RELATIONS)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        archive.writestr("xl/media/image1.png", b"\x89PNG no XML")
    return path


def _sheet(*cells: str) -> str:
    return f"<worksheet><sheetData>{''.join(cells)}</sheetData></worksheet>"


_FIRST = '<row r="1"><c r="A1"><v>1</v></c></row>'
_LAST = '<c r="XFD1048576"><v>1</v></c>'
_TOO_LARGE = "sheet 'Ledger' uses the range A1:XFD1048576; at most 5000000 cells are read"


@pytest.mark.parametrize(
    ("sheet", "what"),
    [
        (_sheet(_FIRST, f'<row r="1048576">{_LAST}</row>'), _TOO_LARGE),
        (f'<worksheet><dimension ref="A1"/>{_sheet(_FIRST, _LAST)}</worksheet>', _TOO_LARGE),
        (
            _sheet(_FIRST, '<row r="1048576"><c r="XFC1048576"/><c><is/></c></row>'),
            _TOO_LARGE,
        ),
        (
            _sheet(_FIRST, _LAST).replace("<c ", "<x:c ").replace("</c>", "</x:c>"),
            _TOO_LARGE,
        ),
        (_sheet(_FIRST, "<c>&nothing;</c>", _LAST), "sheet 'Ledger' can't be read as a sheet"),
        (
            "<!DOCTYPE a [<!ENTITY b 'c'>]>" + _sheet(_FIRST),
            "sheet 'Ledger' can't be read as a sheet",
        ),
        (_sheet('<c r="AAAA1"><v/></c>'), "sheet 'Ledger' can't be read as a sheet"),
    ],
)
def test_sheets_that_would_fill_the_memory(sheet: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        check_archive(_workbook(tmp_path, sheet), "invoices.xlsx")
    assert [problem.what for problem in error.value.problems] == [what]


def test_a_binary_workbook_under_another_name(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.bin", b"\0")
    path = tmp_path / "invoices.xlsx"
    path.write_bytes(stream.getvalue())
    with pytest.raises(BadInput, match="no Excel workbook"):
        check_archive(path, "invoices.xlsx")


def test_formatted_empty_cells_do_not_count(tmp_path: Path) -> None:
    sheet = _sheet(_FIRST, '<row r="1048576"><c r="XFD1048576" s="1"/></row>')
    check_archive(_workbook(tmp_path, sheet), "invoices.xlsx")


def test_a_large_sheet_is_read(tmp_path: Path) -> None:
    row = "<row>" + "<c><v>1</v></c>" * 20 + "</row>"
    check_archive(_workbook(tmp_path, _sheet(row * 100_000)), "invoices.xlsx")


def _parquet(path: Path, query: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_a_parquet_file_of_equal_rows(tmp_path: Path) -> None:
    equal = "SELECT 'I1' AS invoice_id, 'C1' AS customer_id FROM range(5_000_000)"
    path = _parquet(tmp_path / "invoices.parquet", equal)
    with pytest.raises(BadInput, match="its rows unpack to more than 100 times its size"):
        open_source(path, tmp_path, Opening())


def test_a_parquet_file_of_many_rows(tmp_path: Path) -> None:
    query = "SELECT 'I' || i AS invoice_id, 'C1' AS customer_id FROM range(5_000_000) AS t(i)"
    path = _parquet(tmp_path / "invoices.parquet", query)
    assert list(open_source(path, tmp_path, Opening()).columns) == ["invoice_id", "customer_id"]
