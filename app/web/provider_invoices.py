"""The provider's own invoices: handed in, held against the contract, and decided on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import limited, requires
from app.security.throttle import IMPORT
from app.web.addresses import HOME, engagement_path, row_id
from app.web.downloads import attachment
from app.web.excerpts import Line, excerpt
from app.web.exports import note_bytes, note_export
from app.web.forms import TextForm, choice_of_form, text_of
from app.web.provider_invoices_view import invoice_context, letter_of, list_context
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import engagement_work
from app.web.uploads import MultipartForm, chosen_files, file_name, text_field
from billing.payments.notations import DayOrder, Mark
from billing.provider_invoices.csv_reader import COLUMNS, CsvProfile
from billing.provider_invoices.models import ProviderInvoiceState
from billing.provider_invoices.queries import get_invoice
from billing.provider_invoices.reading import LARGEST_INVOICE
from billing.provider_invoices.service import (
    InvoiceFile,
    check_period,
    decide_on_invoice,
    hand_in_invoice,
    match_line,
    read_file,
    saved_profile,
)
from billing.provider_invoices.values import Source
from governance.access import Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, NotFound, Problem
from governance.values import Period

PROVIDER_INVOICES = f"{HOME}/{{reference:str}}/provider-invoices"
ONE = f"{PROVIDER_INVOICES}/{{provider_invoice:int}}"
_CHECKS = Permission.CHECK_PROVIDER_INVOICE
_ROOM_FOR_FIELDS = 1024 * 1024
_MARKS = {"comma": Mark.COMMA, "point": Mark.POINT}
_MEDIA_TYPES = {Source.PDF: "application/pdf", Source.CSV: "text/csv"}
_Request = Request[Any, Any, Any]


def path_of(engagement: Engagement, *more: str) -> str:
    """Address of the list, or of what is below it."""
    return engagement_path(engagement.reference, "provider-invoices", *more)


@get(PROVIDER_INVOICES, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_all(request: _Request) -> Response[str]:
    """All documents, what was billed too much over time, and what is contested."""
    with engagement_work(request) as (unit, engagement):
        return render(request, "provider_invoices/list.html", **list_context(unit, engagement))


@get(f"{PROVIDER_INVOICES}/new", guards=[requires(_CHECKS)], sync_to_thread=True)
def new_invoice(request: _Request) -> Response[str]:
    """The form for a document."""
    return render(request, "provider_invoices/new.html", **_form(request))


def _form(request: _Request) -> dict[str, Any]:
    with engagement_work(request, _CHECKS, reading=True) as (unit, engagement):
        profile = saved_profile(unit.session, engagement)
    columns = {part: profile.columns.get(part, "") for part in COLUMNS}
    return {"engagement": engagement, "profile": profile, "columns": columns, "answer": None}


@post(PROVIDER_INVOICES, guards=[requires(_CHECKS), limited(IMPORT)], sync_to_thread=True)
def add_invoice(request: _Request, data: MultipartForm) -> Response[Any]:
    """Keep the document and check it, or answer with its problems by line."""
    file = InvoiceFile("", b"")
    try:
        file = _file(data)
        label = text_field(data, "period").strip()
        period = Period.parse(label) if label else None
        # Reading takes seconds: nobody else waits for it to write.
        with engagement_work(request, _CHECKS, reading=True) as (_, engagement):
            currency = engagement.currency
        document = read_file(file, currency)
        with engagement_work(request, _CHECKS) as (unit, engagement):
            place = (unit.session, unit.actor, engagement)
            row = hand_in_invoice(*place, file, period, document=document)
            path = path_of(engagement, str(row.id))
    except BadInput as error:
        answer = {"file": file.name, "problems": error.problems, "lines": _lines(file, error)}
        return page_or_part(
            request,
            "provider_invoices/new.html",
            "provider_invoices/_refused.html",
            status_code=422,
            **_form(request) | {"answer": answer},
        )
    return see_other(request, path)


def _lines(file: InvoiceFile, error: BadInput) -> tuple[Line, ...]:
    """The lines around the problems; a PDF's own lines say nothing."""
    readable = len(file.data) <= LARGEST_INVOICE and not file.data.startswith(b"%PDF")
    if not readable or not any(one.line for one in error.problems):
        return ()
    return excerpt(file.data, error.problems)


