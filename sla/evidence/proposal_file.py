"""How an unknown file is written: encoding, delimiter, sheet, line of the heading."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections import Counter
from pathlib import Path
from typing import IO

from python_calamine import CalamineError, CalamineWorkbook

from governance.errors import BadInput, Problem
from sla.evidence.proposal_decisions import Decisions, Found
from sla.evidence.proposal_values import Confidence, Option, Preview
from sla.evidence.sources import Opening, suffix_of
from sla.evidence.workbooks import cell_text, check_archive

LOOKED_AT = 60
"""Lines, or rows of a sheet, from which the heading and the delimiter are told."""
MAX_BYTES = 1024 * 1024 * 1024
"""Of unpacked text that is looked at for its encoding."""
_BLOCK = 1024 * 1024
_SHOWN = 80
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_ENCODINGS = {
    "utf-8": "UTF-8",
    "cp1252": "Windows, western Europe (cp1252)",
    "latin-1": "ISO 8859-1 (latin-1)",
    "cp850": "DOS, western Europe (cp850)",
    "utf-16": "UTF-16",
}


def find_opening(path: Path, file: str, decisions: Decisions) -> Opening:
    """How to open the file; raises BadInput for a format that isn't read, or a damaged file."""
    match suffix_of(path):
        case ".parquet":
            return Opening()
        case ".xlsx":
            return _workbook(path, file, decisions)
        case ".csv" | ".csv.gz":
            return _text(path, file, decisions)
    allowed = ".csv, .csv.gz, .xlsx, .parquet"
    raise BadInput.one(Problem("is of a format that isn't read", file, allowed=allowed))


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if suffix_of(path) == ".csv.gz" else path.open("rb")  # type: ignore[return-value]


def _text(path: Path, file: str, decisions: Decisions) -> Opening:
    try:
        encoding = _encoding(path, decisions)
        lines = _first_lines(path, encoding)
    except (OSError, EOFError) as error:
        problem = Problem("can't be read", file, found=str(error))
        raise BadInput.one(problem) from error
    if not any(line.strip() for line in lines):
        raise BadInput.one(Problem("is empty", file, allowed="a heading and rows"))
    delimiter = _delimiter(lines, decisions)
    rows = [_fields(line, delimiter) for line in lines]
    return Opening(encoding, delimiter, heading_line=_heading(rows, decisions))


def _encoding(path: Path, decisions: Decisions) -> str:
    start, strange = _undecodable(path)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        found = Found("utf-16", Confidence.CERTAIN, "the file begins with UTF-16's mark")
    elif not strange:
        found = Found("utf-8", Confidence.CERTAIN, "every byte is UTF-8")
    else:
        found = Found("cp1252", Confidence.LIKELY, "not UTF-8, and usual on Windows")
    options = [Option(name, title, _decoded(strange, name)) for name, title in _ENCODINGS.items()]
    options.sort(key=lambda option: option.value != found.value)
    question = "In which encoding are the characters written?"
    chosen = decisions.decide("encoding", question, options, found, free=True)
    return str(chosen)


