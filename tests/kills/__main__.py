"""`make kills`: billing runs killed at every boundary, at random, and cut off during commits.

Says the seed and the figures; leaves with 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.kills.killing import Found, cut_at_commits, kill_at_boundaries, kill_at_random
from tests.kills.scenes import SCENES
from tests.kills.shelves import Shelf, own_shelves


def main() -> None:
    """Kill on both databases."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--cuts", type=int, default=100)
    options.add_argument("--seed", type=int, default=int(time.time()))
    chosen = options.parse_args()
    sys.stdout.write(f"Billing runs, seed {chosen.seed}\n")
    with own_shelves() as shelves:
        wrong = [one for shelf in shelves for one in _on(shelf, chosen)]
    sys.exit(1 if wrong else 0)


def _on(shelf: Shelf, chosen: argparse.Namespace) -> list[str]:
    with tempfile.TemporaryDirectory() as made:
        folder = _built(shelf, "one run", Path(made))
        every = kill_at_boundaries("one run", shelf, folder)
        _say(shelf, f"{every.boundaries} boundaries, {every.kills} kills", every)
    with tempfile.TemporaryDirectory() as made:
        folder = _built(shelf, "invoices", Path(made))
        rest = kill_at_random("invoices", shelf, folder, chosen.kills, chosen.seed)
        figures = f"{rest.kills} kills at random, {rest.stops} stops, {rest.rounds} rounds"
        _say(shelf, figures, rest)
        cut = cut_at_commits("invoices", shelf, folder, chosen.cuts, chosen.seed)
        _say(shelf, f"{cut.cuts} connections cut during commits, {cut.rounds} rounds", cut)
    return every.wrong + rest.wrong + cut.wrong


def _built(shelf: Shelf, scene: str, folder: Path) -> Path:
    """The scene on the shelf, in place of another."""
    shelf.build(partial(SCENES[scene].build, folder=folder))
    return folder


def _say(shelf: Shelf, figures: str, found: Found) -> None:
    sys.stdout.write(f"{shelf.name}: {figures}, {len(found.wrong)} problems\n")
    sys.stdout.writelines(f"  {line}\n" for line in found.wrong[:20])
    sys.stdout.flush()


if __name__ == "__main__":
    main()
