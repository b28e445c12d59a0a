"""Who may do what next in a review: pure functions of where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from governance.access import Side
from sla.reviews.values import Act, Figure, ItemState, Ruling, Stage


@dataclass(frozen=True, slots=True)
class Place:
    """Where a period stands, and one of its items where an act is about an item."""

    stage: Stage
    item: ItemState | None = None
    proposed_by: Side | None = None
    """The side whose proposal waits for an answer."""
    ruling: Ruling | None = None
    """What that side proposes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An act isn't possible here, and why."""

    why: str


_CLIENT, _PROVIDER = Side.CLIENT, Side.PROVIDER
_ONE_SIDE = {
    Act.SUBMIT: _PROVIDER,
    Act.RECALL: _PROVIDER,
    Act.BEGIN: _CLIENT,
    Act.AGREE: _CLIENT,
    Act.CONTEST: _CLIENT,
    Act.WITHDRAW: _CLIENT,
    Act.SEAL: _CLIENT,
}
"""The side whose act it is; the others are open to both."""
_STAGES: Mapping[Act, tuple[Stage, Stage]] = {
    Act.SUBMIT: (Stage.DRAFT, Stage.SUBMITTED),
    Act.RECALL: (Stage.SUBMITTED, Stage.DRAFT),
    Act.BEGIN: (Stage.SUBMITTED, Stage.UNDER_REVIEW),
    Act.SEAL: (Stage.UNDER_REVIEW, Stage.SEALED),
}
"""What moves the whole period, from where and to where."""
_OPEN, _AGREED, _CONTESTED = ItemState.OPEN, ItemState.AGREED, ItemState.CONTESTED
_PROPOSED = ItemState.PROPOSED
_ITEMS: Mapping[Act, Mapping[ItemState, ItemState]] = {
    Act.AGREE: {_OPEN: _AGREED, _CONTESTED: _AGREED},
    Act.CONTEST: {_OPEN: _CONTESTED, _AGREED: _CONTESTED},
    Act.WITHDRAW: {_CONTESTED: _OPEN, _PROPOSED: _OPEN},
    Act.REPLY: {_CONTESTED: _CONTESTED, _PROPOSED: _PROPOSED},
    Act.PROPOSE: {_CONTESTED: _PROPOSED, _PROPOSED: _PROPOSED},
    Act.ACCEPT: {_PROPOSED: ItemState.DECIDED},
    Act.REFUSE: {_PROPOSED: _CONTESTED},
}
"""What moves one item, from where and to where."""
_REVIEWING = frozenset({Stage.UNDER_REVIEW})
_TALKING = frozenset({Stage.SUBMITTED, Stage.UNDER_REVIEW})
_ANSWERS = frozenset({Act.ACCEPT, Act.REFUSE})
_CLIENTS_OWN = frozenset({Act.AGREE, Act.CONTEST, Act.WITHDRAW})


def after(place: Place, act: Act, side: Side) -> Place | Refused:
    """Where an act of a side leads, or why it isn't possible.

    Talking about an item is possible as soon as it is submitted, judging it during the review.
    An accepted proposal to uphold a figure agrees to it; any other waits to be calculated.
    """
    whose = _ONE_SIDE.get(act)
    if whose not in {None, side}:
        return Refused(f"this is the {whose.value}'s to do" if whose else "")
    if act in _STAGES:
        return _of_period(place, act)
    stages = _REVIEWING if act in _CLIENTS_OWN else _TALKING
    if place.stage not in stages:
        return Refused(_STAGE_WORDS[place.stage])
    return _of_item(place, act, side)


def _of_period(place: Place, act: Act) -> Place | Refused:
    before, then = _STAGES[act]
    return replace(place, stage=then) if place.stage is before else Refused(_words_of(place, act))


def _of_item(place: Place, act: Act, side: Side) -> Place | Refused:
    if place.item is None or place.item not in _ITEMS[act]:
        return Refused(_ITEM_WORDS[place.item or ItemState.OPEN])
    own = place.proposed_by is side
    if act in _ANSWERS and own:
        return Refused("your own side proposed this; the other side answers")
    if act is Act.PROPOSE and place.proposed_by is not None and not own:
        return Refused("the other side's proposal waits for an answer first")
    return _moved(place, act, side)


def _moved(place: Place, act: Act, side: Side) -> Place:
    then = _ITEMS[act][place.item or ItemState.OPEN]
    if act is Act.PROPOSE:
        return replace(place, item=then, proposed_by=side)
    if act is Act.REPLY:
        return place
    if act is Act.ACCEPT and place.ruling is Ruling.UPHELD:
        then = ItemState.AGREED
    return Place(place.stage, then)


def _words_of(place: Place, act: Act) -> str:
    if act is Act.SEAL and place.stage is Stage.SUBMITTED:
        return "the client hasn't begun to review the figures"
    return _STAGE_WORDS[place.stage]


_STAGE_WORDS = {
    Stage.DRAFT: "the provider hasn't submitted these figures",
    Stage.SUBMITTED: "the figures are submitted and not under review",
    Stage.UNDER_REVIEW: "the client is reviewing the figures",
    Stage.SEALED: "the figures are sealed",
}
_ITEM_WORDS = {
    ItemState.OPEN: "nobody contests this figure",
    ItemState.AGREED: "this figure is agreed",
    ItemState.CONTESTED: "this figure is contested, and nothing is proposed",
    ItemState.PROPOSED: "a decision is proposed; answer it first",
    ItemState.DECIDED: "both sides have decided on this figure",
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """An item as it stood when the figures before were submitted."""

    state: ItemState
    text: str
    inputs_sha256: str
    decided: str | None = None
    """The accepted value, or `excused`; None where nothing was decided."""


def carried(earlier: Earlier | None, figure: Figure) -> ItemState:
    """How far both sides are with an item once its figure is submitted anew.

    What is contested stays so, with all that was said. What was agreed stays agreed only where
    figure and inputs are the same; a decided value is agreed as soon as the figure has it.
    """
    if earlier is None:
        return ItemState.OPEN
    if earlier.decided is not None:
        return ItemState.AGREED if _is(figure, earlier.decided) else ItemState.DECIDED
    if earlier.state is ItemState.AGREED and has_changed(earlier, figure):
        return ItemState.OPEN
    return earlier.state


def has_changed(earlier: Earlier, figure: Figure) -> bool:
    """Whether the figure, or anything that it follows from, differs from before."""
    return (earlier.text, earlier.inputs_sha256) != (figure.text, figure.inputs_sha256)


def _is(figure: Figure, decided: str) -> bool:
    if figure.value is None or EXCUSED in {figure.value, decided}:
        return figure.value == decided
    return Decimal(figure.value) == Decimal(decided)


EXCUSED = "excused"
"""Stands for a value where a service level has no consequence."""
