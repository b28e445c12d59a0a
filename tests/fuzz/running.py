"""Make files from a seed, have them read, and say what went wrong."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from governance.bounded import Bounds, Crashed, Overran, run_bounded
from tests.fuzz.batch import Batch, Outcome, read_batch
from tests.fuzz.files import KINDS
from tests.fuzz.oracle import sound_rows

BOUNDS = Bounds(seconds=120, memory_mb=1500, file_mb=1024)
SLOW_SECONDS = 20.0


@dataclass
class Report:
    """What was seen over all files."""

    files: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    accepted_rows: int = 0
    rejected_rows: int = 0
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.files.items())
        return (
            f"{sum(self.files.values())} files ({kinds}): {self.refused} refused as a whole,"
            f" {self.accepted_rows} rows accepted, {self.rejected_rows} rejected,"
            f" slowest {self.slowest:.1f} s, {len(self.faults)} faults"
        )


def fuzz(seed: int, count: int, folder: Path, at_a_time: int = 40) -> Report:
    """Read `count` files made from the seed."""
    report, files = Report(), []
    for number in range(count):
        luck = random.Random(f"{seed}-{number}")  # noqa: S311 (the same files each time)
        kind = luck.choice(("csv", "csv", "csv", "xlsx", "parquet"))
        place = folder / f"{number:06}"
        place.mkdir()
        files.append(KINDS[kind](luck, place))
        report.files[kind] += 1
    for start in range(0, count, at_a_time):
        for outcome in _read(files[start : start + at_a_time], report):
            _judge(outcome, report)
    return report


def _read(files: Sequence[Path], report: Report) -> Iterator[Outcome]:
    """The outcomes; where the process ends, each file alone, to find the one that ended it."""
    try:
        yield from run_bounded(read_batch, Batch(tuple(files)), BOUNDS).of
    except (Crashed, Overran) as error:
        if len(files) == 1:
            report.faults.append(f"{files[0]}: {error}")
            return
        half = len(files) // 2
        yield from _read(files[:half], report)
        yield from _read(files[half:], report)


def _judge(outcome: Outcome, report: Report) -> None:
    report.slowest = max(report.slowest, outcome.seconds)
    report.refused += bool(outcome.refused)
    report.accepted_rows += len(outcome.accepted)
    report.rejected_rows += outcome.rejected
    if outcome.seconds > SLOW_SECONDS:
        report.faults.append(f"{outcome.file}: took {outcome.seconds:.1f} s")
    sound = sound_rows(Path(outcome.file))
    if sound is not None:
        wrong = Counter(outcome.accepted) - sound
        report.faults += [f"{outcome.file}: accepted {row}" for row in wrong]
