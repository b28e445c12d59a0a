"""Pricing a month of many contracts: flat per contract, beside pydantic and a plain sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.charges.calculation import price
from billing.charges.values import IndexValue, Meter, MeteredAmount, Usage
from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.service_credits.calculation import compute_credits
from sla.service_credits.values import LevelResult, PeriodResults
from tests.bench.measuring import SummaryLine, best_seconds, in_own_process

MONTH = Period.month(2026, 3)
LEVELS = 20
_RECEIPTS = 40
_INTRODUCTION = """\
Twelve charges, one of each type and each pricing scheme, {receipts} receipts by age, twenty service
levels in an at-risk pool, a service credit, tax at two rates. Beside it, for the same contracts:
pydantic alone, which reads the contract's document; and the sum of quantity × price of twelve
numbers in Python's decimals, without tiers, steps, sentences or tax.
"""
_HEAD = """
| contracts | s | ms a contract | pydantic × | plain sum × | memory MiB |
| ---: | ---: | ---: | ---: | ---: | ---: |
"""


@dataclass(frozen=True, slots=True)
class _Job:
    """One contract with what prices and credits its month."""

    document: Mapping[str, Any]
    contract: Contract
    usage: Usage
    results: PeriodResults
    products: tuple[tuple[Decimal, Decimal], ...]
    """Quantity and price of twelve lines, for the plain sum."""


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds for all contracts of one size."""

    contracts: int
    priced: float
    validated: float
    summed: float
    mebibytes: int = 0


