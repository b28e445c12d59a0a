"""The contract language as a page for its users, written from the models that read it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from governance.contract.base import Identifier, Terms
from governance.contract.document import Contract
from governance.contract.examples import Example, load_examples
from governance.contract.lint import RULES_BY_SUBJECT
from governance.contract.messages import allowed_text
from governance.contract.shapes import (
    Leaf,
    ListOf,
    Record,
    Shape,
    TableOf,
    TermField,
    Variants,
    fields_of,
)
from governance.values import plain

_INTRODUCTION = """\
# The contract language

One YAML or JSON document says everything that the product needs to measure, credit and bill an
engagement. This page lists every key. It is written from the models that read contracts, by
`make contract-docs`; `plumbline contract schema` prints the same as JSON Schema, for editors that
complete and check while one types.

- `plumbline contract check FILE` reports every problem with its line, and warns of terms that are
  sound but unwise ([Warnings](#warnings)); `--strict` makes it fail on warnings too.
- `plumbline contract diff OLD NEW` says in sentences what changes.
- `plumbline price` and `plumbline credits` show what terms cost before anybody signs them.

Numbers, quoted or not, are read as exact decimals. Unknown keys are errors, and the message names
the nearest known key. Days are written as 2026-01-31, months as 2026-01. An id has letters, digits
and `. _ / -`, at most 64, a letter or digit first. Where values are rounded stands in
[Rounding](rounding.md); what can be promised, in the [KPI catalogue](kpis.md).
"""
_IDENTIFIER = allowed_text(Leaf(Identifier))
_GENERAL = {
    "id": "Short name that other parts and invoices refer to.",
    "title": "Name in full; the id where it is left out.",
    "type": "Decides on the other keys.",
    "method": "Decides on the other keys.",
    "scheme": "Decides on the other keys.",
}
"""Meanings of keys that mean the same everywhere."""
_TITLES = {
    "engagement": "Engagement",
    "service_levels": "Service levels",
    "service_credits": "Service credits",
    "charges": "Charges",
    "minimum_commitment": "Minimum commitment",
    "invoicing": "Invoicing",
    "governance": "Governance",
}
_HIGHEST, _DEEPEST = 2, 4


@dataclass(slots=True)
class _Page:
    """The page as it grows, and the parts that it has described."""

    examples: Mapping[str, Sequence[Example]]
    lines: list[str] = field(default_factory=list)
    described: dict[type[Terms], str] = field(default_factory=dict)

    def say(self, *texts: str) -> None:
        self.lines += [*texts]

    def heading(self, depth: int, text: str) -> None:
        self.say(f"{'#' * min(depth, _DEEPEST)} {text}\n")

    def part(self, shape: Shape, name: str, depth: int) -> None:
        """Describe the part at a key, and what is below it; each kind of part once."""
        match shape:
            case ListOf():
                self.part(shape.item, name, depth)
            case TableOf():
                self.part(shape.value, name, depth)
            case Record() if shape.model not in self.described:
                self.described[shape.model] = name
                self.heading(depth, _TITLES.get(name, f"`{name}`"))
                self.record(shape.model, depth)
            case Variants() if not set(shape.models.values()) & self.described.keys():
                self.described |= dict.fromkeys(shape.models.values(), name)
                self.heading(depth, _TITLES.get(name, f"`{name}`"))
                self.variants(shape, depth)

    def record(self, model: type[Terms], depth: int) -> None:
        fields = dict(fields_of(model))
        self.say(f"{_meaning_of(model)}\n")
        like = model.__base__
        if like in self.described and issubclass(like, Terms):
            self.say(f"It has the keys of `{self.described[like]}`, and besides:\n")
            fields = {key: each for key, each in fields.items() if key not in fields_of(like)}
        self.say(_table(model, fields.values()))
        self.show(model.__name__)
        for each in fields.values():
            self.part(each.shape, each.key, depth + 1)

    def variants(self, shape: Variants, depth: int) -> None:
        every = [fields_of(model) for model in shape.models.values()]
        common = {shape.tag: every[0][shape.tag]}
        common |= {key: each for key, each in every[0].items() if all(key in one for one in every)}
        model = next(iter(shape.models.values()))
        self.say(f"Keys that each {shape.tag} has; it decides on the others.\n")
        self.say(_table(model, common.values(), {shape.tag: ", ".join(shape.models)}))
        for tag, model in shape.models.items():
            own = {key: each for key, each in fields_of(model).items() if key not in common}
            self.heading(depth + 1, f"{shape.tag}: `{tag}`")
            self.say(f"{_meaning_of(model)}\n")
            if own:
                self.say(_table(model, own.values()))
            self.show(f"{shape.tag} {tag}")
            for each in own.values():
                self.part(each.shape, each.key, depth + 2)
        for each in common.values():
            self.part(each.shape, each.key, depth + 1)

    def show(self, name: str) -> None:
        for example in self.examples.get(name, ()):
            self.say(f"```yaml\n{example.terms.rstrip()}\n```\n", f"{example.says.strip()}\n")


def language_markdown() -> str:
    """The whole page."""
    page = _Page(load_examples())
    page.say(_INTRODUCTION)
    page.show("Contract")
    page.heading(_HIGHEST, "The document")
    page.say(_table(Contract, fields_of(Contract).values()))
    for each in fields_of(Contract).values():
        page.part(each.shape, each.key, _HIGHEST)
    page.say(*_warnings())
    return "\n".join(page.lines)


def _warnings() -> Iterator[str]:
    yield "## Warnings\n"
    yield (
        "A sound contract can still be unwise. These rules are read by `plumbline contract check`"
        " and on the page of every version; each says where, with the clause, and what to do.\n"
    )
    for subject, rules in RULES_BY_SUBJECT.items():
        yield f"### {subject}\n"
        lines = [(f"`{rule.__name__}`", _one_line(inspect.getdoc(rule) or "")) for rule in rules]
        yield _markdown(("rule", "why it matters"), lines)


def _meaning_of(model: type[Terms]) -> str:
    return inspect.getdoc(model) or ""


def _table(
    model: type[Terms], fields: Iterable[TermField], values: Mapping[str, str] | None = None
) -> str:
    given = values or {}
    return _markdown(
        ("key", "value", "if left out", "meaning"),
        (
            (
                f"`{each.key}`",
                given.get(each.key) or _value(each.shape),
                _default(model, each),
                _one_line(model.model_fields[each.name].description or _GENERAL.get(each.key, "")),
            )
            for each in fields
        ),
    )


def _value(shape: Shape) -> str:
    match shape:
        case Leaf():
            return allowed_text(shape).replace(_IDENTIFIER, "an id").removeprefix("one of ")
        case Record():
            return "a mapping"
        case Variants():
            return f"a mapping, by its {shape.tag}"
        case ListOf():
            mappings = isinstance(shape.item, Record | Variants)
            return "a list of mappings" if mappings else f"a list, each {_value(shape.item)}"
        case TableOf():
            return f"{_value(shape.key)}: {_value(shape.value)}"


def _default(model: type[Terms], each: TermField) -> str:
    if each.required:
        return "needed"
    default = model.model_fields[each.name].default
    return "–" if default is PydanticUndefined else _default_text(default)


def _default_text(default: Any) -> str:
    match default:
        case None | () | "" | "not stated" | BaseModel():
            return "–"
        case bool():
            return str(default).lower()
        case Decimal():
            return plain(default)
        case Enum():
            return str(default.value)
        case tuple():
            return ", ".join(default)
        case _:
            return str(default)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _markdown(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
