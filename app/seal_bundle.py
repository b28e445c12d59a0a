"""A sealed period as one file to take away: what an auditor needs to compute it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from sla.evidence.store import EvidenceStore
from sla.reviews.queries import Seal

SEAL_FILE: Final = "seal.json"
CONTRACT_FILE: Final = "contract.yaml"
README_FILE: Final = "README.md"
SUMS_FILE: Final = "SHA256SUMS"
EVIDENCE_FOLDER: Final = "evidence"
_ALWAYS: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file in it, so that the same seal always gives the same bytes."""
_README = """\
# Sealed figures: {reference}, {period}

The document `seal.json` is what both parties agreed on and sealed, with the SHA-256

    {sha256}

Beside it are the contract that governed the period and every ledger that the figures were
computed from, as Parquet files named by their SHA-256. The definitions of all figures, SQL
included, stand in the document.

To compute every figure again, without a database or a network:

    plumbline verify .

It says that all is equal, or which file, text or value differs. `sha256sum -c SHA256SUMS` checks
the files without Plumbline. Hold the digest above against the one in the audit log.
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The file that was written."""

    path: Path
    sha256: str


def write_bundle(folder: Path, seal: Seal, contract: bytes, store: EvidenceStore) -> Bundle:
    """Write the bundle of a seal into `folder`, under a name of its own.

    Raises NotFound where the store lacks a file, Conflict where one isn't what its name says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid4().hex}.zip"
    try:
        return _written(path, seal, contract, store)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _written(path: Path, seal: Seal, contract: bytes, store: EvidenceStore) -> Bundle:
    content = json.loads(seal.document)
    sums = {
        SEAL_FILE: seal.sha256,
        CONTRACT_FILE: hashlib.sha256(contract).hexdigest(),
        README_FILE: hashlib.sha256(_readme(content, seal)).hexdigest(),
    }
    with ZipFile(path, "w", ZIP_STORED) as zipped:
        zipped.writestr(_entry(SEAL_FILE), seal.document)
        zipped.writestr(_entry(CONTRACT_FILE), contract)
        zipped.writestr(_entry(README_FILE), _readme(content, seal))
        for sha256 in sorted({one["sha256"] for one in content["evidence"]}):
            name = f"{EVIDENCE_FOLDER}/{sha256}.parquet"
            _add_file(zipped, name, store.local(sha256))
            sums[name] = sha256
        zipped.writestr(_entry(SUMS_FILE), sums_text(sums))
    with path.open("rb") as stream:
        return Bundle(path, hashlib.file_digest(stream, "sha256").hexdigest())


def _readme(content: Mapping[str, Any], seal: Seal) -> bytes:
    reference = content["engagement"]["reference"]
    return _README.format(
        reference=reference, period=seal.period.label, sha256=seal.sha256
    ).encode()


def sums_text(sums: Mapping[str, str]) -> bytes:
    """Digests by file name, as `sha256sum` writes and reads them."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()


def _entry(name: str) -> ZipInfo:
    return ZipInfo(name, _ALWAYS)


def _add_file(zipped: ZipFile, name: str, path: Path) -> None:
    """In pieces, as ledgers are large."""
    with path.open("rb") as source, zipped.open(_entry(name), "w", force_zip64=True) as target:
        while piece := source.read(1 << 20):
            target.write(piece)
