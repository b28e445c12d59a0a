"""Contract documents for tests: the full example and edits of it."""

from __future__ import annotations

from collections.abc import Mapping

from governance.contract.kpi_signature import Direction, KpiSignature, ParameterSignature
from governance.contract.reading import read_contract
from governance.errors import BadInput
from tests.paths import CASES

FULL = (CASES / "contracts" / "full.yaml").read_text(encoding="utf-8")


_UNITS = {"dso": "days", "collection_effectiveness_index": "%"}


def _kpi(name: str, direction: Direction, *parameters: ParameterSignature) -> KpiSignature:
    unit = _UNITS.get(name, "")
    return KpiSignature(name, name, unit, direction, {each.name: each for each in parameters})


_MONTHS = ParameterSignature("months", "integer", "1", minimum=1)
KPIS = {
    each.name: each
    for each in (
        _kpi(
            "dso",
            Direction.LOWER_IS_BETTER,
            ParameterSignature(
                "variant", "choice", "period_end", ("period_end", "rolling", "countback")
            ),
            _MONTHS,
        ),
        _kpi(
            "collection_effectiveness_index",
            Direction.HIGHER_IS_BETTER,
            _MONTHS,
            ParameterSignature("divide_sales", "boolean", default=False),
        ),
        _kpi(
            "observed",
            Direction.HIGHER_IS_BETTER,
            ParameterSignature("measure", "text", None),
            ParameterSignature(
                "direction",
                "choice",
                "higher_is_better",
                ("higher_is_better", "lower_is_better"),
            ),
        ),
    )
}


def edited(replace: Mapping[str, str], document: str = FULL) -> str:
    """The document with each text, which must occur once, replaced by another."""
    for old, new in replace.items():
        assert document.count(old) == 1, f"{old!r} occurs {document.count(old)} times"
        document = document.replace(old, new)
    return document


def problems_of(data: str | bytes) -> list[str]:
    """The problems of a document as people read them, without the file's name."""
    try:
        read_contract(data if isinstance(data, bytes) else data.encode(), "contract.yaml", KPIS)
    except BadInput as error:
        return [str(each).removeprefix("contract.yaml, ") for each in error.problems]
    return []
