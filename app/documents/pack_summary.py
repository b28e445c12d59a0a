"""The pack's first page in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.documents.formatting import day, measured, money, period
from app.documents.pack_levels import LevelView
from app.documents.wording import SETTLED, count_word
from billing.settlement.values import Settlement
from sla.measurements.values import Status
from sla.service_credits.values import ClaimState, ServiceCredits

_CLAUSES = {
    Status.BELOW_EXPECTED: "fell below the expected level",
    Status.BELOW_MINIMUM: "fell below the minimum",
    Status.NO_DATA: "had no data",
    Status.EXCUSED: "{was} excused",
}
_DECLINING = 3
"""Periods of decline in a row after which a met service level is named too."""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the figures at the top of the first page."""

    label: str
    value: str
    note: str


def headline(settlement: Settlement, levels: Sequence[LevelView]) -> str:
    """What was met and missed, and what it cost, in two or three sentences."""
    return " ".join(
        (_met_sentence(settlement, levels), *_missed_sentences(levels), _cost(settlement))
    )


def _met_sentence(settlement: Settlement, levels: Sequence[LevelView]) -> str:
    when = period(settlement.period)
    if not levels:
        return f"The contract sets no service levels for {when}."
    met = sum(level.is_met for level in levels)
    if met == len(levels):
        subject = (
            "The service level was"
            if met == 1
            else f"All {count_word(met).lower()} service levels were"
        )
        return f"{subject} met in {when}."
    were = "was" if met == 1 else "were"
    share = f"{count_word(met)} of {count_word(len(levels)).lower()} service levels"
    return f"{share} {were} met in {when}."


def _missed_sentences(levels: Sequence[LevelView]) -> Iterator[str]:
    for status, clause in _CLAUSES.items():
        count = sum(level.measurement.status is status for level in levels)
        if count:
            yield f"{count_word(count)} {clause.format(was='was' if count == 1 else 'were')}."


def _cost(settlement: Settlement) -> str:
    given = settlement.credits
    if given is None:
        return "The contract agrees no service credits."
    if given.lapsed and given.claim is not None:
        lost, until = money(given.credit, given.currency), day(given.claim.until)
        return f"A service credit of {lost} lapsed, as nobody claimed it by {until}."
    if not given.net and not given.earned_back and not given.bonus:
        return "No service credit is due."
    terms = settlement.contract.service_credits
    when = SETTLED[terms.settle] if terms else ""
    if given.net < 0:
        verb = "is due a net bonus of" if given.bonus else "earns back"
        return f"The provider {verb} {money(-given.net, given.currency)}, {when}."
    net = money(given.net, given.currency)
    return f"This costs the provider a service credit of {net}, {when}{_after(given)}."


def _after(given: ServiceCredits) -> str:
    """What the net is less than the credit by, and by when it has to be claimed."""
    text = ""
    if given.earned_back:
        text += f", after {money(given.earned_back, given.currency)} earned back"
    if given.bonus:
        text += f", after a bonus of {money(given.bonus, given.currency)}"
    if given.claim is not None and given.claim.state is ClaimState.OPEN:
        text += f", if the client claims it by {day(given.claim.until)}"
    return text


def key_figures(settlement: Settlement, levels: Sequence[LevelView]) -> tuple[KeyFigure, ...]:
    """Service levels met, the period's credit, charges and the amount payable."""
    priced = settlement.priced
    met = sum(level.is_met for level in levels)
    given = settlement.credits
    return (
        KeyFigure("Service levels met", f"{met} of {len(levels)}", _not_met(len(levels) - met)),
        KeyFigure(
            "Service credit",
            money(given.net, given.currency) if given else "None agreed",
            _cap_note(settlement),
        ),
        KeyFigure("Charges", money(priced.subtotal, priced.currency), "before credit and tax"),
        KeyFigure("Payable", money(priced.payable, priced.currency), "after credit and tax"),
    )


def _not_met(count: int) -> str:
    return "none missed" if not count else f"{count} to look at"


def _cap_note(settlement: Settlement) -> str:
    given = settlement.credits
    if given is None:
        return ""
    if given.cap is None:
        return "no cap agreed"
    return f"cap {money(given.cap, given.currency)}"


def attention(settlement: Settlement, levels: Sequence[LevelView]) -> tuple[str, ...]:
    """One sentence for each service level that people should talk about."""
    currency = settlement.measured.currency
    return tuple(sentence for level in levels if (sentence := _attention_sentence(level, currency)))


def _attention_sentence(level: LevelView, currency: str) -> str | None:
    name = f"{level.terms.id} {level.terms.title}"
    result = level.measurement
    if result.status is Status.NO_DATA:
        return f"{name}: no data; the evidence for it is missing."
    if result.status is Status.EXCUSED:
        return f"{name}: excused by an approved exclusion."
    value = measured(result.value, result.unit, currency)
    if result.status is Status.MET:
        if level.worsened < _DECLINING:
            return None
        return f"{name}: met at {value}, but worse for {level.worsened} periods in a row."
    return f"{name}: {value}{_against(level, currency)}{_consequence(level, currency)}."


def _against(level: LevelView, currency: str) -> str:
    result = level.measurement
    text = f" against {measured(result.expected, result.unit, currency)} expected"
    if result.status is Status.BELOW_MINIMUM and result.minimum is not None:
        text += f" and {measured(result.minimum, result.unit, currency)} at the minimum"
    return text


def _consequence(level: LevelView, currency: str) -> str:
    if not level.measurement.consequential:
        return f"; {level.measurement.no_consequence or 'still in its learning period'}"
    if level.credit is not None and level.credit.credit:
        return f"; service credit {money(level.credit.credit, currency)}"
    return "; no service credit"
