"""Relief events: what the provider claims and the client decides."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response import File

from app.security.guards import limited, requires
from app.security.throttle import EXPORT, IMPORT
from app.web.addresses import HOME, engagement_path, row_id
from app.web.downloads import stored_file
from app.web.exports import note_export
from app.web.forms import TextForm, choice_of_form, text_of, texts_of
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from app.web.uploads import MultipartForm, chosen_files, file_name, text_field
from governance.access import Permission, decide
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.engagements.queries import standing_of
from governance.engagements.service import agreed_contract, contract_of
from governance.errors import BadInput, NotFound, Problem
from governance.parties.models import User
from governance.values import Period
from sla.relief.claims import LARGEST_DOCUMENT, Document, read_document, read_keys, read_spans
from sla.relief.models import ReliefEventRecord
from sla.relief.queries import get_relief_event, relief_events
from sla.relief.serialise import claim_of
from sla.relief.service import (
    NewRelief,
    Ruling,
    decide_relief,
    item_of_relief,
    propose_relief,
    withdraw_relief,
)
from sla.relief.shadowing import ROW_KEYS
from sla.relief.values import Claim, Relief, ReliefKind, Span

_RELIEF = f"{HOME}/{{reference:str}}/relief"
_EVENT = f"{_RELIEF}/{{event:int}}"
_LARGEST_LIST = 2 * 1024 * 1024
_Request = Request[Any, Any, Any]


@get(_RELIEF, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_relief(request: _Request) -> Response[str]:
    """All relief events of the engagement, newest first."""
    with engagement_work(request) as (unit, engagement):
        events = relief_events(unit.session, unit.actor, engagement)
        claims = {one.id: claim_of(json.loads(one.claimed_json)) for one in events}
        return render(
            request,
            "relief/list.html",
            engagement=engagement,
            events=events,
            claims=claims,
            may=allowed(unit, engagement),
        )


@get(f"{_RELIEF}/new", guards=[requires(Permission.PROPOSE_RELIEF)], sync_to_thread=True)
def new_relief(request: _Request) -> Response[str]:
    """The form for a claim."""
    with engagement_work(request, Permission.PROPOSE_RELIEF) as (unit, engagement):
        contract = contract_of(agreed_contract(unit.session, engagement))
        return render(
            request,
            "relief/new.html",
            engagement=engagement,
            levels=contract.service_levels,
            kinds=[one.value for one in ReliefKind],
            datasets=tuple(ROW_KEYS),
            zone=contract.engagement.time_zone,
            period=request.query_params.get("period", "")[:10],
        )


@post(
    _RELIEF,
    guards=[requires(Permission.PROPOSE_RELIEF), limited(IMPORT)],
    sync_to_thread=True,
)
def add_relief(request: _Request, data: MultipartForm) -> Response[Any]:
    """Claim relief; every row that is named has to be in the evidence."""
    with engagement_work(request, Permission.PROPOSE_RELIEF) as (unit, engagement):
        contract = contract_of(agreed_contract(unit.session, engagement))
        new = _claimed(data, contract)
        row = propose_relief(unit.session, unit.actor, engagement, new, unit.store)
        number = row.number
    return see_other(request, engagement_path(engagement.reference, "relief", str(number)))


def _claimed(form: MultipartForm, contract: Contract) -> NewRelief:
    return NewRelief(
        kind=choice_of_form(ReliefKind, text_field(form, "kind"), "kind"),
        title=text_field(form, "title"),
        reason=text_field(form, "reason"),
        clause=text_field(form, "clause"),
        period=Period.parse(text_field(form, "period")),
        service_levels=frozenset(texts_of(form, "service_levels")),
        claim=Claim(
            Relief(_rows(form), read_spans(text_field(form, "spans"), _zone(contract))),
            text_field(form, "excused") == "yes",
        ),
        document=_document(form),
        late=text_field(form, "late") == "yes",
    )


def _zone(contract: Contract) -> str:
    return contract.engagement.time_zone


def _rows(form: MultipartForm) -> dict[str, frozenset[str]]:
    """The keys that were pasted, and those of an uploaded list."""
    texts = [text_field(form, "rows"), *(_text(one) for one in chosen_files(form, "rows_file"))]
    dataset = text_field(form, "dataset")
    if not any(text.strip() for text in texts):
        return {}
    return {dataset: frozenset().union(*(read_keys(dataset, text) for text in texts))}


def _text(upload: UploadFile) -> str:
    data = upload.file.read(_LARGEST_LIST + 1)
    try:
        if len(data) <= _LARGEST_LIST:
            return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise BadInput.one(
        Problem(
            "the list of rows can't be read",
            file=file_name(upload),
            column="rows_file",
            allowed=f"a CSV file in UTF-8 of at most {_LARGEST_LIST:,} bytes",
        )
    )


def _document(form: MultipartForm) -> Document | None:
    uploads = [one for one in chosen_files(form, "document") if one.filename]
    if not uploads:
        return None
    return read_document(file_name(uploads[0]), uploads[0].file.read(LARGEST_DOCUMENT + 1))


@get(_EVENT, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def show_relief(request: _Request, event: FromPath[int]) -> Response[str]:
    """One event: what is claimed and why, and what was decided."""
    with engagement_work(request) as (unit, engagement):
        found = get_relief_event(unit.session, unit.actor, engagement, row_id(event))
        return render(request, "relief/event.html", **_shown(unit, engagement, found))


def _shown(unit: Work, engagement: Engagement, event: ReliefEventRecord) -> dict[str, Any]:
    contract = contract_of(agreed_contract(unit.session, engagement))
    standing = standing_of(unit.session, unit.actor, engagement)
    claimed = claim_of(json.loads(event.claimed_json))
    granted = claim_of(json.loads(event.granted_json)) if event.granted_json else None
    decided_by = event.decided_by_id and unit.session.get_one(User, event.decided_by_id)
    zone = _zone(contract)
    return {
        "engagement": engagement,
        "event": event,
        "claimed": claimed,
        "granted": granted,
        "levels": json.loads(event.service_levels_json),
        "proposed_by": unit.session.get_one(User, event.proposed_by_id),
        "decided_by": decided_by,
        "decision": decide(standing, Permission.DECIDE_RELIEF, item_of_relief(event)),
        "may": allowed(unit, engagement),
        "zone": zone,
        "claimed_spans": span_lines(claimed.relief.spans, zone),
        "granted_spans": span_lines(granted.relief.spans, zone) if granted else (),
    }


def span_lines(spans: tuple[Span, ...], time_zone: str) -> tuple[str, ...]:
    """Spans of time as people write them, in the engagement's zone, offset included."""
    zone = ZoneInfo(time_zone)

    def words(at: datetime) -> str:
        return at.astimezone(zone).isoformat(
            sep=" ", timespec="minutes" if not at.second else "auto"
        )

    return tuple(f"{words(span.start)} to {words(span.end)}" for span in spans)


