"""The language that a document is written in: texts by gettext, figures and days by its locale.

`in_language` sets it for what is rendered inside; outside of it, on pages and in letters, it is
English. Templates mark their texts with `{% trans %}` or `_()`, code with `_()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from governance.translations import ENGLISH, marked, translations

__all__ = ["gettext", "in_language", "language", "marked", "ngettext", "pgettext"]

_CURRENT: ContextVar[str] = ContextVar("language of the document", default=ENGLISH)


def language() -> str:
    """The language of what is being rendered, by ISO 639."""
    return _CURRENT.get()


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Everything inside is rendered in this language; without a catalogue its texts stay English,
    while figures and days follow the locale.
    """
    token = _CURRENT.set(code)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def gettext(text: str) -> str:
    """The text in the current language."""
    return str(translations(language()).gettext(text))


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form of the text that fits the count, in the current language."""
    return str(translations(language()).ngettext(singular, plural, count))


def pgettext(context: str, text: str) -> str:
    """The text in the current language, where a word alone may mean several things."""
    return str(translations(language()).pgettext(context, text))
