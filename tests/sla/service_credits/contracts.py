"""Small contracts for the tests of service credits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from governance.contract.document import Contract


def contract_with(
    terms: Mapping[str, Any] | None,
    levels: Iterable[Mapping[str, Any]],
    currency: str = "EUR",
    ends: str | None = None,
    starts: str = "2026-01-01",
) -> Contract:
    """A contract of January 2026, or later, with these service levels and service credits."""
    return Contract.model_validate(
        {
            "plumbline": 1,
            "engagement": {
                "reference": "ENG-1",
                "title": "Collections",
                "model": "managed",
                "client": {"name": "Nordlicht", "country": "DE"},
                "provider": {"name": "Clearwater", "country": "IE"},
                "currency": currency,
                "starts": starts,
                "ends": ends,
            },
            "service_levels": [
                {"title": "A service level", "kpi": "observed"} | dict(level) for level in levels
            ],
            "service_credits": terms,
        }
    )
