"""Write the log to a folder that can be checked anywhere (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.cosignatures import cosigned_note, witness_keys
from governance.audit.documents import ExportedDocument, write_documents
from governance.audit.entries import commitments, decode_entry
from governance.audit.key_changes import hand_overs_of
from governance.audit.log_proofs import growth_of, proof_of
from governance.audit.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditNode,
    AuditPersonalValue,
)
from governance.audit.notes import VerifierKey
from governance.audit.sequencing import checkpoint_of
from governance.audit.tiles import HEIGHT, Tile, encode_bundle, levels_of, tiles_of
from governance.audit.timestamps import timestamps_of

POLICY = "policy"
CHECKPOINT = "checkpoint"
CHECKPOINTS = "checkpoints"
HAND_OVERS = "handovers"
TIMESTAMPS = "timestamps"
GROWTH = "growth"
PERSONAL = "personal.jsonl"
PROOFS = "proofs"
_REFS_A_QUERY = 500


def export_log(
    session: Session,
    log: VerifierKey,
    folder: Path,
    documents: Iterable[ExportedDocument] = (),
) -> int:
    """Write everything under the latest checkpoint; answers the number of entries.

    The folder then holds the entries, all hashes, all checkpoints with what witnesses and
    time-stamping authorities said of them, the log's keys, and the personal values that are
    still kept; also `documents`. Raises NotFound before the first checkpoint.
    """
    size = _write_head(session, log, folder)
    refs = _write_bundles(session, folder, size)
    for level in levels_of(size):
        _write_tiles(session, folder, level, size)
    _write_personal(session, folder, refs)
    write_documents(folder, documents)
    return size


def export_proofs(
    session: Session,
    log: VerifierKey,
    folder: Path,
    entries: Sequence[AuditEntry],
    documents: Iterable[ExportedDocument] = (),
) -> int:
    """Write a proof file for each of the entries that are under the latest checkpoint.

    Nothing else of the log is told but its checkpoints, each with the proof that the latest one
    extends it. So this is what a party of one engagement may have. Answers the number of proofs.
    """
    size = _write_head(session, log, folder)
    _write_growth(session, folder, size)
    proven = [one for one in entries if one.leaf_index is not None and one.leaf_index < size]
    for entry in proven:
        proof = proof_of(session, entry.uid, size)
        _write(folder / PROOFS / f"{entry.uid}.tlog-proof", proof.text.encode())
    stated = [one for entry in proven for one in commitments(decode_entry(entry.data))]
    _write_personal(session, folder, {one["ref"] for one in stated})
    write_documents(folder, documents)
    return len(proven)


def _write_head(session: Session, log: VerifierKey, folder: Path) -> int:
    latest = checkpoint_of(session)
    witnesses = [f"witness w{n} {key}" for n, key in enumerate(witness_keys(session), 1)]
    policy = "\n".join([f"log {log}", *witnesses, "quorum none", ""])
    _write(folder / POLICY, policy.encode())
    _write(folder / CHECKPOINT, cosigned_note(session, latest).encode())
    for row in session.scalars(select(AuditCheckpoint)):
        _write(folder / CHECKPOINTS / str(row.size), cosigned_note(session, row).encode())
    for size, proof in hand_overs_of(session).items():
        _write(folder / HAND_OVERS / f"{size}.tlog-proof", proof.text.encode())
    _write_timestamps(session, folder)
    return latest.size


def _write_timestamps(session: Session, folder: Path) -> None:
    stamped: Counter[int] = Counter()
    for row in timestamps_of(session):
        stamped[row.size] += 1
        again = f"-{stamped[row.size]}" if stamped[row.size] > 1 else ""
        _write(folder / TIMESTAMPS / f"{row.size}{again}.tsr", row.token)


def _write_growth(session: Session, folder: Path, latest: int) -> None:
    for size in session.scalars(select(col(AuditCheckpoint.size))):
        lines = [base64.b64encode(one).decode() for one in growth_of(session, size, latest)]
        _write(folder / GROWTH / str(size), "".join(f"{line}\n" for line in lines).encode())


def _write_bundles(session: Session, folder: Path, size: int) -> set[str]:
    """The bundles of entries; answers the refs of the personal values that they commit to."""
    refs: set[str] = set()
    for tile in tiles_of(-1, size):
        bundle = _entries(session, tile)
        _write(folder / tile.path, encode_bundle(bundle))
        refs.update(ref for data in bundle for ref in _refs(data))
    return refs


def _entries(session: Session, tile: Tile) -> list[bytes]:
    place = col(AuditEntry.leaf_index)
    found = select(col(AuditEntry.data)).where(place >= tile.start, place < tile.start + tile.width)
    return list(session.scalars(found.order_by(place)))


def _refs(data: bytes) -> Iterator[str]:
    if b'"commitment"' in data:
        try:
            yield from (one["ref"] for one in commitments(decode_entry(data)))
        except ValueError:
            return  # Whoever checks the folder finds the damaged entry; it must get there.


def _write_tiles(session: Session, folder: Path, level: int, size: int) -> None:
    for tile in tiles_of(level, size):
        hashes = session.scalars(
            select(col(AuditNode.hash))
            .where(
                col(AuditNode.level) == level * HEIGHT,
                col(AuditNode.position) >= tile.start,
                col(AuditNode.position) < tile.start + tile.width,
            )
            .order_by(col(AuditNode.position))
        )
        _write(folder / tile.path, b"".join(hashes))


def _write_personal(session: Session, folder: Path, refs: set[str]) -> None:
    lines, wanted = [], sorted(refs)
    for start in range(0, len(wanted), _REFS_A_QUERY):
        rows = session.scalars(
            select(AuditPersonalValue)
            .where(col(AuditPersonalValue.ref).in_(wanted[start : start + _REFS_A_QUERY]))
            .order_by(col(AuditPersonalValue.ref))
        )
        lines += [_personal_line(row) for row in rows]
    _write(folder / PERSONAL, "".join(lines).encode())


def _personal_line(row: AuditPersonalValue) -> str:
    fields = {"ref": row.ref, "person": row.person_id, "value": row.value, "key": row.key.hex()}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
