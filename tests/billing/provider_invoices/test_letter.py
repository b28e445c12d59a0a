"""The letter to the provider, in the contract's language."""

from __future__ import annotations

from decimal import Decimal

from billing.provider_invoices.differences import Difference, Kind
from billing.provider_invoices.letter import letter
from billing.provider_invoices.models import ContestState, ProviderInvoiceContest
from governance.contract.reading import read_contract
from tests.factories import JANUARY, NOW, contract_bytes

_PRICE = Difference(
    Kind.PRICE, Decimal(1030), "Mahnungen", "EUR 2.60", "EUR 2.50", "P-1", clause="Anlage 4, 2"
)


def _contest(one: Difference, number: int) -> ProviderInvoiceContest:
    return ProviderInvoiceContest(
        engagement_id=1,
        number=number,
        check_id=1,
        difference=one.key,
        document=one.document,
        title=one.title,
        clause=one.clause,
        reason=one.reason("de"),
        currency="EUR",
        amount_minor=int(one.amount * 100),
        state=ContestState.OPEN,
        raised_at=NOW,
        raised_by_id=1,
    )


def test_a_letter_in_german() -> None:
    data = contract_bytes().replace(b"invoicing: {", b"invoicing: {language: de, ")
    contract = read_contract(data, "contract.yaml")
    text = letter(contract, JANUARY, [_contest(_PRICE, 1), _contest(_PRICE, 2)])
    assert "Wir haben Ihre Rechnungen P-1 für 2026-01 (ENG-1)" in text
    assert "PC-1  Mahnungen (P-1): EUR 1.030,00" in text
    assert "Berechnet zu EUR 2,60; vereinbart sind EUR 2,50." in text
    assert "Klausel: Anlage 4, 2." in text
    assert "Wir beanstanden insgesamt EUR 2.060,00." in text
    assert text.splitlines()[-1] == "Nordlicht Handel GmbH"
