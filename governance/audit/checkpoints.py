"""Checkpoints (c2sp.org/tlog-checkpoint): what a log states of its tree, signed and cosigned."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from governance.audit.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from governance.audit.notes import (
    COSIGNATURE,
    SignerKey,
    VerifierKey,
    open_note,
    parse_note,
    strict_base64,
)
from governance.errors import InvalidNote

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of a log's tree at one moment."""

    origin: str
    """Name of the log, a URL without scheme."""
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text; InvalidNote where it breaks a rule of the format."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise InvalidNote("a checkpoint has at least three lines, none of them empty")
    origin, size, encoded = lines[:3]
    root = strict_base64(encoded)
    if not _SIZE.fullmatch(size) or len(root) != HASH_BYTES:
        raise InvalidNote("the checkpoint's size or root is malformed")
    if size == "0" and root != EMPTY_ROOT:
        raise InvalidNote("an empty tree has only one root, and this is another")
    return Checkpoint(origin, int(size), root)


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """For which trees a key signs; a log that has changed its key has several terms."""

    key: VerifierKey
    first: int = 0
    """Size of the smallest tree that it signs."""
    last: int | None = None
    """Size of the largest tree that it signs: the hand-over's. None while it is the log's key."""

    def covers(self, size: int) -> bool:
        """Whether the key signs trees of that size."""
        return self.first <= size and (self.last is None or size <= self.last)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one log, each with its term, oldest first."""

    terms: tuple[KeyTerm, ...]

    @property
    def name(self) -> str:
        """The log's name, which all its keys share."""
        return self.terms[0].key.name

    @property
    def current(self) -> VerifierKey:
        """The key that signs now."""
        return self.terms[-1].key


def open_checkpoint(note: str, log: VerifierKey | LogKeys) -> Checkpoint:
    """The checkpoint in a note that the log has signed under its own name.

    Raises InvalidNote for a malformed note, one that none of the log's keys has signed, and one
    signed with a key whose term doesn't cover the tree.
    """
    keys = LogKeys((KeyTerm(log),)) if isinstance(log, VerifierKey) else log
    _refuse_foreign_key(note, keys)
    opened, signers = open_note(note, [term.key for term in keys.terms])
    checkpoint = parse_checkpoint(opened.text)
    if checkpoint.origin != keys.name:
        raise InvalidNote(f"the checkpoint is one of {checkpoint.origin}, not of {keys.name}")
    if not any(term.covers(checkpoint.size) for term in keys.terms if term.key in signers):
        raise InvalidNote(
            f"{checkpoint.size} entries are signed with a key of {keys.name} that wasn't the"
            " log's at that size"
        )
    return checkpoint


def _refuse_foreign_key(note: str, keys: LogKeys) -> None:
    """Name a key that took the log's place; other notes without a known key are just unsigned."""
    signatures = parse_note(note).signatures
    own = [one for one in signatures if one.name == keys.name]
    if own and not any(one.is_of(term.key) for one in own for term in keys.terms):
        raise InvalidNote(
            f"the checkpoint is signed with another key of {keys.name}, key id"
            f" {own[-1].key_id.hex()}, and no hand-over leads to it from the key that is trusted,"
            f" key id {keys.current.key_id.hex()}"
        )


def log_part(note: str, name: str) -> str:
    """A note without the lines of others than the log: what was signed first, and is stamped."""
    text, _, block = note.rpartition("\n\n")
    own = [line for line in block.splitlines(keepends=True) if line.startswith(f"— {name} ")]
    return f"{text}\n\n{''.join(own)}"


def cosigners_of(note: str, witnesses: Collection[VerifierKey]) -> tuple[str, ...]:
    """Names of the given witnesses whose cosignatures hold; InvalidNote for one that doesn't."""
    text, signatures = (opened := parse_note(note)).text, opened.signatures
    found = [
        (key, signature)
        for key in witnesses
        for signature in signatures
        if signature.is_of(key) and key.algorithm == COSIGNATURE
    ]
    for key, signature in found:
        if not key.verifies(text, signature.value):
            raise InvalidNote(f"the cosignature of {key.name} is not for this checkpoint")
    return tuple(dict.fromkeys(key.name for key, _ in found))


def cosign(
    note: str,
    log: VerifierKey | LogKeys,
    witness: SignerKey,
    at: int,
    *,
    seen: Checkpoint | None,
    proof: Sequence[bytes],
) -> str:
    """The note with a witness's cosignature (c2sp.org/tlog-witness).

    `seen` is the last checkpoint the witness cosigned, None for the first; `proof` shows that
    the new tree extends it; `at` is POSIX time in seconds.

    Raises InvalidNote where the log hasn't signed, or the tree shrank or was rewritten.
    """
    new = open_checkpoint(note, log)
    old = seen or Checkpoint(new.origin, 0, EMPTY_ROOT)
    if old.size > new.size:
        raise InvalidNote(f"the log shrank from {old.size} entries to {new.size}")
    if not verify_consistency(old.size, new.size, proof, old.root, new.root):
        raise InvalidNote(f"the first {old.size} entries are no longer those seen before")
    return note + witness.signature_line(new.text, at)
