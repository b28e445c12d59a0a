"""Check the log in the database: every column of it, and every row that it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import MetaData, Row, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.checkpoints import LogKeys, open_checkpoint
from governance.audit.entries import Personal, plain_value
from governance.audit.key_changes import stored_keys
from governance.audit.merkle import Coordinate, Node
from governance.audit.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditNode,
    AuditPersonalValue,
)
from governance.audit.notes import VerifierKey
from governance.audit.rows import RowKey, as_stored, row_digests
from governance.audit.service import found_by
from governance.audit.verification import Claim, KeptValue, LogCheck, Verdict
from governance.audit.vouchers import check_vouchers
from governance.errors import InvalidNote, Problem
from governance.tables import Table

T = TypeVar("T")
_BATCH = 4096
_ENTRIES = "audit_entry"
_NODES = "audit_node"
_PERSONAL = "audit_personal_value"
Digests = dict[RowKey, str | None]
"""By row, the digest that the last entry names; None where the row was deleted."""


def check_database(
    session: Session,
    log: VerifierKey,
    metadata: MetaData,
    held: Iterable[Claim] = (),
) -> Verdict:
    """Recompute the whole log and hold every stored thing against it.

    `metadata` names the tables whose rows the log speaks of; `held` are checkpoints from outside
    the database. Nothing is trusted but the log's current key, which vouches for those before.
    """
    keys = stored_keys(session, log)
    stored, problems = _stored_checkpoints(session, keys)
    check = LogCheck([*held, *stored])
    check.problems += problems
    digests: Digests = {}
    _StoredTree(session, check, digests).check()
    check.finish()
    size, root = check.frontier.size, check.frontier.root()
    _check_head(session, check, stored)
    _check_pending(session, check, digests)
    erased = check.check_personal(_kept_values(session), _PERSONAL)
    check.problems += check_vouchers(session)
    _check_rows(session, check, metadata, digests)
    return Verdict(size, root, erased, tuple(check.problems), keys=len(keys.terms))


def _stored_checkpoints(session: Session, log: LogKeys) -> tuple[list[Claim], list[Problem]]:
    claims, check = [], LogCheck(())
    for row in session.scalars(select(AuditCheckpoint).order_by(col(AuditCheckpoint.size))):
        where = f"audit_checkpoint {row.size}"
        try:
            signed = open_checkpoint(row.note, log)
        except InvalidNote as error:
            check.wrong(str(error), where, "note")
            continue
        claims.append(Claim(where, signed))
        if (row.size, row.root) != (signed.size, signed.root):
            check.wrong("size or root is not what was signed", where)
    return claims, check.problems


class _StoredTree:
    """Holds the tables of entries and hashes against the tree that the entries give."""

    def __init__(self, session: Session, check: LogCheck, digests: Digests) -> None:
        self._session, self._check, self._digests = session, check, digests
        self._nodes: list[Node] = []
        self._in_order = True
        """Whether no entry is missing so far: after a gap no hash can be right."""

    def check(self) -> None:
        """Every sequenced entry, every hash, and that there are no others."""
        for entry in readable(self._check, _ENTRIES, _entries(self._session, sequenced=True)):
            self._check_place(entry)
            fields, nodes = self._check.add(entry.data, _ENTRIES)
            check_columns(self._check, entry, fields, self._digests)
            self._nodes += nodes
            if len(self._nodes) >= _BATCH:
                self._check_nodes()
        self._check_nodes()
        self._check_count()

    def _check_place(self, entry: Row[Any]) -> None:
        expected = self._check.frontier.size
        if self._in_order and entry.leaf_index != expected:
            self._check.wrong("the entry is missing", _ENTRIES, f"entry {expected}")
            self._in_order = False

    def _check_nodes(self) -> None:
        nodes, self._nodes = self._nodes, []
        if not nodes or not self._in_order:
            return
        stored = self._stored(nodes)
        for level, position, digest in nodes:
            found = stored.get((level, position))
            if found != digest:
                what = "the hash is missing" if found is None else "the hash is not the entries'"
                self._check.wrong(what, _NODES, f"level {level}, position {position}")

    def _stored(self, nodes: Sequence[Node]) -> dict[Coordinate, bytes]:
        spans: dict[int, tuple[int, int]] = {}
        for level, position, _ in nodes:
            first, _last = spans.get(level, (position, position))
            spans[level] = (first, position)
        found: dict[Coordinate, bytes] = {}
        for level, (first, last) in spans.items():
            rows = self._session.execute(
                select(col(AuditNode.position), col(AuditNode.hash)).where(
                    col(AuditNode.level) == level, col(AuditNode.position).between(first, last)
                )
            )
            found.update(((level, row.position), row.hash) for row in rows)
        return found

    def _check_count(self) -> None:
        size = self._check.frontier.size
        expected = 2 * size - size.bit_count()
        stored = self._session.execute(select(func.count()).select_from(AuditNode)).scalar_one()
        if stored != expected:
            self._check.wrong(f"there are {stored} hashes where {expected} belong", _NODES)


def readable(check: LogCheck, where: str, found: Iterator[T]) -> Iterator[T]:
    """What could be read; a value that isn't of its column's type ends it with a problem."""
    try:
        yield from found
    except (ValueError, TypeError, LookupError) as error:
        check.wrong(f"a row can't be read: {error}", where)


def _entries(session: Session, *, sequenced: bool) -> Iterator[Row[Any]]:
    """Entries in the order of the tree, or the pending ones in the order of their ids."""
    place = col(AuditEntry.leaf_index)
    columns = [as_stored(column) for column in Table.metadata.tables[_ENTRIES].columns]
    chosen = (
        select(*columns).where(place.is_not(None)).order_by(place)
        if sequenced
        else select(*columns).where(place.is_(None)).order_by(col(AuditEntry.id))
    )
    yield from session.execute(chosen.execution_options(yield_per=1000))


def check_columns(
    check: LogCheck, entry: Row[Any], fields: Mapping[str, Any] | None, digests: Digests
) -> None:
    """Hold the columns by which an entry is found against what it states."""
    if fields is None:
        return
    stated = {
        "uid": fields["id"],
        "at": fields["time"],
        "actor_id": fields["actor"]["id"],
        "action": fields["action"],
        "engagement_id": fields["tenant"],
        "subject_kind": fields["subject"]["kind"],
        "subject_id": fields["subject"]["id"],
        "subject_label": found_by(fields["subject"]["label"]),
        "person_id": fields.get("person"),
        "request_id": found_by(fields["request"]),
    }
    for column, value in stated.items():
        kept = getattr(entry, column)
        if plain_value(kept) != value:
            check.wrong(
                "the column is not what the entry states", _ENTRIES, f"{entry.uid} {column}"
            )
    for table, key, digest in fields["rows"]:
        digests[table, key] = digest


def _check_head(session: Session, check: LogCheck, stored: Sequence[Claim]) -> None:
    heads = session.scalars(select(AuditHead)).all()
    signed = max((claim.checkpoint.size for claim in stored), default=0)
    expected = (1, check.frontier.size, check.frontier.root())
    if [(head.id, head.size, head.root) for head in heads] != [
        expected
    ] or signed != check.frontier.size:
        check.wrong("the head is not at the last checkpoint of all sequenced entries", "audit_head")


def _check_pending(session: Session, check: LogCheck, digests: Digests) -> None:
    """Entries that are not in the tree yet: only their columns and values can be checked."""
    pending = LogCheck(())
    for entry in readable(check, _ENTRIES, _entries(session, sequenced=False)):
        fields, _ = pending.add(entry.data, _ENTRIES)
        check_columns(pending, entry, fields, digests)
    check.commitments |= pending.commitments
    check.problems += pending.problems


def _kept_values(session: Session) -> Iterator[KeptValue]:
    for row in session.scalars(select(AuditPersonalValue)):
        yield KeptValue(row.ref, row.key, Personal(row.value, row.person_id))


def _check_rows(session: Session, check: LogCheck, metadata: MetaData, digests: Digests) -> None:
    """Every audited row must be as the last entry that names it left it."""
    expected = {key: digest for key, digest in digests.items() if digest is not None}
    for key, found in readable(check, "the tables", row_digests(session, metadata)):
        stated = expected.pop(key, None)
        if stated is None:
            check.wrong("no entry tells of this row", key[0], f"row {key[1]}")
        elif stated != found:
            check.wrong("the row is not as the last entry left it", key[0], f"row {key[1]}")
    known = set(metadata.tables)
    for table, row in expected:
        if table in known:
            check.wrong("the row is missing", table, f"row {row}")
