"""What both sides agree on in a settled period: its service levels and its charged lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from governance.contract.document import Contract
from governance.tables import canonical_json, digest
from sla.reviews.transitions import EXCUSED
from sla.reviews.values import Figure, ItemKind


def review_items(
    contract: Contract, measurements: Mapping[str, Any], invoice: Mapping[str, Any]
) -> tuple[Figure, ...]:
    """The items of a period, from the documents that state its figures.

    The digest of an item covers all that the document states of it: value, parameters, targets,
    evidence and definition of a service level; quantity, arithmetic and reading of a line.
    """
    titles = {level.id: level.title for level in contract.service_levels}
    currency = invoice["currency"]
    levels = (_level(titles, result, currency) for result in measurements["results"])
    return (*levels, *_lines(invoice["lines"], currency))


def _level(titles: Mapping[str, str], result: Mapping[str, Any], currency: str) -> Figure:
    name, status = result["service_level"], result["status"]
    value = None if result["value"] is None else str(result["value"])
    shown = "no data" if value is None else _with_unit(value, result["unit"], currency)
    words = "" if status == "no_data" else f", {status.replace('_', ' ')}"
    return Figure(
        kind=ItemKind.SERVICE_LEVEL,
        key=name,
        label=titles.get(name, name),
        text=f"{shown}{words}",
        inputs_sha256=digest(canonical_json(result)),
        value=EXCUSED if status == EXCUSED else value,
    )


def _with_unit(value: str, unit: str, currency: str) -> str:
    match unit:
        case "%":
            return f"{value}%"
        case "currency":
            return f"{currency} {value}"
        case _:
            return f"{value} {unit}".strip()


def _lines(lines: list[Mapping[str, Any]], currency: str) -> Iterator[Figure]:
    seen: Counter[str] = Counter()
    for line in lines:
        # A restatement's difference cites its charge, which has a line of its own, and so do the
        # late rows of an earlier period.
        late = line.get("late")
        cited = f"late from {late}" if late else line.get("restatement")
        name = f"{line['charge']} ({cited})" if cited else str(line["charge"])
        seen[name] += 1
        words = str(line["unit"]).replace("_", " ")
        yield Figure(
            kind=ItemKind.CHARGE,
            key=name if seen[name] == 1 else f"{name}/{seen[name]}",
            label=line["title"],
            text=f"{line['quantity']} {words}, {currency} {line['amount']}",
            inputs_sha256=digest(canonical_json(line)),
        )
