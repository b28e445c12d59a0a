"""How far the audit log had come, as documents print it for those who keep them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from app.documents.formatting import number
from governance.audit.checkpoints import Checkpoint

_SHORT: Final = 12
"""Characters of a root in a footer: 72 bits, so nobody finds another log that shows the same."""


@dataclass(frozen=True, slots=True)
class LogState:
    """Size and root of a checkpoint in words."""

    origin: str
    size: int
    root: str
    """In Base 64, as checkpoints write it."""

    @property
    def entries(self) -> str:
        """ "1,234 entries"."""
        return f"{number(self.size)} {'entry' if self.size == 1 else 'entries'}"

    @property
    def short(self) -> str:
        """For a footer."""
        return f"Audit log: {self.entries}, root {self.root[:_SHORT]}…"


def log_state(log: Checkpoint | None) -> LogState | None:
    """The checkpoint as documents print it; None where there is no log."""
    return None if log is None else LogState(log.origin, log.size, b64encode(log.root).decode())
