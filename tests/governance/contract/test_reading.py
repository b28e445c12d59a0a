"""Contract documents are read exactly, from YAML and JSON alike, and never crash the reader."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from governance.contract.document import Contract
from governance.contract.reading import contract_sha256, read_contract
from governance.errors import BadInput
from tests.governance.contract.documents import FULL, KPIS, edited
from tests.paths import CASES

_EXAMPLES = yaml.safe_load((CASES / "contract_examples.yaml").read_text(encoding="utf-8"))


def _section(document: str, name: str, content: str) -> str:
    """The document with one top-level section replaced."""
    head, _, rest = document.partition(f"\n{name}:")
    lines = rest.split("\n")
    end = next(i for i, line in enumerate(lines) if i and line and line[0] not in " -")
    return f"{head}\n{name}: {content}\n" + "\n".join(lines[end:])


def _example(case: dict[str, Any]) -> str:
    document = edited({edit["old"]: edit["new"] for edit in case["replace"]})
    if "credits" in case:
        document = _section(document, "service_credits", case["credits"])
    if "charges" in case:
        document = _section(document, "charges", "\n" + case["charges"])
    return document


@pytest.mark.parametrize("case", _EXAMPLES, ids=lambda case: case["name"])
def test_worked_examples_read(case: dict[str, Any]) -> None:
    contract = read_contract(_example(case).encode(), "contract.yaml", KPIS)
    assert Contract.model_validate(contract.model_dump(mode="json", by_alias=True)) == contract


def test_values_are_exact_and_as_written() -> None:
    contract = read_contract(FULL.encode(), "contract.yaml", KPIS)
    level = contract.service_level("SL-01")
    assert (str(level.expected), level.parameters, level.round_to) == ("85.0", {"months": "3"}, 1)
    assert contract.engagement.client.postcode == "20457"
    unquoted = edited({'"85.0"': "85.00000000001"})
    exact = read_contract(unquoted.encode(), "contract.yaml").service_level("SL-01")
    assert exact.expected == Decimal("85.00000000001")


def _plain() -> Any:
    return yaml.load(FULL, yaml.BaseLoader)  # noqa: S506 (reads texts only)


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_reads_like_yaml(indent: int | str | None) -> None:
    document = _plain()
    document["charges"][1]["pricing"]["tiers"][2]["up_to"] = None
    text = json.dumps(document, indent=indent)
    expected = read_contract(FULL.encode(), "contract.yaml")
    assert read_contract(text.encode(), "contract.json", KPIS) == expected


def test_json_problems_have_lines_and_escapes_are_read() -> None:
    document = _plain()
    document["charges"][1]["pricing"]["tiers"][2]["up_to"] = None
    document["engagement"]["title"] = "a\\ud83d \U0001f600 \t/"
    text = json.dumps(document, indent="\t")
    contract = read_contract(text.encode(), "contract.json")
    assert contract.engagement.title == "a\\ud83d \U0001f600 \t/"
    with pytest.raises(BadInput) as raised:
        read_contract(text.replace('"currency"', '"curency"').encode(), "contract.json")
    (problem,) = raised.value.problems
    assert problem.line == text[: text.index('"currency"')].count("\n") + 1


def test_a_byte_order_mark_is_tolerated() -> None:
    assert read_contract(b"\xef\xbb\xbf" + FULL.encode(), "a") == read_contract(FULL.encode(), "a")


def test_sections_may_be_empty() -> None:
    head = FULL[: FULL.index("service_levels:")]
    bare = read_contract(head.encode(), "contract.yaml")
    empty = head + "service_levels:\ncharges:\ngovernance:\nservice_credits:\n"
    assert read_contract(empty.encode(), "contract.yaml") == bare
    assert (bare.service_levels, bare.charges, bare.service_credits) == ((), (), None)


def test_the_digest_names_the_bytes() -> None:
    assert contract_sha256(b"") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def _never_crashes(data: bytes) -> None:
    try:
        contract = read_contract(data, "contract.yaml", KPIS)
    except BadInput as error:
        problems = error.problems
    else:
        Contract.model_validate(contract.model_dump(mode="json", by_alias=True))
        return
    assert problems
    assert all(problem.what and problem.file for problem in problems)


@given(st.binary(max_size=200))
def test_garbage_is_bad_input(data: bytes) -> None:
    _never_crashes(data)


@given(st.text(alphabet="{}[]:,-?&*!|>'\"#%@` \n\tabc01~", max_size=60))
def test_garbage_that_looks_like_yaml_is_bad_input(text: str) -> None:
    _never_crashes(text.encode())


@given(st.data())
def test_damaged_documents_are_bad_input(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FULL)))
    length = data.draw(st.integers(0, 40))
    patch = data.draw(st.text(alphabet='{}[]:,- \n"x1', max_size=5))
    _never_crashes((FULL[:start] + patch + FULL[start + length :]).encode())


_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "", "x", "1", "-1", "1e9", "2026-01-01", [], {}, ["x"], {"x": "y"}, [[]], [None]]
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [each for key in keys for each in _places(value[key])]


@given(st.data())
def test_swapped_and_missing_values_are_bad_input(data: st.DataObject) -> None:
    document = _plain()
    for _ in range(data.draw(st.integers(1, 4))):
        container, key = data.draw(st.sampled_from(_places(document)))
        if data.draw(st.booleans()):
            container[key] = copy.deepcopy(data.draw(_VALUES))
        else:
            del container[key]
        if not document:
            break
    _never_crashes(json.dumps(document).encode())


def test_a_title_left_out_is_the_id() -> None:
    document = edited({"    title: Collection effectiveness\n": ""})
    level = read_contract(document.encode(), "contract.yaml").service_levels[0]
    assert level.title == level.id == "SL-01"
