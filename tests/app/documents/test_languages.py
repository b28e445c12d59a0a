"""Documents in other languages: every text is translated, figures and days follow the locale."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.documents.formatting import (
    amount,
    country_name,
    day,
    measured,
    money,
    number,
    percent,
    period,
    short_period,
)
from app.documents.invoice import invoice_context
from app.documents.language import gettext, in_language, language, ngettext, pgettext
from app.documents.rendering import render_html
from app.documents.wording import tax_column, tax_note, tax_total
from billing.charges.values import ExchangeRate, TaxInCurrency, TaxLine
from billing.tax import usual_reason
from governance import translations
from governance.contract.charges import TaxCategory
from governance.values import Period
from tests.app.documents.settlements import header, settlement
from tests.paths import ROOT

_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}
_SOURCES = [
    ("app/documents/**.py", "python"),
    ("billing/**.py", "python"),
    ("templates/documents/**.html", "jinja2"),
]
_PLACES = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


def _texts() -> Iterator[str | tuple[str, ...]]:
    found = extract_from_dir(ROOT, _SOURCES, keywords=_KEYWORDS, directory_filter=_of_documents)
    yield from (message for _, _, message, _, _ in found)


def _of_documents(folder: str) -> bool:
    path = Path(folder).relative_to(ROOT).parts
    return path[0] == "billing" or (
        path[0] in {"app", "templates"} and path[1:2] in {(), ("documents",)}
    )


def _catalogue(code: str) -> Catalog:
    with translations.catalogue_file(code).open("rb") as file:
        return read_po(file, locale=code)


def _forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ("",))


def test_every_text_is_in_german() -> None:
    catalogue, texts = _catalogue("de"), set(_texts())
    assert {"Invoice number", "Payable", usual_reason(TaxCategory.EXPORT)} <= texts
    missing = []
    for text in texts:
        found = catalogue.get(_forms(text)[0])
        if found is None or not all(_forms(found.string)) or found.fuzzy:
            missing.append(text)
    assert not missing, "run make translations and translate these"


@pytest.mark.parametrize("code", [one for one in translations.languages() if one != "en"])
def test_translations_keep_the_places_of_what_is_filled_in(code: str) -> None:
    for message in _messages(_catalogue(code)):
        wanted = {name for form in _forms(message.id) for name in _PLACES.findall(form)}
        for form in _forms(message.string):
            assert set(_PLACES.findall(form)) <= wanted, message.id
            assert len(_forms(message.id)) > 1 or set(_PLACES.findall(form)) == wanted, message.id


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


@pytest.fixture
def _pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """French, where every English text stands between brackets: a language is one file more."""
    catalogue = _catalogue("de")
    other = Catalog(locale="fr")
    for message in _messages(catalogue):
        forms = tuple(f"⟦{form}⟧" for form in _forms(message.id))
        other.add(message.id, forms if len(forms) > 1 else forms[0])
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "documents.po").open("wb") as file:
        write_po(file, other)
    _forget()
    monkeypatch.setattr(translations, "LOCALES", tmp_path)
    yield
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    translations.languages.cache_clear()
    translations.translations.cache_clear()


@pytest.mark.usefixtures("_pseudo")
def test_a_language_more_is_a_file_more() -> None:
    assert translations.languages() == ("en", "fr")
    html = _html("fr")
    assert '<html lang="fr">' in html
    bare = re.sub(r"<(title|style)>.*?</\1>|⟦[^⟦⟧]*⟧|<[^>]*>", "", html, flags=re.DOTALL)
    for word in ("Invoice", "Total", "Payable", "Please", "Quantity", "Service period"):
        assert word not in re.sub(r"Invoices issued", "", bare), word


def _html(code: str, **changes: object) -> str:
    settled = settlement(**changes)
    invoicing = settled.contract.invoicing.model_copy(
        update={"language": code, "payment_terms": "30 Tage netto", "buyer_reference": "REF-7"}
    )
    contract = settled.contract.model_copy(update={"invoicing": invoicing})
    with in_language(code):
        return render_html(
            "invoice.html", invoice_context(replace(settled, contract=contract), header())
        )


def _plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).replace("\u00a0", " ").split())


@pytest.mark.parametrize(
    "text",
    [
        "Rechnungsnummer CW-2026-00005",
        "Rechnungsdatum 02.06.2026",
        "Leistungszeitraum 01.05.2026 – 31.05.2026",
        "Leistungen Mai 2026",
        "Ihre Referenz REF-7",
        "USt-IdNr. DE123456789",
        "Deutschland",
        "1.000 × 1,20 = 1.200,00",
        "Gemessen 71,3 %, erwartet 85,0 %, Minimum 75,0 %",
        "Servicegutschrift −2.380,58",
        "auf 21.425,26",
        "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge)",
        "Bitte zahlen Sie 21.425,26 EUR bis zum 02.07.2026",
        "30 Tage netto",
        "Zahlbetrag EUR 21.425,26",
    ],
)
def test_the_german_invoice_states(text: str) -> None:
    assert text in _german()


@cache
def _german() -> str:
    return _plain(_html("de"))


def test_tax_in_another_currency_has_its_rate_and_source() -> None:
    stated = TaxInCurrency(
        ExchangeRate("PLN", Decimal("4.2567"), date(2026, 5, 29), "ECB"), (Decimal("808.77"),)
    )
    tax = TaxLine(TaxCategory.STANDARD, Decimal(19), Decimal("1000.00"), Decimal("190.00"))
    priced = replace(settlement().priced, taxes=(tax,), tax_currency=stated)
    assert (
        "USt. 19 %: 808,77 PLN Umrechnungskurs 1 EUR = 4,2567 PLN vom 29.05.2026 (ECB)."
        in _plain(_html("de", priced=priced))
    )
    assert "VAT 19%: PLN 808.77 Exchange rate 1 EUR = 4.2567 PLN of 29 May 2026 (ECB)." in _plain(
        _html("en", priced=priced)
    )


def test_figures_and_days_follow_the_language() -> None:
    half, day_ = Decimal("-1234.5"), date(2026, 3, 2)
    with in_language("de"):
        assert language() == "de"
        found = [
            number(half), amount(half, "JPY"), money(half, "EUR"), percent(Decimal(19)),
            day(day_), period(Period.parse("2026-03")), short_period(Period.parse("2026-03")),
            country_name("IE"), measured(Decimal("4.5"), "days", "EUR"),
        ]  # fmt: skip
    assert [text.replace("\u00a0", " ") for text in found] == [
        "−1.234,5", "−1.235", "−1.234,50 EUR", "19 %", "02.03.2026", "März 2026", "März 26",
        "Irland", "4,5 Tage",
    ]  # fmt: skip
    assert (language(), number(half)) == ("en", "−1,234.5")


def test_texts_without_a_translation_stay_english() -> None:
    with in_language("it"):
        assert (gettext("Total"), number(Decimal("0.5"))) == ("Total", "0,5")
    with in_language("de"):
        assert gettext("Nobody translated this") == "Nobody translated this"
        assert pgettext("nowhere", "Total") == "Total"
        assert ngettext("{count} entry", "{count} entries", 2) == "{count} Einträge"


_ZERO, _NET = Decimal(0), Decimal(100)


@pytest.mark.parametrize(
    ("category", "column", "total", "note"),
    [
        (TaxCategory.ZERO, "0%", "VAT 0%, zero-rated", "Zero-rated supply: VAT at 0%."),
        (TaxCategory.EXEMPT, "Exempt", "VAT, exempt", "Exempt from VAT: as the contract states."),
        (
            TaxCategory.REVERSE_CHARGE,
            "Reverse charge",
            "VAT, reverse charge",
            "Reverse charge: VAT due by the recipient of the service.",
        ),
        (
            TaxCategory.INTRA_COMMUNITY,
            "Intra-Community",
            "VAT, intra-Community supply",
            "Intra-Community supply: exempt from VAT under Article 138 of Directive 2006/112/EC.",
        ),
        (
            TaxCategory.EXPORT,
            "Export",
            "VAT, export",
            "Export: exempt from VAT under Article 146 of Directive 2006/112/EC.",
        ),
        (
            TaxCategory.OUTSIDE_SCOPE,
            "No VAT",
            "Outside the scope of VAT",
            "Outside the scope of VAT: no VAT is charged.",
        ),
    ],
)
def test_the_words_of_a_tax_category(
    category: TaxCategory, column: str, total: str, note: str
) -> None:
    line = TaxLine(category, _ZERO, _NET, _ZERO, usual_reason(category))
    assert (tax_column(category, _ZERO), tax_total(line), tax_note(line)) == (column, total, note)


def test_a_contract_has_words_of_its_own() -> None:
    own = TaxLine(TaxCategory.REVERSE_CHARGE, _ZERO, _NET, _ZERO, "Section 13b.")
    assert (tax_note(own) or "").endswith("recipient of the service. Section 13b.")
    coded = TaxLine(TaxCategory.EXEMPT, _ZERO, _NET, _ZERO, None, "VATEX-EU-132")
    assert tax_note(coded) == "Exempt from VAT: VATEX-EU-132."
    named = TaxLine(TaxCategory.STANDARD, Decimal("8.25"), _NET, Decimal("8.25"), name="Sales tax")
    assert (tax_total(named), tax_note(named)) == ("Sales tax 8.25%", None)
