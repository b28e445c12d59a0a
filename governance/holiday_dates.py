"""Public holidays by country and subdivision, from the package `holidays`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.metadata import version

import holidays


@cache
def subdivisions() -> Mapping[str, tuple[str, ...]]:
    """The countries whose public holidays are known, each with the codes of its parts."""
    return {
        country: tuple(parts)
        for country, parts in holidays.list_supported_countries(include_aliases=False).items()
        if len(country) == 2
    }


@cache
def holidays_of(country: str, subdivision: str, year: int) -> frozenset[date]:
    """Public holidays of one year, days kept in their place ("observed") included.

    Only the category `public`, so no school, bank or half holidays. Raises KeyError or
    NotImplementedError for a country or subdivision that `subdivisions` doesn't name.
    """
    if country not in subdivisions():
        raise KeyError(country)
    found = holidays.country_holidays(
        country, subdiv=subdivision or None, years=year, expand=False, categories=holidays.PUBLIC
    )
    return frozenset(found)


def source() -> str:
    """Name and version of what the holidays come from, such as "holidays 0.109"."""
    return f"holidays {version('holidays')}"
