"""Texts of contracts and ledgers are other people's: they are shown, never obeyed."""

from __future__ import annotations

import socket
from html.parser import HTMLParser
from itertools import chain
from typing import Any

import pytest
from weasyprint.urls import URLFetcherResponse

from app.documents.invoice import invoice_context, render_invoice
from app.documents.rendering import DocumentFetcher, RefusedRequest, html_to_pdf, render_html
from app.documents.templates import FOLDER, environment
from billing.settlement.values import Settlement
from tests.app.documents.conftest import page_texts
from tests.app.documents.contracts import contract, contract_document
from tests.app.documents.settlements import header, settlement

HOSTILE = (
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "</title><script>alert(1)</script>",
    "<link rel=attachment href='file:///etc/passwd'>",
    "<style>@import url(http://203.0.113.1/a.css);</style>",
    "<svg><image href='http://203.0.113.1/a.png'/></svg>",
)


def hostile_settlement(text: str) -> Settlement:
    document = contract_document()
    engagement = document["engagement"]
    for party in ("client", "provider"):
        engagement[party] |= {"name": text, "city": text}
    engagement["title"] = text
    document["service_levels"][0]["title"] = text
    return settlement(contract=contract(**document))


class _Tags(HTMLParser):
    """Collects every tag with its attributes' names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


def tags(settled: Settlement) -> list[tuple[str, list[str]]]:
    parser = _Tags()
    parser.feed(render_html("invoice.html", invoice_context(settled, header())))
    return parser.found


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_texts_is_text(text: str) -> None:
    assert tags(hostile_settlement(text)) == tags(settlement())


def test_hostile_names_are_printed_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = record_requests(monkeypatch)
    printed = [page_texts(render_invoice(hostile_settlement(each), header())) for each in HOSTILE]
    text = "".join(" ".join(chain.from_iterable(printed)).split())
    assert "{{7*7}}" in text
    assert '"><imgsrc=xonerror=alert(1)>' in text
    assert [url for url in asked if not url.startswith("plumbline-font:")] == []


def record_requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that a document asks for from now on, fonts apart."""
    asked: list[str] = []
    fetch = DocumentFetcher.fetch

    def recording(self: DocumentFetcher, url: str, headers: Any = None) -> URLFetcherResponse:
        asked.append(url)
        return fetch(self, url, headers)

    monkeypatch.setattr(DocumentFetcher, "fetch", recording)
    return asked


HOSTILE_PAGE = """<html lang="en"><head><title>x</title>
<link rel="attachment" href="file:///etc/passwd"><link rel="stylesheet" href="http://203.0.113.1/a.css">
<style>@import url("http://203.0.113.1/b.css"); body { background: url(file:///etc/passwd) }
@font-face { font-family: x; src: url(file:///etc/passwd) }</style></head>
<body><img src="http://203.0.113.1/c.png" alt="x"><img src="data:image/png;base64,AAAA" alt="y">
<object data="file:///etc/hostname"></object><embed src="file:///etc/hostname">
<svg width="9" height="9"><title>s</title><image href="file:///etc/passwd" width="9" height="9"/>
<use href="http://203.0.113.1/d.svg#a"/></svg><p>shown</p></body></html>"""


def test_a_hostile_template_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("a document opened a connection")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    asked = record_requests(monkeypatch)
    pdf = html_to_pdf(HOSTILE_PAGE, "invoice.css", header().issued_on)
    assert page_texts(pdf) == ["shown xy Page 1 of 1"]
    assert b"EmbeddedFile" not in pdf
    assert "file:///etc/passwd" in asked
    assert "http://203.0.113.1/c.png" in asked


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://203.0.113.1/",
        "https://203.0.113.1/",
        "ftp://203.0.113.1/",
        "data:text/plain,x",
        "plumbline-font:../../../etc/passwd",
        "//203.0.113.1/a",
    ],
)
def test_every_address_is_refused(url: str) -> None:
    with pytest.raises(RefusedRequest):
        DocumentFetcher().fetch(url)


def test_every_template_compiles() -> None:
    names = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html")]
    assert len(names) > 8
    for name in names:
        environment().get_template(name)
