"""The reminder as PDF: polite at first, firmer with every step."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.documents.account_parts import STYLE, parties, shown
from app.documents.formatting import day, money, number
from app.documents.language import gettext as _
from app.documents.language import in_language, marked
from app.documents.rendering import html_to_pdf, render_html
from billing.reminders.letter import Letter
from governance.contract.invoicing import LatePayment
from governance.values import Period


class Tone(StrEnum):
    """How a reminder speaks."""

    FRIENDLY = "friendly"
    FIRM = "firm"
    FINAL = "final"
    CHARGES = "charges"
    """It only charges for late payment."""


_TITLES: Final = {
    Tone.FRIENDLY: marked("Payment reminder"),
    Tone.FIRM: marked("Second payment reminder"),
    Tone.FINAL: marked("Final payment reminder"),
    Tone.CHARGES: marked("Charges for late payment"),
}
_SAID: Final = {
    Tone.FRIENDLY: marked(
        "The invoices below are past their due date, and we haven’t received their payment yet."
        " It may simply have been overlooked. We would be grateful if you paid {amount} by {day}."
    ),
    Tone.FIRM: marked(
        "We have reminded you of the invoices below and still haven’t received their payment."
        " Please pay {amount} by {day}, or tell us now what you hold against it."
    ),
    Tone.FINAL: marked(
        "Despite our reminders the invoices below aren’t paid. This is our final reminder: we"
        " expect {amount} on our account by {day}."
    ),
    Tone.CHARGES: marked(
        "The invoices below weren’t paid by their due date. What late payment costs by our"
        " contract is listed below. Please pay {amount} by {day}."
    ),
}
_THEN: Final = {
    Tone.FRIENDLY: marked(
        "If you have paid in the meantime, please take this letter as settled, with our thanks."
    ),
    Tone.FIRM: marked("If you have paid in the last few days, please take this letter as settled."),
    Tone.FINAL: marked(
        "If the payment doesn’t reach us by then, we shall pursue our claim without writing again."
    ),
    Tone.CHARGES: marked(
        "If you have paid in the last few days, please take this letter as settled."
    ),
}
"""What follows the demand."""


def tone_of(letter: Letter) -> Tone:
    """Friendly with the first step, final with the contract's last one, firm between."""
    if not letter.level:
        return Tone.CHARGES
    if letter.level == 1:
        return Tone.FRIENDLY
    return Tone.FINAL if letter.last else Tone.FIRM


def title_of(letter: Letter) -> str:
    """The heading, in the current language."""
    if tone_of(letter) is Tone.FIRM and letter.level > 2:
        return _("Payment reminder no. {level}").format(level=letter.level)
    return _(_TITLES[tone_of(letter)])


def render_reminder(letter: Letter) -> bytes:
    """The reminder as tagged PDF in its language; the same letter gives the same bytes."""
    with in_language(letter.language):
        html = render_html("reminder.html", reminder_context(letter))
    return html_to_pdf(html, STYLE, letter.issued_on, accessible=True)


def reminder_context(letter: Letter) -> dict[str, Any]:
    """What the template shows; nothing is computed or rounded here."""
    title = title_of(letter)
    reference = letter.number or _("draft")
    return parties(letter.seller, letter.buyer, letter.engagement, letter.title) | {
        "heading": f"{title} {reference}",
        "title": title,
        "particulars": _particulars(letter, reference),
        "settlement": {"period": Period(letter.issued_on, letter.issued_on)},
        "letter": letter,
        "currency": letter.currency,
        "paragraphs": paragraphs_of(letter),
        "totals": totals_of(letter),
        "interest_of": _computed(letter),
        "formula": formula(letter.terms) if letter.terms else "",
        "to_pay": letter.total,
        "to_pay_label": _("Amount"),
        "payment_reference": _payment_reference(letter, reference),
    }


def _particulars(letter: Letter, reference: str) -> tuple[tuple[str, str], ...]:
    theirs = letter.buyer_reference
    return (
        (_("Reminder"), reference),
        (_("Date"), day(letter.issued_on)),
        (_("Please pay by"), day(letter.pay_by)),
        *([(_("Your reference"), theirs)] if theirs else []),
        (_("Contract"), letter.engagement),
    )


def _payment_reference(letter: Letter, reference: str) -> str:
    """The invoice where there is only one: that is what payments are matched by."""
    return letter.lines[0].number if len(letter.lines) == 1 else reference


def paragraphs_of(letter: Letter) -> tuple[str, ...]:
    """What the letter says above its figures."""
    tone, currency = tone_of(letter), letter.currency
    said = _(_SAID[tone]).format(amount=money(letter.total, currency), day=day(letter.pay_by))
    more = []
    late = letter.interest + letter.lump_sum
    if late and not letter.charges:
        told = _(
            "Late payment costs interest by our contract. It has come to {amount} so far and isn’t"
            " charged with this letter."
        )
        more.append(told.format(amount=money(late, currency)))
    if any(one.disputed for one in letter.lines):
        more.append(_("What is in dispute isn’t asked for until it is decided."))
    return (f"{said} {_(_THEN[tone])}", *([" ".join(more)] if more else []))


def totals_of(letter: Letter) -> tuple[tuple[str, Decimal], ...]:
    """From what is open to what is to be paid; what is zero is left out."""
    charged = letter.charges
    return shown(
        (
            (marked("Open invoices"), letter.asked),
            (marked("Interest for late payment"), letter.interest if charged else Decimal(0)),
            (marked("Lump sum for late payment"), letter.lump_sum if charged else Decimal(0)),
            (marked("Fee of this reminder"), letter.fee),
            (marked("Charged with earlier reminders"), letter.earlier),
            (marked("Paid on account"), -letter.on_account),
        )
    )


def _computed(letter: Letter) -> tuple[object, ...]:
    """The lines whose interest is charged."""
    return tuple(one for one in letter.lines if letter.charges and one.interest)


def formula(terms: LatePayment) -> str:
    """How interest is computed, in one or two sentences."""
    computed = _(
        "For each stretch of days: amount × rate ÷ 100 × days ÷ {year}; their sum is rounded once."
    ).format(year=terms.day_count)
    if terms.above is None:
        return computed
    rate = _("The rate is {points} percentage points above {series}.").format(
        points=number(terms.rate_percent), series=terms.above
    )
    return f"{computed} {rate}"