def _file(form: Mapping[str, Any]) -> InvoiceFile:
    uploads = [one for one in chosen_files(form, "file") if one.filename]
    if not uploads:
        allowed = "an invoice as XML, PDF or CSV"
        raise BadInput.one(Problem("no file was chosen", column="file", allowed=allowed))
    columns = {part: text_field(form, f"column_{part}").strip()[:200] for part in COLUMNS}
    days = text_field(form, "days") or DayOrder.DAY_FIRST.value
    profile = CsvProfile(
        {part: heading for part, heading in columns.items() if heading},
        _MARKS.get(text_field(form, "mark")),
        choice_of_form(DayOrder, days, "days"),
    )
    data = uploads[0].file.read(LARGEST_INVOICE + 1)
    return InvoiceFile(file_name(uploads[0]) or "invoice", data, profile)


@get(ONE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_invoice(request: _Request, provider_invoice: FromPath[int]) -> Response[str]:
    """What it bills beside what should have been billed, line by line."""
    with engagement_work(request) as (unit, engagement):
        row = get_invoice(unit.session, unit.actor, engagement, row_id(provider_invoice))
        context = invoice_context(unit, engagement, row)
        return render(request, "provider_invoices/invoice.html", **context)


@get(f"{ONE}/file", guards=[requires(Permission.VIEW)], sync_to_thread=True)
def download_file(request: _Request, provider_invoice: FromPath[int]) -> Response[bytes]:
    """The document byte for byte, as it was handed in."""
    with engagement_work(request) as (unit, engagement):
        row = get_invoice(unit.session, unit.actor, engagement, row_id(provider_invoice))
        found = attachment(row.data, row.file_name, _MEDIA_TYPES.get(row.source, "application/xml"))
        label, digest, size = f"provider invoice {row.number}", row.sha256, row.size
    note_export(request, engagement.id, label, sha256=digest, size=size)
    return found


@get(f"{ONE}/letter", guards=[requires(Permission.VIEW)], sync_to_thread=True)
def download_letter(request: _Request, provider_invoice: FromPath[int]) -> Response[bytes]:
    """What is contested of its period as a letter; NotFound where nothing waits for an answer."""
    with engagement_work(request) as (unit, engagement):
        row = get_invoice(unit.session, unit.actor, engagement, row_id(provider_invoice))
        text, name = letter_of(unit, engagement, row.period), f"contested-{row.period.label}.txt"
    if not text:
        raise NotFound("nothing of this invoice waits for the provider's answer")
    data = text.encode()
    note_bytes(request, engagement.id, name, data)
    return attachment(data, name, "text/plain")


@post(f"{ONE}/check", guards=[requires(_CHECKS)], sync_to_thread=True)
def check_again(request: _Request, provider_invoice: FromPath[int]) -> Response[Any]:
    """Check its period as it is settled now."""
    with engagement_work(request, _CHECKS) as (unit, engagement):
        row = get_invoice(unit.session, unit.actor, engagement, row_id(provider_invoice))
        check_period(unit.session, unit.actor, engagement, row.period)
    return see_other(request, path_of(engagement, str(provider_invoice)))


@post(f"{ONE}/match", guards=[requires(_CHECKS)], sync_to_thread=True)
def match(request: _Request, provider_invoice: FromPath[int], data: TextForm) -> Response[Any]:
    """Say what a billed line is for: an expected line, nothing, or whatever is found by itself."""
    chosen = text_of(data, "target")
    target = None if chosen == "by itself" else chosen.removeprefix("line:")
    with engagement_work(request, _CHECKS) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, row_id(provider_invoice))
        match_line(*place, text_of(data, "item"), target)
    return see_other(request, path_of(engagement, str(provider_invoice)) + "#lines")


@post(f"{ONE}/decide", guards=[requires(_CHECKS)], sync_to_thread=True)
def decide(request: _Request, provider_invoice: FromPath[int], data: TextForm) -> Response[Any]:
    """Approve it for payment, or set it aside."""
    with engagement_work(request, _CHECKS) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, row_id(provider_invoice))
        state = choice_of_form(ProviderInvoiceState, text_of(data, "state"), "state")
        decide_on_invoice(*place, state, text_of(data, "remark"))
    return see_other(request, path_of(engagement, str(provider_invoice)))


ROUTER = Router(
    "/",
    route_handlers=[
        list_all,
        new_invoice,
        add_invoice,
        show_invoice,
        download_file,
        download_letter,
        check_again,
        match,
        decide,
    ],
    request_max_body_size=LARGEST_INVOICE + _ROOM_FOR_FIELDS,
)
