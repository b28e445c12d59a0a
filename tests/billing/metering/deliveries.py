"""Ledgers that are delivered again and again, and periods that are settled, sealed and restated.

All without a database, through the documents that seals keep: what a seal doesn't state isn't known
to the next settlement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from billing.metering.catalogue import load_meters
from billing.metering.matching import Placed, placed
from billing.metering.names import base_of, meter_named
from billing.metering.rows import rows_found, selected
from billing.metering.sealed import SealedPeriod, carried, may_bill_again, sealed_period
from billing.metering.shares import Evidence, Settling, shares_of
from billing.metering.values import Metering, MeterShare, metering_json
from governance.calendars import Calendars
from governance.tables import canonical_json, digest
from governance.values import Period
from sla.evidence.datasets import DATASETS
from sla.evidence.ledger import Ledger
from sla.evidence.values import EvidenceDigest
from sla.kpis.serialise import period_json

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Draft:
    """A period as it was computed."""

    period: Period
    evidence: Mapping[str, EvidenceDigest]
    metering: Metering

    def share(self, meter: str) -> MeterShare:
        """What it bills of a meter."""
        return self.metering.of(meter)


class Kept(Evidence):
    """Every table that was ever delivered, in memory, each in a database of its own."""

    def __init__(self) -> None:
        super().__init__(_no_file, Calendars())
        object.__setattr__(self, "_tables", {})
        object.__setattr__(self, "_ledgers", {})

    _tables: dict[EvidenceDigest, Sequence[Row]]
    _ledgers: dict[frozenset[EvidenceDigest], Ledger]

    def keep(self, name: str, rows: Sequence[Row]) -> EvidenceDigest:
        """A table under its digest."""
        kept = EvidenceDigest(name, digest(canonical_json(list(rows))))
        self._tables[kept] = rows
        return kept

    @contextmanager
    def opened(self, digests: Iterable[EvidenceDigest]) -> Iterator[Ledger]:
        """A ledger of these tables; it stays open, as it is asked for again and again."""
        wanted = frozenset(digests)
        if wanted not in self._ledgers:
            self._ledgers[wanted] = self._ledger(wanted)
        yield self._ledgers[wanted]

    def _ledger(self, wanted: frozenset[EvidenceDigest]) -> Ledger:
        connection = duckdb.connect(config={"threads": 1})
        by_name = {one.dataset: one for one in wanted}
        for dataset in map(DATASETS.__getitem__, by_name):
            typed = ", ".join(f'"{one.name}" {one.sql_type}' for one in dataset.columns)
            connection.execute(f"CREATE TABLE {dataset.name} ({typed})")
            for row in self._tables[by_name[dataset.name]]:
                marks = ", ".join("?" for _ in dataset.columns)
                values = [row.get(one.name) for one in dataset.columns]
                connection.execute(f"INSERT INTO {dataset.name} VALUES ({marks})", values)  # noqa: S608 (names come from the datasets)
        return Ledger(connection, "EUR", frozenset(by_name), by_name)


def _no_file(sha256: str) -> Path:
    raise AssertionError(f"{sha256} is in memory")


@dataclass
class World:
    """An engagement that bills some meters."""

    meters: Sequence[str]
    files: Kept = field(default_factory=Kept)
    evidence: dict[str, EvidenceDigest] = field(default_factory=dict)
    seals: dict[Period, dict[str, Any]] = field(default_factory=dict)
    """The sealed document of each period, the last one."""
    numbers: dict[Period, int] = field(default_factory=dict)
    _made: int = 0

    def deliver(self, **tables: Sequence[Row]) -> None:
        """Evidence that takes the place of what was handed in before."""
        for name, rows in tables.items():
            self.evidence[name] = self.files.keep(name, rows)

    def settle(self, period: Period, *, restates: bool = False) -> Draft:
        """Compute a period from the evidence of now."""
        others = self._others(period)
        settling = Settling(
            period=period,
            windows=dict.fromkeys(self.meters, period),
            evidence=dict(self.evidence),
            others=others,
            carries=dict.fromkeys(self.meters, carried(period, [one.period for one in others])),
            before=sealed_period(period, self.seals[period]) if restates else None,
        )
        numbers = tuple(self.numbers[one.period] for one in others)
        metering = Metering(shares_of(settling, self.files), numbers)
        return Draft(period, dict(self.evidence), metering)

    def _others(self, period: Period) -> list[SealedPeriod]:
        return [sealed_period(one, each) for one, each in self.seals.items() if one != period]

    def is_overtaken(self, draft: Draft) -> bool:
        """Whether a seal made since may bill the same rows."""
        evidence = {name: one.sha256 for name, one in draft.evidence.items()}
        return any(
            self.numbers[one.period] not in draft.metering.seals
            and may_bill_again(draft.period, draft.metering, evidence, one)
            for one in self._others(draft.period)
        )

    def seal(self, draft: Draft) -> Draft:
        """Seal figures; those that a seal overtook are computed again first."""
        if self.is_overtaken(draft):
            draft = self.settle(draft.period, restates=draft.period in self.seals)
        self._made += 1
        self.seals[draft.period] = self._document(draft)
        self.numbers[draft.period] = self._made
        return draft

    def restate(self, period: Period) -> Draft:
        """Compute a sealed period anew and seal it."""
        return self.seal(self.settle(period, restates=True))

    def _document(self, draft: Draft) -> dict[str, Any]:
        definitions = {base_of(name): load_meters()[base_of(name)] for name in self.meters}
        return {
            "inputs": {"metering": metering_json(draft.metering)},
            "definitions": [
                {"kind": "meter", "name": name, "sha256": one.sha256, "text": one.text}
                for name, one in definitions.items()
            ],
            "invoice": {
                "meters": [
                    {
                        "meter": name,
                        "window": period_json(draft.period),
                        "evidence": [
                            draft.evidence[dataset].as_json()
                            for dataset in definitions[base_of(name)].datasets
                        ],
                        "definition_sha256": definitions[base_of(name)].sha256,
                    }
                    for name in self.meters
                ]
            },
        }

    def billed(self, meter: str) -> list[Placed]:
        """All rows that sealed invoices bill, by the period that counts them."""
        found: list[Placed] = []
        for period, document in self.seals.items():
            one = sealed_period(period, document).meters[meter]
            with self.files.opened(one.evidence.values()) as ledger:
                rows = rows_found(one.definition, ledger, one.window, meter_named(meter)[1])
                own = selected(rows, one.share.without, keep=False)
                found += placed({period: [each.row for each in own]})
            for late in one.share.late:
                found += placed({late.period: late.rows})
        return sorted(found)

    def evident(self, meter: str) -> list[Placed]:
        """All rows that the evidence of now has, in periods that are sealed."""
        definition, part = meter_named(meter)
        with self.files.opened(self.evidence.values()) as ledger:
            return placed(
                {
                    period: [one.row for one in rows_found(definition, ledger, period, part)]
                    for period in self.seals
                }
            )


def times_billed(world: World, meter: str) -> Counter[tuple[str, ...]]:
    """How often each row is billed, by what names it."""
    return Counter(one.row.names for one in world.billed(meter))
