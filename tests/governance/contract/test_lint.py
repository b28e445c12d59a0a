"""Every lint rule speaks where it should, in these words, and is silent close by."""

from __future__ import annotations

from typing import Any

import pytest

from governance.contract.lint import (
    MAX_WARNINGS,
    RULES,
    ContractWarning,
    LintContext,
    lint_contract,
)
from governance.contract.lint_values import Weight
from governance.contract.reading import read_contract
from sla.kpis.catalogue import signatures
from tests.governance.contract.documents import edited
from tests.governance.contract.lint_cases import DAY, METERS, lint_cases, said
from tests.paths import CASES, ROOT

_EXAMPLES = (
    ROOT / "docs" / "examples" / "ibm-2013-02" / "contract.yaml",
    ROOT / "app" / "demo" / "contract.yaml",
    CASES / "contracts" / "full.yaml",
)


def _names(case: dict[str, Any]) -> str:
    return str(case["rule"])


def _warnings(text: str, *, with_kpis: bool = True) -> tuple[ContractWarning, ...]:
    known = signatures() if with_kpis else None
    contract = read_contract(text.encode(), "c.yaml", known)
    return lint_contract(contract, text.encode(), "c.yaml", LintContext(DAY, known, METERS))


@pytest.mark.parametrize("case", lint_cases(), ids=_names)
def test_a_rule_speaks_in_these_words(case: dict[str, Any]) -> None:
    assert said(case["edit"]).get(case["rule"]) == case["says"]


@pytest.mark.parametrize("case", lint_cases(), ids=_names)
def test_a_rule_is_silent_close_by(case: dict[str, Any]) -> None:
    assert case["rule"] not in said(case["fine"])


def test_the_contract_that_is_edited_is_above_reproach() -> None:
    assert said({}) == {}


def test_every_rule_has_a_case_and_says_why_it_matters() -> None:
    assert {rule.__name__ for rule in RULES} == {case["rule"] for case in lint_cases()}
    for rule in RULES:
        assert (rule.__doc__ or "").strip().endswith("."), rule


def test_a_warning_has_clause_line_and_key_path() -> None:
    volume = edited({"scheme: graduated": "scheme: volume"})
    found = [each for each in _warnings(volume) if each.rule == "larger_volume_is_cheaper"]
    assert len(found) == 2
    assert str(found[0]) == (
        "c.yaml, line 64, charges[1].pricing.tiers[1] (Schedule 4, 2): charge CH-02: 151 units"
        " cost 55.50, 150 cost 100.00; it takes 240 to cost as much; choose graduated pricing, or"
        " agree that the lower amount holds between"
    )
    assert found[0].as_json() == {
        "rule": "larger_volume_is_cheaper",
        "weight": "warning",
        "what": "charge CH-02: 151 units cost 55.50, 150 cost 100.00; it takes 240 to cost as much",
        "advice": "choose graduated pricing, or agree that the lower amount holds between",
        "clause": "Schedule 4, 2",
        "file": "c.yaml",
        "line": 64,
        "path": "charges[1].pricing.tiers[1]",
    }


def test_warnings_stand_in_the_order_of_lines() -> None:
    text = edited({"due_days: 30": "due_days: 0", "notice_months: 3": "notice_months: 60"})
    lines = [each.line for each in _warnings(text)]
    assert lines == sorted(lines)
    assert len(set(lines)) > 2


def test_without_a_catalogue_nothing_is_said_of_directions() -> None:
    text = edited({'expected: "85.0"': 'expected: "5.0"', 'minimum: "75.0"': "minimum: 4"})
    rule = "direction_contradicts_target"
    assert rule in {each.rule for each in _warnings(text)}
    assert rule not in {each.rule for each in _warnings(text, with_kpis=False)}


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_have_no_false_alarm(path: Any) -> None:
    found = _warnings(path.read_text(encoding="utf-8"))
    assert {each.rule for each in found} <= {"allocations_do_not_add_up"}


def test_the_list_of_warnings_is_bounded() -> None:
    charge = '  - {id: "X%d", type: per_unit, meter: m, pricing: {scheme: flat, price: 1}}\n'
    many = "".join(charge % number for number in range(MAX_WARNINGS + 100))
    text = edited({"minimum_commitment:": f"{many}minimum_commitment:"})
    assert len(_warnings(text)) == MAX_WARNINGS


def test_a_line_stays_one_line() -> None:
    warning = ContractWarning("x", Weight.NOTE, "2", "c", 1, "a", "first\nsecond", "act")
    assert "\n" not in str(warning)
