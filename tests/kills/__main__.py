"""`make kills`: billing runs killed at every boundary, at random, and cut off during commits.

Also a hundred approvals, issues and credits of one invoice at the same moment. Both databases are
worked on side by side. Says the seed and the figures; leaves with 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.kills.parts import PARTS
from tests.kills.processes import conductor
from tests.kills.shelves import Shelf, own_shelves


def main() -> None:
    """Kill on both databases."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--cuts", type=int, default=100)
    options.add_argument("--parallel", type=int, default=100)
    options.add_argument("--seed", type=int, default=int(time.time()))
    chosen = options.parse_args()
    sys.stdout.write(f"Billing runs, seed {chosen.seed}\n")
    with own_shelves() as shelves, ThreadPoolExecutor(len(shelves)) as beside:
        wrong = sum(beside.map(lambda shelf: _on(shelf, chosen), shelves))
    sys.exit(1 if wrong else 0)


def _on(shelf: Shelf, chosen: argparse.Namespace) -> int:
    """All of it on one database; answers how many problems there were."""
    problems = 0
    for part in PARTS:
        begun = time.monotonic()
        with conductor() as process:
            figures, wrong = process.submit(part, shelf, chosen).result()
        taken = time.monotonic() - begun
        sys.stdout.write(f"{shelf.name}: {figures}, {taken:.0f} s, {len(wrong)} problems\n")
        sys.stdout.writelines(f"  {line}\n" for line in wrong[:20])
        sys.stdout.flush()
        problems += len(wrong)
    return problems


if __name__ == "__main__":
    main()
