"""What is contested as a letter in the contract's language, ready to be sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from billing.provider_invoices.differences import localised
from billing.provider_invoices.models import ProviderInvoiceContest
from governance.contract.document import Contract
from governance.translations import marked, translated
from governance.values import Money, Period, money_text

_GREETING = marked("Dear Sir or Madam,")
_OPENING = marked(
    "We have held your invoices {documents} for {period} ({engagement}) to the contract and to what"
    " was measured. We contest the following:"
)
_CLAUSE = marked("Clause: {clause}.")
_TOTAL = marked("We contest {amount} in total.")
_REQUEST = marked("Please send us a credit note, or tell us why you hold to the invoice.")
_CLOSING = marked("Yours faithfully")


def letter(contract: Contract, period: Period, contests: Sequence[ProviderInvoiceContest]) -> str:
    """The letter as plain text; at least one contest has to be given."""
    return "\n".join(_lines(contract, period, contests)) + "\n"


def _lines(
    contract: Contract, period: Period, contests: Sequence[ProviderInvoiceContest]
) -> Iterator[str]:
    language, engagement = contract.invoicing.language, contract.engagement
    yield engagement.provider.name
    yield ""
    yield translated(_GREETING, language)
    yield ""
    yield translated(_OPENING, language).format(
        documents=", ".join(dict.fromkeys(one.document for one in contests)),
        period=period.label,
        engagement=engagement.reference,
    )
    for one in contests:
        yield ""
        amount = localised(_money(one.amount_minor, one), language)
        yield f"{one.reference}  {one.title} ({one.document}): {amount}"
        yield f"  {one.reason}"
        if one.clause:
            yield f"  {translated(_CLAUSE, language).format(clause=one.clause)}"
    yield ""
    total = localised(_money(sum(one.amount_minor for one in contests), contests[0]), language)
    yield translated(_TOTAL, language).format(amount=total)
    yield translated(_REQUEST, language)
    yield ""
    yield translated(_CLOSING, language)
    yield engagement.client.name


def _money(minor: int, contest: ProviderInvoiceContest) -> str:
    currency = contest.currency
    return f"{currency} {money_text(Money(minor, currency).amount, currency)}"
