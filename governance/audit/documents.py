"""Documents that go out with an export, each bound to an entry of the log.

An entry names the rows it touched with the digests of their content, and a document's row holds
the document's own digest. So with the row's content beside it, a document is proven as far as
its bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from governance.audit.rows import RowKey, stated_object
from governance.errors import Problem
from governance.tables import canonical_json, digest

DOCUMENTS = "documents"
INDEX = "documents.jsonl"


@dataclass(frozen=True, slots=True)
class ExportedDocument:
    """A document and the row that tells its digest."""

    path: str
    """Its place below the folder of documents."""
    content: bytes | Path
    row: object
    """The stored row."""
    column: str
    """Its column that holds the document, or the document's SHA-256."""


def write_documents(folder: Path, documents: Iterable[ExportedDocument]) -> None:
    """Write the documents and what each was recorded as; nothing where there are none."""
    lines = []
    for one in documents:
        (table, key), stated = stated_object(one.row)
        place = folder / DOCUMENTS / one.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(one.content, Path):
            shutil.copyfile(one.content, place)
        else:
            place.write_bytes(one.content)
        fields = {"path": one.path, "table": table, "key": key, "row": stated}
        lines.append(json.dumps(fields | {"column": one.column}, ensure_ascii=False))
    if lines:
        (folder / INDEX).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


class DocumentCheck:
    """Holds exported documents against the digests that entries of the log name."""

    def __init__(self, folder: Path, digests: Mapping[RowKey, str | None]) -> None:
        self._folder, self._digests = folder, digests
        self.problems: list[Problem] = []
        self.held = 0

    def check(self) -> None:
        """Every line of the index, and that there are no documents beside it."""
        known = {place for place in map(self._check_line, *_numbered(self._folder)) if place}
        for path in sorted((self._folder / DOCUMENTS).rglob("*")):
            place = path.relative_to(self._folder / DOCUMENTS).as_posix()
            if path.is_file() and place not in known:
                self._wrong("the index doesn't tell of this document", f"{DOCUMENTS}/{place}")

    def _check_line(self, number: int, line: str) -> str:
        try:
            fields: dict[str, Any] = json.loads(line)
            place, stated = str(fields["path"]), fields["row"][fields["column"]]
            row = (str(fields["table"]), str(fields["key"]))
            recorded = digest(canonical_json(fields["row"]))
        except (ValueError, KeyError, TypeError) as error:
            self._wrong(f"this tells of no document: {error}", INDEX, f"line {number}")
            return ""
        if self._digests.get(row) != recorded:
            self._wrong("no entry names the row as it stands here", INDEX, f"line {number}")
        elif _digest_of(self._folder, place) != stated:
            self._wrong("the document is not the one that was recorded", f"{DOCUMENTS}/{place}")
        else:
            self.held += 1
        return place

    def _wrong(self, what: str, where: str, column: str = "") -> None:
        self.problems.append(Problem(what, file=where, column=column))


def _numbered(folder: Path) -> tuple[Iterator[int], list[str]]:
    text = (folder / INDEX).read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    return iter(range(1, len(lines) + 1)), lines


def _digest_of(folder: Path, place: str) -> str | None:
    """SHA-256 of a document; None where it is missing or named by a path that leads outside."""
    if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts:
        return None
    try:
        with (folder / DOCUMENTS / place).open("rb") as file:
            hashed = sha256()
            while block := file.read(1 << 20):
                hashed.update(block)
    except (OSError, ValueError):
        return None
    return hashed.hexdigest()
