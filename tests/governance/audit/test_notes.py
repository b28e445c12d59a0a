"""Notes, checkpoints, cosignatures and proof files hold to the published vectors."""

from __future__ import annotations

from typing import Any

import pytest

from governance.audit.checkpoints import (
    Checkpoint,
    cosign,
    cosigners_of,
    open_checkpoint,
    parse_checkpoint,
)
from governance.audit.merkle import EMPTY_ROOT, consistency_proof, inclusion_proof, root_hash
from governance.audit.notes import COSIGNATURE, SignerKey, open_note, parse_note, parse_verifier_key
from governance.audit.proofs import Proof, check_proof, parse_proof
from governance.errors import InvalidNote
from tests.governance.audit.trees import MemoryTree
from tests.governance.audit.vectors import vectors

NOTES = vectors()["signed_note"]
ORIGIN = "log.example.org/plumbline"
LOG = SignerKey(ORIGIN, bytes(32))
WITNESS = SignerKey("witness.example.org/w1", bytes([1] * 32), COSIGNATURE)


def _is_good_note(case: dict[str, Any]) -> bool:
    try:
        open_note(case["note"], [parse_verifier_key(one) for one in case["vkeys"]])
    except InvalidNote:
        return False
    return True


@pytest.mark.parametrize("case", NOTES["cases"], ids=lambda case: case["name"])
def test_published_notes(case: dict[str, Any]) -> None:
    assert _is_good_note(case) is case["valid"]


def test_the_published_note_is_signed_to_the_byte() -> None:
    sign = NOTES["sign"]
    signer = SignerKey("PeterNeumann", bytes.fromhex(sign["ed25519_seed_hex"]))
    assert signer.sign(sign["text"]) == sign["note"]
    assert str(signer.verifier) == NOTES["cases"][0]["vkeys"][0]


@pytest.mark.parametrize("written", [*NOTES["bad_vkeys"], "", "a+b", "a b+00000000+AQ=="])
def test_bad_keys_are_refused(written: str) -> None:
    with pytest.raises(InvalidNote):
        parse_verifier_key(written)


@pytest.mark.parametrize("case", vectors()["checkpoint_body"]["cases"], ids=lambda one: one["name"])
def test_published_checkpoints(case: dict[str, Any]) -> None:
    try:
        parse_checkpoint(case["text"])
    except InvalidNote:
        assert not case["valid"]
    else:
        assert case["valid"]


def _tree(size: int) -> MemoryTree:
    return MemoryTree(str(number).encode() for number in range(size))


def _checkpoint(size: int, tree: MemoryTree | None = None) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_hash(size, (tree or _tree(size)).read))


def test_a_checkpoint_of_another_log_is_refused() -> None:
    note = LOG.sign(Checkpoint("elsewhere.example.org", 0, EMPTY_ROOT).text)
    with pytest.raises(InvalidNote, match="elsewhere"):
        open_checkpoint(note, LOG.verifier)


def test_a_witness_cosigns_what_extends_the_tree() -> None:
    seen, new = _checkpoint(3), _checkpoint(7)
    proof = consistency_proof(3, 7, _tree(7).read)
    note = cosign(LOG.sign(new.text), LOG.verifier, WITNESS, 1_700_000_000, seen=seen, proof=proof)
    assert open_checkpoint(note, LOG.verifier) == new
    assert cosigners_of(note, [WITNESS.verifier]) == (WITNESS.name,)
    assert cosigners_of(note, []) == ()
    changed = note.replace("\n7\n", "\n8\n")
    with pytest.raises(InvalidNote, match="not for this checkpoint"):
        cosigners_of(changed, [WITNESS.verifier])
    assert str(parse_verifier_key(str(WITNESS.verifier))) == str(WITNESS.verifier)


@pytest.mark.parametrize(("size", "what"), [(2, "shrank"), (7, "no longer")])
def test_a_witness_refuses_a_rewritten_tree(size: int, what: str) -> None:
    seen = Checkpoint(ORIGIN, 3, bytes(32))
    proof = consistency_proof(min(3, size), size, _tree(7).read)
    note = LOG.sign(_checkpoint(size).text)
    with pytest.raises(InvalidNote, match=what):
        cosign(note, LOG.verifier, WITNESS, 1, seen=seen, proof=proof)


def test_a_witness_asks_for_the_logs_signature() -> None:
    stranger = SignerKey(ORIGIN, bytes([9] * 32))
    with pytest.raises(InvalidNote, match="signed with another key"):
        cosign(stranger.sign(_checkpoint(1).text), LOG.verifier, WITNESS, 1, seen=None, proof=())


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257])
def test_a_proof_file_survives_its_text_and_proves_its_entry_alone(size: int) -> None:
    tree, index = _tree(size), size // 2
    note = LOG.sign(_checkpoint(size, tree).text)
    entry = str(index).encode()
    proof = Proof(index, inclusion_proof(index, size, tree.read), note, extra=entry)
    read = parse_proof(proof.text)
    assert read == proof
    assert len(proof.text.encode()) <= 1500
    assert check_proof(read, entry, LOG.verifier).size == size
    with pytest.raises(InvalidNote, match="doesn't lead"):
        check_proof(read, entry + b" ", LOG.verifier)


@pytest.mark.parametrize(
    "written",
    ["", "c2sp.org/tlog-proof@v1\n\nx", "c2sp.org/tlog-proof@v1\nindex 01\n\nx", "x\nindex 0\n\n"],
)
def test_malformed_proof_files_are_refused(written: str) -> None:
    with pytest.raises(InvalidNote):
        parse_proof(written)


def test_a_note_of_many_signatures_is_refused() -> None:
    note = LOG.sign("text\n")
    line = note.splitlines(keepends=True)[-1]
    with pytest.raises(InvalidNote, match="more signatures"):
        parse_note(note + line * 100)
