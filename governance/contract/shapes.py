"""The form of the contract's parts, taken from their models: what a reader walks along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import MinLen
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from governance.contract.base import Terms
from governance.contract.document import Contract


@dataclass(frozen=True)
class Leaf:
    """A single value."""

    hint: Any

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Validates the value."""
        return TypeAdapter(self.hint)


@dataclass(frozen=True)
class Record:
    """A mapping with the keys of one model."""

    model: type[Terms]


@dataclass(frozen=True)
class Variants:
    """A mapping whose keys depend on the value of one of them, the tag."""

    tag: str
    models: Mapping[str, type[Terms]]


@dataclass(frozen=True)
class ListOf:
    """A list of parts of one form."""

    item: Shape
    at_least: int


@dataclass(frozen=True)
class TableOf:
    """A mapping with keys that the contract's authors choose."""

    key: Leaf
    value: Shape
    at_least: int


Shape = Leaf | Record | Variants | ListOf | TableOf


@dataclass(frozen=True)
class TermField:
    """One key of a model."""

    key: str
    """As documents write it ("from")."""
    name: str
    """As the model names it ("from_")."""
    shape: Shape
    required: bool
    nullable: bool
    """Whether null is a value of its own, such as the open end of the last tier."""


@cache
def fields_of(model: type[Terms]) -> Mapping[str, TermField]:
    """The keys of a model, as documents write them and in the model's order."""
    hints = get_type_hints(model, include_extras=True)
    return {
        info.alias or name: TermField(
            key=info.alias or name,
            name=name,
            shape=shape_of(hints[name]),
            required=info.is_required(),
            nullable=_is_nullable(hints[name]),
        )
        for name, info in model.model_fields.items()
    }


@lru_cache(maxsize=1024)  # Bounded, since documents choose the keys.
def places_of(key: str) -> tuple[str, ...]:
    """The parts of a contract that have this key, in the order of the language."""
    return tuple(dict.fromkeys(_places(Record(Contract), "the top level", key)))


def _places(shape: Shape, name: str, key: str) -> Iterator[str]:
    match shape:
        case ListOf():
            yield from _places(shape.item, name, key)
        case Record():
            if key in fields_of(shape.model):
                yield name
            yield from _places_below(shape.model, key)
        case Variants():
            tags = [tag for tag, model in shape.models.items() if key in fields_of(model)]
            if len(tags) == len(shape.models):
                yield name
            elif tags:
                yield f"{name} of the {shape.tag} {' or '.join(tags)}"
            for model in shape.models.values():
                yield from _places_below(model, key)


def _places_below(model: type[Terms], key: str) -> Iterator[str]:
    for each in fields_of(model).values():
        yield from _places(each.shape, each.key, key)


def shape_of(hint: Any) -> Shape:
    """The form that a type hint of a model stands for; null is left to `TermField.nullable`."""
    base, metadata = _bare(hint)
    if isinstance(base, type) and issubclass(base, Terms):
        return Record(base)
    tag = next((extra.discriminator for extra in metadata if isinstance(extra, FieldInfo)), None)
    if isinstance(tag, str):
        return Variants(tag, dict(_tagged(base, tag)))
    if get_origin(base) is tuple:
        return ListOf(shape_of(get_args(base)[0]), _at_least(metadata))
    if get_origin(base) is dict:
        key, value = get_args(base)
        return TableOf(Leaf(key), shape_of(value), _at_least(metadata))
    return Leaf(hint)


def _bare(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The hint without null, taken apart into its type and what annotates it."""
    while _is_nullable(hint) and not _is_annotated(hint):
        rest = [arg for arg in get_args(hint) if arg is not NoneType]
        if len(rest) > 1:
            return hint, ()
        hint = rest[0]
    if _is_annotated(hint):
        base, *metadata = get_args(hint)
        return base, tuple(metadata)
    return hint, ()


def _is_annotated(hint: Any) -> bool:
    return get_origin(hint) is Annotated


def _is_nullable(hint: Any) -> bool:
    return get_origin(hint) in {Union, UnionType} and NoneType in get_args(hint)


def _tagged(union: Any, tag: str) -> Iterator[tuple[str, type[Terms]]]:
    for model in get_args(union):
        literal = get_type_hints(model)[tag]
        assert get_origin(literal) is Literal  # noqa: S101 (a tag is always a literal)
        yield get_args(literal)[0], model


def _at_least(metadata: tuple[Any, ...]) -> int:
    constraints = [
        constraint
        for extra in metadata
        for constraint in (extra.metadata if isinstance(extra, FieldInfo) else [extra])
    ]
    return max((each.min_length for each in constraints if isinstance(each, MinLen)), default=0)
