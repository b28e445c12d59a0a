"""Who works for whom, on what, when and under which model."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from governance.contract.base import Identifier, NonNegative, Terms, Text

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Model(StrEnum):
    """How work is handed over; a label with consequences, scope and charges carry the truth."""

    FULL = "full"
    FUNCTION_SPECIFIC = "function_specific"
    OFFSHORE = "offshore"
    NEARSHORE = "nearshore"
    STAFF_AUGMENTATION = "staff_augmentation"
    MANAGED = "managed"
    BUILD_OPERATE_TRANSFER = "build_operate_transfer"


class Function(StrEnum):
    """Part of the order-to-cash cycle that can be handed over."""

    INVOICING = "invoicing"
    COLLECTIONS = "collections"
    CASH_APPLICATION = "cash_application"
    DISPUTES = "disputes"
    CREDIT = "credit"
    REPORTING = "reporting"


class Party(Terms):
    """Client or provider, with what its letterhead and tax law need."""

    name: Text
    country: Country
    vat_id: Text | None = None
    street: Text | None = None
    postcode: Text | None = None
    city: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    registration: Text | None = None
    """Company register entry, printed in the letterhead."""
    iban: Text | None = None
    bic: Text | None = None


class BusinessHours(Terms):
    """When business time runs, in the engagement's time zone."""

    country: Country
    subdivision: Text | None = None
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    opens: Clock = "09:00"
    closes: Clock = "17:00"
    closed_on: tuple[date, ...] = ()


class Transfer(Terms):
    """When the client may take over the centre, and for how much (build-operate-transfer)."""

    on: date
    fee: NonNegative


class Engagement(Terms):
    """The frame of the contract."""

    reference: Identifier
    title: Text
    model: Model
    functions: tuple[Function, ...] = ()
    client: Party
    provider: Party
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    time_zone: Text = "UTC"
    business_hours: BusinessHours | None = None
    starts: date
    ends: date | None = None
    notice_months: Annotated[int, Field(ge=0, le=120)] | None = None
    transfer: Transfer | None = None
