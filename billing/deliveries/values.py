"""What is delivered, how and to whom, as words and frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class DeliverySubject(StrEnum):
    """What is delivered; it is found by the id of its row."""

    INVOICE = "fee_invoice"
    CREDIT_NOTE = "credit_note"
    STATEMENT = "account_statement"
    REMINDER = "reminder"


class Means(StrEnum):
    """The way that documents take to the client."""

    EMAIL = "email"
    PORTAL = "portal"
    """The client's own portal for invoices."""
    PEPPOL = "peppol"
    """An access point of the Peppol network."""
    POST = "post"
    OTHER = "other"
    HERE = "here"
    """The client took them from the pages."""


ELSEWHERE = (Means.PORTAL, Means.PEPPOL, Means.POST, Means.OTHER)
"""What a person does outside the application and records."""


class DeliveryState(StrEnum):
    """Where a delivery is; whether the client has said that it came is kept beside it."""

    QUEUED = "queued"
    """In the outbox; also while the mail server doesn't take it yet."""
    SENT = "sent"
    """Handed over to the mail server, or delivered in another way."""
    GIVEN_UP = "given_up"
    """The mail server refuses it, or never answered."""


class RecipientKind(StrEnum):
    """In which line of a mail an address stands."""

    TO = "to"
    CC = "cc"


class DocumentTable(StrEnum):
    """The tables of frozen documents that a mail may carry."""

    SETTLEMENT = "settlement_document"
    CORRECTED_INVOICE = "corrected_invoice_document"
    CREDIT_NOTE = "credit_note_document"
    STATEMENT = "statement_document"
    REMINDER = "reminder_document"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A document that a mail carries: a reference, whose bytes are read when it is sent."""

    table: DocumentTable
    owner_id: int
    """Row that the document is of, such as the settlement."""
    kind: str
    """Which of its documents: the value of the table's `kind`, a file name."""
    file_name: str
    """What the recipient saves it as."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, in the language of its documents; the template adds the rest."""

    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    """Pairs such as ("Payable", "EUR 1,000.00"), set as a small table."""
    sender: str
    """The provider's name, which signs it."""
    reply_to: str | None
    """Address that answers go to; None where the contract has none."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Frozen documents on their way to people, with the letter that goes along."""

    subject: DeliverySubject
    subject_id: int
    name: str
    """What people call it: "invoice CW-2026-00001"."""
    enclosures: tuple[Enclosure, ...]
    to: tuple[str, ...]
    """E-mail addresses."""
    cc: tuple[str, ...]
    letter: Letter
    language: str
    """Of the letter, by ISO 639."""
    after: int
    """Number of the latest delivery of the subject that the sender knew of; 0 for none."""
    note: str = ""
    """The sender's own words to the recipients."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A mail that the mail server took."""

    digests: Mapping[int, str] = field(default_factory=dict)
    """By delivery document: the SHA-256 of the bytes that it carried."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """By address: why the server doesn't take it for that recipient."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An issued document that is delivered."""

    kind: DeliverySubject
    id: int
    name: str
    """What people call it: "invoice CW-2026-00001"."""
    issued_on: date


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a person did outside the application."""

    means: Means
    on: date | None
    reference: str
    note: str
    after: int
    """Number of the latest delivery that the person knew of; 0 for none."""
