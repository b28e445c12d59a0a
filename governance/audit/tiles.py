"""Where hashes and entries stand in a folder (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""
HEIGHT = 8
"""Levels of the tree that one level of tiles spans."""
MAX_ENTRY_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class Tile:
    """One file: `width` hashes of a tile level, or as many entries."""

    level: int
    """-1 for a bundle of entries."""
    number: int
    width: int

    @property
    def path(self) -> str:
        """Its place below the log's folder."""
        groups, number = [f"{self.number % 1000:03}"], self.number // 1000
        while number:
            groups.append(f"x{number % 1000:03}")
            number //= 1000
        level = "entries" if self.level < 0 else str(self.level)
        part = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{level}/{'/'.join(reversed(groups))}{part}"

    @property
    def start(self) -> int:
        """Position of its first hash in its level, or index of its first entry."""
        return self.number * WIDTH


def tiles_of(level: int, size: int) -> Iterator[Tile]:
    """The tiles of one level, -1 for bundles, that a tree of `size` entries has."""
    hashes = size >> (HEIGHT * max(level, 0))
    for number in range(hashes // WIDTH):
        yield Tile(level, number, WIDTH)
    if hashes % WIDTH:
        yield Tile(level, hashes // WIDTH, hashes % WIDTH)


def levels_of(size: int) -> range:
    """The tile levels that a tree of `size` entries has."""
    return range((size.bit_length() + HEIGHT - 1) // HEIGHT)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one after another, each after its length in two bytes."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; ValueError where it is cut off."""
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise ValueError("the bundle is cut off within an entry")
        entries.append(data[at + 2 : end])
        at = end
    return entries
