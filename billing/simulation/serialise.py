"""A simulation as the document that is kept, downloaded and read back."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import TypeAdapter

from billing.simulation.values import Simulation
from governance.tables import canonical_json

_SIMULATION: Final[TypeAdapter[Simulation]] = TypeAdapter(Simulation)


def simulation_json(simulation: Simulation) -> dict[str, Any]:
    """Stable keys, decimals as text with all their digits."""
    found: dict[str, Any] = json.loads(_SIMULATION.dump_json(simulation))
    return found


def simulation_bytes(simulation: Simulation) -> bytes:
    """The same as canonical JSON, so that equal simulations have equal digests."""
    return canonical_json(simulation_json(simulation))


def simulation_of(data: bytes | str) -> Simulation:
    """What `simulation_bytes` wrote."""
    return _SIMULATION.validate_json(data)
