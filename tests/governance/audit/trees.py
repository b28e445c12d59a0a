"""Trees in memory, to read hashes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from governance.audit.merkle import Coordinate, Frontier, leaf_hash


class MemoryTree:
    """Keeps every complete subtree."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self.frontier = Frontier()
        self.nodes: dict[Coordinate, bytes] = {}
        for entry in entries:
            self.append(entry)

    def append(self, entry: bytes) -> None:
        """Add an entry."""
        for level, position, digest in self.frontier.append(leaf_hash(entry)):
            self.nodes[level, position] = digest

    def read(self, coordinates: Sequence[Coordinate]) -> list[bytes]:
        """Hashes of complete subtrees."""
        return [self.nodes[one] for one in coordinates]
