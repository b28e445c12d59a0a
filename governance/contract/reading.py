"""Reads a contract document and reports every problem in it at once.

The reader walks the document along the shapes of the contract's models. A part with problems is
still built from its sound keys; the sound keys of all parts then go through the cross checks, so
that one slip doesn't hide another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from governance.contract.base import Terms
from governance.contract.checks import check_contract
from governance.contract.document import Contract
from governance.contract.findings import Finding
from governance.contract.kpi_signature import KpiSignature
from governance.contract.messages import (
    allowed_text,
    did_you_mean,
    leaf_problem,
    nearest,
)
from governance.contract.shapes import (
    Leaf,
    ListOf,
    Record,
    Shape,
    TableOf,
    TermField,
    Variants,
    fields_of,
    places_of,
)
from governance.contract.yaml_nodes import (
    ListNode,
    MapNode,
    Node,
    Path,
    Scalar,
    descend,
    found_text,
    parse_nodes,
    path_text,
    plain_value,
    shortened,
)
from governance.errors import BadInput, Problem

_T = TypeVar("_T", bound=Terms)
MAX_PROBLEMS = 1000
"""Beyond this many, a document isn't a contract with slips but something else."""


def read_contract(
    data: bytes, file: str, kpis: Mapping[str, KpiSignature] | None = None
) -> Contract:
    """Read a contract document, YAML or JSON.

    With `kpis` (by name) the service levels' KPIs, their parameters and directions are checked
    too. Raises BadInput with every problem, in the order of the document's lines.
    """
    root, problems = parse_nodes(data, file)
    walk = _Walk(root, file, problems)
    contract = walk.record(Contract, root, ())
    complete = not walk.problems
    for finding in check_contract(contract, kpis, complete=complete):
        walk.report(finding)
    if walk.problems:
        raise BadInput(_in_order(walk.problems))
    return contract


def read_terms(model: type[_T], data: bytes, file: str) -> _T:
    """Read another document in the way of contracts, YAML or JSON, as `model`.

    Raises BadInput with every problem, in the order of the document's lines.
    """
    root, problems = parse_nodes(data, file)
    walk = _Walk(root, file, problems)
    found = walk.record(model, root, ())
    if walk.problems:
        raise BadInput(_in_order(walk.problems))
    return found


def contract_sha256(data: bytes) -> str:
    """SHA-256 of the document's bytes, as lower-case hexadecimal: names this version."""
    return hashlib.sha256(data).hexdigest()


def _in_order(problems: list[Problem]) -> list[Problem]:
    ordered = sorted(dict.fromkeys(problems), key=lambda each: each.line or 0)
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    more = Problem(f"more than {MAX_PROBLEMS} problems, the others are not listed")
    return [*ordered[:MAX_PROBLEMS], replace(more, file=ordered[0].file)]


class _Unreadable:
    """Stands where a value could not be read."""


_UNREADABLE = _Unreadable()
_ABSENT = object()
"""Stands for a key that the document leaves to its default."""


def _part(model: type[_T], values: Mapping[str, Any], unsound: set[str]) -> _T:
    """A model with its sound keys only: asking for an unsound one is an AttributeError."""
    part = cast("_T", model.model_construct(**values))
    for name in unsound:
        part.__dict__.pop(name, None)
    return part


