"""The contract and ledger of tests/cases/settlement.yaml, changed as a case asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from billing.settlement.calculation import settle
from billing.settlement.values import Settlement
from governance.contract.document import Contract
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from tests.paths import CASES
from tests.sla.kpis.ledgers import Row, ledger_of, rows_of

# The base loader reads every scalar as text, so that no number passes through a float.
_DOCUMENT = yaml.load((CASES / "settlement.yaml").read_bytes(), yaml.BaseLoader)  # noqa: S506 (makes texts only)
_MECHANISMS = yaml.load((CASES / "settlement_mechanisms.yaml").read_bytes(), yaml.BaseLoader)  # noqa: S506 (makes texts only)
SETTLED: list[dict[str, Any]] = [*_DOCUMENT["cases"], *_MECHANISMS["cases"]]
SHA256 = "c0ffee" + "0" * 58


def contract_of(case: Mapping[str, Any]) -> Contract:
    """The usual contract with the case's sections merged in (change) or put in place (replace)."""
    document = dict(_DOCUMENT["contract"])
    for section, change in case.get("change", {}).items():
        document[section] = document[section] | change
    for section, terms in case.get("replace", {}).items():
        document[section] = None if terms == "none" else terms
    return Contract.model_validate(document)


def tables_of(case: Mapping[str, Any]) -> dict[str, Sequence[Row]]:
    """The usual evidence, with the case's tables and observations in place of the usual ones."""
    tables: dict[str, Sequence[Row]] = {
        name: rows_of(table)
        for name, table in (_DOCUMENT["evidence"] | case.get("evidence", {})).items()
    }
    observed = case.get("observations", {})
    tables["observations"] = [
        {**row, "value": observed.get(row["period"], row["value"])}
        for row in tables["observations"]
    ]
    return tables


def settled(case: Mapping[str, Any]) -> Settlement:
    """The case's month, settled."""
    with ledger_of(tables_of(case)) as ledger:
        period = Period.parse(case["period"])
        return settle(contract_of(case), SHA256, ledger, period, load_catalogue())
