"""What evidence is: immutable tables named by digest, and what was found while reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class EvidenceDigest:
    """Names one immutable table: what a measurement cites."""

    dataset: str
    sha256: str

    def as_json(self) -> dict[str, str]:
        """Stable keys for `--json`."""
        return {"dataset": self.dataset, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """One dataset as stored: a Parquet file whose name is its SHA-256."""

    dataset: str
    sha256: str
    path: Path
    rows: int
    source: str
    """File name that it was read from, as the user gave it."""
    source_sha256: str
    """Digest of that source file, by which the same file is recognised."""

    @property
    def digest(self) -> EvidenceDigest:
        """Dataset and SHA-256."""
        return EvidenceDigest(self.dataset, self.sha256)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that can't be used, with the reason; the other rows go on being checked."""

    file: str
    row: int
    """Data row counted from 1, without the heading."""
    column: str
    value: str
    reason: str
    line: int | None = None
    """Line of a CSV file, or row of a sheet, counted from 1 with the heading; None for others."""
    sheet: str | None = None
    """Name of the sheet; None where the file isn't a workbook."""

    @property
    def place(self) -> str:
        """The file, and the sheet of a workbook, as text."""
        return self.file if self.sheet is None else f"{self.file}, sheet {self.sheet}"

    def as_json(self) -> dict[str, str | int | None]:
        """Stable keys for `--json`."""
        return {
            "file": self.file,
            "row": self.row,
            "line": self.line,
            "sheet": self.sheet,
            "column": self.column,
            "value": self.value,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Example:
    """One row that a finding is about."""

    key: str
    """Identifier of the row: an invoice, a customer, a receipt."""
    text: str
    """What stands there, in words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something plausible people would ask about; it never changes a figure."""

    code: str
    """Kind of finding, stable, such as "no_open_items_cross"."""
    message: str
    dataset: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    """What the claim rests on: pairs of what was counted or dated, and the figure."""
    examples: tuple[Example, ...] = ()
    """A few of the rows that it is about."""

    def __post_init__(self) -> None:
        """Take what was stored as JSON, which has lists and mappings, back as values."""
        if self.evidence:
            pairs = tuple((str(what), str(figure)) for what, figure in self.evidence)
            object.__setattr__(self, "evidence", pairs)
        if self.examples:
            given: tuple[Any, ...] = tuple(self.examples)
            read = (Example(**one) if isinstance(one, dict) else one for one in given)
            object.__setattr__(self, "examples", tuple(read))

    def as_json(self) -> dict[str, Any]:
        """Stable keys for `--json`."""
        return {
            "code": self.code,
            "message": self.message,
            "dataset": self.dataset,
            "evidence": dict(self.evidence),
            "examples": [asdict(example) for example in self.examples],
        }


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many rows of a file one reason rejects in one column."""

    file: str
    column: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The rejected rows of one file with all that they hold, as a CSV file to be corrected."""

    file: str
    """Name of the file that the rows stand in."""
    rows: int
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class EvidenceSet:
    """What one hand-in yielded: the stored tables, the rejected rows, the findings.

    Nothing counts while `rejections` is not empty: the submitter fixes or accepts them first.
    """

    files: tuple[EvidenceFile, ...]
    rejections: tuple[Rejection, ...] = ()
    rejected_rows: Mapping[str, int] | None = None
    """Number of rejected rows a source file, also where not all are listed."""
    findings: tuple[Finding, ...] = ()
    profile: str | None = None
    """Name of the import profile that was chosen or recognised; None for the product's columns."""
    reasons: tuple[ReasonCount, ...] = ()
    """Why rows were rejected, over all of them, the most frequent first."""
    quarantined: tuple[Quarantined, ...] = ()
    """The rejected rows in full; only where they were asked for."""
