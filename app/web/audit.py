"""The auditor's pages: search, one entry with its place and proof, an object's whole history."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, Router, get
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.orm import Session

from app.audit_log import key_folder
from app.security.guards import requires
from app.web.addresses import HOME, engagement_path, identifier
from app.web.audit_query import Query, query_of
from app.web.audit_view import (
    EventView,
    action_words,
    deed,
    event_view,
    field_changes,
    is_erased,
    kind_words,
    moment_text,
)
from app.web.rendering import render
from app.web.unit_of_work import Work, allowed, engagement_work
from governance.access import Permission
from governance.audit.cosignatures import cosigned_note
from governance.audit.log_proofs import proof_of
from governance.audit.models import Action, AuditCheckpoint, AuditEntry
from governance.audit.search import (
    COUNTED,
    Search,
    count_entries,
    entry_in,
    exports_by_person,
    find_entries,
    history_of,
    people_in,
)
from governance.audit.sequencing import first_checkpoint_over
from governance.audit.service import read_entries, read_fields
from governance.engagements.models import Engagement
from governance.engagements.service import contract_of, contract_versions

AUDIT = f"{HOME}/{{reference:str}}/audit"
PAGE = 50
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search."""

    query: Query
    rows: tuple[EventView, ...]
    count: int
    older: str
    """The last entry shown, where the next page begins; empty on the last page."""

    @property
    def count_words(self) -> str:
        """How many match, as far as they are counted."""
        if self.count > COUNTED:
            return f"More than {COUNTED:,} entries"
        return "1 entry" if self.count == 1 else f"{self.count:,} entries"


def found_entries(
    session: Session, query: Query, engagement_id: int | None, zone: ZoneInfo
) -> Found:
    """The page that the address names; NotFound where it begins after an unknown entry."""
    search = query.search(engagement_id, zone)
    before = entry_in(session, engagement_id, query.before) if query.before else None
    entries = find_entries(session, search, before=before, limit=PAGE + 1)
    shown = entries[:PAGE]
    older = shown[-1].uid if len(entries) > PAGE else ""
    return Found(query, views_of(session, shown, zone), count_entries(session, search), older)


def views_of(
    session: Session, entries: tuple[AuditEntry, ...], zone: ZoneInfo
) -> tuple[EventView, ...]:
    """Entries as a list shows them."""
    events = read_entries(session, entries)
    return tuple(event_view(one, zone) for one in events)


def time_zone(unit: Work, engagement: Engagement) -> ZoneInfo:
    """Where the engagement is, by its newest contract."""
    newest = contract_versions(unit.session, unit.actor, engagement)[0]
    return ZoneInfo(contract_of(newest).engagement.time_zone)


def search_context(session: Session, engagement_id: int | None) -> dict[str, Any]:
    """What the search form offers."""
    return {
        "people": people_in(session, engagement_id),
        "actions": [(one.value, action_words(one)) for one in Action],
    }


@get(AUDIT, guards=[requires(Permission.VIEW_AUDIT)], sync_to_thread=True)
def search_entries(request: _Request) -> Response[str]:
    """The entries that the address asks for, newest first."""
    query = query_of(request)
    with engagement_work(request, Permission.VIEW_AUDIT) as (unit, engagement):
        zone = time_zone(unit, engagement)
        found = found_entries(unit.session, query, engagement.id, zone)
        context = search_context(unit.session, engagement.id)
        totals = _totals(unit.session, query.search(engagement.id, zone))
        may = allowed(unit, engagement)
    return render(
        request,
        "audit/search.html",
        engagement=engagement,
        found=found,
        zone=zone.key,
        totals=totals,
        may=may,
        here=engagement_path(engagement.reference, "audit"),
        **context,
    )


def _totals(session: Session, search: Search) -> list[dict[str, Any]]:
    """Who took out how much, where the search is for exports."""
    if search.action is not Action.DOCUMENT_EXPORTED:
        return []
    names = {one.id: one.name for one in people_in(session, search.engagement_id)}
    return [
        {"name": names.get(one.person_id or 0, "Command line"), "total": one}
        for one in exports_by_person(session, search)
    ]


@get(f"{HOME}/{{reference:str}}/events", guards=[requires(Permission.VIEW_AUDIT)])
async def old_events(request: _Request) -> Redirect:
    """Where the log stood before."""
    reference = identifier(request.path_params["reference"])
    return Redirect(engagement_path(reference, "audit"), status_code=301)


@get(
    f"{AUDIT}/{{uid:str}}",
    guards=[requires(Permission.VIEW_AUDIT)],
    sync_to_thread=True,
)
def show_entry(request: _Request, uid: FromPath[str]) -> Response[str]:
    """One entry: all that it states, its place in the tree, and how to check it."""
    with engagement_work(request, Permission.VIEW_AUDIT) as (unit, engagement):
        context = entry_context(unit, engagement.id, uid, time_zone(unit, engagement))
        may = allowed(unit, engagement)
    return render(
        request,
        "audit/entry.html",
        engagement=engagement,
        may=may,
        here=engagement_path(engagement.reference, "audit"),
        **context,
    )


def entry_context(
    unit: Work, engagement_id: int | None, uid: str, zone: ZoneInfo
) -> dict[str, Any]:
    """What the page of an entry shows."""
    entry = entry_in(unit.session, engagement_id, uid)
    fields = read_fields(unit.session, entry)
    return {
        "entry": entry,
        "fields": fields,
        "what": deed(entry.action),
        "kind": kind_words(entry.subject_kind),
        "when": moment_text(entry.at, zone),
        "zone": zone.key,
        "changes": field_changes(fields["before"], fields["after"]),
        "erased": is_erased,
        "log_key": key_folder(unit.settings).public(),
        "proven": _proven(unit.session, entry),
    }


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry under the first checkpoint that covers it."""

    checkpoint: AuditCheckpoint
    root: str
    path: tuple[str, ...]
    """The hashes that lead from the entry to the root."""
    cosigners: int


def _proven(session: Session, entry: AuditEntry) -> Proven | None:
    """None until the sequencer has given the entry its place."""
    if entry.leaf_index is None:
        return None
    checkpoint = first_checkpoint_over(session, entry.leaf_index)
    if checkpoint is None:
        return None
    proof = proof_of(session, entry.uid, checkpoint.size)
    cosigned = cosigned_note(session, checkpoint).removeprefix(checkpoint.note)
    path = tuple(base64.b64encode(one).decode() for one in proof.path)
    root = base64.b64encode(checkpoint.root).decode()
    return Proven(checkpoint, root, path, cosigned.count("\n"))


@get(
    f"{AUDIT}/objects/{{kind:str}}/{{object_id:str}}",
    guards=[requires(Permission.VIEW_AUDIT)],
    sync_to_thread=True,
)
def show_object(request: _Request, kind: FromPath[str], object_id: FromPath[str]) -> Response[str]:
    """Everything that ever happened to one object, oldest first, with what changed."""
    name = identifier(object_id)
    with engagement_work(request, Permission.VIEW_AUDIT) as (unit, engagement):
        zone = time_zone(unit, engagement)
        steps = history_of(unit.session, engagement.id, kind, name)
        rows = views_of(unit.session, tuple(steps), zone)
    return render(
        request,
        "audit/object.html",
        engagement=engagement,
        rows=rows,
        kind=kind_words(kind),
        name=name,
        zone=zone.key,
        here=engagement_path(engagement.reference, "audit"),
    )


ROUTER = Router("/", route_handlers=[search_entries, old_events, show_entry, show_object])
