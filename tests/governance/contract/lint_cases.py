"""The cases of `tests/cases/lint.yaml`: contracts made by edits of a sound one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import yaml

from governance.contract.document import Contract
from governance.contract.lint import LintContext, concerns_of
from governance.contract.lint_values import NOT_STATED, Concern
from governance.contract.reading import read_contract
from governance.contract.yaml_nodes import path_text
from sla.kpis.catalogue import signatures
from tests.paths import CASES

DAY = date(2026, 6, 15)
_WHOLE = {"categories", "tax"}
"""Mappings that an edit replaces."""
METERS = frozenset({"invoices_issued", "cash_collected", "calls_made", "fte"})


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(
        (CASES / "lint.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return loaded


def lint_cases() -> list[dict[str, Any]]:
    """All cases."""
    found: list[dict[str, Any]] = _file()["cases"]
    return found


def contract_of_edit(edit: Mapping[str, Any]) -> Contract:
    """The base with an edit, read as a document is."""
    whole = _merged(_file()["base"], edit)
    if "credits" in edit:
        whole["service_credits"] = whole.pop("credits")
    levels = whole["service_levels"]
    whole["service_levels"] = [
        _numbered("SL", "Schedule 2", index, _file()["level"] | _months(index) | each)
        for index, each in enumerate(levels, 1)
    ]
    whole["charges"] = [
        _numbered("CH", "Schedule 4", index, each) for index, each in enumerate(whole["charges"], 1)
    ]
    return read_contract(yaml.safe_dump(whole).encode(), "contract.yaml", signatures())


def said(edit: Mapping[str, Any]) -> dict[str, list[str]]:
    """What each rule says about the base with an edit, by its name."""
    context = LintContext(DAY, signatures(), METERS)
    found: dict[str, list[str]] = {}
    for rule, concern in concerns_of(contract_of_edit(edit), context):
        found.setdefault(rule, []).append(_text(concern))
    return found


def _text(concern: Concern) -> str:
    clause = "" if concern.clause == NOT_STATED else f" ({concern.clause})"
    return f"{path_text(concern.path)}{clause}: {concern.what}; {concern.advice}"


def _months(index: int) -> dict[str, Any]:
    """So that no two service levels measure the same."""
    return {"parameters": {"months": index}}


def _numbered(prefix: str, schedule: str, index: int, part: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": f"{prefix}-{index:02}", "clause": f"{schedule}, {index}", **part}


def _merged(base: Mapping[str, Any], edit: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged, a null takes a key out, everything else takes its place."""
    whole = dict(base)
    for key, value in edit.items():
        if isinstance(value, dict) and isinstance(whole.get(key), dict) and key not in _WHOLE:
            whole[key] = _merged(whole[key], value)
        elif value is None:
            whole.pop(key, None)
        else:
            whole[key] = value
    return whole
