"""Published vectors of the formats, kept beside the project."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.paths import SHARED


@cache
def vectors() -> Any:
    """All of them, by format."""
    return json.loads((SHARED / "audit_vectors.json").read_text(encoding="utf-8"))
