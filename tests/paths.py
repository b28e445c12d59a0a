"""Where tests find things."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases"
SHARED = ROOT.parent / "shared"
SHARED_DATA = SHARED / "data"
"""Real public ledgers that are kept beside the project, never in it."""
