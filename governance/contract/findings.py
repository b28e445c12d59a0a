"""What a check of a contract finds, before the document gives it a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from governance.contract.yaml_nodes import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at a key path of the document."""

    path: Path
    what: str
    allowed: str = ""
    found: str | None = None
    """None stands for the value as the document has it at the path."""


Findings = Iterator[Finding]
