"""Countries and time zones that a contract may name."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel import Locale

from governance.contract.findings import Finding, Findings
from governance.contract.messages import did_you_mean
from governance.contract.yaml_nodes import Path


@cache
def _countries() -> frozenset[str]:
    territories = Locale("en").territories
    codes = {str(code) for code in territories if re.fullmatch("[A-Z]{2}", str(code))}
    return frozenset(codes - {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


def check_country(country: str, path: Path) -> Findings:
    """The key `country` of the part at `path` is in ISO 3166."""
    if country not in _countries():
        hint = ", did you mean 'GB'?" if country == "UK" else ""
        yield Finding(
            (*path, "country"),
            f"unknown country{hint}",
            "an ISO 3166 country code such as DE, GB or IE",
        )


def check_zone(zone: str, path: Path) -> Findings:
    """The time zone at `path` is in the IANA database."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Finding(
            path,
            f"unknown time zone{did_you_mean(zone, available_timezones())}",
            "a name of the IANA time zone database such as Europe/Berlin or UTC",
        )
