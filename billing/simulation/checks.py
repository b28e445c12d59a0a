"""What can be said against a simulation before any evidence is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from governance.contract.document import Contract
from governance.errors import BadInput, Problem
from governance.values import Period

MOST_MONTHS: Final = 60
_EXAMPLE: Final = "the first and the last month as 2025-01..2025-12, or one period as 2025"


def months_from(text: str) -> tuple[Period, ...]:
    """The months of "2025-01..2025-12", of "2025-Q1" or of "2025", oldest first.

    Raises BadInput for what is no span, for one that ends before it starts, and for too long ones.
    """
    first, dots, last = text.partition("..")
    try:
        start, end = Period.parse(first), Period.parse(last if dots else first)
    except BadInput as error:
        what = f"'{text}' is no span of months"
        raise BadInput.one(Problem(what, column="periods", allowed=_EXAMPLE)) from error
    return months_between(start, end)


def months_between(first: Period, last: Period) -> tuple[Period, ...]:
    """All months from the start of one period to the end of another; raises BadInput likewise."""
    if last.end < first.start or last.start < first.start:
        raise BadInput.one(
            Problem(
                "the span ends before it starts",
                column="periods",
                found=f"{first.label}..{last.label}",
                allowed=f"the earlier month first, as {last.label}..{first.label}",
            )
        )
    months = tuple(Period(first.start, last.end).months())
    if len(months) > MOST_MONTHS:
        raise BadInput.one(
            Problem(
                f"{len(months)} months are too many to simulate at once",
                column="periods",
                found=f"{first.label}..{last.label}",
                allowed=f"up to {MOST_MONTHS} months",
            )
        )
    return months


def check_questions(
    name: str,
    contract: Contract,
    months: Sequence[Period],
    sensitivity_of: Period | None = None,
    old: tuple[str, Contract] | None = None,
) -> None:
    """Raise BadInput with every reason why these months can't be simulated under the contract.

    Names are what people call the documents. Of the old contract only the currency matters: its
    months outside the engagement are set aside.
    """
    problems = [
        *_currencies(name, contract, old),
        *_outside(name, contract, months),
        *_no_month(months, sensitivity_of),
    ]
    if problems:
        raise BadInput(problems)


def _currencies(
    name: str, contract: Contract, old: tuple[str, Contract] | None
) -> Iterator[Problem]:
    currency = contract.engagement.currency
    if old is not None and old[1].engagement.currency != currency:
        yield Problem(
            "the contracts are in different currencies, so their amounts can't be compared",
            file=name,
            column="engagement.currency",
            found=currency,
            allowed=f"{old[1].engagement.currency}, as in {old[0]}",
        )


def _outside(name: str, contract: Contract, months: Sequence[Period]) -> Iterator[Problem]:
    frame = contract.engagement
    outside = [month for month in months if month.overlap(frame.starts, frame.ends) is None]
    if outside:
        lie = "1 month lies" if len(outside) == 1 else f"{len(outside)} months lie"
        yield Problem(
            f"{lie} outside the engagement {frame.reference}",
            file=name,
            column="engagement.starts",
            found=", ".join(month.label for month in outside),
            allowed=f"months from {frame.starts:%Y-%m} to {_last(frame.ends)}, or an engagement"
            " with other days in the document",
        )


def _last(ends: date | None) -> str:
    return f"{ends:%Y-%m}" if ends else "an open end"


def _no_month(months: Sequence[Period], sensitivity_of: Period | None) -> Iterator[Problem]:
    if sensitivity_of is not None and sensitivity_of not in months:
        yield Problem(
            "the month for the sensitivity is none of the simulated ones",
            column="month",
            found=sensitivity_of.label,
            allowed=f"a month from {months[0].label} to {months[-1].label}",
        )
