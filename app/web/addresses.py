"""Identifiers in addresses, and addresses that are safe to go on to."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from billing.invoices.models import FeeInvoice
from governance.errors import NotFound
from governance.values import Period

HOME = "/engagements"
_LARGEST_ID = 2**63 - 1
_DIGEST = re.compile(r"[0-9a-f]{64}")


def segment(identifier_: str) -> str:
    """An identifier as one segment of a path; identifiers may hold "/" but never "~"."""
    return quote(identifier_.replace("/", "~"), safe="~")


def identifier(segment_: str) -> str:
    """The identifier that a segment stands for."""
    return segment_.replace("~", "/")


def row_id(number: int) -> int:
    """A row's id in an address; NotFound for one that no database could hold."""
    if not 1 <= number <= _LARGEST_ID:
        raise NotFound("there is nothing of that number")
    return number


def digest_of_address(text: str) -> str:
    """A SHA-256 digest in an address; NotFound for what isn't one."""
    if not _DIGEST.fullmatch(text):
        raise NotFound("this is not the digest of a file")
    return text


def engagement_path(reference: str, *more: str) -> str:
    """Address of an engagement's page, or of a page below it."""
    return "/".join([HOME, segment(reference), *more])


def invoice_path(reference: str, invoice: FeeInvoice) -> str:
    """Address of an invoice's page: its period's, or of a corrected one its own."""
    if invoice.corrects_id is not None:
        return engagement_path(reference, "corrected-invoices", str(invoice.id))
    period = Period(invoice.period_start, invoice.period_end)
    return engagement_path(reference, "periods", period.label, "invoice")


def own_path(text: str) -> str:
    """`text` if it is a path of this site, otherwise the start page.

    Refused are addresses that browsers would read as another site: "//host", "/\\host",
    "https:host", anything with control characters, and what is no address at all.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return HOME
    foreign = parts.scheme or parts.netloc or "\\" in text or not text.isprintable()
    return HOME if foreign or not text.startswith("/") or text.startswith("//") else text
