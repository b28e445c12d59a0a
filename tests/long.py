"""Whether the long forms of tests run, which have make targets of their own."""

from __future__ import annotations

import os

LONG = os.environ.get("PLUMBLINE_LONG_TESTS") == "1"
