"""Identifiers in addresses, and addresses that are safe to go on to."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

HOME = "/engagements"


def segment(identifier_: str) -> str:
    """An identifier as one segment of a path; identifiers may hold "/" but never "~"."""
    return quote(identifier_.replace("/", "~"), safe="~")


def identifier(segment_: str) -> str:
    """The identifier that a segment stands for."""
    return segment_.replace("~", "/")


def engagement_path(reference: str, *more: str) -> str:
    """Address of an engagement's page, or of a page below it."""
    return "/".join([HOME, segment(reference), *more])


def own_path(text: str) -> str:
    """`text` if it is a path of this site, otherwise the start page.

    Refused are addresses that browsers would read as another site: "//host", "/\\host",
    "https:host", and anything with control characters.
    """
    parts = urlsplit(text)
    foreign = parts.scheme or parts.netloc or "\\" in text or not text.isprintable()
    return HOME if foreign or not text.startswith("/") or text.startswith("//") else text
