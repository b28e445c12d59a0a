"""What a restatement differs by from the figures that counted before, line by line.

Both sides of the comparison are documents that were stored with the figures, so that nothing is
compared with what would come out today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.charges.serialise import treatment_json
from billing.charges.values import ChargeLine, Step, TaxTreatment
from billing.tax import share_out
from governance.contract.charges import TaxCategory
from governance.values import money_text

SERVICE_CREDIT = "service_credit"
"""The charge id of a line that corrects a service credit."""
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Figures:
    """One state of a period's figures: the stored documents, as JSON."""

    measurements: Mapping[str, Any]
    credits: Mapping[str, Any]
    invoice: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """A service level whose result or credit differs."""

    service_level: str
    old_value: str | None
    new_value: str | None
    old_status: str
    new_status: str
    old_credit: str
    new_credit: str


@dataclass(frozen=True, slots=True)
class AmountDifference:
    """A charge, or the service credit's share in a tax treatment, that differs."""

    charge: str
    title: str
    clause: str
    tax: TaxTreatment
    old: Decimal
    new: Decimal

    @property
    def amount(self) -> Decimal:
        """What is still owed for it; negative where too much was."""
        return self.old - self.new if self.charge == SERVICE_CREDIT else self.new - self.old


@dataclass(frozen=True, slots=True)
class Difference:
    """All that a restatement changes."""

    currency: str
    levels: tuple[LevelDifference, ...]
    lines: tuple[AmountDifference, ...]
    credits: tuple[AmountDifference, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.levels or self.lines or self.credits)

    @property
    def charges(self) -> Decimal:
        """What is still owed of the charges."""
        return sum((one.amount for one in self.lines), Decimal(0))

    @property
    def credit(self) -> Decimal:
        """By how much the service credit grows; negative where it shrinks."""
        return sum((one.new - one.old for one in self.credits), Decimal(0))


def difference_of(old: Figures, new: Figures) -> Difference:
    """What differs between two states of one period, its own lines only.

    The service credit is the period's own, whatever invoice it comes off; its shares follow the
    period's own lines by tax treatment, as on an invoice.
    """
    currency = str(new.invoice["currency"])
    return Difference(
        currency=currency,
        levels=tuple(_levels(old, new)),
        lines=tuple(_lines(old.invoice, new.invoice)),
        credits=tuple(_credits(old, new, currency)),
    )


