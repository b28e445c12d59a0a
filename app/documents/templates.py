"""The template environment of documents."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.documents.formatting import FILTERS

FOLDER: Final = Path(__file__).resolve().parents[2] / "templates" / "documents"


@cache
def environment() -> Environment:
    """Templates of `templates/documents`: everything is escaped, an unknown name is a bug."""
    env = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(FILTERS)
    return env


@cache
def stylesheet(name: str) -> str:
    """Text of a print stylesheet that is kept beside the templates."""
    return (FOLDER / name).read_text(encoding="utf-8")
