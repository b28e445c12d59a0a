"""Count the meters of sealed figures again, late rows included, from what the seal keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from billing.charges.values import Meter
from billing.metering.engine import read_late, read_meter
from billing.metering.names import find_meter
from billing.metering.values import Metering, metering_stated, period_stated
from billing.settlement.documents import reading_json
from billing.settlement.values import MeterReading
from governance.calendars import Calendars, calendars_of
from governance.contract.reading import read_contract
from governance.errors import BadInput
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.values import EvidenceFile
from sla.reviews.verifying import Difference, FindEvidence, read_seal


def verify_meters(document: bytes, find: FindEvidence) -> tuple[Difference, ...]:
    """Hold every metered quantity of a sealed document against its evidence.

    Each is counted again without the rows that other invoices bill, and the late rows of earlier
    periods by themselves: exactly those that the document names have to be there. Seals from
    before their invoices listed the meters have nothing to compare. Call it where the document and
    its files are known to be what they were. Raises BadInput where it is no sealed document.
    """
    content = read_seal(document)
    stated = content["invoice"].get("meters", ())
    if not stated:
        return ()
    contract = read_contract(content["contract"]["document"].encode(), "contract")
    files = [
        EvidenceFile(one["dataset"], one["sha256"], find(one["sha256"]), one.get("rows", 0), "", "")
        for one in content["evidence"]
    ]
    frozen = content["calendars"]
    calendars = Calendars.from_json(frozen) if frozen else calendars_of(contract.engagement)
    metering = metering_stated((content.get("inputs") or {}).get("metering"))
    with open_ledger(files, contract.engagement.currency, calendars=calendars) as ledger:
        return tuple(
            difference
            for one in stated
            for difference in _of_meter(one, content["invoice"], ledger, metering)
        )


def _of_meter(
    stated: Mapping[str, Any], invoice: Mapping[str, Any], ledger: Ledger, metering: Metering
) -> Iterator[Difference]:
    name, late = stated["meter"], stated.get("late", "")
    where = f"meter {name}, late from {late}" if late else f"meter {name}"
    definition = find_meter(name)
    if definition is None or definition.sha256 != stated["definition_sha256"]:
        expected, found = stated["definition_sha256"], definition.sha256 if definition else ""
        yield Difference("the meter has another definition here", where, expected, found)
        return
    try:
        quantity, reading = _read(stated, ledger, metering)
    except BadInput as error:
        for problem in error.problems:
            yield Difference("the meter can't be counted again", where, found=str(problem))
        return
    now = json.loads(json.dumps(reading_json(reading)))
    for key in sorted(stated.keys() | now.keys()):
        if stated.get(key) != now.get(key):
            what = f"{key.replace('_', ' ')} differs"
            yield Difference(what, where, _text(stated.get(key)), _text(now.get(key)))
    yield from _of_lines(stated, invoice, quantity, where)


def _read(
    stated: Mapping[str, Any], ledger: Ledger, metering: Metering
) -> tuple[Meter, MeterReading]:
    name, late = stated["meter"], stated.get("late", "")
    share = metering.of(name)
    if not late:
        return read_meter(name, ledger, period_stated(stated["window"]), share.without)
    (rows,) = (one for one in share.late if one.label == late)
    return read_late(name, ledger, rows)


def _of_lines(
    stated: Mapping[str, Any], invoice: Mapping[str, Any], quantity: Meter, where: str
) -> Iterator[Difference]:
    """A count stands on the lines that price it as it is; amounts and roles are priced in parts."""
    for line in invoice["lines"]:
        if line["reading"] == stated and isinstance(quantity, Decimal):
            found = Decimal(line["quantity"])
            if found != quantity:
                what = f"quantity of the line {line['title']} differs"
                yield Difference(what, where, format(found, "f"), format(quantity, "f"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
