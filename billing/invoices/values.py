"""What an invoice goes through, as words."""

from __future__ import annotations

from enum import StrEnum


class InvoiceState(StrEnum):
    """A draft may be computed again; an issued invoice never changes."""

    DRAFT = "draft"
    CHECKED = "checked"
    """Somebody has looked it over."""
    APPROVED = "approved"
    """Another person has approved it; it may be issued."""
    ISSUED = "issued"
    SUPERSEDED = "superseded"
    """A draft that a newer computation replaced."""


class Act(StrEnum):
    """One step of an invoice's life that a person takes."""

    CHECK = "check"
    TAKE_BACK_CHECK = "take_back_check"
    APPROVE = "approve"
    TAKE_BACK_APPROVAL = "take_back_approval"
    ISSUE = "issue"
    SUPERSEDE = "supersede"
    """The period was settled again, so that a newer draft takes its place."""
