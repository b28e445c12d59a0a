"""Every problem of a contract document gives its one clear message."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from governance.contract.reading import MAX_PROBLEMS
from tests.governance.contract.documents import FULL, edited, problems_of
from tests.paths import CASES

_CASES = yaml.safe_load((CASES / "contract_problems.yaml").read_text(encoding="utf-8"))


def _agrees(found: str, expected: str) -> bool:
    if expected.endswith("…"):
        return found.startswith(expected.removesuffix("…").rstrip())
    return found == expected


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_each_problem_is_reported(case: dict[str, Any]) -> None:
    edits = {edit["old"]: edit["new"] for edit in case.get("replace", [])}
    found = problems_of(case["document"] if "document" in case else edited(edits))
    assert len(found) == len(case["problems"]), found
    for message, expected in zip(found, case["problems"], strict=True):
        assert _agrees(message, expected), message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"plumbline: 1\n# \xe9\n", "line 2: not UTF-8 text; found byte 0xe9"),
        (FULL.encode("utf-16"), "line 1: not UTF-8 text; found byte 0xff"),
        (b"PK\x03\x04zip", "line 1: not a text document; found character U+0003"),
        (b"#" * 1_048_577, "contract.yaml: the document is too large; found 1,048,577 bytes"),
        (b"plumbline: 1\nx: [" + b"1, " * 50_000 + b"]", "line 2: too many values"),
        (b'{"plumbline": "a\\u0000"}', "line 1, plumbline: the text has a control character"),
    ],
)
def test_unusable_bytes_give_one_message(data: bytes, message: str) -> None:
    assert problems_of(data)[0].startswith(message)


def test_the_list_of_problems_is_bounded() -> None:
    found = problems_of("\n".join(f"key{number}: 1" for number in range(MAX_PROBLEMS * 2)))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1] == "contract.yaml: more than 1000 problems, the others are not listed"


def test_problems_stand_in_the_order_of_lines() -> None:
    broken = edited({"currency: EUR": "currency: euro", "kpi: dso": "kpy: dso", "due_days": "due"})
    assert [each.split(",")[0] for each in problems_of(broken)] == ["line 9", "line 31", "line 80"]
