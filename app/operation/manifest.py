"""The list of a backup's contents, and holding a backup against it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.operation.copying import Copied, digest_file
from governance.errors import BadInput, Problem

NAME = "manifest.json"
_FORMAT = 1
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Size = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class AuditPoint:
    """Where the audit log was when the database was copied."""

    size: int
    root: str
    """Hexadecimal."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds and what it is a backup of."""

    made_at: str
    release: str
    database: str
    """sqlite or postgresql."""
    schema: str
    audit: AuditPoint
    with_keys: bool
    files: tuple[Copied, ...]
    evidence_store: str = ""
    """The bucket that held the evidence; empty where the backup itself has it."""
    evidence: tuple[str, ...] = ()
    """SHA-256 of all evidence tables that the database names."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _File(_Strict):
    path: Annotated[str, Field(pattern=r"^(?:(?:evidence|keys)/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
    size: _Size
    sha256: _Digest


class _Audit(_Strict):
    size: _Size
    root: _Digest


class _Document(_Strict):
    plumbline_backup: Literal[1]
    made_at: str
    release: str
    database: Literal["sqlite", "postgresql"]
    schema_: Annotated[str, Field(alias="schema")]
    audit: _Audit
    with_keys: bool
    files: list[_File]
    evidence_store: str = ""
    evidence: list[_Digest] = []


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a backup's folder."""
    document = {"plumbline_backup": _FORMAT} | asdict(manifest)
    with (folder / NAME).open("x", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def read_backup(folder: Path) -> Manifest:
    """The manifest of a backup whose every file is there and is what it was.

    Raises BadInput that names each file which is missing, changed or not part of the backup.
    """
    manifest = _read(folder / NAME)
    problems = list(_differences(folder, manifest))
    if problems:
        raise BadInput(problems)
    return manifest


def _read(file: Path) -> Manifest:
    try:
        found = _Document.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        what = "there is no manifest, so this is no whole backup"
        raise BadInput.one(Problem(what, file=str(file))) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput.one(Problem(first["msg"], file=str(file), column=where)) from None
    return Manifest(
        found.made_at,
        found.release,
        found.database,
        found.schema_,
        AuditPoint(found.audit.size, found.audit.root),
        found.with_keys,
        tuple(Copied(one.path, one.size, one.sha256) for one in found.files),
        found.evidence_store,
        tuple(found.evidence),
    )


def _differences(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    listed = {one.path: one for one in manifest.files}
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    } - {NAME}
    for path in sorted(present - listed.keys()):
        yield Problem("the file is not part of the backup", file=path)
    for path, one in sorted(listed.items()):
        file = folder / path
        if file.is_symlink() or not file.is_file():
            yield Problem("the file is missing", file=path)
        elif digest_file(file, path) != one:
            yield Problem("the file is not what was backed up: its SHA-256 differs", file=path)
