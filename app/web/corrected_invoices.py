"""Corrected invoices: drawn up in place of a credited one, checked, approved and issued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from pydantic import ValidationError

from app.security.guards import RECENT, limited, requires
from app.security.throttle import EXPORT, PDF
from app.web.addresses import HOME, engagement_path, invoice_path, row_id
from app.web.corrected_invoice_view import shown_correction
from app.web.credit_notes import check_invoice_of_form
from app.web.downloads import attachment
from app.web.exports import note_export
from app.web.forms import TextForm, text_of
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other
from app.web.unit_of_work import engagement_work
from billing.corrections.copies import invoice_copy
from billing.corrections.issuing import draw_corrected, issue_corrected, keep_corrected_pdf
from billing.corrections.queries import correction_of, get_correction, why_not_corrected
from billing.corrections.service import (
    discard_correction,
    draw_up_corrected,
    take_correction_step,
)
from billing.corrections.values import CorrectedHeader, header_of_contract, header_of_document
from billing.credit_notes.queries import issued_of_period
from billing.invoices.values import Act
from billing.settlement.models import DocumentKind
from governance.access import Permission
from governance.contract.engagement import Party
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import BadInput, NotFound, Problem

_Request = Request[Any, Any, Any]
_INVOICE = f"{HOME}/{{reference:str}}/corrected-invoices/{{corrected:int}}"
_DRAW_UP = f"{PERIOD}/invoice/correct"
_CHECK = [requires(Permission.CHECK_INVOICE)]
_APPROVE = [requires(Permission.APPROVE_INVOICE)]
_KINDS = {kind.value: kind for kind in DocumentKind}
CLIENT_FIELDS = {
    "name": "Name",
    "contact_name": "Person or department",
    "street": "Street and number",
    "postcode": "Postcode",
    "city": "City",
    "state": "State or region",
    "country": "Country, two letters",
    "vat_id": "VAT number",
    "tax_number": "Tax number",
    "email": "E-mail",
    "electronic_address": "Electronic address",
    "electronic_scheme": "Its scheme",
}
"""What of the client may be stated differently, with the words of the form."""


@get(_DRAW_UP, guards=[requires(Permission.PREPARE_CREDIT_NOTE)], sync_to_thread=True)
def new_corrected(request: _Request, label: FromPath[str]) -> Response[str]:
    """The form: what the contract says of the client and the order now, to be changed at will."""
    period = period_of_address(label)
    with engagement_work(request, Permission.PREPARE_CREDIT_NOTE) as (unit, engagement):
        found = issued_of_period(unit.session, unit.actor, engagement, period)
        contract = contract_of(agreed_contract(unit.session, engagement))
        return render(
            request,
            "corrections/new.html",
            engagement=engagement,
            period=period,
            invoice=found.invoice,
            document=found.document,
            stated=header_of_document(found.document),
            proposed=header_of_contract(contract),
            fields=CLIENT_FIELDS,
            why_not=why_not_corrected(unit.session, found),
            drawn_up=correction_of(unit.session, found.invoice),
        )


@post(_DRAW_UP, guards=[requires(Permission.PREPARE_CREDIT_NOTE)], sync_to_thread=True)
def add_corrected(request: _Request, label: FromPath[str], data: TextForm) -> Response[Any]:
    """Draw it up from the form; Conflict where that was of another invoice."""
    period = period_of_address(label)
    with engagement_work(request, Permission.PREPARE_CREDIT_NOTE) as (unit, engagement):
        place = (unit.session, unit.actor, engagement)
        found = issued_of_period(*place, period)
        check_invoice_of_form(data, found.invoice)
        header = _header(data, found.document.buyer)
        invoice = draw_up_corrected(*place, found.invoice, header, text_of(data, "reason"))
        path = invoice_path(engagement.reference, invoice)
    return see_other(request, path)


def _header(form: Mapping[str, Any], buyer: Party) -> CorrectedHeader:
    """The client as the form has it, with what the form doesn't ask for as the invoice states it;
    BadInput for a country that is none or a client without a name.
    """
    entered = {name: text_of(form, f"client_{name}") or None for name in CLIENT_FIELDS}
    try:
        client = Party.model_validate(buyer.model_dump() | entered)
    except ValidationError as error:
        problems = [
            Problem(
                "this can't be stated of the client",
                column=f"client_{'.'.join(map(str, one['loc']))}",
                found=str(one["input"] or ""),
                allowed=one["msg"],
            )
            for one in error.errors()
        ]
        raise BadInput(problems) from None
    order, reference = (text_of(form, name) or None for name in ("order", "buyer_reference"))
    return CorrectedHeader(client, order, reference)


@get(_INVOICE, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_corrected(request: _Request, corrected: FromPath[int]) -> Response[str]:
    """A draft as it would be issued now, or an issued one as it was frozen."""
    with engagement_work(request) as (unit, engagement):
        found = get_correction(unit.session, unit.actor, engagement, row_id(corrected))
        context = shown_correction(unit, engagement, found)
        return render(request, "corrections/invoice.html", **context)


@post(f"{_INVOICE}/check", guards=_CHECK, sync_to_thread=True)
def check_corrected(request: _Request, corrected: FromPath[int]) -> Response[Any]:
    """Say that the draft was looked over."""
    return _take(request, corrected, Permission.CHECK_INVOICE, Act.CHECK)


@post(f"{_INVOICE}/check/take-back", guards=_CHECK, sync_to_thread=True)
def uncheck_corrected(request: _Request, corrected: FromPath[int], data: TextForm) -> Response[Any]:
    """Make it a draft again, with a reason."""
    reason = text_of(data, "reason")
    return _take(request, corrected, Permission.CHECK_INVOICE, Act.TAKE_BACK_CHECK, reason)


@post(f"{_INVOICE}/approve", guards=_APPROVE, opt=RECENT, sync_to_thread=True)
def approve_corrected(request: _Request, corrected: FromPath[int]) -> Response[Any]:
    """Approve what was checked."""
    return _take(request, corrected, Permission.APPROVE_INVOICE, Act.APPROVE)


@post(f"{_INVOICE}/approve/take-back", guards=_APPROVE, sync_to_thread=True)
def unapprove_corrected(
    request: _Request, corrected: FromPath[int], data: TextForm
) -> Response[Any]:
    """Take the approval back, with a reason."""
    reason = text_of(data, "reason")
    return _take(request, corrected, Permission.APPROVE_INVOICE, Act.TAKE_BACK_APPROVAL, reason)


def _take(
    request: _Request, number: int, permission: Permission, act: Act, reason: str = ""
) -> Response[Any]:
    with engagement_work(request, permission) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, row_id(number))
        path = invoice_path(engagement.reference, take_correction_step(*place, act, reason))
    return see_other(request, path)


@post(
    f"{_INVOICE}/issue",
    guards=[requires(Permission.ISSUE_INVOICE), limited(PDF)],
    opt=RECENT,
    sync_to_thread=True,
)
def issue_it(request: _Request, corrected: FromPath[int]) -> Response[Any]:
    """Number it and freeze it; its PDF is drawn while nothing is locked."""
    with engagement_work(request, Permission.ISSUE_INVOICE) as (unit, engagement):
        issue_corrected(unit.session, unit.actor, engagement, row_id(corrected))
    return _draw(request, row_id(corrected))


@post(
    f"{_INVOICE}/pdf",
    guards=[requires(Permission.ISSUE_INVOICE), limited(PDF)],
    sync_to_thread=True,
)
def make_corrected_pdf(request: _Request, corrected: FromPath[int]) -> Response[Any]:
    """Make the PDF of an issued one that has none."""
    return _draw(request, row_id(corrected))


def _draw(request: _Request, number: int) -> Response[Any]:
    with engagement_work(request, Permission.ISSUE_INVOICE, reading=True) as (unit, engagement):
        place = (unit.session, unit.actor, engagement, number)
        drawn = draw_corrected(*place, unit.workshop)
    with engagement_work(request, Permission.ISSUE_INVOICE) as (unit, engagement):
        keep_corrected_pdf(unit.session, unit.actor, engagement, drawn)
        found = get_correction(unit.session, unit.actor, engagement, number)
        path = invoice_path(engagement.reference, found.invoice)
    return see_other(request, path)


@post(f"{_INVOICE}/discard", guards=[requires(Permission.PREPARE_CREDIT_NOTE)], sync_to_thread=True)
def discard_corrected(request: _Request, corrected: FromPath[int]) -> Response[Any]:
    """Discard a draft."""
    with engagement_work(request, Permission.PREPARE_CREDIT_NOTE) as (unit, engagement):
        discard_correction(unit.session, unit.actor, engagement, row_id(corrected))
    return see_other(request, engagement_path(engagement.reference, "invoices"))


@get(
    f"{_INVOICE}/documents/{{file_name:str}}",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_corrected(
    request: _Request, corrected: FromPath[int], file_name: FromPath[str]
) -> Response[bytes]:
    """One of its documents, byte for byte."""
    with engagement_work(request) as (unit, engagement):
        found = get_correction(unit.session, unit.actor, engagement, row_id(corrected))
        kind = _KINDS.get(file_name, DocumentKind.PACK_PDF)
        kept = invoice_copy(unit.session, found.invoice, kind)
        if kept is None:
            raise NotFound(f"the corrected invoice has no document {file_name}")
        name = f"{engagement.reference}-{found.invoice.number}.{file_name.partition('.')[2]}"
        data, sha256 = kept.data, kept.sha256
    note_export(request, engagement.id, name, sha256=sha256, size=len(data))
    return attachment(data, name, kind.media_type)


ROUTER = Router(
    "/",
    route_handlers=[
        new_corrected,
        add_corrected,
        show_corrected,
        check_corrected,
        uncheck_corrected,
        approve_corrected,
        unapprove_corrected,
        issue_it,
        make_corrected_pdf,
        discard_corrected,
        download_corrected,
    ],
)
