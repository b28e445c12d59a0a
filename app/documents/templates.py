"""The template environment of documents."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.documents.formatting import FILTERS
from app.documents.language import gettext, language, ngettext, pgettext

FOLDER: Final = Path(__file__).resolve().parents[2] / "templates" / "documents"


@cache
def environment() -> Environment:
    """Templates of `templates/documents`: everything is escaped, an unknown name is a bug.

    Texts are in the language that rendering is done in, not that of the first document.
    """
    env = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(  # type: ignore[attr-defined] # The extension adds it.
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    env.globals["language"] = language
    env.filters.update(FILTERS)
    return env


@cache
def stylesheet(name: str) -> str:
    """Text of a print stylesheet that is kept beside the templates."""
    return (FOLDER / name).read_text(encoding="utf-8")
