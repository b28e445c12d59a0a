"""Excel workbooks: checked as archives before they are opened, then read as text."""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
import zlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from governance.errors import BadInput, Problem
from sla.evidence.limits import limits
from sla.evidence.worksheets import sheet_faults

_NOT_A_WORKBOOK = "save it from the spreadsheet program as an .xlsx workbook"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet is called and where its rows begin."""

    name: str
    heading: tuple[str, ...]
    heading_line: int
    """Row of the heading as the spreadsheet program counts it, from 1."""


def read_workbook(
    path: Path, file: str, sheet: str | None, target: Path, heading_line: int = 1
) -> Sheet:
    """Write the sheet's rows to `target` as CSV, each with its row number first.

    Without `sheet` the workbook's first one is read; rows above `heading_line` aren't. Cells
    become text as by `cell_text`. Raises BadInput for an archive that is no workbook or would
    unpack to an unreasonable size, for a missing sheet and an empty one.
    """
    check_archive(path, file)
    name, above, rows = _rows(path, file, sheet)
    left_out = max(heading_line - 1 - above, 0)
    above, rows = above + left_out, rows[left_out:]
    if not rows:
        raise BadInput.one(Problem("the sheet is empty", file, allowed="a heading and rows"))
    heading = tuple(cell_text(cell).strip() for cell in rows[0])
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["row", *heading])
        for number, row in enumerate(rows[1:], 1):
            cells = [cell_text(cell) for cell in row]
            if any(cells):
                writer.writerow([number, *cells])
    return Sheet(name, heading, above + 1)


def check_archive(path: Path, file: str) -> None:
    """Raise BadInput unless the file is a zip archive of a reasonable size and shape.

    The sheets are part of that: two cells far apart make a sheet that fills the memory.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            # The sheets are unpacked only where the archive as a whole is sound.
            faults = _archive_faults(members) or [*sheet_faults(archive)]
    except _DAMAGED as error:
        problem = Problem("isn't an Excel workbook", file, allowed=_NOT_A_WORKBOOK)
        raise BadInput.one(problem) from error
    if faults:
        raise BadInput(Problem(what, file) for what in faults)
    names = {member.filename for member in members}
    if "[Content_Types].xml" not in names or names & _OTHER_KINDS:
        raise BadInput.one(
            Problem("is a zip archive but no Excel workbook", file, allowed=_NOT_A_WORKBOOK)
        )


_DAMAGED = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, zlib.error)
"""What a damaged, encrypted or unusually packed archive raises."""
_OTHER_KINDS = {"xl/workbook.bin", "content.xml"}
"""Parts of binary and OpenDocument workbooks, whose sheets aren't looked at."""


def _archive_faults(members: list[zipfile.ZipInfo]) -> list[str]:
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    faults, most = [], limits()
    if len(members) > most.workbook_parts:
        faults.append(f"holds {len(members)} parts; at most {most.workbook_parts} are read")
    if unpacked > most.workbook_bytes:
        faults.append(f"unpacks to {unpacked} bytes; at most {most.workbook_bytes} are read")
    if unpacked > max(packed, 1) * most.ratio:
        faults.append(f"unpacks to more than {most.ratio} times its size")
    if any(_leads_out(member.filename) for member in members):
        faults.append("holds a part whose path leads out of the archive")
    return faults


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else True


def _rows(path: Path, file: str, sheet: str | None) -> tuple[str, int, list[list[Any]]]:
    """The sheet's name, how many empty rows it begins with, and the rows after them."""
    try:
        with CalamineWorkbook.from_path(str(path)) as workbook:
            names = workbook.sheet_names
            if not names or (sheet is not None and sheet not in names):
                raise BadInput.one(
                    Problem(f"has no sheet '{sheet or ''}'", file, allowed=", ".join(names))
                )
            found = workbook.get_sheet_by_name(sheet or names[0])
            above = found.start[0] if found.start else 0
            return found.name, above, found.to_python(skip_empty_area=True)
    except (CalamineError, OSError) as error:
        problem = Problem("can't be read as an Excel workbook", file, found=str(error))
        raise BadInput.one(problem) from error


def cell_text(cell: object) -> str:
    """A cell as the text that a CSV file would hold.

    Numbers have the fifteen significant digits that a spreadsheet program keeps, and no decimal
    point where they are whole (an invoice number typed as a number); a moment at midnight is
    written like a day.
    """
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            return format(Decimal(f"{cell:.15g}"), "f")
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime() | dt.date():
            return cell.isoformat()
        case None:
            return ""
        case _:
            return str(cell)
