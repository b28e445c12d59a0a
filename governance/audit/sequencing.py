"""Give entries their places in the tree, and sign what the tree has become."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from governance.audit.merkle import Coordinate, Frontier, leaf_hash, root_hash
from governance.audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditNode
from governance.audit.notes import Signature, SignerKey, VerifierKey, parse_note
from governance.errors import Conflict, InvalidNote, NotFound

BATCH = 5_000
"""Entries that one transaction sequences at most."""
_COORDINATES_A_QUERY = 200


def sequence_pending(
    session: Session,
    signer: SignerKey,
    at: datetime,
    held: Checkpoint | None = None,
    *,
    successor: SignerKey | None = None,
) -> Checkpoint | None:
    """Put pending entries into the tree and sign a checkpoint; None where none are pending.

    `held` is the last checkpoint known from outside the database. A `successor` signs too, and
    is the log's key from then on. The head's row is locked, so sequencers follow one another.

    Raises Conflict where the stored tree isn't the one that was signed last, or no longer
    extends `held`: nothing is signed then.
    """
    locked = select(AuditHead).with_for_update().execution_options(populate_existing=True)
    head = session.execute(locked).scalar_one()
    pending = session.execute(
        select(col(AuditEntry.id), col(AuditEntry.data))
        .where(col(AuditEntry.leaf_index).is_(None))
        .order_by(col(AuditEntry.id))
        .limit(BATCH)
    ).all()
    frontier = Frontier.at(head.size, node_reader(session))
    _check_head(session, head, frontier, signer.verifier, held)
    if not pending:
        return None
    _append(session, frontier, [(row.id, row.data) for row in pending])
    checkpoint = Checkpoint(signer.name, frontier.size, frontier.root())
    head.size, head.root = checkpoint.size, checkpoint.root
    note = signer.sign(checkpoint.text)
    if successor is not None:
        note += successor.signature_line(checkpoint.text)
    session.add(
        AuditCheckpoint(size=checkpoint.size, root=checkpoint.root, note=note, signed_at=at)
    )
    session.flush()
    return checkpoint


def _check_head(
    session: Session,
    head: AuditHead,
    frontier: Frontier,
    log: VerifierKey,
    held: Checkpoint | None,
) -> None:
    """The log never signs a tree that is smaller than, or another than, what it signed before."""
    if frontier.root() != head.root:
        raise Conflict(f"the stored hashes no longer give the root of the {head.size} entries")
    last = latest_checkpoint(session)
    if (last.size if last else 0) != head.size:
        raise Conflict("the head of the log is not at its last checkpoint")
    if last is not None:
        _check_term(last, log)
    if last is not None and _opened(last, log) != Checkpoint(log.name, head.size, head.root):
        raise Conflict(f"the checkpoint of {last.size} entries is not the one that was signed")
    if held is not None and held.size:
        check_extends(session, head.size, held)


def _check_term(row: AuditCheckpoint, log: VerifierKey) -> None:
    """Conflict where the log's key was handed over since this signer read it."""
    own = [one for one in _signatures(row) if one.name == log.name]
    if len(own) > 1 and not own[-1].is_of(log):
        raise Conflict("the log's key was changed; this is the one before")


def _signatures(row: AuditCheckpoint) -> tuple[Signature, ...]:
    try:
        return parse_note(row.note).signatures
    except InvalidNote as error:
        raise Conflict(f"the last checkpoint isn't signed with this key: {error}") from None


def _opened(row: AuditCheckpoint, log: VerifierKey) -> Checkpoint:
    try:
        return open_checkpoint(row.note, log)
    except InvalidNote as error:
        raise Conflict(f"the last checkpoint isn't signed with this key: {error}") from None


def check_extends(session: Session, size: int, held: Checkpoint) -> None:
    """Conflict where the stored tree of `size` entries doesn't extend a checkpoint held outside."""
    if held.size > size:
        raise Conflict(
            f"the log has {size} entries, but a checkpoint of {held.size} was signed:"
            " entries are missing, or an old copy of the database was restored"
        )
    if root_hash(held.size, node_reader(session)) != held.root:
        raise Conflict(f"the first {held.size} entries are not those that were signed")


def _append(session: Session, frontier: Frontier, pending: Sequence[tuple[int, bytes]]) -> None:
    places, nodes = [], []
    for entry_id, data in pending:
        places.append({"id": entry_id, "leaf_index": frontier.size})
        nodes += [
            {"level": level, "position": position, "hash": digest}
            for level, position, digest in frontier.append(leaf_hash(data))
        ]
    session.execute(update(AuditEntry), places)
    session.execute(insert(AuditNode), nodes)


class NodeReader:
    """Reads hashes of complete subtrees from the database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, coordinates: Sequence[Coordinate]) -> list[bytes]:
        """The hashes asked for; Conflict where one is missing."""
        found: dict[Coordinate, bytes] = {}
        for start in range(0, len(coordinates), _COORDINATES_A_QUERY):
            part = coordinates[start : start + _COORDINATES_A_QUERY]
            rows = self._session.execute(
                select(col(AuditNode.level), col(AuditNode.position), col(AuditNode.hash)).where(
                    tuple_(col(AuditNode.level), col(AuditNode.position)).in_(part)
                )
            )
            found.update(((row.level, row.position), row.hash) for row in rows)
        missing = [one for one in coordinates if one not in found]
        if missing:
            level, position = missing[0]
            raise Conflict(f"the hash at level {level}, position {position} of the log is missing")
        return [found[one] for one in coordinates]


def node_reader(session: Session) -> NodeReader:
    """A reader of the tree's hashes, as proofs take it."""
    return NodeReader(session)


def latest_checkpoint(session: Session) -> AuditCheckpoint | None:
    """The checkpoint of the largest tree, None before the first."""
    return session.scalars(
        select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)
    ).first()


def latest_state(session: Session) -> Checkpoint | None:
    """What the latest checkpoint states, for documents to print; None before the first."""
    latest = latest_checkpoint(session)
    return parse_checkpoint(parse_note(latest.note).text) if latest else None


def checkpoint_of(session: Session, size: int | None = None) -> AuditCheckpoint:
    """The checkpoint of that size, by default the latest; NotFound where there is none."""
    found = latest_checkpoint(session) if size is None else session.get(AuditCheckpoint, size)
    if found is None:
        raise NotFound(_no_checkpoint(session, size))
    return found


def _no_checkpoint(session: Session, size: int | None) -> str:
    latest = latest_checkpoint(session)
    if size is None or latest is None:
        return "the log has no checkpoint yet"
    return (
        f"the log has no checkpoint of {size} entries: it signs one when entries come in;"
        f" the latest is of {latest.size}"
    )


def first_checkpoint_over(session: Session, index: int) -> AuditCheckpoint | None:
    """The smallest checkpoint whose tree has the entry at that place; None where none has."""
    covering = select(AuditCheckpoint).where(col(AuditCheckpoint.size) > index)
    return session.scalars(covering.order_by(col(AuditCheckpoint.size)).limit(1)).first()


def entry_of(session: Session, uid: str) -> AuditEntry:
    """The entry of that id; NotFound where there is none."""
    found = session.scalars(select(AuditEntry).where(col(AuditEntry.uid) == uid)).first()
    if found is None:
        raise NotFound("the log has no such entry")
    return found
