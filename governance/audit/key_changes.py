"""How a log changes its key, so that who trusts one key can follow to the other.

A hand-over is the proof file of the entry that states both keys, under a checkpoint that both
have signed. The old key vouches for the new one, the new one for the past, and neither counts
outside its term: a key that leaks after its term signs nothing that is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.checkpoints import Checkpoint, KeyTerm, LogKeys, parse_checkpoint
from governance.audit.entries import decode_entry
from governance.audit.log_proofs import proof_of
from governance.audit.merkle import leaf_hash, verify_inclusion
from governance.audit.models import Action, AuditEntry
from governance.audit.notes import VerifierKey, open_note, parse_verifier_key
from governance.audit.proofs import Proof, parse_proof
from governance.audit.sequencing import first_checkpoint_over
from governance.audit.service import Change, record
from governance.errors import Conflict, InvalidNote

_SUBJECT = "audit_checkpoint"
_OLD, _NEW = "old_key", "new_key"


@dataclass(frozen=True, slots=True)
class HandOver:
    """One change of the key, checked in itself: both keys have signed the same tree."""

    old: VerifierKey
    new: VerifierKey
    checkpoint: Checkpoint
    """The tree that both signed."""

    @property
    def size(self) -> int:
        """Entries in that tree."""
        return self.checkpoint.size


def record_key_change(
    session: Session, actor: Actor, old: VerifierKey, new: VerifierKey
) -> AuditEntry:
    """Add the entry that states the log's new key."""
    change = Change(
        Action.LOG_KEY_CHANGED,
        _SUBJECT,
        new.key_id.hex(),
        new.name,
        before={_OLD: str(old)},
        after={_NEW: str(new)},
    )
    return record(session, actor, change)


def check_hand_over(text: str) -> HandOver:
    """Read a hand-over; InvalidNote unless both keys that it states have signed it.

    It says nothing yet on whether either key is to be trusted.
    """
    proof = parse_proof(text)
    old, new = _keys_of(proof.extra)
    opened, signers = open_note(proof.checkpoint, [old, new])
    checkpoint = parse_checkpoint(opened.text)
    if {old, new} != set(signers) or {old.name, new.name} != {checkpoint.origin}:
        raise InvalidNote("a hand-over is signed by the old and the new key of the log")
    leaf = leaf_hash(proof.extra)
    if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise InvalidNote("the entry that states the new key is not in the tree that was signed")
    return HandOver(old, new, checkpoint)


def _keys_of(entry: bytes) -> tuple[VerifierKey, VerifierKey]:
    try:
        fields = decode_entry(entry)
        stated = fields["action"], fields["before"][_OLD], fields["after"][_NEW]
    except (ValueError, KeyError, TypeError):
        raise InvalidNote("the hand-over holds no entry that states two keys") from None
    action, old, new = stated
    if action != Action.LOG_KEY_CHANGED:
        raise InvalidNote("the hand-over's entry is not one of a change of the key")
    return parse_verifier_key(old), parse_verifier_key(new)


def keys_from(trusted: VerifierKey, hand_overs: Iterable[HandOver]) -> LogKeys:
    """All keys of the log that hand-overs connect with a key that is trusted, with their terms."""
    forward: dict[VerifierKey, HandOver] = {}
    backward: dict[VerifierKey, HandOver] = {}
    for one in sorted(hand_overs, key=lambda found: found.size):
        forward.setdefault(one.old, one)
        backward.setdefault(one.new, one)
    terms = [_term(trusted, backward, forward)]
    while (step := forward.get(terms[-1].key)) is not None and _goes_on(step, terms):
        terms.append(_term(step.new, backward, forward))
    while (step := backward.get(terms[0].key)) is not None and _goes_on(step, terms):
        terms.insert(0, _term(step.old, backward, forward))
    return LogKeys(tuple(terms))


def _goes_on(step: HandOver, terms: Sequence[KeyTerm]) -> bool:
    """Hand-overs that lead round in a circle end where they began."""
    known = {term.key for term in terms}
    return not {step.old, step.new} <= known


def _term(
    key: VerifierKey,
    backward: dict[VerifierKey, HandOver],
    forward: dict[VerifierKey, HandOver],
) -> KeyTerm:
    began, ended = backward.get(key), forward.get(key)
    return KeyTerm(key, began.size if began else 0, ended.size if ended else None)


def hand_overs_of(session: Session) -> dict[int, Proof]:
    """The hand-over files of the stored log, by the size of the tree; damaged ones are left out."""
    entries = session.scalars(
        select(AuditEntry)
        .where(
            col(AuditEntry.action) == Action.LOG_KEY_CHANGED,
            col(AuditEntry.leaf_index).is_not(None),
        )
        .order_by(col(AuditEntry.leaf_index))
    )
    found: dict[int, Proof] = {}
    for entry in entries:
        covering = first_checkpoint_over(session, entry.leaf_index or 0)
        if covering is None:
            continue
        try:
            found[covering.size] = proof_of(session, entry.uid, covering.size)
        except Conflict:
            continue  # Who checks the log learns that a hash is missing, and where.
    return found


def stored_keys(session: Session, current: VerifierKey) -> LogKeys:
    """The keys that the stored log has had, as far as the current one vouches for them."""
    found = []
    for proof in hand_overs_of(session).values():
        try:
            found.append(check_hand_over(proof.text))
        except InvalidNote:
            continue  # What it would have vouched for is then found to be signed by nobody.
    return keys_from(current, found)
