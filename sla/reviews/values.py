"""What both sides talk about and how far they are: frozen values without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from governance.access import Side


class ItemKind(StrEnum):
    """What an item of a review is."""

    SERVICE_LEVEL = "service_level"
    CHARGE = "charge"


class Stage(StrEnum):
    """How far a calculation of a period has come between the sides."""

    DRAFT = "draft"
    """Settled; the provider hasn't handed it over."""
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    SEALED = "sealed"


class ItemState(StrEnum):
    """How far both sides are with one item."""

    OPEN = "open"
    """The client hasn't said anything."""
    AGREED = "agreed"
    CONTESTED = "contested"
    PROPOSED = "proposed"
    """It is contested, and one side proposes how to settle it."""
    DECIDED = "decided"
    """Both sides agree on a value that the next calculation has to use."""


class Act(StrEnum):
    """What people do in a review."""

    SUBMIT = "submit"
    RECALL = "recall"
    BEGIN = "begin"
    AGREE = "agree"
    CONTEST = "contest"
    WITHDRAW = "withdraw"
    REPLY = "reply"
    PROPOSE = "propose"
    ACCEPT = "accept"
    REFUSE = "refuse"
    SEAL = "seal"


class Ruling(StrEnum):
    """How a contested item may be settled by decision."""

    VALUE = "value"
    """The service level counts with a value that both sides name."""
    EXCUSED = "excused"
    """The service level has no consequence in this period."""
    UPHELD = "upheld"
    """The figure stays as it was computed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One item as it is submitted."""

    kind: ItemKind
    key: str
    """The service level's or the charge line's id, unique within its kind."""
    label: str
    text: str
    """The figure in words and numbers, as people read it."""
    inputs_sha256: str
    """Digest of the figure and of everything that it follows from."""
    value: str | None = None
    """What a decided value is compared with: the value, `excused`, or None."""


@dataclass(frozen=True, slots=True)
class DecidedValue:
    """What both sides agreed that a service level counts with in a period."""

    service_level: str
    value: Decimal | None
    """None where the service level is excused."""
    reason: str
    proposed_side: Side
    proposed_by_id: int
    accepted_by_id: int
    accepted_at: datetime

    @property
    def excused(self) -> bool:
        """Whether the service level has no consequence, in place of a value."""
        return self.value is None


def decided_of(stated: Mapping[str, Any]) -> DecidedValue:
    """A decided value as seals and the inputs of settlements state it."""
    return DecidedValue(
        service_level=stated["service_level"],
        value=None if stated["value"] is None else Decimal(stated["value"]),
        reason=stated["reason"],
        proposed_side=Side(stated["proposed_side"]),
        proposed_by_id=stated["proposed_by"],
        accepted_by_id=stated["accepted_by"],
        accepted_at=datetime.fromisoformat(stated["accepted_at"]),
    )
