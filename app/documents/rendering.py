"""HTML to PDF: the same bytes for the same input, and nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, Final

from weasyprint import CSS, HTML
from weasyprint.css import ColorProfile
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from app.documents.pdf_a import attached, describe, name_files_once
from app.documents.templates import environment, stylesheet

FONT_FOLDER: Final = Path(__file__).resolve().parents[1] / "static" / "vendor" / "fonts"
_FONT_SCHEME: Final = "plumbline-font:"
_FONTS: Final[Mapping[str, tuple[str, int]]] = {
    f"{_FONT_SCHEME}regular": ("Inter_400Regular.ttf", 400),
    f"{_FONT_SCHEME}semibold": ("Inter_600SemiBold.ttf", 600),
}
_VARIANT: Final = "pdf/a-3a"
_RENDERING = Lock()
"""Pango's font map, which all documents share, isn't safe for several threads at once."""


class RefusedRequest(ValueError):
    """A document asked for something outside itself; the renderer leaves it out."""


class DocumentFetcher(URLFetcher):  # type: ignore[misc] # The library is untyped.
    """Hands out the fonts of the project and refuses every other address, files included."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=(), allow_redirects=False)

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """The font of that name; anything else raises RefusedRequest."""
        del headers
        font = _FONTS.get(url)
        if font is None:
            raise RefusedRequest(f"documents hold everything they show: {url[:200]}")
        return URLFetcherResponse(url, (FONT_FOLDER / font[0]).read_bytes())


def _font_faces() -> str:
    return "".join(
        f'@font-face {{ font-family: Inter; font-weight: {weight}; src: url("{url}"); }}\n'
        for url, (name, weight) in _FONTS.items()
        if (FONT_FOLDER / name).is_file()
    )


@cache
def _fonts() -> FontConfiguration:
    """Shared by all documents: fonts are read once a process."""
    fonts = FontConfiguration()
    CSS(string=_font_faces(), font_config=fonts, url_fetcher=DocumentFetcher())
    return fonts


@cache
def _style(*names: str) -> CSS:
    return CSS(
        string="".join(map(stylesheet, ("document.css", *names))),
        font_config=_fonts(),
        url_fetcher=DocumentFetcher(),
    )


@cache
def _srgb_bytes() -> bytes:
    return files("weasyprint.pdf").joinpath("sRGB2014.icc").read_bytes()


def _srgb() -> ColorProfile:
    """The colour profile that PDF/A wants; the library's own way leaves its file open."""
    return ColorProfile(
        BytesIO(_srgb_bytes()), "sRGB2014.icc", "relative-colorimetric", (["r"], ["g"], ["b"])
    )


def render_html(template: str, context: Mapping[str, Any]) -> str:
    """The HTML of a document."""
    return environment().get_template(template).render(context)


def html_to_pdf(
    html: str,
    style: str | tuple[str, ...],
    dated: date,
    *,
    xml: bytes | None = None,
    accessible: bool = False,
) -> bytes:
    """Tagged PDF/A-3a of `html` with the stylesheet `style`, or several of them in their order.

    `dated` is the date of the document; it stands in the metadata in place of the clock, so
    that the same input gives the same bytes. The file's identifier is the digest of what goes in.
    `xml` is the electronic invoice of EN 16931 as CII, which makes it a Factur-X PDF. A document
    that is `accessible`, or embeds an invoice, says that it keeps PDF/UA-1.
    """
    with _RENDERING:
        document = HTML(string=html, url_fetcher=DocumentFetcher()).render(
            font_config=_fonts(),
            stylesheets=[_style(style) if isinstance(style, str) else _style(*style)],
            color_profiles={"srgb": _srgb()},
            pdf_variant=_VARIANT,
        )
        document.metadata.created = document.metadata.modified = f"{dated:%Y-%m-%d}"
        if xml or accessible:
            describe(document.metadata, embedded=bool(xml))
        identifier = sha256(html.encode() + (xml or b"")).hexdigest()[:32].encode()
        pdf = document.write_pdf(
            finisher=name_files_once,
            pdf_variant=_VARIANT,
            pdf_identifier=identifier,
            output_intent="the profile given above",
            attachments=[attached(xml, dated)] if xml else None,
        )
    assert isinstance(pdf, bytes)  # noqa: S101 (narrows the type of an untyped library)
    return pdf
