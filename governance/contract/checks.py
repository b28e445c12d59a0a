"""Rules that hold between the keys of a contract, beyond the type of each.

Each check takes a part of the contract and yields what it finds. A part that was read with
problems has only its sound keys; a check that asks for an unsound one is left, so that a problem
is reported once and never makes up others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from governance.contract.charges import Charge
from governance.contract.checks_calendars import check_business_hours, check_calendars, check_clock
from governance.contract.checks_charges import (
    CHARGE_CHECKS,
    CONTRACT_CHARGE_CHECKS,
)
from governance.contract.checks_invoicing import INVOICING_CHECKS
from governance.contract.checks_service_credits import (
    check_earn_back,
    check_milestone_credits,
    check_persistent_failures,
    check_ratchet,
)
from governance.contract.checks_service_levels import (
    LEVEL_CHECKS,
    Setting,
    check_counting,
    check_method,
)
from governance.contract.document import Contract
from governance.contract.engagement import Model
from governance.contract.findings import Finding, Findings
from governance.contract.kpi_signature import KpiSignature
from governance.contract.places import check_country, check_zone
from governance.contract.service_levels import ServiceLevel
from governance.values import known_currency


def check_contract(
    contract: Contract,
    kpis: Mapping[str, KpiSignature] | None = None,
    *,
    complete: bool = True,
) -> Findings:
    """Everything that is wrong between the keys of a contract, in no particular order.

    `complete` says that all parts were read without problems. Without `kpis` nothing is said
    about KPI names, parameters and the side of a minimum.
    """
    for check in CONTRACT_CHECKS:
        yield from _sound(check(contract), complete)
    setting = Setting(contract, kpis)
    for index, level in _items(contract, "service_levels"):
        for level_check in (*LEVEL_CHECKS, check_ratchet, check_clock):
            path = ("service_levels", index)
            yield from _sound(level_check(level, path, setting), complete)
    for index, charge in _items(contract, "charges"):
        for charge_check in CHARGE_CHECKS:
            yield from _sound(charge_check(charge, ("charges", index)), complete)


def _items(contract: Contract, name: str) -> Iterator[tuple[int, Any]]:
    return enumerate(getattr(contract, name, ()))


def _sound(findings: Findings, complete: bool) -> Findings:
    try:
        yield from findings
    except AttributeError:
        # A part with problems lacks its unsound keys; of a sound part this would be a bug.
        if complete:
            raise


def check_currency(contract: Contract) -> Findings:
    """The currency is in ISO 4217."""
    currency = contract.engagement.currency
    if not known_currency(currency):
        yield Finding(
            ("engagement", "currency"),
            "unknown currency",
            "an ISO 4217 currency code such as EUR, USD or GBP",
        )


def check_time_zone(contract: Contract) -> Findings:
    """The time zone is in the IANA database."""
    yield from check_zone(contract.engagement.time_zone, ("engagement", "time_zone"))


def check_client_country(contract: Contract) -> Findings:
    """The client's country is in ISO 3166."""
    yield from check_country(contract.engagement.client.country, ("engagement", "client"))


def check_provider_country(contract: Contract) -> Findings:
    """The provider's country is in ISO 3166."""
    yield from check_country(contract.engagement.provider.country, ("engagement", "provider"))


def check_term(contract: Contract) -> Findings:
    """The engagement starts no later than it ends; both days belong to it."""
    starts, ends = contract.engagement.starts, contract.engagement.ends
    if ends is not None and ends < starts:
        yield Finding(
            ("engagement", "ends"), "the engagement ends before it starts", f"{starts} or later"
        )


def check_transfer(contract: Contract) -> Findings:
    """Only build-operate-transfer has a transfer, and not before the engagement starts.

    The transfer may be left out: some contracts agree on its day and fee only later.
    """
    engagement, path = contract.engagement, ("engagement", "transfer")
    if engagement.transfer is None:
        return
    if engagement.model is not Model.BUILD_OPERATE_TRANSFER:
        yield Finding(
            path,
            f"the model {engagement.model} has no transfer",
            "a transfer only with the model build_operate_transfer",
            "",
        )
    if engagement.transfer.on < engagement.starts:
        yield Finding(
            (*path, "on"), "before the engagement starts", f"{engagement.starts} or later"
        )


def check_functions(contract: Contract) -> Findings:
    """No function is listed twice."""
    functions = contract.engagement.functions
    for index, function in enumerate(functions):
        if function in functions[:index]:
            path = ("engagement", "functions", index)
            yield Finding(path, "the function is listed twice", "each function once")


def check_level_ids(contract: Contract) -> Findings:
    """No two service levels share an id."""
    yield from _check_ids(contract.service_levels, "service_levels")


def check_charge_ids(contract: Contract) -> Findings:
    """No two charges share an id."""
    yield from _check_ids(contract.charges, "charges")


def _check_ids(parts: Iterable[ServiceLevel | Charge], name: str) -> Findings:
    first: dict[str, int] = {}
    for index, part in enumerate(parts):
        part_id = getattr(part, "id", None)
        if part_id is None:
            continue
        earlier = first.setdefault(part_id, index)
        if earlier != index:
            what = f"the id is taken by {name}[{earlier}] already"
            yield Finding((name, index, "id"), what, "an id of its own")


CONTRACT_CHECKS: tuple[Callable[[Contract], Findings], ...] = (
    check_currency,
    check_time_zone,
    check_client_country,
    check_provider_country,
    check_business_hours,
    check_calendars,
    check_term,
    check_transfer,
    check_functions,
    check_level_ids,
    check_charge_ids,
    check_method,
    check_counting,
    check_earn_back,
    check_persistent_failures,
    check_milestone_credits,
    *INVOICING_CHECKS,
    *CONTRACT_CHARGE_CHECKS,
)