@post(f"{_EVENT}/decide", guards=[requires(Permission.DECIDE_RELIEF)], sync_to_thread=True)
def decide_on_relief(request: _Request, event: FromPath[int], data: TextForm) -> Response[Any]:
    """Grant the claim, grant a part of it, or refuse it."""
    with engagement_work(request, Permission.DECIDE_RELIEF) as (unit, engagement):
        found = get_relief_event(unit.session, unit.actor, engagement, row_id(event))
        contract = contract_of(agreed_contract(unit.session, engagement))
        ruling = _ruling(data, found, _zone(contract))
        decide_relief(unit.session, unit.actor, engagement, found.number, ruling)
    return see_other(request, engagement_path(engagement.reference, "relief", str(event)))


def _ruling(form: TextForm, event: ReliefEventRecord, zone: str) -> Ruling:
    reason, verdict = text_of(form, "reason"), text_of(form, "verdict")
    match verdict:
        case "grant":
            return Ruling(grant=True, reason=reason)
        case "refuse":
            return Ruling(grant=False, reason=reason)
        case "part":
            return Ruling(grant=True, reason=reason, claim=_part(form, event, zone))
    raise BadInput.one(
        Problem("say what you decide", column="verdict", allowed="grant, part or refuse")
    )


def _part(form: TextForm, event: ReliefEventRecord, zone: str) -> Claim:
    claimed = claim_of(json.loads(event.claimed_json))
    rows = {name: read_keys(name, text_of(form, f"rows_{name}")) for name in claimed.relief.rows}
    spans = read_spans(text_of(form, "spans"), zone)
    return Claim(Relief(rows, spans), text_of(form, "excused") == "yes")


@post(f"{_EVENT}/withdraw", guards=[requires(Permission.PROPOSE_RELIEF)], sync_to_thread=True)
def withdraw(request: _Request, event: FromPath[int]) -> Response[Any]:
    """Take a claim back before the client has decided."""
    with engagement_work(request, Permission.PROPOSE_RELIEF) as (unit, engagement):
        withdraw_relief(unit.session, unit.actor, engagement, row_id(event))
    return see_other(request, engagement_path(engagement.reference, "relief", str(event)))


@get(
    f"{_EVENT}/document",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_proof(request: _Request, event: FromPath[int]) -> File:
    """The document that the provider gave with the claim."""
    with engagement_work(request) as (unit, engagement):
        found = get_relief_event(unit.session, unit.actor, engagement, row_id(event))
        if found.document_sha256 is None or found.document_name is None:
            raise NotFound(f"{found.reference} has no document")
        suffix = "." + found.document_name.rpartition(".")[2].lower()
        path = unit.store.local(found.document_sha256, suffix)
    name = f"{engagement.reference}-{found.reference}-{found.document_name}"
    size = found.document_size or 0
    note_export(request, engagement.id, name, sha256=found.document_sha256, size=size)
    return stored_file(path, name, found.document_type or "application/octet-stream")


ROUTER = Router(
    "/",
    route_handlers=[
        list_relief,
        new_relief,
        add_relief,
        show_relief,
        decide_on_relief,
        withdraw,
        download_proof,
    ],
)
