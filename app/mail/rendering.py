"""Mails as text and as HTML, from templates of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.documents.formatting import FILTERS

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
    )
    made.filters.update(FILTERS)
    return made


def render_mail(template: str, context: Mapping[str, object]) -> tuple[str, str]:
    """A mail's plain text and its HTML."""
    env = environment()
    text, html = (
        env.get_template(f"mail/{template}.{kind}").render(context) for kind in ("txt", "html")
    )
    return text.strip() + "\n", html
