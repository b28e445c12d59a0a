"""The documents of a settlement as JSON: what a run writes and what the database freezes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.charges.serialise import line_json, priced_period_json
from billing.charges.values import ChargeLine
from billing.invoices.numbering import invoice_number
from billing.settlement.fee_keys import fee_keys
from billing.settlement.values import InvoiceHeader, MeterReading, Settlement
from governance.audit.checkpoints import Checkpoint
from governance.contract.document import Contract
from governance.contract.engagement import Party
from governance.values import Period, money_text
from sla.evidence.values import EvidenceDigest
from sla.kpis.serialise import period_json
from sla.measurements.serialise import measured_period_json
from sla.measurements.targets import promised_in
from sla.service_credits.serialise import service_credits_json
from sla.service_credits.values import EarnedBack, LevelCredit, ServiceCredits
from sla.service_credits.wording import number_words


def invoice_header(
    contract: Contract, period: Period, sequence: int, issued_on: date | None = None
) -> InvoiceHeader:
    """Number, dates and purchase order of an invoice.

    It is issued on the day after the period unless `issued_on` says otherwise, and its year is
    that of the issue. Raises BadInput where `invoicing.number` is no pattern.
    """
    issued = issued_on or period.end + timedelta(days=1)
    number = invoice_number(contract.invoicing.number, issued, sequence)
    return header_of(contract, number, issued)


def header_of(
    contract: Contract, number: str, issued_on: date, log: Checkpoint | None = None
) -> InvoiceHeader:
    """What the contract says of an invoice of that number issued on that day.

    `log` is the audit log's latest checkpoint, for those who keep the document.
    """
    return InvoiceHeader(
        number=number,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=contract.invoicing.due_days),
        purchase_order=contract.invoicing.purchase_order,
        log=log,
    )


def measurements_json(settlement: Settlement) -> dict[str, Any]:
    """What `plumbline measure --json` answers for the settled period."""
    return measured_period_json(settlement.measured)


def credits_json(settlement: Settlement) -> dict[str, Any]:
    """What `plumbline credits --json` answers; no service levels where no credits are agreed."""
    if settlement.credits is not None:
        return service_credits_json(settlement.credits)
    priced = settlement.priced
    nothing = money_text(priced.subtotal - priced.subtotal, priced.currency)
    return {
        "period": settlement.period.label,
        "currency": priced.currency,
        "base": money_text(priced.credit_base, priced.currency),
        "cap": None,
        "service_levels": [],
        "before_cap": nothing,
        "credit": nothing,
        "earned_back": nothing,
        "net": nothing,
    }


def invoice_json(settlement: Settlement, header: InvoiceHeader | None = None) -> dict[str, Any]:
    """What `plumbline price --json` answers, with the document's data and all its sources.

    A line that was metered carries its `reading`: the days counted, the number of ledger rows,
    the evidence digests and the digest of the meter's definition. A line that rests on further
    tables, such as indices, names them as `evidence`. `service_credits` lists the
    credits that come off, with the misses they come from; `allowances` are the credit's shares
    in the taxes. Number and dates are null without a header, as on a draft. `read_fee_document`
    reads it back.
    """
    contract, priced = settlement.contract, settlement.priced
    return {
        **(header_json(header) if header else header_of_draft(contract)),
        "engagement": {
            "reference": contract.engagement.reference,
            "title": contract.engagement.title,
        },
        "provider": party_json(contract.engagement.provider),
        "client": party_json(contract.engagement.client),
        "period_start": priced.period.start.isoformat(),
        "period_end": priced.period.end.isoformat(),
        **priced_period_json(priced),
        **fee_keys(settlement),
        "lines": [_line_json(settlement, line) for line in priced.lines],
        **_delivered_json(settlement),
        "service_credits": [
            _settled_credits_json(settlement, given) for given in settlement.settled_credits
        ],
        "meters": [
            reading_json(reading)
            for reading in (*settlement.readings.values(), *settlement.late_readings.values())
        ],
        "contract_sha256": settlement.contract_sha256,
        "evidence": [digest.as_json() for digest in evidence_of(settlement)],
        "warnings": [finding.message for finding in settlement.measured.warnings],
    }


def evidence_of(settlement: Settlement) -> tuple[EvidenceDigest, ...]:
    """Every table that a figure of the settled period rests on, by dataset."""
    measured = (digest for result in settlement.measured.results for digest in result.evidence)
    metered = (digest for reading in settlement.readings.values() for digest in reading.evidence)
    further = (digest for digests in settlement.sources.values() for digest in digests)
    return tuple(sorted({*measured, *metered, *further}))


def header_of_draft(contract: Contract) -> dict[str, Any]:
    """What stands in place of number and dates before the issue."""
    order = contract.invoicing.purchase_order
    return {"number": None, "issued_on": None, "due_on": None, "purchase_order": order}


def header_json(header: InvoiceHeader) -> dict[str, Any]:
    """What issuing adds to an invoice's figures; every other key is the same as on the draft."""
    return {
        "number": header.number,
        "issued_on": header.issued_on.isoformat(),
        "due_on": header.due_on.isoformat(),
        "purchase_order": header.purchase_order,
    } | _log_json(header.log)


