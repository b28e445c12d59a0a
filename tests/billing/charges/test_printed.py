"""How invoices tell their arithmetic, word by word, and what a refusal says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from billing.charges.serialise import priced_period_json
from governance.errors import BadInput
from tests.billing.charges import build
from tests.billing.charges.test_cases import priced_case
from tests.billing.test_worked_charges import WORKED, answer_of
from tests.printed import printed, told
from tests.worked import case_name

_WORKED = {case_name(case): case for case in WORKED}
_OTHERS = {f"charges: {case['name']}": case for case in build.cases("charges")}
_NAMES = [*_WORKED, *_OTHERS]
_UNTAXED = {"category": "outside_scope", "rate": "0", "reason": "Outside the scope of tax"}
_USUAL = {"clause": "not stated", "tax": _UNTAXED, "pass_through": False, "meter": None}


def _answer(name: str) -> dict[str, Any]:
    if name in _WORKED:
        return answer_of(_WORKED[name])
    return priced_period_json(priced_case(_OTHERS[name]))


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    total, nothing = answer["subtotal"], answer["withholding"]
    if any(answer[key] != total for key in ("credit_base", "total", "payable")):
        yield told({key: one for key, one in answer.items() if key != "lines"}, {})
    else:
        assert answer["service_credit"] == nothing
    for line in answer["lines"]:
        yield told({key: one for key, one in line.items() if key != "steps"}, _USUAL)
        for step in line["steps"]:
            assert step.keys() <= {"quantity", "price", "amount", "text"}
            text = f"; {step['text']}" if "text" in step else ""
            yield f"  {step['quantity']} × {step['price']} = {step['amount']}{text}"


def _told(name: str) -> str:
    try:
        return "\n".join(_lines(_answer(name)))
    except BadInput as error:
        return "\n".join(f"refused: {problem}" for problem in error.problems)


def all_told() -> Iterator[tuple[str, str]]:
    """Every case with what it prints."""
    return ((name, _told(name)) for name in _NAMES)


@pytest.mark.parametrize("name", _NAMES)
def test_every_word_is_printed_as_it_was(name: str) -> None:
    assert _told(name).splitlines() == printed("charges")[name].splitlines()


def test_nothing_is_kept_of_a_case_that_is_gone() -> None:
    assert list(printed("charges")) == _NAMES
