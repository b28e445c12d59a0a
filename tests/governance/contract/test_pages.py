"""The page on the contract language is current and leaves no key and no rule out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from governance.contract.base import Terms
from governance.contract.document import Contract
from governance.contract.lint import RULES
from governance.contract.pages import language_markdown
from governance.contract.shapes import ListOf, Record, Shape, TableOf, Variants, fields_of
from tests.paths import ROOT

PAGE = ROOT / "docs" / "contract-language.md"
_GENERAL = {"id", "title", "type", "method", "scheme"}


def _models(shape: Shape) -> Iterator[type[Terms]]:
    match shape:
        case ListOf():
            yield from _models(shape.item)
        case TableOf():
            yield from _models(shape.value)
        case Record() | Variants():
            models = [shape.model] if isinstance(shape, Record) else shape.models.values()
            for model in models:
                yield model
                for field in fields_of(model).values():
                    yield from _models(field.shape)


def _all() -> list[type[Terms]]:
    return list(dict.fromkeys(_models(Record(Contract))))


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == language_markdown(), "run make contract-docs"


@pytest.mark.parametrize("model", _all(), ids=lambda model: model.__name__)
def test_every_key_is_described_and_says_what_it_means(model: type[Terms]) -> None:
    page = language_markdown()
    for key, field in fields_of(model).items():
        assert f"| `{key}` |" in page
        assert key in _GENERAL or model.model_fields[field.name].description, key


def test_every_rule_is_listed() -> None:
    page = language_markdown()
    assert [rule.__name__ for rule in RULES if f"`{rule.__name__}`" not in page] == []
