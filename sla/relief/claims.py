"""Read what people claim: keys of rows, spans of time, and the document that proves it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from governance.errors import BadInput, Problem
from sla.relief.shadowing import ROW_KEYS
from sla.relief.values import Span

MOST_ROWS = 10_000
"""Rows that one relief event can name."""
MOST_SPANS = 100
_FIRST_YEAR = 1900
LARGEST_DOCUMENT = 10 * 1024 * 1024
DOCUMENT_TYPES: Mapping[str, tuple[str, bytes]] = {
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".txt": ("text/plain", b""),
    ".eml": ("message/rfc822", b""),
}
"""By the ending of its name: what a document is, and the bytes that it begins with."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that proves a claim, checked."""

    name: str
    media_type: str
    suffix: str
    data: bytes


def read_document(name: str, data: bytes) -> Document:
    """A document that can be kept; BadInput for other types, an empty one, or one too large."""
    suffix = "." + name.rpartition(".")[2].lower() if "." in name else ""
    allowed = ", ".join(sorted(DOCUMENT_TYPES))
    if suffix not in DOCUMENT_TYPES:
        raise _bad("document", "a document of this type can't be kept", name, allowed)
    media_type, begins = DOCUMENT_TYPES[suffix]
    if not data or not data.startswith(begins):
        raise _bad("document", f"the file is no {suffix.removeprefix('.').upper()}", name, allowed)
    if len(data) > LARGEST_DOCUMENT:
        found = f"{len(data):,} bytes"
        raise _bad("document", "the document is too large", found, f"{LARGEST_DOCUMENT:,} bytes")
    return Document(name, media_type, suffix, data)


def read_keys(dataset: str, text: str) -> frozenset[str]:
    """Keys pasted one a line, or as CSV: the key's column, or the first one, counts.

    Raises BadInput for a dataset whose rows can't be named, and for too many of them.
    """
    if dataset not in ROW_KEYS:
        allowed = ", ".join(ROW_KEYS)
        raise _bad("dataset", f"rows of {dataset or 'no dataset'} can't be taken out", "", allowed)
    keys = frozenset(_keys(ROW_KEYS[dataset], text))
    if len(keys) > MOST_ROWS:
        raise _bad("rows", "too many rows for one relief event", str(len(keys)), f"{MOST_ROWS:,}")
    return keys


def _keys(column: str, text: str) -> Iterator[str]:
    lines = _records(text.lstrip("\ufeff"))
    if not lines:
        return
    heading = [name.strip() for name in lines[0]]
    at = heading.index(column) if column in heading else 0
    for row in lines[1:] if column in heading else lines:
        if at < len(row) and row[at].strip():
            yield row[at].strip()


def _records(text: str) -> list[list[str]]:
    """The lines that aren't empty, whatever ends them."""
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=None)) if any(row)]
    except csv.Error as error:
        allowed = "one key a line, or CSV with quotes that are closed"
        raise _bad("rows", "the list of rows can't be read", str(error), allowed) from None


def read_spans(text: str, time_zone: str) -> tuple[Span, ...]:
    """Spans of time, one a line: "2026-03-05 08:00 to 2026-03-06 12:00".

    A time without an offset is the engagement's. Raises BadInput naming every line that isn't
    one, or that ends before it begins.
    """
    found: list[Span] = []
    problems: list[Problem] = []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_SPANS:
        raise _bad("spans", "too many spans of time", str(len(lines)), str(MOST_SPANS))
    for number, line in enumerate(lines, start=1):
        span = _span(line, ZoneInfo(time_zone))
        if span is None:
            what = "not a span of time"
            allowed = 'as "2026-03-05 08:00 to 2026-03-06 12:00", the end after the start'
            problems.append(Problem(what, row=number, column="spans", found=line, allowed=allowed))
        else:
            found.append(span)
    if problems:
        raise BadInput(problems)
    return tuple(found)


def _span(line: str, zone: ZoneInfo) -> Span | None:
    start, _, end = line.partition(" to ")
    first, last = read_instant(start, zone), read_instant(end, zone)
    return Span(first, last) if first and last and first < last else None


def read_instant(text: str, zone: ZoneInfo) -> datetime | None:
    """An instant to the second, in UTC; None for what isn't one, or names no time of the zone."""
    try:
        at = datetime.fromisoformat(text.strip()).replace(microsecond=0)
        local = at.replace(tzinfo=zone) if at.tzinfo is None else at
        found = local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # When clocks go forward, an hour of local times is left out.
    skipped = found.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None)
    return None if skipped or found.year < _FIRST_YEAR else found


def require_known(
    dataset: str, keys: Iterable[str], known: frozenset[str], where: str = "rows"
) -> None:
    """BadInput naming the keys that the evidence doesn't hold."""
    unknown = sorted(set(keys) - known)
    if unknown:
        shown = ", ".join(unknown[:20]) + (" …" if len(unknown) > 20 else "")
        what = f"the evidence has no {dataset} with {len(unknown)} of the keys"
        raise _bad(where, what, shown, f"a {ROW_KEYS[dataset]} of the evidence that counts now")


def _bad(column: str, what: str, found: str, allowed: str) -> BadInput:
    return BadInput.one(Problem(what, column=column, found=found, allowed=allowed))
