"""How far the audit log had come, as documents print it for those who keep them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from app.documents.formatting import number
from app.documents.language import gettext, ngettext
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
        return ngettext("{count} entry", "{count} entries", self.size).format(
            count=number(self.size)
        )

    @property
    def short(self) -> str:
        """For a footer."""
        text = gettext("Audit log: {entries}, root {root}…")
        return text.format(entries=self.entries, root=self.root[:_SHORT])


def log_state(log: Checkpoint | None) -> LogState | None:
    """The checkpoint as documents print it; None where there is no log."""
    return None if log is None else LogState(log.origin, log.size, b64encode(log.root).decode())
