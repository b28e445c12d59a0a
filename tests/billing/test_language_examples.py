"""The examples on the page of the contract language come to what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from billing.charges.calculation import price
from billing.charges.usage import read_usage
from governance.contract.charges import Charge, Pricing
from governance.contract.document import Contract
from governance.contract.examples import Example, load_examples
from governance.contract.lint import RULES, LintContext, concerns_of
from governance.contract.reading import read_contract
from governance.contract.service_credits import ServiceCreditTerms
from governance.contract.shapes import Variants, shape_of
from governance.contract.yaml_nodes import parse_nodes, plain_value
from sla.kpis.catalogue import signatures
from sla.service_credits.calculation import compute_credits, directions_of
from sla.service_credits.results import read_results
from sla.service_credits.serialise import service_credits_json

_ENGAGEMENT = {
    "reference": "ENG-1",
    "title": "Collections",
    "model": "function_specific",
    "client": {"name": "Nordlicht Handel GmbH", "country": "DE"},
    "provider": {"name": "Clearwater Receivables GmbH", "country": "DE"},
    "currency": "EUR",
    "starts": "2026-01-01",
}


def _contract(example: Example) -> Contract:
    terms = plain_value(parse_nodes(example.terms.encode(), "example")[0])
    whole = {"plumbline": "1", **terms}
    whole["engagement"] = _ENGAGEMENT | terms.get("engagement", {})
    return read_contract(json.dumps(whole).encode(), "example", signatures())


def _examples() -> Iterator[Any]:
    for name, examples in load_examples().items():
        for number, example in enumerate(examples, 1):
            yield pytest.param(example, id=f"{name} {number}")


@pytest.mark.parametrize("example", list(_examples()))
def test_example(example: Example) -> None:
    contract = _contract(example)
    if example.usage is not None:
        usage = read_usage(json.dumps(example.usage, default=str).encode(), "usage")
        lines = price(contract, usage).lines
        assert tuple(f"{line.amount:f}" for line in lines) == example.lines
    if example.results is not None:
        data = json.dumps(example.results, default=str).encode()
        periods = read_results(data, "results", contract)
        last = compute_credits(contract, directions_of(contract, signatures()), periods)[-1]
        answer = service_credits_json(last)
        assert {key: answer[key] for key in example.expected or ()} == example.expected


def test_the_note_on_a_floor_names_the_effective_minimum_of_the_line() -> None:
    (banded,) = load_examples()["type banded"]
    contract = _contract(banded)
    usage = read_usage(json.dumps(banded.usage).encode(), "usage")
    (line,) = price(contract, usage).lines
    notes = dict(concerns_of(contract, LintContext(date(2026, 6, 15))))
    assert line.effective_minimum is not None
    assert f"is {line.effective_minimum:,f}" in notes["reduced_units_leave_a_floor"].what


def test_the_whole_example_is_above_reproach() -> None:
    (whole,) = load_examples()["Contract"]
    context = LintContext(date(2026, 6, 15), signatures(), frozenset({"invoices_issued"}))
    assert list(concerns_of(_contract(whole), context)) == []


@pytest.mark.parametrize("example", list(_examples()))
def test_rules_read_every_example(example: Example) -> None:
    context = LintContext(date(2026, 6, 15), signatures())
    found = {rule for rule, _ in concerns_of(_contract(example), context)}
    assert found <= {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("union", [Charge, ServiceCreditTerms, Pricing])
def test_every_type_method_and_scheme_has_an_example(union: Any) -> None:
    shape = shape_of(union)
    assert isinstance(shape, Variants)
    missing = [tag for tag in shape.models if f"{shape.tag} {tag}" not in load_examples()]
    assert missing == []
