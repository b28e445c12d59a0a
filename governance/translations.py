"""Texts of documents in other languages: one gettext catalogue a language.

English is what the texts are written in. A language more is a folder in `locales` with a catalogue
`LC_MESSAGES/documents.po`; it is read as it is, so that nothing has to be compiled.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

ENGLISH: Final = "en"
DOMAIN: Final = "documents"
LOCALES: Final = Path(__file__).resolve().parents[1] / "locales"


@cache
def languages() -> tuple[str, ...]:
    """The languages that there are texts in, by ISO 639, English first."""
    found = LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po")
    return (ENGLISH, *sorted(file.parents[1].name for file in found))


def catalogue_file(language: str) -> Path:
    """Where the texts of a language other than English lie."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


@cache
def translations(language: str) -> NullTranslations:
    """The texts of a language; English, and what a catalogue lacks, stays as it is written."""
    if language not in languages() or language == ENGLISH:
        return NullTranslations()
    with catalogue_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


def marked(text: str) -> str:
    """Marks a text for the catalogues, that is translated when it is used."""
    return text


def translated(text: str, language: str) -> str:
    """One text in a language."""
    return str(translations(language).gettext(text))
