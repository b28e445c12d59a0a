"""Mails as text and as HTML, from templates of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.documents.formatting import FILTERS
from app.documents.language import gettext, in_language, language, ngettext, pgettext
from governance.translations import ENGLISH

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates"


@cache
def environment() -> Environment:
    """Templates of `templates/mail`; HTML is escaped, an unknown name is a bug."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined] # The extension adds it.
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    made.globals["language"] = language
    made.filters.update(FILTERS)
    return made


def render_mail(
    template: str, context: Mapping[str, object], code: str = ENGLISH
) -> tuple[str, str]:
    """A mail's plain text and its HTML, in the language of that code (ISO 639)."""
    env = environment()
    with in_language(code):
        text, html = (
            env.get_template(f"mail/{template}.{kind}").render(context) for kind in ("txt", "html")
        )
    return text.strip() + "\n", html
