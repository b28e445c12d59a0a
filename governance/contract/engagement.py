"""Who works for whom, on what, when and under which model."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from governance.contract.base import Accepts, Day, Identifier, Name, NonNegative, Terms, Text, Whole

Country = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}$"),
    Accepts("an ISO 3166 country code, two capital letters such as DE or IE"),
]
Clock = Annotated[
    str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Accepts("a time as 09:00")
]
Closing = Annotated[
    str,
    StringConstraints(pattern=r"^([0-3]\d|4[0-7]):[0-5]\d$|^48:00$"),
    Accepts("a time as 17:00, 24:00 for midnight, or 30:00 for 06:00 of the day after"),
]
Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    Accepts("an ISO 4217 currency code, three capital letters such as EUR"),
]
Scheme = Annotated[
    str,
    StringConstraints(pattern=r"^(\d{4}|EM|A[NQSU])$"),
    Accepts("a code of four digits such as 0088 or 9930, or EM, AN, AQ, AS, AU"),
]
"""Code of a list of identifiers: ISO 6523 (ICD), or EAS of the electronic addresses."""
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

    name: Name
    """Full legal name."""
    country: Country
    """Country of its seat, by ISO 3166."""
    vat_id: Text | None = None
    """VAT number, without which reverse charge is not possible."""
    street: Text | None = None
    """Street and number of its seat."""
    postcode: Text | None = None
    """Postcode."""
    city: Text | None = None
    """City."""
    email: Text | None = None
    """Where letters and invoices go."""
    phone: Text | None = None
    """Telephone number."""
    registration: Text | None = None
    """Company register entry, printed in the letterhead."""
    iban: Text | None = None
    """Account that invoices are paid to."""
    bic: Text | None = None
    """The account's bank."""
    state: Text | None = None
    """State, province or region, where the address needs it, such as TX."""
    contact_name: Name | None = None
    """Person or department to ask; e-mail and phone are theirs."""
    tax_number: Text | None = None
    """National tax number, where there is no VAT number."""
    legal_id: Text | None = None
    """Number in a register, such as HRB 12345, or a GLN or LEI, as electronic invoices want it."""
    legal_scheme: Scheme | None = None
    """What `legal_id` is by ISO 6523, such as 0088 for a GLN or 0199 for an LEI."""
    electronic_address: Text | None = None
    """Where electronic invoices reach it."""
    electronic_scheme: Scheme | None = None
    """What `electronic_address` is by the EAS list, such as EM for e-mail or 9930 for a German VAT
    number."""


class Hours(Terms):
    """Opening hours of one day of the week."""

    opens: Clock
    """Time at which the day begins."""
    closes: Closing
    """Time at which it ends."""


class BusinessHours(Terms):
    """When business time runs."""

    country: Country | None = None
    """Country whose public holidays are no business days; none where there are none."""
    subdivision: Text | None = None
    """Part of the country with holidays of its own, such as HH for Hamburg."""
    time_zone: Text | None = None
    """IANA time zone of the hours; by default the engagement's."""
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    """Days of the week with business."""
    opens: Clock = "09:00"
    """Time at which business begins."""
    closes: Closing = "17:00"
    """24:00 is midnight; 30:00 is 06:00 of the day after, for hours that go over midnight."""
    hours: Annotated[dict[Weekday, Hours], Field(default_factory=dict)]
    """Hours of single days of the week that differ from the usual."""
    closed_on: tuple[Day, ...] = ()
    """Days without business besides public holidays."""
    open_on: tuple[Day, ...] = ()
    """Days with business although a public holiday or the day of the week says otherwise."""


class CalendarTerms(BusinessHours):
    """Hours of another place, or when several calendars are open together."""

    all_of: tuple[Identifier, ...] = ()
    """Open while all of these calendars are; such a calendar has no hours of its own."""
    any_of: tuple[Identifier, ...] = ()
    """Open while any of these calendars is; such a calendar has no hours of its own."""


class Transfer(Terms):
    """When the client may take over the centre, and for how much (build-operate-transfer).

    The fee is billed with the period of that day, or with the engagement's last one where the day
    comes after it, and taxed as `invoicing` says. It is the price of the centre and not of its
    work, so that it counts for no minimum commitment and no credit base.
    """

    on: Day
    """Day on which the client takes the centre over."""
    fee: NonNegative
    """What the client pays for it."""


class Termination(Terms):
    """That the engagement ends before the agreed end; `ends` is then its actual last day."""

    agreed_end: Day
    """The last day that had been agreed."""
    reason: Literal["convenience", "cause"] = "convenience"
    """Only ending for convenience, without a fault of the provider, costs a fee."""


class Engagement(Terms):
    """The frame of the contract."""

    reference: Identifier
    """The contract's own number."""
    title: Name
    """What is handed over, in a few words."""
    model: Model
    """How work is handed over."""
    functions: tuple[Function, ...] = ()
    """The parts of order-to-cash that are handed over."""
    client: Party
    """Who pays the fees."""
    provider: Party
    """Who does the work and issues the invoices."""
    currency: Currency
    """ISO 4217 code of all amounts in the contract."""
    time_zone: Text = "UTC"
    """IANA time zone in which days begin and end."""
    business_hours: BusinessHours | None = None
    """When business time runs, for clocks that name no other calendar."""
    calendars: Annotated[dict[Identifier, CalendarTerms], Field(default_factory=dict)]
    """Further calendars by name, such as that of an offshore centre."""
    starts: Day
    """First day."""
    ends: Day | None = None
    """Last day, included; none for an open end."""
    notice_months: Annotated[Whole, Field(ge=0, le=120)] | None = None
    """Months before the end by which one must say that one won't go on."""
    transfer: Transfer | None = None
    """When and for how much the client takes the centre over."""
    termination: Termination | None = None
    """Stated by the amendment that ends the engagement early."""
