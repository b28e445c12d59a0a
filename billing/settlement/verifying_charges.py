"""Compute the charges of sealed figures again, from the evidence and the contract of the seal.

Nothing here needs a database. What follows from earlier invoices (rebates and commitments past the
first invoice of their span, fees for leaving) can't be computed from one seal alone: it is left
out, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from billing.charges.calculation import price
from billing.metering.values import metering_stated, period_stated
from billing.settlement.earlier import with_earlier
from billing.settlement.late import late_usage
from billing.settlement.metered import as_metered, metered_usage, sources_of
from billing.settlement.spans import block_of, invoice_span
from governance.calendars import Calendars, calendars_of
from governance.contract.charges import (
    COMMITMENT_ID,
    TRANSFER_ID,
    Charge,
    EarlyTerminationCharge,
    VolumeRebateCharge,
)
from governance.contract.document import Contract
from governance.contract.reading import read_contract
from governance.errors import BadInput
from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.values import EvidenceDigest, EvidenceFile
from sla.reviews.verifying import Difference, FindEvidence, read_seal

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

_NOTHING = Decimal(0)


def verify_charges(document: bytes, find: FindEvidence) -> tuple[Difference, ...]:
    """Hold the quantities, amounts and tables of a seal's charges against what comes out now.

    Call it where the evidence and the meters are known to be what they were. Raises BadInput where
    the document is no sealed one.
    """
    content = read_seal(document)
    contract = read_contract(content["contract"]["document"].encode(), "contract")
    span = invoice_span(contract, period_stated(content["period"]))
    if span is None:
        return ()
    terms = _computable(as_metered(contract), span)
    try:
        with _ledger(content, contract, find) as ledger:
            found = dict(_computed(terms, ledger, span, content))
    except BadInput as error:
        what = "the charges can't be computed again"
        return tuple(Difference(what, str(one)) for one in error.problems)
    names = _names(terms)
    sealed = dict(_sealed(line for line in _own_lines(content) if line["charge"] in names))
    return tuple(_differing(sealed, found))


def left_out(document: bytes) -> tuple[str, ...]:
    """A sentence for each charge of a seal that `verify_charges` doesn't compute again."""
    content = read_seal(document)
    contract = read_contract(content["contract"]["document"].encode(), "contract")
    span = invoice_span(contract, period_stated(content["period"]))
    names = _names(_computable(as_metered(contract), span)) if span else ()
    other = (line["charge"] for line in _own_lines(content) if line["charge"] not in names)
    return tuple(
        f"{name} follows from earlier invoices and isn't computed again from this one alone"
        for name in dict.fromkeys(other)
    )


def _own_lines(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Without the differences of restated periods, which are those of other seals."""
    return (line for line in content["invoice"]["lines"] if "restatement" not in line)


@dataclass(frozen=True, slots=True)
class _Charged:
    """What is compared of one charge, over all of its lines; texts may be worded otherwise now."""

    quantity: Decimal = _NOTHING
    amount: Decimal = _NOTHING
    evidence: tuple[EvidenceDigest, ...] = ()

    def and_line(self, quantity: Decimal, amount: Decimal) -> _Charged:
        """With one more line."""
        return replace(self, quantity=self.quantity + quantity, amount=self.amount + amount)


def _computable(terms: Contract, span: Period) -> Contract:
    """The charges that follow from the seal's own evidence.

    A commitment counts what rebates gave, so it goes with a rebate that can't be computed.
    """
    charges = tuple(one for one in terms.charges if not _looks_back(one, terms, span))
    commitment = terms.minimum_commitment
    if commitment is not None:
        all_rebates = all(
            one in charges for one in terms.charges if isinstance(one, VolumeRebateCharge)
        )
        per_year = commitment.per == "year" and not _is_first("year", terms, span)
        commitment = None if per_year or not all_rebates else commitment
    return terms.model_copy(update={"charges": charges, "minimum_commitment": commitment})


def _looks_back(charge: Charge, terms: Contract, span: Period) -> bool:
    if isinstance(charge, VolumeRebateCharge):
        return not _is_first(charge.per, terms, span)
    return isinstance(charge, EarlyTerminationCharge)


def _is_first(per: str, terms: Contract, span: Period) -> bool:
    """Whether no invoice of the month, quarter or year comes before this one."""
    return max(block_of(per, span.end).start, terms.engagement.starts) >= span.start


def _names(terms: Contract) -> frozenset[str]:
    over_all = (TRANSFER_ID, COMMITMENT_ID) if terms.minimum_commitment else (TRANSFER_ID,)
    return frozenset({charge.id for charge in terms.charges} | set(over_all))


def _ledger(
    content: Mapping[str, Any], contract: Contract, find: FindEvidence
) -> AbstractContextManager[Ledger]:
    files = [
        EvidenceFile(one["dataset"], one["sha256"], find(one["sha256"]), one.get("rows", 0), "", "")
        for one in content["evidence"]
    ]
    frozen = content["calendars"]
    calendars = Calendars.from_json(frozen) if frozen else calendars_of(contract.engagement)
    return open_ledger(files, contract.engagement.currency, calendars=calendars)


def _computed(
    terms: Contract, ledger: Ledger, span: Period, content: Mapping[str, Any]
) -> Iterator[tuple[str, _Charged]]:
    metering = metering_stated((content.get("inputs") or {}).get("metering"))
    usage, _ = metered_usage(terms, ledger, span, metering)
    late, _ = late_usage(terms, ledger, metering)
    lines = price(terms, with_earlier(replace(usage, late=late), terms, {})).lines
    sources = sources_of(terms, ledger, span)
    for name in dict.fromkeys(line.charge for line in lines):
        charged = _Charged(evidence=sources.get(name, ()))
        for line in lines:
            if line.charge == name:
                charged = charged.and_line(line.quantity, line.amount)
        yield name, charged


def _sealed(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, _Charged]]:
    by_charge: dict[str, _Charged] = {}
    for line in lines:
        evidence = tuple(EvidenceDigest(**one) for one in line.get("evidence", ()))
        before = by_charge.get(line["charge"], _Charged(evidence=evidence))
        amounts = Decimal(line["quantity"]), Decimal(line["amount"])
        by_charge[line["charge"]] = before.and_line(*amounts)
    yield from by_charge.items()


def _differing(
    sealed: Mapping[str, _Charged], found: Mapping[str, _Charged]
) -> Iterator[Difference]:
    for name in dict.fromkeys([*sealed, *found]):
        was, now = sealed.get(name, _Charged()), found.get(name, _Charged())
        if was.quantity != now.quantity:
            yield Difference("quantity differs", name, f"{was.quantity:f}", f"{now.quantity:f}")
        if was.amount != now.amount:
            yield Difference("amount differs", name, f"{was.amount:f}", f"{now.amount:f}")
        if was.evidence != now.evidence:
            expected, other = _digests(was.evidence), _digests(now.evidence)
            yield Difference("evidence differs", name, expected, other)


def _digests(evidence: Iterable[EvidenceDigest]) -> str:
    return ", ".join(f"{one.dataset} {one.sha256}" for one in evidence)
