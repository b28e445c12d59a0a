"""How far compressed and wide files are unpacked; beyond it they were made to do harm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may unpack to."""

    columns: int = 500
    """Of one table, whatever its format."""
    ratio: int = 100
    """A ledger packs to a tenth or twentieth; what unpacks to more times its size is refused."""
    small_bytes: int = 64 * _MEGABYTE
    """Up to this unpacked size the ratio of CSV and Parquet files doesn't matter."""
    workbook_bytes: int = 100 * _MEGABYTE
    """Unpacked size of a workbook, which is read in memory."""
    workbook_parts: int = 1_000
    workbook_cells: int = 5_000_000
    """Rows × columns of a sheet's used range; a reader allocates all of them, filled or not."""


DEFAULT = Limits()
_CURRENT: ContextVar[Limits] = ContextVar("plumbline_limits", default=DEFAULT)


def limits() -> Limits:
    """The limits that hold now."""
    return _CURRENT.get()


@contextmanager
def limited(to: Limits) -> Iterator[None]:
    """Other limits, as long as the context lasts."""
    token = _CURRENT.set(to)
    try:
        yield
    finally:
        _CURRENT.reset(token)