class _Walk:
    """Reads nodes into values and collects what is wrong with them."""

    def __init__(self, root: MapNode, file: str, problems: list[Problem]) -> None:
        self.root = root
        self.file = file
        self.problems = problems

    def report(self, finding: Finding) -> None:
        """Add a problem at a path, with the line and the value that the document has there."""
        way = list(descend(self.root, finding.path))
        node, line = way[-1]
        found = finding.found
        if found is None:
            found = found_text(node) if len(way) > len(finding.path) else ""
        self.problems.append(
            Problem(
                finding.what,
                file=self.file,
                line=line,
                column=path_text(finding.path),
                found=found,
                allowed=finding.allowed,
            )
        )

    def say(self, path: Path, what: str, allowed: str = "", found: str | None = None) -> None:
        self.report(Finding(path, what, allowed, found))

    def read(self, shape: Shape, node: Node, path: Path) -> Any:
        match shape:
            case Leaf():
                return self.leaf(shape, node, path)
            case ListOf():
                return self.list_of(shape, node, path)
        if not isinstance(node, MapNode):
            self.say(path, "a mapping of keys to values is expected", allowed_text(shape))
            return _UNREADABLE if isinstance(shape, TableOf) else Terms.model_construct()
        match shape:
            case Record():
                return self.record(shape.model, node, path)
            case Variants():
                return self.variant(shape, node, path)
            case TableOf():
                return self.table(shape, node, path)

    def leaf(self, leaf: Leaf, node: Node, path: Path) -> Any:
        try:
            return leaf.adapter.validate_python(plain_value(node))
        except ValidationError as error:
            if isinstance(node, Scalar):
                self.say(path, *leaf_problem(leaf, error, node), found_text(node))
            else:
                self.say(path, "a single value is expected", allowed_text(leaf))
            return _UNREADABLE

    def list_of(self, shape: ListOf, node: Node, path: Path) -> Any:
        if not isinstance(node, ListNode):
            self.say(path, "a list is expected", allowed_text(shape))
            return _UNREADABLE
        if len(node.items) < shape.at_least:
            self.say(path, "the list is empty", allowed_text(shape))
            return _UNREADABLE
        items = [self.read(shape.item, item, (*path, i)) for i, item in enumerate(node.items)]
        return _UNREADABLE if _UNREADABLE in items else tuple(items)

    def table(self, shape: TableOf, node: MapNode, path: Path) -> Any:
        if len(node.entries) < shape.at_least:
            self.say(path, "the mapping is empty", allowed_text(shape))
            return _UNREADABLE
        table: dict[Any, Any] = {}
        for key, item in node.entries.items():
            read_key = self.leaf(shape.key, Scalar(node.key_lines[key], key, key), (*path, key))
            table[read_key] = self.read(shape.value, item, (*path, key))
        unreadable = _UNREADABLE in table or _UNREADABLE in table.values()
        return _UNREADABLE if unreadable else table

    def variant(self, shape: Variants, node: MapNode, path: Path) -> Terms:
        tag = node.entries.get(shape.tag)
        word = tag.text if isinstance(tag, Scalar) else ""
        if word in shape.models:
            return self.record(shape.models[word], node, path)
        if tag is not None:
            slip = did_you_mean(word, shape.models)
            self.say((*path, shape.tag), f"unknown {shape.tag}{slip}", ", ".join(shape.models))
        meant = nearest(word, shape.models)
        if meant:
            fields = fields_of(shape.models[meant])
            values, unsound = self.terms(fields, node, path, settled=shape.tag)
            return _part(shape.models[meant], values, {*unsound, shape.tag})
        return self.any_variant(shape, node, path)

    def any_variant(self, shape: Variants, node: MapNode, path: Path) -> Terms:
        """Check what holds for every variant, where the document doesn't say which it is."""
        variants = [fields_of(model) for model in shape.models.values()]
        every = {key: each for variant in variants for key, each in variant.items()}
        shared = {key: each for key, each in every.items() if all(key in v for v in variants)}
        del shared[shape.tag]
        if shape.tag not in node.entries:
            slips = {nearest(key, every) for key in node.entries if key not in every}
            if shape.tag not in slips:
                allowed = ", ".join(shape.models)
                self.say((*path, shape.tag), f"'{shape.tag}' is missing", allowed, "")
        values, unsound = self.terms(shared, node, path, known=every)
        model = next(iter(shape.models.values()))
        part = Terms.model_construct()
        for field in shared.values():
            if field.name not in unsound:
                default = model.model_fields[field.name].get_default()
                part.__dict__[field.name] = values.get(field.name, default)
        return part

    def record(self, model: type[_T], node: MapNode, path: Path) -> _T:
        before = len(self.problems)
        values, unsound = self.terms(fields_of(model), node, path)
        if len(self.problems) > before:
            return _part(model, values, unsound)
        return self.validated(model, values, path)

    def validated(self, model: type[_T], values: Mapping[str, Any], path: Path) -> _T:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                self.say((*path, *each["loc"]), each["msg"])
            return _part(model, values, set())

    def terms(
        self,
        fields: Mapping[str, TermField],
        node: MapNode,
        path: Path,
        settled: str = "",
        known: Mapping[str, TermField] | None = None,
    ) -> tuple[dict[str, Any], set[str]]:
        """The sound values of a mapping by field name, and the names of the unsound fields.

        `settled` is a key that was read already; `known` are the keys that may stand here, where
        they are more than `fields`.
        """
        slips = self.unknown_keys(node, known or fields, path)
        values: dict[str, Any] = {}
        unsound: set[str] = set()
        for key, field in fields.items():
            if key == settled:
                continue
            value = self.term(field, node, path, slips)
            if value is _UNREADABLE:
                unsound.add(field.name)
            elif value is not _ABSENT:
                values[field.name] = value
        return values, unsound

    def term(self, field: TermField, node: MapNode, path: Path, slips: set[str]) -> Any:
        item = node.entries.get(field.key)
        if item is None:
            return self.absent(field, path, slips)
        here = (*path, field.key)
        if not isinstance(item, Scalar) or item.value is not None:
            return self.read(field.shape, item, here)
        if field.nullable:
            return None
        if not field.required and not isinstance(field.shape, Leaf):
            return _ABSENT
        self.say(here, f"'{field.key}' has no value", allowed_text(field.shape))
        return _UNREADABLE

    def absent(self, field: TermField, path: Path, slips: set[str]) -> Any:
        if field.key in slips:
            return _UNREADABLE
        if not field.required:
            return _ABSENT
        here = (*path, field.key)
        self.say(here, f"'{field.key}' is missing", allowed_text(field.shape), "")
        return _UNREADABLE

    def unknown_keys(self, node: MapNode, known: Mapping[str, TermField], path: Path) -> set[str]:
        """Report the keys that have no meaning here; the known keys that they are slips of."""
        slips: set[str] = set()
        for key in node.entries:
            if key in known or len(self.problems) > MAX_PROBLEMS:
                continue
            elsewhere = places_of(key)
            near = nearest(key, known, cutoff=0.75 if elsewhere else 0.6)
            what = "unknown key"
            if near:
                slips.add(near)
                what += f", did you mean '{near}'?"
            elif elsewhere:
                what += f" here; it belongs to {', '.join(elsewhere)}"
            else:
                what += f"; the nearest known one is '{nearest(key, known, cutoff=0)}'"
            self.say((*path, key), what, ", ".join(known), shortened(key))
        return slips