def _log_json(log: Checkpoint | None) -> dict[str, Any]:
    """Nothing where there is no log, so that a run from files states the same figures."""
    if log is None:
        return {}
    root = b64encode(log.root).decode()
    return {"audit_log": {"origin": log.origin, "size": log.size, "root": root}}


_PARTY_KEYS_WHERE_STATED = frozenset(
    {
        "state",
        "contact_name",
        "tax_number",
        "legal_id",
        "legal_scheme",
        "electronic_address",
        "electronic_scheme",
    }
)
"""Keys that the contract language gained later: without them documents stay as they were."""


def party_json(party: Party) -> dict[str, Any]:
    """A party as invoices state it."""
    stated = party.model_dump(mode="json")
    return {
        key: value
        for key, value in stated.items()
        if value is not None or key not in _PARTY_KEYS_WHERE_STATED
    }


def _delivered_json(settlement: Settlement) -> dict[str, Any]:
    """What a month without an invoice of its own delivered: its lines and its own credit."""
    priced = settlement.priced
    if not priced.delivered:
        return {}
    credit = settlement.credits.net if settlement.credits else Decimal(0)
    return {
        "delivered": {
            "lines": [line_json(line, priced.currency) for line in priced.delivered],
            "service_credit": money_text(credit, priced.currency),
        }
    }


def _line_json(settlement: Settlement, line: ChargeLine) -> dict[str, Any]:
    reading = settlement.reading_of(line)
    sources = () if line.restatement else settlement.sources.get(line.charge, ())
    return {
        **line_json(line, settlement.priced.currency),
        "reading": None if reading is None else reading_json(reading),
        **({"evidence": [digest.as_json() for digest in sources]} if sources else {}),
    }


def reading_json(reading: MeterReading) -> dict[str, Any]:
    """Where a quantity came from; what a late or a shortened reading has more stands only there."""
    late = {"late": reading.late, "rows_sha256": reading.rows_sha256} if reading.late else {}
    short = {"left_out": reading.left_out} if reading.left_out else {}
    return {
        "meter": reading.meter,
        "window": None if reading.window is None else period_json(reading.window),
        "rows": reading.rows,
        "evidence": [digest.as_json() for digest in reading.evidence],
        "definition_sha256": reading.definition_sha256,
        **short,
        **late,
    }


def _settled_credits_json(settlement: Settlement, given: ServiceCredits) -> dict[str, Any]:
    return {
        "period": given.period.label,
        "credit": money_text(given.credit, given.currency),
        "earned_back": money_text(given.earned_back, given.currency),
        "net": money_text(given.net, given.currency),
        **({} if given.claim is None else {"claim": given.claim.state.value}),
        "misses": list(_misses_json(settlement, given)),
        "earn_backs": [_earn_back_json(each, given.currency) for each in given.earn_backs],
        **_further_json(given),
    }


def _further_json(given: ServiceCredits) -> dict[str, Any]:
    """What else comes off, or is paid more; each key only where there is something."""

    def stated(key: str, amount: Decimal, why: str) -> dict[str, str]:
        return {"id": key, "amount": money_text(amount, given.currency), "why": why}

    further = {
        "persistent_failures": [
            stated(one.service_level, one.credit, one.why) for one in given.persistent_failures
        ],
        "milestones": [stated(one.id, one.credit, one.why) for one in given.milestones],
        "bonuses": [
            stated(one.id, one.bonus, one.why) for one in given.service_levels if one.bonus
        ],
    }
    return {key: value for key, value in further.items() if value}


def _misses_json(settlement: Settlement, given: ServiceCredits) -> Iterator[dict[str, Any]]:
    for level in given.service_levels:
        if level.before_cap:
            yield _miss_json(settlement, given, level)


def _miss_json(settlement: Settlement, given: ServiceCredits, level: LevelCredit) -> dict[str, Any]:
    promised = promised_in(settlement.terms_of(level.id), given.period)
    return {
        "period": given.period.label,
        "service_level": level.id,
        "title": promised.title,
        "clause": promised.clause,
        "value": None if level.value is None else number_words(level.value),
        "expected": number_words(level.expected or promised.expected),
        "minimum": None if promised.minimum is None else number_words(promised.minimum),
        "status": level.status.value,
        "credit": money_text(level.credit, given.currency),
        "why": level.why,
    }


def _earn_back_json(earned: EarnedBack, currency: str) -> dict[str, Any]:
    return {
        "service_level": earned.service_level,
        "period": earned.period.label,
        "amount": money_text(earned.amount, currency),
        "why": earned.why,
    }