def pricing_table(contracts: int) -> tuple[str, SummaryLine]:
    """A section of the report, and its line in the summary, at the size asked for."""
    sizes = sorted({max(1, contracts // 10), contracts})
    measured = []
    for size in sizes:
        times, mebibytes = in_own_process(_measured, size)
        measured.append(
            _Times(times.contracts, times.priced, times.validated, times.summed, mebibytes)
        )
    largest = measured[-1]
    rows = "\n".join(_row(each) for each in measured)
    flat = (largest.priced / largest.contracts) / (measured[0].priced / measured[0].contracts)
    heading = f"## A month of {contracts:,} contracts priced\n\n"
    note = f"\n\nCost per contract at {contracts:,} contracts: {flat:.2f} × that at {sizes[0]:,}.\n"
    line = SummaryLine(
        f"price and credit a month of {contracts:,} contracts",
        "pydantic reads their documents",
        largest.validated,
        largest.priced,
        largest.mebibytes,
    )
    return heading + _INTRODUCTION.format(receipts=_RECEIPTS) + _HEAD + rows + note, line


def _row(times: _Times) -> str:
    each = times.priced / times.contracts * 1000
    return (
        f"| {times.contracts:,} | {times.priced:.2f} | {each:.2f} |"
        f" {times.priced / times.validated:.1f} | {times.priced / times.summed:.0f} |"
        f" {times.mebibytes} |"
    )


def _measured(contracts: int) -> _Times:
    jobs = [_job(number) for number in range(contracts)]
    directions = {f"SL-{at:02}": Direction.HIGHER_IS_BETTER for at in range(LEVELS)}

    def priced() -> int:
        lines = 0
        for job in jobs:
            given = compute_credits(job.contract, directions, [job.results])[-1]
            usage = Usage(
                job.usage.period,
                job.usage.meters,
                given.net,
                job.usage.indices,
                job.usage.index_changes,
            )
            lines += len(price(job.contract, usage).lines)
        return lines

    def validated() -> None:
        for job in jobs:
            Contract.model_validate(job.document)

    def summed() -> Decimal:
        return sum((_plain_sum(job) for job in jobs), Decimal(0))

    return _Times(contracts, best_seconds(priced), best_seconds(validated), best_seconds(summed))


def _plain_sum(job: _Job) -> Decimal:
    return sum((quantity * unit for quantity, unit in job.products), Decimal(0))


def _job(number: int) -> _Job:
    document = _document(number)
    levels = {
        f"SL-{at:02}": LevelResult(Decimal(70 + (number * 7 + at * 3) % 30)) for at in range(LEVELS)
    }
    return _Job(
        document,
        Contract.model_validate(document),
        Usage(
            MONTH,
            _meters(number),
            index_changes={"HICP": (IndexValue(MONTH.start, Decimal("104.2")),)},
        ),
        PeriodResults(MONTH, Decimal(50_000 + number), levels),
        tuple((Decimal(100 + number + at), Decimal(f"1.{at:02}")) for at in range(12)),
    )


def _meters(number: int) -> dict[str, Meter]:
    receipts = tuple(
        MeteredAmount(Decimal(100 + number + at), age_days=(at * 37) % 500)
        for at in range(_RECEIPTS)
    )
    counts = {f"meter{at}": Decimal(200 + number % 900 + at) for at in range(6)}
    return {**counts, "cash": receipts, "fte": {"collector": Decimal("3.5"), "lead": Decimal(1)}}


def _document(number: int) -> dict[str, Any]:
    charges = [
        {"id": f"CH-{at:02}", "title": f"Charge {at}", "clause": f"Schedule 4, {at}", **terms}
        for at, terms in enumerate(_charges(), 1)
    ]
    return {
        "plumbline": 1,
        "engagement": {
            "reference": f"ENG-{number}",
            "title": "Collections",
            "model": "managed",
            "client": {"name": "Nordlicht Handel GmbH", "country": "DE"},
            "provider": {"name": "Clearwater Receivables Ltd", "country": "IE"},
            "currency": "EUR",
            "starts": "2025-01-01",
            "ends": "2028-12-31",
        },
        "charges": charges,
        "service_levels": [_level(at) for at in range(LEVELS)],
        "service_credits": {
            "method": "at_risk_pool",
            "at_risk_percent": "10",
            "categories": {"all": "100"},
            "below_expected": {"count": 2, "within_months": 6},
            "annual_cap_percent": "8",
        },
        "invoicing": {"tax": {"category": "standard", "rate": "19"}, "withholding": {"rate": "5"}},
    }


def _level(at: int) -> dict[str, Any]:
    return {
        "id": f"SL-{at:02}",
        "title": f"Service level {at}",
        "kpi": "right_first_time_rate",
        "expected": "85",
        "minimum": "75",
        "round_to": 1,
        "category": "all",
        "allocation": "5",
    }


def _charges() -> Iterator[dict[str, Any]]:
    """Twelve charges: every type with a meter, every pricing scheme, the usual modifiers."""
    tiers = [
        {"up_to": "100", "price": "1.00"},
        {"up_to": "500", "price": "0.50", "flat": "10"},
        {"up_to": None, "price": "0.10"},
    ]
    index = {"series": "HICP", "base": "100", "cap_percent": "3"}
    yield {"type": "fixed", "amount": "12000", "indexation": index}
    yield {"type": "fixed", "amount": "900", "from": "2026-03-10", "tax": {"category": "zero"}}
    for at, pricing in enumerate(
        (
            {"scheme": "flat", "price": "0.35", "free_units": "50"},
            {"scheme": "graduated", "tiers": tiers},
            {"scheme": "volume", "tiers": tiers},
            {"scheme": "package", "size": "100", "price": "8"},
        )
    ):
        yield {"type": "per_unit", "meter": f"meter{at}", "pricing": pricing, "minimum": "100"}
    yield {"type": "percentage", "meter": "cash", "rate": "2", "min_per_transaction": "0.50"}
    bands = [{"over_days": 0, "rate": "20"}, {"over_days": 90, "rate": "35"}]
    yield {"type": "contingency", "meter": "cash", "age_bands": bands}
    yield {"type": "per_fte", "roles": {"collector": "3200", "lead": "4800"}}
    band = [{"up_to_percent": "20", "price": "4"}]
    yield {
        "type": "banded",
        "meter": "meter4",
        "baseline": "400",
        "amount": "5000",
        "deadband_percent": "10",
        "additional": band,
        "reduced": band,
    }
    yield {"type": "pass_through", "meter": "meter5", "markup_percent": "5"}
    yield {"type": "gain_share", "meter": "meter5", "baseline": "300", "share_percent": "25"}
