"""Which rows a period bills, given what all other sealed periods billed.

Every sealed period is held against the evidence of today: the rows that its meters counted in the
evidence that it was sealed with are billed, and so are the late rows that its document names. What
the evidence of today has more was late. Periods whose rows are the same by their fingerprint are
passed over, so that only those that differ are read row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from billing.metering.definitions import MeterDefinition
from billing.metering.matching import Placed, by_period, match, placed
from billing.metering.names import meter_named
from billing.metering.rows import (
    Identity,
    Row,
    columns_of,
    fingerprint,
    identity_of,
    rows_found,
    selected,
)
from billing.metering.sealed import SealedMeter, SealedPeriod
from billing.metering.values import LateRows, MeterShare
from governance.calendars import Calendars
from governance.values import Period
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.values import EvidenceDigest, EvidenceFile

FindEvidence = Callable[[str], Path]
"""Answers with the file of a digest; raises a typed error where there is none."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The stored files of evidence, by digest."""

    find: FindEvidence
    calendars: Calendars

    @contextmanager
    def opened(self, digests: Iterable[EvidenceDigest]) -> Iterator[Ledger]:
        """A ledger of these tables with amounts as they were handed in."""
        files = [
            EvidenceFile(one.dataset, one.sha256, self.find(one.sha256), 0, "", "")
            for one in digests
        ]
        with open_ledger(files, calendars=self.calendars, mixed=True) as ledger:
            yield ledger


@dataclass(frozen=True, slots=True)
class Settling:
    """The period whose share is asked for."""

    period: Period
    windows: Mapping[str, Period]
    """By meter, the days that the period counts."""
    evidence: Mapping[str, EvidenceDigest]
    """By dataset, what it is settled from."""
    others: Sequence[SealedPeriod]
    """All other periods that are sealed, each as it was sealed last."""
    carries: Mapping[str, Collection[Period]]
    """By meter, those of them whose late rows this period's invoice is the next to bill."""
    before: SealedPeriod | None = None
    """The period itself as it was sealed last, where it is restated: it bills the same late rows
    again, as far as the evidence still has them, and no others."""


def shares_of(settling: Settling, evidence: Evidence) -> dict[str, MeterShare]:
    """What the period bills of each of its meters; those without a difference are left out."""
    if not settling.others:
        return {}
    with evidence.opened(settling.evidence.values()) as ledger:
        meters = [
            _Meter(name, *meter_named(name), window, ledger)
            for name, window in settling.windows.items()
        ]
        countable = [one for one in meters if ledger.handed_in.issuperset(one.definition.datasets)]
        pools = {meter.name: _Pool() for meter in countable}
        for one in settling.others:
            _add_period(pools, one, countable, settling.evidence, evidence)
        found = {meter.name: _share(settling, meter, pools[meter.name]) for meter in countable}
    return {name: share for name, share in found.items() if share}


@dataclass(frozen=True, slots=True)
class _Meter:
    """One meter over the evidence of today."""

    name: str
    definition: MeterDefinition
    part: str
    window: Period
    """The days that the settled period counts."""
    now: Ledger

    def rows(self, window: Period) -> Iterator[Row]:
        found = rows_found(self.definition, self.now, window, self.part)
        return (one.row for one in found)

    @property
    def identity(self) -> Identity:
        return identity_of(self.definition, columns_of(self.definition, self.now, self.window))


@dataclass(slots=True)
class _Pool:
    """Rows of today in sealed periods, and what was billed of them."""

    rows: dict[Period, list[Row]] = field(default_factory=dict)
    tickets: list[Placed] = field(default_factory=list)


def _share(settling: Settling, meter: _Meter, pool: _Pool) -> MeterShare:
    left, unused = match(placed(pool.rows), sorted(pool.tickets), meter.identity)
    carried: Iterable[Period] = settling.carries[meter.name]
    if settling.before is not None:
        left, carried = _billed_again(left, settling.before, meter), pool.rows
    windows = {
        one.period: one.meters[meter.name].window
        for one in settling.others
        if meter.name in one.meters
    }
    late = by_period(left, [period for period in carried if period in windows])
    return MeterShare(
        _elsewhere(settling.period, meter, unused),
        tuple(LateRows(period, windows[period], rows) for period, rows in late.items()),
    )


def _add_period(
    pools: Mapping[str, _Pool],
    sealed: SealedPeriod,
    meters: Iterable[_Meter],
    now: Mapping[str, EvidenceDigest],
    evidence: Evidence,
) -> None:
    """One period's rows of today and its tickets; its evidence is opened once for all meters."""
    differing = []
    for meter in meters:
        one = sealed.meters.get(meter.name)
        if one is None:
            continue
        for late in one.share.late:
            pools[meter.name].tickets += placed({late.period: late.rows})
        if not _same_evidence(one, meter, now):
            differing.append((meter, one))
    if not differing:
        return
    tables = {digest for _, one in differing for digest in one.evidence.values()}
    with evidence.opened(sorted(tables)) as then:
        for meter, one in differing:
            if one.share.without or not _same_rows(one, meter, then):
                _add_rows(pools[meter.name], sealed.period, one, meter, then)


def _add_rows(
    pool: _Pool, period: Period, sealed: SealedMeter, meter: _Meter, then: Ledger
) -> None:
    pool.rows[period] = list(meter.rows(sealed.window))
    found = rows_found(sealed.definition, then, sealed.window, meter.part)
    own = selected(found, sealed.share.without, keep=False)
    pool.tickets += placed({period: [each.row for each in own]})


def _same_evidence(sealed: SealedMeter, meter: _Meter, now: Mapping[str, EvidenceDigest]) -> bool:
    """Whether the period's rows can't differ, since it counted the same files the same way."""
    return (
        not sealed.share.without
        and sealed.definition.sha256 == meter.definition.sha256
        and all(
            sealed.evidence.get(dataset) == now.get(dataset)
            for dataset in meter.definition.datasets
        )
    )


def _same_rows(sealed: SealedMeter, meter: _Meter, then: Ledger) -> bool:
    before = columns_of(sealed.definition, then, sealed.window)
    today = columns_of(meter.definition, meter.now, sealed.window)
    both = [column for column in today if column in before]
    return fingerprint(sealed.definition, then, sealed.window, both, meter.part) == fingerprint(
        meter.definition, meter.now, sealed.window, both, meter.part
    )


def _billed_again(left: list[Placed], before: SealedPeriod, meter: _Meter) -> list[Placed]:
    """Of the rows that no other period bills, those that this period's sealed invoice did."""
    if meter.name not in before.meters:
        return []
    stated = before.meters[meter.name].share.late
    tickets = [one for late in stated for one in placed({late.period: late.rows})]
    others, _ = match(left, sorted(tickets), meter.identity)
    unbilled = set(others)
    return [one for one in left if one not in unbilled]


def _elsewhere(period: Period, meter: _Meter, unused: Sequence[Placed]) -> tuple[Row, ...]:
    """The period's rows that another period billed: they were dated there, or came late."""
    if not unused:
        return ()
    own = placed({period: meter.rows(meter.window)})
    left, _ = match(own, unused, meter.identity)
    counted = set(left)
    return tuple(one.row for one in own if one not in counted)
