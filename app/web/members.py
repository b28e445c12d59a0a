"""Who belongs to an engagement: the list for everyone, giving and taking roles for its leads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from app.security.guards import RECENT, limited, requires
from app.security.throttle import INVITE
from app.web.addresses import HOME, engagement_path, row_id
from app.web.forms import choice_of_form, day_of_form
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, allowed, engagement_work
from governance.access import ENGAGEMENT_ROLES, Permission, Role, manageable
from governance.engagements.grants import is_acquainted, led_sides
from governance.engagements.members import (
    Member,
    Term,
    add_member,
    change_term,
    get_member,
    members,
    remove_member,
)
from governance.engagements.models import Engagement
from governance.engagements.queries import standing_of
from governance.engagements.service import parties_of
from governance.errors import BadInput, Conflict, Forbidden, Problem
from governance.parties.models import Organisation, User
from governance.parties.service import find_user, organisation_of

MEMBERS = f"{HOME}/{{reference:str}}/members"
_MEMBER = f"{MEMBERS}/{{membership_id:int}}"
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One role in the list."""

    member: Member
    employer: Organisation
    when: str
    """`runs`, `over` or `to come`."""
    mine: bool
    """Whether the one who looks decides on this role."""


@dataclass(frozen=True, slots=True)
class AddForm:
    """What the form to give a role sends."""

    email: str = ""
    role: str = ""
    starts_on: str = ""
    ends_on: str = ""


@dataclass(frozen=True, slots=True)
class TermForm:
    """What the form to change the days of a role sends."""

    starts_on: str = ""
    ends_on: str = ""


@get(MEMBERS, guards=[requires(Permission.VIEW)], sync_to_thread=True)
def list_members(request: _Request) -> Response[str]:
    """Everyone who belongs to the engagement, with employer, role and days."""
    with engagement_work(request) as (unit, engagement):
        context: dict[str, Any] = {
            "rows": _rows(unit, engagement),
            "parties": parties_of(unit.session, engagement),
            "may": allowed(unit, engagement),
            "roles": _offered(unit, engagement),
        }
    return render(request, "members/list.html", engagement=engagement, **context)


def _rows(unit: Work, engagement: Engagement) -> list[MemberRow]:
    own = manageable(standing_of(unit.session, unit.actor, engagement).roles)
    return [
        MemberRow(
            member,
            organisation_of(unit.session, member.user.id),
            _when(unit, member),
            member.membership.role in own,
        )
        for member in members(unit.session, unit.actor, engagement)
    ]


def _when(unit: Work, member: Member) -> str:
    today = unit.actor.at.date()
    if member.term.is_over(today):
        return "over"
    return "runs" if member.term.runs_on(today) else "to come"


def _offered(unit: Work, engagement: Engagement) -> tuple[Role, ...]:
    """The roles that the one who looks can give to somebody."""
    own = manageable(standing_of(unit.session, unit.actor, engagement).roles)
    led = led_sides(unit.session, engagement, unit.actor.at.date())
    return tuple(
        role
        for role in ENGAGEMENT_ROLES
        if role in own or (own and role.side is not None and role.side not in led)
    )


@post(
    MEMBERS,
    guards=[requires(Permission.MANAGE_MEMBERS), limited(INVITE)],
    opt=RECENT,
    sync_to_thread=True,
)
def add(
    request: _Request,
    data: Annotated[AddForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Give a role to somebody who has an account."""
    role = choice_of_form(Role, data.role, "role")
    term = _term(data)
    with (
        engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement),
        naming(unit, engagement, data.email) as user,
    ):
        add_member(unit.session, unit.actor, engagement, user, role, term=term)
    return see_other(request, engagement_path(engagement.reference, "members"))


@contextmanager
def naming(
    unit: Work, engagement: Engagement, email: str, *, strangers: bool = True
) -> Iterator[User]:
    """The user with that e-mail address, for what is done inside.

    `strangers` says whether somebody may be named who isn't acquainted with the engagement.

    Why somebody can't be named is said of those only who are acquainted with the engagement.
    Of all others the same is said as of an address that nobody has: BadInput.
    """
    user = find_user(unit.session, email)
    acquainted = user is not None and is_acquainted(unit.session, engagement, user)
    if user is None or not (strangers or acquainted):
        raise _nobody(email)
    try:
        yield user
    except (Conflict, Forbidden):
        if acquainted:
            raise
        raise _nobody(email) from None


def _nobody(email: str) -> BadInput:
    problem = Problem(
        "nobody whom you can name has this e-mail address",
        column="email",
        found=email[:80],
        allowed="the address of somebody who has an account and may have this; or invite them",
    )
    return BadInput.one(problem)


def _term(data: AddForm | TermForm) -> Term:
    return Term(
        day_of_form(data.starts_on, "starts_on"),
        day_of_form(data.ends_on, "ends_on"),
    )


@get(_MEMBER, guards=[requires(Permission.MANAGE_MEMBERS)], sync_to_thread=True)
def show_member(request: _Request, membership_id: FromPath[int]) -> Response[str]:
    """One role of one person: its days, and taking it away."""
    with engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement):
        number = row_id(membership_id)
        member = get_member(unit.session, unit.actor, engagement, number)
        row = next(one for one in _rows(unit, engagement) if one.member.membership.id == number)
    return render(request, "members/member.html", engagement=engagement, row=row, member=member)


@post(
    f"{_MEMBER}/term",
    guards=[requires(Permission.MANAGE_MEMBERS)],
    opt=RECENT,
    sync_to_thread=True,
)
def change(
    request: _Request,
    membership_id: FromPath[int],
    data: Annotated[TermForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Change from when to when a role is held."""
    term = _term(data)
    with engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement):
        member = get_member(unit.session, unit.actor, engagement, row_id(membership_id))
        change_term(unit.session, unit.actor, engagement, member, term)
    return see_other(request, engagement_path(engagement.reference, "members"))


@post(
    f"{_MEMBER}/remove",
    guards=[requires(Permission.MANAGE_MEMBERS)],
    opt=RECENT,
    sync_to_thread=True,
)
def remove(request: _Request, membership_id: FromPath[int]) -> Response[Any]:
    """Take a role away, from the member's next request on."""
    with engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement):
        member = get_member(unit.session, unit.actor, engagement, row_id(membership_id))
        remove_member(unit.session, unit.actor, engagement, member)
    return see_other(request, engagement_path(engagement.reference, "members"))


ROUTER = Router("/", route_handlers=[list_members, add, show_member, change, remove])
