"""The datasets that evidence consists of: their columns, keys and references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds, and so how its text is read and stored."""

    IDENTIFIER = "identifier"
    TEXT = "text"
    CURRENCY = "currency"
    AMOUNT = "amount"
    """Money in major units, at most four decimals, never negative: the column says the
    direction. Zero is allowed, for real ledgers hold items of zero."""
    NUMBER = "number"
    """Any other decimal, at most six decimals."""
    RATE = "rate"
    """An exchange rate, at most ten decimals, above zero."""
    INDEX = "index"
    """What an index such as of consumer prices stands at, at most six decimals, above zero."""
    DATE = "date"
    TIMESTAMP = "timestamp"
    """Local time of the engagement's zone."""
    BOOLEAN = "boolean"
    PERIOD = "period"
    """A month, quarter or year as `governance.values.Period` reads it, such as 2013-06."""
    CHOICE = "choice"


SQL_TYPES: Mapping[Kind, str] = {
    Kind.IDENTIFIER: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.CURRENCY: "VARCHAR",
    Kind.AMOUNT: "DECIMAL(18,4)",
    Kind.NUMBER: "DECIMAL(18,6)",
    Kind.RATE: "DECIMAL(18,10)",
    Kind.INDEX: "DECIMAL(18,6)",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.PERIOD: "VARCHAR",
    Kind.CHOICE: "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    refers_to: str = ""
    """Dataset whose key column this one names, empty where it names none."""
    choices: tuple[str, ...] = ()

    @property
    def sql_type(self) -> str:
        """The type that the stored table and the ledger's view have."""
        return SQL_TYPES[self.kind]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table of evidence."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    """Columns that together occur only once; empty where equal rows are possible."""
    not_before: tuple[tuple[str, str], ...] = ()
    """Pairs (later, earlier): the first may not lie before the second."""

    def column(self, name: str) -> Column:
        """The column called `name`; raises KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """In the order in which they are stored."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every hand-in must have."""
        return tuple(column.name for column in self.columns if column.required)


def _id(name: str, *, required: bool = True, refers_to: str = "") -> Column:
    return Column(name, Kind.IDENTIFIER, required, refers_to)


def _column(name: str, kind: Kind, *, required: bool = True) -> Column:
    return Column(name, kind, required)


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _choice(name: str, *choices: str, required: bool = True) -> Column:
    return Column(name, Kind.CHOICE, required, choices=choices)


RAISING_KINDS = ("debit_note",)
"""Adjustments that raise what is open: penalties, expenses, interest charged on an invoice.

All others lower it. They are no sales: a period's sales are the invoices issued in it."""

_CUSTOMERS = Dataset(
    "customers",
    (
        _id("customer_id"),
        *_text("name", "country", "risk_class"),
        _column("credit_limit", Kind.AMOUNT, required=False),
    ),
    key=("customer_id",),
)
_INVOICES = Dataset(
    "invoices",
    (
        _id("invoice_id"),
        _id("customer_id", refers_to="customers"),
        _column("issue_date", Kind.DATE),
        _column("due_date", Kind.DATE),
        _column("currency", Kind.CURRENCY),
        _column("amount", Kind.AMOUNT),
        _column("delivered_at", Kind.TIMESTAMP, required=False),
        *_text("channel"),
        _column("first_time_right", Kind.BOOLEAN, required=False),
        *_text("business_unit"),
    ),
    key=("invoice_id",),
)
_RECEIPTS = Dataset(
    "receipts",
    (
        _id("receipt_id"),
        _id("customer_id", refers_to="customers"),
        _column("received_at", Kind.TIMESTAMP),
        _column("posted_at", Kind.TIMESTAMP, required=False),
        _column("currency", Kind.CURRENCY),
        _column("amount", Kind.AMOUNT),
    ),
    key=("receipt_id",),
)
_ALLOCATIONS = Dataset(
    "allocations",
    (
        _id("receipt_id", refers_to="receipts"),
        _id("invoice_id", refers_to="invoices"),
        _column("amount", Kind.AMOUNT),
        _column("applied_on", Kind.DATE),
        _choice("matched_by", "auto", "manual", required=False),
    ),
)
_ADJUSTMENTS = Dataset(
    "adjustments",
    (
        _id("adjustment_id"),
        _id("invoice_id", refers_to="invoices"),
        _choice("kind", "credit_note", "write_off", "discount", *RAISING_KINDS),
        _column("amount", Kind.AMOUNT),
        _column("effective_on", Kind.DATE),
        *_text("reason", "requested_by", "approved_by"),
    ),
    key=("adjustment_id",),
)
_DISPUTES = Dataset(
    "disputes",
    (
        _id("dispute_id"),
        _id("invoice_id", refers_to="invoices"),
        _column("opened_at", Kind.TIMESTAMP),
        _column("resolved_at", Kind.TIMESTAMP, required=False),
        _column("amount", Kind.AMOUNT, required=False),
        *_text("reason", "outcome"),
    ),
    key=("dispute_id",),
    not_before=(("resolved_at", "opened_at"),),
)
_ACTIVITIES = Dataset(
    "activities",
    (
        _id("activity_id"),
        _id("customer_id", refers_to="customers"),
        _id("invoice_id", required=False, refers_to="invoices"),
        _column("at", Kind.TIMESTAMP),
        _column("due_at", Kind.TIMESTAMP, required=False),
        Column("channel", required=True),
        _choice("kind", "reminder", "call", "letter", "escalation", "promise", "contact"),
        _column("promised_amount", Kind.AMOUNT, required=False),
        _column("promised_on", Kind.DATE, required=False),
    ),
    key=("activity_id",),
)
_CLOCK_EVENTS = Dataset(
    "clock_events",
    (
        _id("subject_id"),
        Column("clock", required=True),
        _column("at", Kind.TIMESTAMP),
        _choice("event", "start", "pause", "resume", "stop"),
        *_text("reason"),
    ),
)
_PLACEMENTS = Dataset(
    "placements",
    (
        _id("invoice_id", refers_to="invoices"),
        _column("placed_on", Kind.DATE),
        _column("amount", Kind.AMOUNT),
        _column("recalled_on", Kind.DATE, required=False),
    ),
    not_before=(("recalled_on", "placed_on"),),
)
_RESOURCES = Dataset(
    "resources",
    (
        _id("person_id"),
        Column("role", required=True),
        _column("from", Kind.DATE),
        _column("to", Kind.DATE, required=False),
        _column("fte", Kind.NUMBER),
        *_text("leave_reason"),
    ),
    key=("person_id", "role", "from"),
    not_before=(("to", "from"),),
)
_SURVEYS = Dataset(
    "surveys",
    (
        _id("response_id"),
        _id("customer_id", required=False, refers_to="customers"),
        _column("answered_on", Kind.DATE),
        _column("score", Kind.NUMBER),
        _column("scale_max", Kind.NUMBER),
    ),
    key=("response_id",),
)
_OBSERVATIONS = Dataset(
    "observations",
    (
        Column("measure", required=True),
        _column("period", Kind.PERIOD),
        _column("value", Kind.NUMBER),
        *_text("document"),
    ),
    key=("measure", "period"),
)
_FX_RATES = Dataset(
    "fx_rates",
    (
        _column("on", Kind.DATE),
        _column("from", Kind.CURRENCY),
        _column("to", Kind.CURRENCY),
        _column("rate", Kind.RATE),
        *_text("source"),
    ),
    key=("on", "from", "to"),
)
_INDICES = Dataset(
    "indices",
    (
        Column("series", required=True),
        _column("from", Kind.DATE),
        _column("value", Kind.INDEX),
        _column("published_on", Kind.DATE, required=False),
    ),
    key=("series", "from"),
)
_MILESTONES = Dataset(
    "milestones",
    (
        _id("milestone"),
        _column("reached_on", Kind.DATE),
        *_text("document"),
    ),
    key=("milestone",),
)

DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        _CUSTOMERS,
        _INVOICES,
        _RECEIPTS,
        _ALLOCATIONS,
        _ADJUSTMENTS,
        _DISPUTES,
        _ACTIVITIES,
        _CLOCK_EVENTS,
        _PLACEMENTS,
        _RESOURCES,
        _SURVEYS,
        _OBSERVATIONS,
        _FX_RATES,
        _INDICES,
        _MILESTONES,
    )
}
"""All datasets by name, in an order in which each comes after those that it refers to."""
