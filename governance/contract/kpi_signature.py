"""What a contract must know of a KPI to be checked; the catalogue (sla.kpis) provides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Direction(StrEnum):
    """Which way a KPI is better."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"


@dataclass(frozen=True, slots=True)
class ParameterSignature:
    """One parameter of a KPI."""

    name: str
    type: str
    """"integer", "decimal", "boolean", "text" or "choice"."""
    default: str | bool | None
    """None where the contract must give a value."""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KpiSignature:
    """Name, direction and parameters of a KPI."""

    name: str
    title: str
    unit: str
    direction: Direction
    parameters: Mapping[str, ParameterSignature] = field(default_factory=dict)
