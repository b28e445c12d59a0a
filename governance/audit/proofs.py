"""Proof files (c2sp.org/tlog-proof): that one entry stands in the log, in one text file."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from governance.audit.checkpoints import Checkpoint, LogKeys, open_checkpoint
from governance.audit.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from governance.audit.notes import VerifierKey, strict_base64
from governance.errors import InvalidNote

_HEAD = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Proof:
    """A leaf's index, its audit path, and the signed checkpoint the path leads to."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    """The signed note, to the byte."""
    extra: bytes = b""
    """What the application adds, here the entry itself; not authenticated by itself."""

    @property
    def text(self) -> str:
        """The proof file."""
        extra = [f"extra {base64.b64encode(self.extra).decode()}"] if self.extra else []
        path = [base64.b64encode(one).decode() for one in self.path]
        return "\n".join([_HEAD, *extra, f"index {self.index}", *path, "", self.checkpoint])


def parse_proof(written: str) -> Proof:
    """Read a proof file; InvalidNote where it is malformed."""
    head, separator, checkpoint = written.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != _HEAD or not lines:
        raise InvalidNote("this is not a log proof")
    extra = lines.pop(0).removeprefix("extra ") if lines[0].startswith("extra ") else ""
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    path = tuple(strict_base64(line) for line in lines)
    if index is None or any(len(one) != HASH_BYTES for one in path):
        raise InvalidNote("the proof's index or path is malformed")
    return Proof(int(index[1]), path, checkpoint, strict_base64(extra))


def check_proof(proof: Proof, entry: bytes, log: VerifierKey | LogKeys) -> Checkpoint:
    """The checkpoint under which the entry is proven; InvalidNote where it isn't."""
    checkpoint = open_checkpoint(proof.checkpoint, log)
    leaf = leaf_hash(entry)
    if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise InvalidNote(f"the path doesn't lead from entry {proof.index} to the root")
    return checkpoint
