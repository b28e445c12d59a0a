"""Lines of a fee document as invoice lines (BG-25)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any, Final

from billing.e_invoices.amounts import amount_text
from billing.e_invoices.codes import ONE, unit_code
from billing.e_invoices.taxes import category_of
from billing.e_invoices.wording import said_number, say
from billing.invoices.fee_document import DocumentStep, FeeDocument, FeeLine
from governance.values import EXACT, plain, round_half_up

_HALF_A_CENT: Final = Decimal("0.005")
_DECIMALS: Final = 6
"""Decimals that quantities, prices and the arithmetic in words have at most."""


def lines_of(document: FeeDocument) -> list[dict[str, Any]]:
    """Every line with quantity, price and amount; a line of 0 where nothing is charged.

    Price × quantity always is the amount and the price never is negative: a line that takes back
    has a negative quantity. Where the arithmetic has several steps or doesn't come to the amount
    in one, the line counts one piece at its amount and its description shows the arithmetic.
    """
    if not document.lines:
        return [_nothing_charged(document)]
    return [_line(document, line) for line in document.lines]


def _line(document: FeeDocument, line: FeeLine) -> dict[str, Any]:
    quantity, price, unit = _counted(line)
    category = category_of(document, line.tax)
    clause = "" if line.clause == "not stated" else line.clause
    terms = {
        "BT-126": str(line.position),
        "BT-129": plain(quantity),
        "BT-130": unit,
        "BT-131": amount_text(line.amount, document.currency),
        "BT-146": plain(price),
        "BT-151": category.code,
        "BT-152": category.rate_text,
        "BT-153": line.title,
        "BT-154": "; ".join(_description(document, line, unit)) or None,
        "BT-155": line.charge,
        "BG-32": [{"BT-160": say(document.language, "clause"), "BT-161": clause}]
        if clause
        else None,
    }
    return {key: value for key, value in terms.items() if value is not None}


def _nothing_charged(document: FeeDocument) -> dict[str, Any]:
    category = category_of(document, document.taxes[0].tax)
    terms = {
        "BT-126": "1",
        "BT-129": "1",
        "BT-130": ONE,
        "BT-131": amount_text(Decimal(0), document.currency),
        "BT-146": "0",
        "BT-151": category.code,
        "BT-152": category.rate_text,
        "BT-153": say(document.language, "no_charges"),
    }
    return {key: value for key, value in terms.items() if value is not None}


def _counted(line: FeeLine) -> tuple[Decimal, Decimal, str]:
    """Quantity, price and unit whose product is the line's amount."""
    if len(line.steps) == 1:
        step = line.steps[0]
        if step.quantity == line.quantity and _comes_to(step, line.amount):
            sign = -1 if step.price < 0 else 1
            return step.quantity * sign, step.price * sign, unit_code(line.unit)
    return Decimal(-1 if line.amount < 0 else 1), abs(line.amount), ONE


def _comes_to(step: DocumentStep, amount: Decimal) -> bool:
    """Whether quantity × price gives the amount to the cent, as receivers check it."""
    with localcontext(EXACT):
        close = abs(step.quantity * step.price - amount) <= _HALF_A_CENT
    return close and all(
        round_half_up(each, _DECIMALS) == each for each in (step.quantity, step.price)
    )


def _description(document: FeeDocument, line: FeeLine, unit: str) -> Iterator[str]:
    language = document.language
    if unit == ONE and (line.steps or line.quantity != 1):
        quantity = said_number(round_half_up(line.quantity, _DECIMALS), language)
        yield say(language, "quantity", quantity=quantity, unit=_words(line.unit))
    yield from (_arithmetic(step, document) for step in line.steps)
    if line.late:
        yield say(language, "late", late=line.late)
    if line.restatement:
        yield say(language, "restatement", restatement=line.restatement)
    if line.corrects_position and document.corrects:
        number = document.corrects.number
        yield say(language, "corrects_line", position=line.corrects_position, number=number)


def _words(unit: str) -> str:
    return unit.replace("_", " ")


def _arithmetic(step: DocumentStep, document: FeeDocument) -> str:
    exact = (step.quantity, step.price, step.amount)
    quantity, price, product = (round_half_up(each, _DECIMALS) for each in exact)
    equals = "=" if (quantity, price, product) == exact else "≈"
    words = [said_number(each, document.language) for each in (quantity, price, product)]
    text = f"{words[0]} × {words[1]} {equals} {words[2]} {document.currency}"
    return f"{step.text}: {text}" if step.text else text
