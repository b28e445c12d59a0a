"""The parts of `make kills`, each for a database: answers with figures, and with what is wrong."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from functools import partial
from pathlib import Path

from tests.kills.killing import cut_at_commits, kill_at_boundaries, kill_at_random
from tests.kills.parallel import crowd_one_invoice
from tests.kills.scenes import SCENES
from tests.kills.shelves import Shelf

Part = tuple[str, list[str]]
"""What was done, in figures, and what is wrong after it."""


def boundaries(shelf: Shelf, _: Namespace) -> Part:
    """Kill a worker at every statement and commit of a run."""
    with tempfile.TemporaryDirectory() as folder:
        place = _built(shelf, "one run", folder)
        found = kill_at_boundaries("one run", shelf, place, 1, 1)
    return f"{found.boundaries} boundaries, {found.kills} kills", found.wrong


def random(shelf: Shelf, chosen: Namespace) -> Part:
    """Kill and stop workers at random moments of two runs."""
    with tempfile.TemporaryDirectory() as folder:
        place = _built(shelf, "invoices", folder)
        found = kill_at_random("invoices", shelf, place, chosen.kills, chosen.seed)
    figures = f"{found.kills} kills at random, {found.stops} stops, {found.rounds} rounds"
    return figures, found.wrong


def cuts(shelf: Shelf, chosen: Namespace) -> Part:
    """Lose connections during commits."""
    with tempfile.TemporaryDirectory() as folder:
        place = _built(shelf, "invoices", folder)
        found = cut_at_commits("invoices", shelf, place, chosen.cuts, chosen.seed)
    figures = f"{found.cuts} connections cut during commits, {found.rounds} rounds"
    return figures, found.wrong


def parallel(shelf: Shelf, chosen: Namespace) -> Part:
    """Do the same with one invoice many times at one moment."""
    with tempfile.TemporaryDirectory() as folder:
        found = crowd_one_invoice(shelf, Path(folder), chosen.parallel)
    return "; ".join(found.figures), found.wrong


def _built(shelf: Shelf, scene: str, folder: str) -> Path:
    """The scene on the shelf, in place of another."""
    shelf.build(partial(SCENES[scene].build, folder=Path(folder)))
    return Path(folder)


PARTS = (boundaries, random, cuts, parallel)