def own_lines(invoice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The lines of a stored invoice that charge its own period."""
    return [line for line in invoice["lines"] if "restatement" not in line]


def _levels(old: Figures, new: Figures) -> Iterator[LevelDifference]:
    before, after = _results(old), _results(new)
    for name in {**after, **before}:
        was, now = before.get(name, _NOTHING), after.get(name, _NOTHING)
        if was != now:
            yield LevelDifference(name, was[0], now[0], was[1], now[1], was[2], now[2])


_NOTHING: tuple[str | None, str, str] = (None, "no_data", "0")


def _results(figures: Figures) -> dict[str, tuple[str | None, str, str]]:
    credit = {one["id"]: str(one["credit"]) for one in figures.credits["service_levels"]}
    return {
        one["service_level"]: (
            one["value"],
            one["status"],
            credit.get(one["service_level"], "0"),
        )
        for one in figures.measurements["results"]
    }


def _lines(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[AmountDifference]:
    before, after = _by_charge(old), _by_charge(new)
    for key, line in {**_first_lines(old), **_first_lines(new)}.items():
        was, now = before.get(key, Decimal(0)), after.get(key, Decimal(0))
        if was != now:
            charge, tax = key
            yield AmountDifference(charge, line["title"], line["clause"], tax, was, now)


_Key = tuple[str, TaxTreatment]


def _by_charge(invoice: Mapping[str, Any]) -> dict[_Key, Decimal]:
    found: dict[_Key, Decimal] = {}
    for line in own_lines(invoice):
        key = (str(line["charge"]), treatment_of_line(line))
        found[key] = found.get(key, Decimal(0)) + Decimal(line["amount"])
    return found


def _first_lines(invoice: Mapping[str, Any]) -> dict[_Key, Mapping[str, Any]]:
    found: dict[_Key, Mapping[str, Any]] = {}
    for line in own_lines(invoice):
        found.setdefault((str(line["charge"]), treatment_of_line(line)), line)
    return found


def treatment_of_line(line: Mapping[str, Any]) -> TaxTreatment:
    """The tax treatment that a stored line states."""
    tax = line["tax"]
    stated = (tax.get(key) for key in ("reason", "code", "name"))
    return TaxTreatment(TaxCategory(tax["category"]), Decimal(tax["rate"]), *stated)


def _credits(old: Figures, new: Figures, currency: str) -> Iterator[AmountDifference]:
    before, after = _shares(old, currency), _shares(new, currency)
    for tax in {**after, **before}:
        was, now = before.get(tax, Decimal(0)), after.get(tax, Decimal(0))
        if was != now:
            yield AmountDifference(SERVICE_CREDIT, "Service credit", "not stated", tax, was, now)


def _shares(figures: Figures, currency: str) -> dict[TaxTreatment, Decimal]:
    """The period's own credit over the tax treatments of its own lines."""
    credit = Decimal(figures.credits["net"])
    sums: dict[TaxTreatment, Decimal] = {}
    for line in own_lines(figures.invoice):
        tax = treatment_of_line(line)
        sums[tax] = sums.get(tax, Decimal(0)) + Decimal(line["amount"])
    if not sums and credit:
        sums = {_stated_treatment(figures.invoice): Decimal(0)}
    return share_out(credit, sums, currency)


def _stated_treatment(invoice: Mapping[str, Any]) -> TaxTreatment:
    """The treatment under which an invoice without lines taxes its credit."""
    return treatment_of_line({"tax": invoice["taxes"][0]})


def restated_lines(
    difference: Difference, reference: str, period: str, *, with_credit: bool
) -> tuple[ChargeLine, ...]:
    """The lines by which a later invoice makes good a restatement, one a charge and treatment.

    `with_credit` also corrects the service credit: where the invoice that it came off is done.
    """
    differing: Sequence[AmountDifference] = difference.lines
    if with_credit:
        differing = (*differing, *difference.credits)
    return tuple(_line(one, reference, period) for one in differing)


def _line(one: AmountDifference, reference: str, period: str) -> ChargeLine:
    credit = one.charge == SERVICE_CREDIT
    cited = "service credit" if credit else f"{one.charge} {one.title}"
    sign = -_ONE if credit else _ONE
    return ChargeLine(
        charge=one.charge,
        title=f"Restatement of {period}: {cited}",
        clause=one.clause,
        quantity=_ONE,
        unit="restatement",
        amount=one.amount,
        steps=(
            Step(sign, one.new, sign * one.new, f"restated for {period}"),
            Step(-sign, one.old, -sign * one.old, "counted before"),
        ),
        tax=one.tax,
        restatement=reference,
    )


def difference_json(difference: Difference) -> dict[str, Any]:
    """Stable keys; amounts with the currency's decimals."""
    currency = difference.currency
    return {
        "currency": currency,
        "service_levels": [
            {
                "service_level": one.service_level,
                "old": {"value": one.old_value, "status": one.old_status, "credit": one.old_credit},
                "new": {"value": one.new_value, "status": one.new_status, "credit": one.new_credit},
            }
            for one in difference.levels
        ],
        "lines": [_amount_json(one, currency) for one in difference.lines],
        "service_credit": [_amount_json(one, currency) for one in difference.credits],
    }


def _amount_json(one: AmountDifference, currency: str) -> dict[str, Any]:
    return {
        "charge": one.charge,
        "title": one.title,
        "clause": one.clause,
        "tax": treatment_json(one.tax),
        "old": money_text(one.old, currency),
        "new": money_text(one.new, currency),
        "difference": money_text(one.amount, currency),
    }


def difference_from(stored: Mapping[str, Any]) -> Difference:
    """What `difference_json` was made from."""
    return Difference(
        currency=stored["currency"],
        levels=tuple(
            LevelDifference(
                one["service_level"],
                one["old"]["value"],
                one["new"]["value"],
                one["old"]["status"],
                one["new"]["status"],
                one["old"]["credit"],
                one["new"]["credit"],
            )
            for one in stored["service_levels"]
        ),
        lines=tuple(_amount_from(one) for one in stored["lines"]),
        credits=tuple(_amount_from(one) for one in stored["service_credit"]),
    )


def _amount_from(stored: Mapping[str, Any]) -> AmountDifference:
    old, new = Decimal(stored["old"]), Decimal(stored["new"])
    tax = treatment_of_line(stored)
    return AmountDifference(stored["charge"], stored["title"], stored["clause"], tax, old, new)
