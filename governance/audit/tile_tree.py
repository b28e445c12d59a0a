"""Read hashes from a folder of tiles, so that proofs need no database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from governance.audit.merkle import HASH_BYTES, Coordinate, Frontier
from governance.audit.tiles import HEIGHT, WIDTH, Tile
from governance.errors import InvalidNote


class TileReader:
    """Answers the complete subtrees of a tree of `size` entries from its tiles."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size
        self._tile = cache(self._read)

    def __call__(self, coordinates: Sequence[Coordinate]) -> list[bytes]:
        """The hashes asked for; InvalidNote where a tile is missing or cut off."""
        return [self._hash(level, position) for level, position in coordinates]

    def _hash(self, level: int, position: int) -> bytes:
        height, within = divmod(level, HEIGHT)
        start = position << within
        tile = self._tile(height, start // WIDTH)
        frontier = Frontier()
        for index in range(start % WIDTH, (start % WIDTH) + (1 << within)):
            list(frontier.append(tile[index * HASH_BYTES : (index + 1) * HASH_BYTES]))
        return frontier.root()

    def _read(self, level: int, number: int) -> bytes:
        width = min(WIDTH, (self._size >> (HEIGHT * level)) - number * WIDTH)
        path = Tile(level, number, width).path
        try:
            data = (self._folder / path).read_bytes()
        except OSError:
            data = b""
        if len(data) != width * HASH_BYTES:
            raise InvalidNote(f"{path} is missing or not of its size")
        return data
