"""Contracts and usage for tests: a small frame around the terms that a case is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from billing.charges.calculation import price
from billing.charges.usage import read_usage
from billing.charges.values import PricedPeriod, Step, Usage
from governance.contract.document import Contract
from governance.values import plain
from tests.paths import CASES

_ENGAGEMENT = {
    "reference": "ENG-1",
    "title": "Collections",
    "model": "function_specific",
    "client": {"name": "Nordlicht Handel GmbH", "country": "DE"},
    "provider": {"name": "Clearwater Receivables Ltd", "country": "IE"},
    "currency": "EUR",
    "starts": "2026-01-01",
    "ends": "2028-12-31",
}


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file."""
    loaded: list[dict[str, Any]] = yaml.load(
        (CASES / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return loaded


def document(*charges: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    """A contract document with the charges; `engagement` overrides parts of its frame."""
    numbered = [
        {"id": f"CH-{position:02}", "title": "Fee", **charge}
        for position, charge in enumerate(charges, 1)
    ]
    engagement = _ENGAGEMENT | keys.pop("engagement", {})
    return {"plumbline": 1, "engagement": engagement, "charges": numbered, **keys}


def contract(*charges: Mapping[str, Any], **keys: Any) -> Contract:
    """The contract of that document."""
    return Contract.model_validate(document(*charges, **keys))


def usage(meters: Mapping[str, Any] | None = None, **keys: Any) -> Usage:
    """Usage of January 2026, read as from a file."""
    content = {"period": "2026-01", "meters": meters or {}, **keys}
    return read_usage(json.dumps(content, default=str).encode(), "usage.json")


def price_of(charge: Mapping[str, Any], meters: Mapping[str, Any], **keys: Any) -> PricedPeriod:
    """One charge priced for January 2026."""
    return price(contract(charge, **keys), usage(meters))


def step_text(step: Step) -> str:
    """The step as the cases write it."""
    arithmetic = f"{plain(step.quantity)} × {step.price:f} = {step.amount:f}"
    return f"{arithmetic} ({step.text})" if step.text else arithmetic


def total(amounts: Any) -> Decimal:
    """Sum of decimals."""
    return sum(amounts, Decimal(0))
