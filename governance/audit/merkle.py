"""The Merkle tree of RFC 6962: hashes, proofs, and their verification, without any storage.

A tree is stored as its complete subtrees only, each at (level, position): the subtree over the
leaves `position × 2^level` up to `(position + 1) × 2^level`. Whoever keeps them hands in a
reader; every root and proof is folded from a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

Coordinate = tuple[int, int]
"""Level and position of a complete subtree."""
Node = tuple[int, int, bytes]
"""Level, position and hash of a complete subtree."""
Reader = Callable[[Sequence[Coordinate]], Sequence[bytes]]
"""Answers the hashes of complete subtrees, in the order asked."""
Span = tuple[int, int]
"""First leaf, and the leaf after the last."""

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry (RFC 6962, 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def root_hash(size: int, read: Reader) -> bytes:
    """Root of the first `size` leaves."""
    return _hash_of_spans([(0, size)], read)[0] if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: Reader) -> tuple[bytes, ...]:
    """The audit path of a leaf, sibling first (RFC 6962, 2.1.1); ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    return _hash_of_spans(_inclusion_spans(index, 0, size), read)


def consistency_proof(old: int, new: int, read: Reader) -> tuple[bytes, ...]:
    """That the tree of `new` leaves extends the one of `old` (RFC 6962, 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} can't have become one of {new}")
    return _hash_of_spans(_consistency_spans(old, 0, new, whole=True), read) if old else ()


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the proof leads from the leaf's hash to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    node, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Whether the proof shows that the new tree extends the old one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes(old_root, new_root, *proof):
        return False
    if old in {0, new}:
        return not proof and (old_root == new_root if old else old_root == EMPTY_ROOT)
    return _climb(old, new, proof, old_root, new_root)


def _climb(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: the complete subtrees that the root is folded from."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)
    """Largest subtree first: one for each bit that is set in the size."""

    @classmethod
    def at(cls, size: int, read: Reader) -> Frontier:
        """The edge of a stored tree."""
        return cls(size, list(read(complete_subtrees((0, size)))))

    def append(self, leaf: bytes) -> Iterator[Node]:
        """Add a leaf's hash; yields every subtree that it completes, the leaf first."""
        level, position, current = 0, self.size, leaf
        yield level, position, current
        while position & 1:
            current = node_hash(self.hashes.pop(), current)
            level, position = level + 1, position >> 1
            yield level, position, current
        self.hashes.append(current)
        self.size += 1

    def root(self) -> bytes:
        """Root of the tree as it is now."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT


def complete_subtrees(span: Span) -> tuple[Coordinate, ...]:
    """The largest complete subtrees that make up a span which starts on its own size's grid."""
    start, end = span
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return tuple(found)


def _inclusion_spans(index: int, start: int, end: int) -> list[Span]:
    if end - start == 1:
        return []
    middle = _split(start, end)
    if index < middle:
        return [*_inclusion_spans(index, start, middle), (middle, end)]
    return [*_inclusion_spans(index, middle, end), (start, middle)]


def _consistency_spans(old: int, start: int, end: int, *, whole: bool) -> list[Span]:
    """Spans of SUBPROOF: `old` is the first leaf after the old tree, `whole` the RFC's b."""
    if old == end:
        return [] if whole else [(start, end)]
    middle = _split(start, end)
    if old <= middle:
        return [*_consistency_spans(old, start, middle, whole=whole), (middle, end)]
    return [*_consistency_spans(old, middle, end, whole=False), (start, middle)]


def _split(start: int, end: int) -> int:
    """Where the left subtree ends: after the largest power of two below the span's length."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _hash_of_spans(spans: Sequence[Span], read: Reader) -> tuple[bytes, ...]:
    parts = [complete_subtrees(span) for span in spans]
    hashes = iter(read([coordinate for part in parts for coordinate in part]))
    return tuple(_fold([next(hashes) for _ in part]) for part in parts)


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Hash of neighbouring complete subtrees, largest first."""
    current = hashes[-1]
    for left in reversed(hashes[:-1]):
        current = node_hash(left, current)
    return current
