"""The tree holds to the published vectors, and to its laws for any size."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.governance.audit.trees import MemoryTree
from tests.governance.audit.vectors import vectors

SIZES = range(1, 131)


def _bytes(encoded: str | None) -> bytes:
    return base64.b64decode(encoded or "")


def test_hashes_are_those_of_the_standard() -> None:
    known = vectors()["rfc6962_hash"]
    assert EMPTY_ROOT.hex() == known["empty_root"]
    assert leaf_hash(b"").hex() == known["leaf_of_empty"]
    assert leaf_hash(b"L123456").hex() == known["leaf_utf8_L123456"]
    assert node_hash(b"N123", b"N456").hex() == known["node_utf8_N123_N456"]


def test_roots_of_the_published_tree() -> None:
    known = vectors()["rfc6962_tree8"]
    tree = MemoryTree(bytes.fromhex(one) for one in known["leaf_inputs_hex"])
    roots = [root_hash(size, tree.read).hex() for size in range(9)]
    assert roots == known["root_hex_by_size"]


@pytest.mark.parametrize("case", vectors()["inclusion"]["cases"], ids=lambda case: case["name"])
def test_published_inclusion_proofs(case: dict[str, Any]) -> None:
    right = verify_inclusion(
        _bytes(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        [_bytes(one) for one in case["proof"] or []],
        _bytes(case["root"]),
    )
    assert right is not case["wantErr"]


@pytest.mark.parametrize("case", vectors()["consistency"]["cases"], ids=lambda case: case["name"])
def test_published_consistency_proofs(case: dict[str, Any]) -> None:
    right = verify_consistency(
        case["size1"],
        case["size2"],
        [_bytes(one) for one in case["proof"] or []],
        _bytes(case["root1"]),
        _bytes(case["root2"]),
    )
    assert right is not case["wantErr"]


@pytest.fixture(scope="module")
def tree() -> MemoryTree:
    """130 leaves of one byte each."""
    return MemoryTree(bytes([number]) for number in range(130))


def _digest(lines: Iterable[str]) -> str:
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _line(*parts: object) -> str:
    return " ".join(part.hex() if isinstance(part, bytes) else str(part) for part in parts)


def test_every_root_and_proof_up_to_130_leaves(tree: MemoryTree) -> None:
    known = vectors()["rfc6962_accumulated_130"]["sha256"]
    roots = [_line(n, root_hash(n, tree.read)) for n in SIZES]
    inclusion = [_line(i, n, *inclusion_proof(i, n, tree.read)) for n in SIZES for i in range(n)]
    consistency = [
        _line(m, n, *consistency_proof(m, n, tree.read)) for n in SIZES for m in range(1, n + 1)
    ]
    assert _digest(roots) == known["roots"]
    assert _digest(inclusion) == known["inclusion"]
    assert _digest(consistency) == known["consistency"]


ENTRIES = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


@given(ENTRIES, st.data())
def test_each_entry_is_proven_and_no_other(entries: list[bytes], data: st.DataObject) -> None:
    tree, size = MemoryTree(entries), len(entries)
    index = data.draw(st.integers(0, size - 1))
    root, proof = root_hash(size, tree.read), inclusion_proof(index, size, tree.read)
    assert verify_inclusion(leaf_hash(entries[index]), index, size, proof, root)
    other = data.draw(st.integers(0, size + 1).filter(lambda one: one != index))
    if other >= size or entries[other] != entries[index]:
        assert not verify_inclusion(leaf_hash(entries[index] + b"x"), index, size, proof, root)
    assert not verify_inclusion(leaf_hash(entries[index]), index, size, (*proof, root), root)


@given(ENTRIES, st.data())
def test_a_tree_extends_all_its_beginnings(entries: list[bytes], data: st.DataObject) -> None:
    tree, size = MemoryTree(entries), len(entries)
    old = data.draw(st.integers(0, size))
    before, now = root_hash(old, tree.read), root_hash(size, tree.read)
    proof = consistency_proof(old, size, tree.read)
    assert verify_consistency(old, size, proof, before, now)
    if old:
        changed = MemoryTree([entries[0] + b"x", *entries[1:]])
        other = root_hash(size, changed.read)
        wrong = consistency_proof(old, size, changed.read)
        assert not verify_consistency(old, size, wrong, before, other)


@given(st.integers(0, 60), st.integers(0, 60))
def test_growth_may_stop_anywhere(first: int, second: int) -> None:
    entries = [bytes([number]) for number in range(first + second)]
    begun, whole = MemoryTree(entries[:first]), MemoryTree(entries)
    resumed = Frontier.at(first, begun.read)
    assert resumed.root() == root_hash(first, whole.read)
    for entry in entries[first:]:
        list(resumed.append(leaf_hash(entry)))
    assert resumed.root() == root_hash(len(entries), whole.read)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_outside_the_tree(tree: MemoryTree, index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_proof(index, size, tree.read)


def test_a_tree_never_shrinks(tree: MemoryTree) -> None:
    with pytest.raises(ValueError, match="can't have become"):
        consistency_proof(5, 4, tree.read)
