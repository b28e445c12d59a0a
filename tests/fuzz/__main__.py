"""`make fuzz`: thousands of mutated files, and what came of them."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.running import fuzz
from tests.paths import ROOT

_FILES = 5_000


def main(arguments: list[str]) -> int:
    """Read the files; the arguments are their number and the seed."""
    count = int(arguments[0]) if arguments else _FILES
    seed = int(arguments[1]) if len(arguments) > 1 else time.time_ns() % 1_000_000
    os.environ["PYTHONPATH"] = str(ROOT)
    folder = Path(tempfile.mkdtemp(prefix="plumbline-fuzz-"))
    print(f"seed {seed}", flush=True)  # noqa: T201 (a run that breaks off can be repeated)
    started = time.monotonic()
    report = fuzz(seed, count, folder)
    print(f"{report}; {time.monotonic() - started:.0f} s")  # noqa: T201 (its purpose)
    print(*report.faults, sep="\n")  # noqa: T201
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
