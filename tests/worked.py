"""Cases worked out by hand, as documents: contract as YAML, usage and results as JSON.

What a case states goes through the same readers as a file that someone hands in, and what it
expects is compared with the answer as JSON. So the cases know nothing of the calculators.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

import yaml

from governance.contract.document import Contract
from governance.contract.reading import read_contract
from tests.paths import CASES

_KEPT = {
    "tag:yaml.org,2002:null": None,
    "tag:yaml.org,2002:merge": None,
}
_ENGAGEMENT = {
    "reference": "ENG-1",
    "title": "Collections",
    "model": "managed",
    "client": {"name": "Nordlicht Handel GmbH", "country": "DE"},
    "provider": {"name": "Clearwater Receivables Ltd", "country": "IE"},
    "currency": "EUR",
    "starts": "2026-01-01",
    "ends": "2032-12-31",
}


class _Texts(yaml.CSafeLoader):
    """Reads every scalar as the text it is written as, but null, true and false."""


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _truth(_: Any, node: yaml.ScalarNode) -> Any:
    return {"true": True, "false": False}.get(node.value, node.value)


_Texts.add_constructor("tag:yaml.org,2002:str", _truth)


class _InFull(yaml.CSafeDumper):
    """Writes out what stands twice, as contracts have no aliases."""

    def ignore_aliases(self, _: Any) -> bool:
        """Nothing is referred to."""
        return True


@cache
def worked_cases(folder: str) -> tuple[dict[str, Any], ...]:
    """All cases of one folder, each with the `mechanism` that its file is named for."""
    return tuple(
        {"mechanism": path.stem, **case}
        for path in sorted((CASES / folder).glob("*.yaml"))
        for case in yaml.load(path.read_bytes(), _Texts)  # noqa: S506 (a safe loader)
    )


def case_name(case: Mapping[str, Any]) -> str:
    """How a test of the case is called."""
    return f"{case['mechanism']}: {case['name']}"


def contract_text(
    *,
    engagement: Mapping[str, Any] | None = None,
    charges: Iterable[Mapping[str, Any]] = (),
    levels: Iterable[Mapping[str, Any]] = (),
    **keys: Any,
) -> bytes:
    """A contract document as YAML; charges without an id are CH-01 and so on."""
    document = {
        "plumbline": "1",
        "engagement": _ENGAGEMENT | dict(engagement or {}),
        "charges": [{"id": f"CH-{at:02}"} | dict(each) for at, each in enumerate(charges, 1)],
        "service_levels": [{"kpi": "right_first_time_rate"} | dict(each) for each in levels],
        **keys,
    }
    return yaml.dump(document, Dumper=_InFull, sort_keys=False).encode()


def contract_of(**keys: Any) -> Contract:
    """That document, read."""
    return _read(contract_text(**keys))


@lru_cache(maxsize=256)
def _read(text: bytes) -> Contract:
    return read_contract(text, "contract.yaml")


def as_json(document: Mapping[str, Any]) -> bytes:
    """A document as a file would hold it."""
    return json.dumps(document).encode()
