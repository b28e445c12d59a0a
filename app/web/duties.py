"""The report on duties, and the exceptions that the committee chair grants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from app.security.guards import RECENT, limited, requires
from app.security.second_factors import has_second_factor
from app.security.throttle import EXPORT, INVITE
from app.web.addresses import HOME, engagement_path, row_id
from app.web.exports import note_bytes
from app.web.forms import choice_of_form, day_of_form
from app.web.members import naming
from app.web.rendering import render, see_other
from app.web.tables import Cell, csv_download
from app.web.unit_of_work import Work, allowed, engagement_work
from governance.access import DutyConflict, Permission
from governance.engagements.duties import PersonDuties, duties_of, unused_exceptions
from governance.engagements.exceptions import grant_exception, revoke_exception
from governance.engagements.models import Engagement

_ENGAGEMENT = f"{HOME}/{{reference:str}}"
_Request = Request[Any, Any, Any]
_COLUMNS = (
    "person",
    "e_mail",
    "employer",
    "works_for",
    "account",
    "second_factor",
    "runs_the_system",
    "role",
    "since",
    "until",
    "conflicts",
    "exceptions",
)


@dataclass(frozen=True, slots=True)
class ExceptionForm:
    """What the form to grant an exception sends."""

    email: str = ""
    conflict: str = ""
    reason: str = ""
    ends_on: str = ""


@get(f"{_ENGAGEMENT}/duties", guards=[requires(Permission.VIEW_DUTIES)], sync_to_thread=True)
def show_duties(request: _Request) -> Response[str]:
    """Who holds what, since and until when, and every conflict with what covers it."""
    with engagement_work(request, Permission.VIEW_DUTIES) as (unit, engagement):
        people = duties_of(unit.session, unit.actor, engagement)
        context: dict[str, Any] = {
            "people": people,
            "strong": _second_factors(unit, people),
            "unused": unused_exceptions(unit.session, unit.actor, engagement),
            "may": allowed(unit, engagement),
            "today": unit.actor.at.date(),
        }
    return render(
        request,
        "members/duties.html",
        engagement=engagement,
        kinds=tuple(DutyConflict),
        **context,
    )


def _second_factors(unit: Work, people: Sequence[PersonDuties]) -> Mapping[int, bool]:
    return {one.user.id: has_second_factor(unit.session, one.user.id) for one in people}


@get(
    f"{_ENGAGEMENT}/duties.csv",
    guards=[requires(Permission.VIEW_DUTIES), limited(EXPORT)],
    sync_to_thread=True,
)
def download_duties(request: _Request) -> Response[bytes]:
    """The same as a table, a row for each role of each person."""
    with engagement_work(request, Permission.VIEW_DUTIES) as (unit, engagement):
        table = _table(unit, engagement)
    note_bytes(request, engagement.id, f"Duties in {engagement.reference}", table.content)
    return table


def _table(unit: Work, engagement: Engagement) -> Response[bytes]:
    people = duties_of(unit.session, unit.actor, engagement)
    strong = _second_factors(unit, people)
    rows = [row for person in people for row in _rows(person, strong=strong[person.user.id])]
    name = f"{engagement.reference}-duties-{unit.actor.at.date().isoformat()}.csv"
    return csv_download(_COLUMNS, rows, name)


def _rows(person: PersonDuties, *, strong: bool) -> Iterator[tuple[Cell, ...]]:
    found = "; ".join(one.conflict.words for one in person.conflicts)
    covered = "; ".join(
        f"until {one.exception.ends_on or 'revoked'}: {one.exception.reason}"
        if one.exception
        else "not covered"
        for one in person.conflicts
    )
    for member in person.held:
        yield (
            person.user.name,
            person.user.email,
            person.employer.name,
            person.employer_side.value if person.employer_side else "neither party",
            "open" if person.user.active else "closed",
            "yes" if strong else "no",
            "yes" if person.operates else "no",
            member.membership.role.value,
            member.term.starts_on,
            member.term.ends_on,
            found,
            covered,
        )


@post(
    f"{_ENGAGEMENT}/exceptions",
    guards=[requires(Permission.GRANT_EXCEPTION), limited(INVITE)],
    opt=RECENT,
    sync_to_thread=True,
)
def grant(
    request: _Request,
    data: Annotated[ExceptionForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Let somebody hold duties that conflict, for a reason that others can read."""
    conflict = choice_of_form(DutyConflict, data.conflict, "conflict")
    ends_on = day_of_form(data.ends_on, "ends_on")
    with (
        engagement_work(request, Permission.GRANT_EXCEPTION) as (unit, engagement),
        naming(unit, engagement, data.email, strangers=False) as user,
    ):
        grant_exception(
            unit.session,
            unit.actor,
            engagement,
            user,
            conflict,
            reason=data.reason,
            ends_on=ends_on,
        )
    return see_other(request, engagement_path(engagement.reference, "duties"))


@post(
    f"{_ENGAGEMENT}/exceptions/{{exception_id:int}}/revoke",
    guards=[requires(Permission.GRANT_EXCEPTION)],
    opt=RECENT,
    sync_to_thread=True,
)
def revoke(request: _Request, exception_id: FromPath[int]) -> Response[Any]:
    """End an exception now."""
    with engagement_work(request, Permission.GRANT_EXCEPTION) as (unit, engagement):
        revoke_exception(unit.session, unit.actor, engagement, row_id(exception_id))
    return see_other(request, engagement_path(engagement.reference, "duties"))


ROUTER = Router("/", route_handlers=[show_duties, download_duties, grant, revoke])
