"""Which templates, styles, fonts and words documents are made with, as one digest."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from app.documents.rendering import FONT_FOLDER

_ROOT: Final = Path(__file__).resolve().parents[2]
_FOLDERS: Final = (_ROOT / "templates" / "documents", _ROOT / "locales")
_KINDS: Final = frozenset({".html", ".css", ".po"})


@cache
def template_version() -> str:
    """SHA-256 over names and contents of templates, styles, translations and fonts.

    The version of the library that lays out the pages counts, too. The same release gives the
    same digest on every machine; it is read once a process.
    """
    found = sha256(f"weasyprint {version('weasyprint')}\n".encode())
    for path in _files():
        found.update(f"{path.name} {path.stat().st_size}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _files() -> list[Path]:
    sources = (path for folder in _FOLDERS for path in folder.rglob("*") if path.suffix in _KINDS)
    return [*sorted(sources), *sorted(FONT_FOLDER.glob("*.ttf"))]
