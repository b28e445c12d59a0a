"""What the mails with reminders and statements of account say, in the document's language."""

from __future__ import annotations

from app.documents.formatting import day, money
from app.documents.language import gettext as _
from app.documents.language import in_language
from app.documents.reminder import paragraphs_of, title_of
from billing.deliveries.values import Letter
from billing.reminders.letter import Letter as ReminderLetter
from billing.statements.models import AccountStatement
from governance.contract.document import Contract


def reminder_letter(letter: ReminderLetter) -> Letter:
    """The reminder's own words, with what is to be paid and until when."""
    with in_language(letter.language):
        subject = _("{title} {number} from {provider}")
        return Letter(
            subject=subject.format(
                title=title_of(letter), number=letter.number, provider=letter.seller.name
            ),
            paragraphs=paragraphs_of(letter),
            facts=(
                (_("To pay"), money(letter.total, letter.currency)),
                (_("Please pay by"), day(letter.pay_by)),
            ),
            sender=letter.seller.name,
            reply_to=letter.seller.email,
        )


def statement_letter(row: AccountStatement, contract: Contract) -> Letter:
    """Which days the statement is of, and its balance."""
    provider = contract.engagement.provider
    with in_language(contract.invoicing.language):
        said = {
            "provider": provider.name,
            "first": day(row.first_day),
            "last": day(row.last_day),
            "title": contract.engagement.title,
        }
        opening = _("attached is our statement of account for {title}, {first} to {last}.")
        return Letter(
            subject=_("Statement of account to {last} from {provider}").format(**said),
            paragraphs=(opening.format(**said),),
            facts=((_("Balance"), money(row.closing.amount, row.currency)),),
            sender=provider.name,
            reply_to=provider.email,
        )