def _undecodable(path: Path) -> tuple[bytes, bytes]:
    """The first bytes, and a line that isn't UTF-8, if there is one."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, read = b"", 0
    with _opened(path) as stream:
        while read < MAX_BYTES and (block := stream.read(_BLOCK)):
            start = start or block[:4096]
            read += len(block)
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                held: bytes = error.object
                around = held[max(error.start - _SHOWN, 0) : error.end + _SHOWN]
                return start, around
    return start, b""


def _decoded(strange: bytes, encoding: str) -> tuple[Preview, ...]:
    if not strange:
        return ()
    text = strange.decode(encoding, "replace")
    words = [word for word in re.split(r"[\s,;|\"]+", text) if not word.isascii()]
    return tuple(
        Preview(word.encode("ascii", "backslashreplace").decode(), word) for word in words[:2]
    )


def _first_lines(path: Path, encoding: str) -> list[str]:
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        with _opened(path) as stream:
            text = codecs.getincrementaldecoder(codec)("replace").decode(stream.read(_BLOCK))
    except LookupError as error:
        problem = Problem(f"unknown encoding '{encoding}'", allowed=", ".join(_ENCODINGS))
        raise BadInput.one(problem) from error
    return text.splitlines()[:LOOKED_AT]


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _delimiter(lines: list[str], decisions: Decisions) -> str:
    def usual(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(_fields(line, delimiter)) for line in lines if line.strip())
        width, times = max(widths.items(), key=lambda each: (each[0] > 1, each[1], each[0]))
        return (times if width > 1 else 0), width

    scores = {delimiter: usual(delimiter) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    times, width = scores[best]
    confidence = Confidence.LIKELY if times > len(lines) / 2 else Confidence.UNSURE
    reason = f"{times} of the first {len(lines)} lines have {width} values with it"
    longest = max(lines, key=len)
    options = [
        Option(
            delimiter,
            _DELIMITERS[delimiter],
            (Preview(longest[:_SHOWN], " · ".join(_fields(longest, delimiter))[:_SHOWN]),),
            f"{scores[delimiter][1]} columns",
        )
        for delimiter in sorted(scores, key=lambda each: scores[each], reverse=True)
    ]
    found = Found(best, confidence, reason)
    return str(decisions.decide("delimiter", "What stands between the values?", options, found))


def _heading(rows: list[list[str]], decisions: Decisions) -> int:
    """The first line with a name in most columns: no dates or amounts, none twice."""
    width = max((len(row) for row in rows), default=0)
    likely = [number for number, row in enumerate(rows, 1) if _names(row, width)]
    number = (
        likely[0] if likely else next((line for line, row in enumerate(rows, 1) if any(row)), 1)
    )
    confidence = Confidence.LIKELY if likely else Confidence.UNSURE
    reason = "its values are names, and all differ" if likely else "no line looks like a heading"
    options = [
        Option(str(line), f"line {line}", (Preview(f"line {line}", ", ".join(row)[:_SHOWN]),))
        for line, row in enumerate(rows, 1)
        if any(cell.strip() for cell in row)
    ]
    found = Found(str(number), confidence, reason)
    question = "Which line holds the names of the columns?"
    return int(str(decisions.decide("heading_line", question, options[:LOOKED_AT], found)))


def _names(row: list[str], width: int) -> bool:
    named = [cell.strip() for cell in row if cell.strip()]
    texts = [name for name in named if re.search(r"[^\W\d_]", name) and len(name) < _SHOWN]
    enough = len(named) * 2 > width and len(texts) == len(named)
    return bool(named) and enough and len(set(named)) == len(named)


def _workbook(path: Path, file: str, decisions: Decisions) -> Opening:
    check_archive(path, file)
    try:
        with CalamineWorkbook.from_path(str(path)) as workbook:
            sheets = {name: _first_rows(workbook, name) for name in workbook.sheet_names}
    except (CalamineError, OSError) as error:
        problem = Problem("can't be read as an Excel workbook", file, found=str(error))
        raise BadInput.one(problem) from error
    if not sheets:
        raise BadInput.one(Problem("has no sheet", file))
    rows = {name: found for name, (found, _) in sheets.items()}
    best = max(rows, key=lambda name: sheets[name][1])
    options = [
        Option(
            name,
            name,
            (Preview("first row", ", ".join(rows[name][0])[:_SHOWN]),) if rows[name] else (),
            f"{sheets[name][1]} cells",
        )
        for name in rows
    ]
    only = len(rows) == 1
    confidence = Confidence.CERTAIN if only else Confidence.LIKELY
    reason = "the only sheet" if only else "it holds the most"
    found = Found(best, confidence, reason)
    sheet = str(decisions.decide("sheet", "Which sheet holds the rows?", options, found))
    return Opening(sheet=sheet, heading_line=_heading(rows[sheet], decisions))


def _first_rows(workbook: CalamineWorkbook, name: str) -> tuple[list[list[str]], int]:
    """The first rows of a sheet, counted from its first row, and how many cells it has."""
    sheet = workbook.get_sheet_by_name(name)
    above = sheet.start[0] if sheet.start else 0
    held = sheet.to_python(skip_empty_area=True)
    rows = [[cell_text(cell) for cell in row] for row in held[:LOOKED_AT]]
    return [[] for _ in range(above)] + rows, len(held) * max(map(len, held), default=0)
