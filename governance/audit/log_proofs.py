"""Proofs of the stored log: that an entry stands in it, that it only grew."""

from __future__ import annotations

from sqlalchemy.orm import Session

from governance.audit.cosignatures import cosigned_note
from governance.audit.merkle import consistency_proof, inclusion_proof
from governance.audit.proofs import Proof
from governance.audit.sequencing import checkpoint_of, entry_of, node_reader
from governance.errors import Conflict


def proof_of(session: Session, uid: str, size: int | None = None) -> Proof:
    """The proof of an entry under the checkpoint of `size`, by default the latest.

    Raises NotFound for an unknown entry or checkpoint, Conflict for an entry that isn't in it.
    """
    entry, checkpoint = entry_of(session, uid), checkpoint_of(session, size)
    if entry.leaf_index is None or entry.leaf_index >= checkpoint.size:
        raise Conflict("the entry is not under this checkpoint yet; ask again in a moment")
    path = inclusion_proof(entry.leaf_index, checkpoint.size, node_reader(session))
    return Proof(entry.leaf_index, path, cosigned_note(session, checkpoint), extra=entry.data)


def growth_of(session: Session, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of `new` entries extends the one of `old`."""
    return consistency_proof(old, new, node_reader(session))
