"""The used range of each sheet of a workbook, found without building the sheet in memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from sla.evidence.limits import limits

_BLOCK = 256 * 1024
_CELL = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_SHEET_MARK = b"sheetData"
_VALUES = frozenset({"v", "is"})
"""Elements that hold a cell's value; cells without one are formatted, but empty."""

_Handler = Callable[[str, Mapping[str, str]], None]


class _NotXml(Exception):
    """The part isn't well-formed XML, or declares a document type."""


@dataclass(slots=True)
class _UsedRange:
    """The range of cells with values, gathered element by element; all counted from 1."""

    rows: list[int] = field(default_factory=list)
    """First and last, empty before the first value."""
    columns: list[int] = field(default_factory=list)
    row: int = 0
    column: int = 0
    reference: str | None = None

    def element(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element: references are optional, and count on where absent."""
        if name in _VALUES:
            self.rows = _widened(self.rows, self.row)
            self.columns = _widened(self.columns, self.column)
        elif name == "c":
            self._cell(attributes.get("r"))
        elif name == "row":
            given = attributes.get("r", "")
            self.row = int(given) if given.isdecimal() else self.row + 1
            self.column = 0

    def _cell(self, reference: str | None) -> None:
        if reference is None:
            self.column += 1
            return
        found = _CELL.fullmatch(reference)
        if found is None:
            raise _NotXml
        self.column, self.row = _column_number(found[1]), int(found[2])

    @property
    def cells(self) -> int:
        """Rows × columns."""
        if not self.rows:
            return 0
        (top, bottom), (left, right) = self.rows, self.columns
        return (bottom - top + 1) * (right - left + 1)

    def __str__(self) -> str:
        (top, bottom), (left, right) = self.rows, self.columns
        return f"{_column_name(left)}{top}:{_column_name(right)}{bottom}"


def _widened(span: list[int], place: int) -> list[int]:
    if not span:
        return [place, place]
    if span[0] <= place <= span[1]:
        return span
    return [min(span[0], place), max(span[1], place)]


def _column_number(name: str) -> int:
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _column_name(number: int) -> str:
    name = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def sheet_faults(archive: zipfile.ZipFile) -> Iterator[str]:
    """What is wrong with a workbook's sheets: a used range too large, or one that is no XML.

    Every part is looked at, for the workbook may call a sheet anything. The archive's unpacked
    size must have been checked. Raises zipfile.BadZipFile, zlib.error and such for damaged parts.
    """
    names = _sheet_names(archive)
    for member in archive.infolist():
        used, part = _UsedRange(), member.filename
        shown = f"sheet '{names[part]}'" if part in names else f"part '{part}'"
        try:
            _parse(archive, part, used.element)
        except _NotXml:
            # Pictures and such aren't XML; a lenient reader would take a broken sheet, though.
            if _SHEET_MARK in archive.read(part):
                yield f"{shown} can't be read as a sheet"
        most = limits().workbook_cells
        if used.cells > most:
            yield f"{shown} uses the range {used}; at most {most} cells are read"


def _sheet_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Part of the archive → name of the sheet, as far as the workbook tells."""
    ids: dict[str, str] = {}
    targets: dict[str, str] = {}

    def sheet(name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet":
            ids[attributes.get("r:id", "")] = attributes.get("name", "")

    def relationship(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    try:
        _parse(archive, "xl/workbook.xml", sheet)
        _parse(archive, "xl/_rels/workbook.xml.rels", relationship)
    except (_NotXml, KeyError):
        return {}
    return {
        target[1:] if target.startswith("/") else f"xl/{target}": ids[id_]
        for id_, target in targets.items()
        if id_ in ids
    }


def _parse(archive: zipfile.ZipFile, part: str, handle: _Handler) -> None:
    """Call `handle` with each element's local name and attributes; a DTD is refused."""

    def start(name: str, attributes: Mapping[str, str]) -> None:
        handle(name.rpartition(":")[2], attributes)

    def refuse(*_: object) -> None:
        raise _NotXml

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        with archive.open(part) as stream:
            while block := stream.read(_BLOCK):
                parser.Parse(block)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise _NotXml from error
