"""Check a log entry by entry: what every check has in common, wherever the entries come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.audit.checkpoints import Checkpoint
from governance.audit.entries import Personal, commitments, committed, decode_entry
from governance.audit.merkle import Frontier, Node, leaf_hash, verify_consistency
from governance.audit.rows import RowKey
from governance.audit.timestamps import Stamp
from governance.errors import Problem


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkpoint that the log must agree with, and where it was found."""

    where: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A personal value with its key, as it is kept beside the log."""

    ref: str
    key: bytes
    personal: Personal


@dataclass(frozen=True, slots=True)
class StampedCheckpoint:
    """A timestamp of a checkpoint of `size` entries."""

    size: int
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found."""

    size: int
    """Entries in the tree."""
    root: bytes
    erased: int
    """Personal values that entries commit to and that are no longer kept."""
    problems: tuple[Problem, ...]
    cosigned: Mapping[str, int] = field(default_factory=dict)
    """By witness, entries in the largest tree with a cosignature that holds."""
    proofs: int = 0
    """Proof files that hold."""
    stamps: tuple[StampedCheckpoint, ...] = ()
    """Timestamps that hold, smallest tree first."""
    keys: int = 1
    """Keys that the log has had, as far as hand-overs tell."""
    documents: int = 0
    """Documents that are those that entries tell of."""


Growth = Callable[[int], Sequence[bytes] | None]
"""Answers the consistency proof from a tree of that size, None where there is none."""


class LogCheck:
    """Takes the entries in order and rebuilds the tree from nothing."""

    def __init__(self, claims: Iterable[Claim], *, keeps_rows: bool = False) -> None:
        self._keeps_rows = keeps_rows
        self.frontier = Frontier()
        self.problems: list[Problem] = []
        self.commitments: dict[str, str] = {}
        """By ref, what the entries commit to."""
        self._named: dict[RowKey, tuple[int, str | None]] = {}
        self._uids: set[str] = set()
        self._claims: dict[int, list[Claim]] = {}
        for claim in claims:
            self._claims.setdefault(claim.checkpoint.size, []).append(claim)
        self._compare()

    def wrong(self, what: str, where: str, column: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(what, file=where, column=column))

    def add(self, data: bytes, where: str) -> tuple[dict[str, Any] | None, list[Node]]:
        """Take the next entry; answers its fields, None where unreadable, and the new hashes."""
        index = self.frontier.size
        nodes = list(self.frontier.append(leaf_hash(data)))
        if index + 1 in self._claims:
            self._compare()
        try:
            fields = decode_entry(data)
            self._note(fields, b'"commitment"' in data)
            self._name_rows(index, fields)
        except (ValueError, KeyError, TypeError) as error:
            self.wrong(f"this is no readable entry: {error}", where, f"entry {index}")
            return None, nodes
        return fields, nodes

    def note_entry(self, index: int, data: bytes) -> None:
        """Take an entry that is proven by itself; ValueError where it is unreadable."""
        fields = decode_entry(data)
        self._name_rows(index, fields)
        self.commitments.update((one["ref"], one["commitment"]) for one in commitments(fields))

    def row_digests(self) -> dict[RowKey, str | None]:
        """By row, the digest that the last of the entries names, if rows are kept."""
        return {row: digest for row, (_, digest) in self._named.items()}

    def _name_rows(self, index: int, fields: Mapping[str, Any]) -> None:
        for table, key, digest in fields["rows"] if self._keeps_rows else ():
            if self._named.get((table, key), (-1, None))[0] <= index:
                self._named[table, key] = (index, digest)

    def only_proofs(self, signed: Checkpoint, growth: Growth) -> None:
        """Without the entries, proofs show that the signed tree extends every other checkpoint."""
        for claim in self._claims.pop(signed.size, ()):
            if claim.checkpoint != signed:
                self.wrong("another checkpoint of this size was signed", claim.where)
        for claims in self._claims.values():
            for claim in claims:
                self._check_growth(claim, signed, growth(claim.checkpoint.size))

    def _check_growth(
        self, claim: Claim, signed: Checkpoint, proof: Sequence[bytes] | None
    ) -> None:
        size, root = claim.checkpoint.size, claim.checkpoint.root
        if size > signed.size:
            self.wrong(f"{size} entries were signed, this checkpoint is older", claim.where)
        elif proof is None:
            self.wrong(f"nothing here proves the growth from {size} entries", claim.where)
        elif not verify_consistency(size, signed.size, proof, root, signed.root):
            self.wrong(f"the first {size} entries are not those that were signed", claim.where)

    def _note(self, fields: Mapping[str, Any], has_commitments: bool) -> None:
        if fields["id"] in self._uids:
            raise ValueError("another entry has the same id")
        self._uids.add(fields["id"])
        if has_commitments:
            self.commitments.update((one["ref"], one["commitment"]) for one in commitments(fields))

    def _compare(self) -> None:
        """Hold the tree as it is now against the checkpoints of its size."""
        for claim in self._claims.pop(self.frontier.size, ()):
            if claim.checkpoint.root != self.frontier.root():
                size = claim.checkpoint.size
                self.wrong(f"the first {size} entries are not those that were signed", claim.where)

    def check_personal(self, kept: Iterable[KeptValue], where: str) -> int:
        """Hold kept personal values against the entries; answers how many were erased."""
        open_refs = set(self.commitments)
        for value in kept:
            stated = self.commitments.get(value.ref)
            if stated is None:
                self.wrong("no entry commits to this personal value", where, f"ref {value.ref}")
                continue
            open_refs.discard(value.ref)
            if committed(value.ref, value.key, value.personal)["commitment"] != stated:
                self.wrong("this is not the value the entry commits to", where, f"ref {value.ref}")
        return len(open_refs)

    def finish(self) -> None:
        """Name the checkpoints that the log no longer reaches."""
        for size, claims in sorted(self._claims.items()):
            for claim in claims:
                self.wrong(
                    f"{size} entries were signed, but the log has only {self.frontier.size}:"
                    " entries are missing, or an old copy was restored",
                    claim.where,
                )
