"""What a payment, an open invoice and a proposal are to calculations: frozen, in minor units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Source(StrEnum):
    """How a payment came in."""

    HAND = "hand"
    CSV = "csv"
    CAMT_053 = "camt053"


class Direction(StrEnum):
    """What an entry of a statement does to the account."""

    IN = "in"
    """Money that somebody paid."""
    OUT = "out"
    BOUNCED = "bounced"
    """Money that somebody had paid goes back: a reversal or a return."""
    OUT_BOUNCED = "out_bounced"
    """Money that the account's owner had paid comes back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment of a bank statement; amounts are positive, in minor units."""

    key: str
    """SHA-256 that the same payment has in every statement of its account."""
    place: str
    """Where it stands: "line 7" or the path of an element."""
    direction: Direction
    booked_on: date
    value_on: date
    currency: str
    minor: int
    debtor: str = ""
    iban: str = ""
    """The debtor's account."""
    end_to_end_id: str = ""
    references: tuple[str, ...] = ()
    """Structured references of the remittance: a creditor reference, or a document's number."""
    text: str = ""
    """The remittance as the debtor wrote it."""
    bank_reference: str = ""
    """The account servicer's reference."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What of a statement isn't read as a payment, and why."""

    place: str
    why: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a file holds."""

    source: Source
    account: str
    """The account's IBAN or number; empty where the file doesn't say."""
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An issued invoice and what is open on it; nothing is open on one that is paid."""

    id: int
    number: str
    currency: str
    open_minor: int
    due_on: date
    withholding_minor: int = 0
    """What the client withholds by contract; it isn't part of what is open."""
    written_off_minor: int = 0
    """What is owed on it and written off; a payment of that reverses the write-off."""

    @property
    def most_minor(self) -> int:
        """What a payment may pay of it."""
        return self.open_minor + self.written_off_minor


class Confidence(StrEnum):
    """How sure a proposal is."""

    CERTAIN = "certain"
    """The payment names the invoices and pays exactly what is open on them."""
    LIKELY = "likely"
    POSSIBLE = "possible"
    NONE = "none"
    """Nothing says that the payment belongs here."""


@dataclass(frozen=True, slots=True)
class Part:
    """An amount of a payment for an invoice."""

    invoice_id: int
    minor: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a payment might pay; a person decides."""

    key: str
    parts: tuple[Part, ...]
    rest_minor: int
    """What would stay on account."""
    confidence: Confidence
    reason: str
    """Why, in words, without a full stop."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a payment's money is. Nothing is lost: the amount is the sum of the rest."""

    minor: int
    allocated_minor: int = 0
    refunded_minor: int = 0
    bounced_minor: int = 0

    @property
    def on_account_minor(self) -> int:
        """What is neither allocated nor gone back."""
        return self.minor - self.allocated_minor - self.refunded_minor - self.bounced_minor
