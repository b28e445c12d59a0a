"""Evidence that covers every dataset, drawn by a fixed seed, for comparing engines.

It has two currencies, amounts of zero, empty fields, over-allocations, equal rows, and times on
both days on which Berlin's clocks change.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from sla.evidence.datasets import DATASETS, Column, Dataset, Kind

_FIRST = date(2025, 9, 1)
_DAYS = 270
_CLOCKS_CHANGE = tuple(map(datetime.fromisoformat, ("2025-10-26 01:30", "2026-03-29 01:15")))
_WORDS = ("alpha", "Beta", "it's", "back\\slash", "né", "${env:HOME}", "a b")
_SPECIAL: dict[str, tuple[str, ...]] = {
    "clock": ("answer", "collection"),
    "channel": ("phone", "email", "letter"),
    "role": ("collector", "analyst"),
    "measure": ("uptime", "backlog"),
    "leave_reason": ("resigned", "", "moved"),
    "business_unit": ("north", "south", ""),
    "outcome": ("accepted", "rejected", ""),
    "requested_by": ("ann", "bob"),
    "approved_by": ("ann", "carl", ""),
    "scale_max": ("5", "10"),
}
_EVENTS = ("start", "pause", "resume", "stop")


def write_evidence(folder: Path, rows: int = 300, seed: int = 7) -> Path:
    """One CSV file a dataset, each with about so many rows."""
    folder.mkdir(parents=True)
    drawn = _Drawn(rows, random.Random(seed))  # noqa: S311 (not for secrets)
    for dataset in DATASETS.values():
        lines = [",".join(dataset.column_names), *drawn.lines(dataset)]
        (folder / f"{dataset.name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


class _Drawn:
    def __init__(self, rows: int, chance: random.Random) -> None:
        self._rows = rows
        self._chance = chance
        self._run_at = self._time()
        self._readers: dict[Kind, Callable[[], str]] = {
            Kind.CURRENCY: lambda: chance.choice(("EUR", "USD")),
            Kind.AMOUNT: self._amount,
            Kind.NUMBER: lambda: str(chance.randint(0, 5)),
            Kind.DATE: lambda: self._day().isoformat(),
            Kind.TIMESTAMP: lambda: self._time().isoformat(" "),
            Kind.BOOLEAN: lambda: chance.choice(("true", "false")),
            Kind.PERIOD: lambda: f"2026-{chance.randint(1, 5):02}",
            Kind.TEXT: lambda: '"' + chance.choice(_WORDS) + '"',
            Kind.RATE: lambda: "1",
            Kind.INDEX: lambda: f"{chance.randint(900, 1300) / 10:.1f}",
        }

    def lines(self, dataset: Dataset) -> Iterator[str]:
        """Rows of one dataset as CSV, its keys unique."""
        if dataset.name == "fx_rates":
            yield from self._rates()
            return
        seen: set[tuple[str, ...]] = set()
        for number in range(self._rows):
            row = {column.name: self._value(dataset, column, number) for column in dataset.columns}
            self._mend(dataset, row, number)
            key = tuple(row[name] for name in dataset.key) or (str(number),)
            if key not in seen:
                seen.add(key)
                yield ",".join(row.values())
            if not dataset.key and number % 20 == 0:
                yield ",".join(row.values())

    def _value(self, dataset: Dataset, column: Column, number: int) -> str:
        if not column.required and self._chance.random() < 0.25:
            return ""
        if column.refers_to and column.name not in dataset.key:
            return f"{column.refers_to}-{self._chance.randrange(self._rows)}"
        if column.kind is Kind.IDENTIFIER:
            return f"{dataset.name}-{number}"
        if column.name in _SPECIAL:
            return self._chance.choice(_SPECIAL[column.name])
        if column.choices:
            return self._chance.choice(column.choices)
        return self._readers[column.kind]()

    def _mend(self, dataset: Dataset, row: dict[str, str], number: int) -> None:
        """Later dates after earlier ones, clocks that run, promises that fall due later."""
        for later, earlier in dataset.not_before:
            if row[later] and row[later] < row[earlier]:
                row[later], row[earlier] = row[earlier], row[later]
        if dataset.name == "clock_events":
            self._run_clock(row, number)
        if dataset.name == "activities" and row["kind"] == "promise":
            made_on = datetime.fromisoformat(row["at"]).date()
            row["promised_on"] = (made_on + timedelta(self._chance.randint(3, 30))).isoformat()
        if dataset.name == "invoices":
            issued = date.fromisoformat(row["issue_date"])
            row["due_date"] = (issued + timedelta(self._chance.choice((0, 14, 30)))).isoformat()
        if dataset.name == "allocations":
            row["amount"] = self._chance.choice((row["amount"], "50.00", "500.00"))

    def _run_clock(self, row: dict[str, str], number: int) -> None:
        """Mostly start, pause, resume and stop of one clock, hours or days apart."""
        run, step = divmod(number, len(_EVENTS))
        kind = ("disputes", "invoices", "subject")[run % 3]
        row["subject_id"] = f"{kind}-{run}"
        row["clock"] = _SPECIAL["clock"][run % 2]
        if self._chance.random() < 0.9:
            row["event"] = _EVENTS[step]
            self._run_at = self._time() if step == 0 else self._run_at
            self._run_at += timedelta(minutes=self._chance.randint(5, 6000))
            row["at"] = self._run_at.isoformat(" ")

    def _rates(self) -> Iterator[str]:
        for offset in range(-400, 400):
            day = _FIRST + timedelta(offset)
            rate = self._chance.randint(7_000_000_000, 9_999_999_999)
            yield f"{day},USD,EUR,0.{rate},ECB"

    def _amount(self) -> str:
        if self._chance.random() < 0.08:
            return "0.00"
        return f"{self._chance.randint(1, 250_000) / 100:.2f}"

    def _day(self) -> date:
        return _FIRST + timedelta(self._chance.randrange(_DAYS))

    def _time(self) -> datetime:
        if self._chance.random() < 0.1:
            near = self._chance.choice(_CLOCKS_CHANGE)
            return near + timedelta(minutes=self._chance.randint(-90, 240))
        seconds = self._chance.randrange(86_400)
        return datetime.combine(self._day(), datetime.min.time()) + timedelta(seconds=seconds)
