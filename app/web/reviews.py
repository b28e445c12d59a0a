"""The review of a period: what both sides do with its figures, one act a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from app.security.guards import limited, requires
from app.security.throttle import PDF
from app.web import review_mail
from app.web.addresses import engagement_path, row_id
from app.web.forms import TextForm, choice_of_form, text_of
from app.web.period_page import period_context
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import render, see_other, wants_part
from app.web.review_mail import tell_other_side
from app.web.unit_of_work import Work, engagement_work
from billing.settlement.reviewing import apply_decisions, submission_seen, submit_period
from governance.access import Permission, Side
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.reviews.deciding import answer_proposal, propose_decision
from sla.reviews.judging import agree_items, contest_item, reply, withdraw_contest
from sla.reviews.models import FiguresSubmission
from sla.reviews.service import begin_review, recall_figures
from sla.reviews.turns import Proposal, side_of
from sla.reviews.values import Ruling

_Request = Request[Any, Any, Any]
REVIEW = f"{PERIOD}/review"
_ITEM = f"{REVIEW}/items/{{figure_id:int}}"
_MOST_DIGITS = 18


class _Sitting:
    """One request's work on the submission that the person has seen."""

    def __init__(self, unit: Work, engagement: Engagement, period: Period, form: TextForm) -> None:
        self.unit, self.engagement, self.period, self.form = unit, engagement, period, form
        self.session, self.actor = unit.session, unit.actor

    def submission(self) -> FiguresSubmission:
        """The one that the form was made for; Conflict where there is a newer one."""
        seen = seen_of(self.form, "submission")
        return submission_seen(self.session, self.actor, self.engagement, self.period, seen)

    def text(self, name: str = "reason") -> str:
        """What the person wrote."""
        return text_of(self.form, name)

    def side(self) -> Side:
        """Whom the person speaks for."""
        return side_of(self.session, self.actor, self.engagement)

    def tell(self, side: Side, what: str, item: str = "") -> None:
        """Mail to the other side."""
        tell_other_side(self.unit, self.engagement, self.period, side, what, item=item)


def seen_of(form: TextForm, name: str) -> int:
    """The number of what the person looked at; BadInput where the form doesn't say it."""
    text = text_of(form, name)
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadInput.one(
            Problem(
                "it isn't said which figures are meant",
                column=name,
                found=text[:40],
                allowed="the number of what you looked at; do it on the page of the period",
            )
        )
    return int(text)


def _submit(sitting: _Sitting) -> None:
    note = sitting.text("note")
    submit_period(sitting.session, sitting.actor, sitting.engagement, sitting.period, note)
    sitting.tell(Side.PROVIDER, review_mail.SUBMITTED)


def _apply(sitting: _Sitting) -> None:
    sitting.submission()
    apply_decisions(
        sitting.session,
        sitting.actor,
        sitting.engagement,
        sitting.period,
        sitting.unit.workshop,
        note=sitting.text("note"),
    )
    sitting.tell(Side.PROVIDER, review_mail.SUBMITTED)


def _recall(sitting: _Sitting) -> None:
    submission = sitting.submission()
    recall_figures(sitting.session, sitting.actor, sitting.engagement, submission)
    sitting.tell(Side.PROVIDER, review_mail.RECALLED)


def _begin(sitting: _Sitting) -> None:
    begin_review(sitting.session, sitting.actor, sitting.engagement, sitting.submission())


def _agree_all(sitting: _Sitting) -> None:
    agree_items(sitting.session, sitting.actor, sitting.engagement, sitting.submission())


def _agree(sitting: _Sitting, item_id: int) -> None:
    submission = sitting.submission()
    agree_items(sitting.session, sitting.actor, sitting.engagement, submission, [item_id])


def _contest(sitting: _Sitting, item_id: int) -> None:
    submission, reason = sitting.submission(), sitting.text()
    item = contest_item(
        sitting.session, sitting.actor, sitting.engagement, submission, item_id, reason=reason
    )
    sitting.tell(Side.CLIENT, review_mail.CONTESTED, item.label)


def _withdraw(sitting: _Sitting, item_id: int) -> None:
    submission, reason = sitting.submission(), sitting.text()
    item = withdraw_contest(
        sitting.session, sitting.actor, sitting.engagement, submission, item_id, reason=reason
    )
    sitting.tell(Side.CLIENT, review_mail.WITHDRAWN, item.label)


def _reply(sitting: _Sitting, item_id: int) -> None:
    submission, text = sitting.submission(), sitting.text()
    item = reply(sitting.session, sitting.actor, sitting.engagement, submission, item_id, text=text)
    sitting.tell(sitting.side(), review_mail.REPLIED, item.label)


def _propose(sitting: _Sitting, item_id: int) -> None:
    ruling = choice_of_form(Ruling, sitting.text("ruling"), "ruling")
    proposal = Proposal(ruling, sitting.text(), sitting.text("value"))
    submission = sitting.submission()
    item = propose_decision(
        sitting.session, sitting.actor, sitting.engagement, submission, item_id, proposal=proposal
    )
    sitting.tell(sitting.side(), review_mail.PROPOSED, item.label)


def _answer(sitting: _Sitting, item_id: int) -> None:
    accepts = sitting.text("answer") == "accept"
    item = answer_proposal(
        sitting.session,
        sitting.actor,
        sitting.engagement,
        sitting.submission(),
        item_id,
        accepts=accepts,
        reason=sitting.text(),
        seen=seen_of(sitting.form, "proposal"),
    )
    what = review_mail.ACCEPTED if accepts else review_mail.REFUSED
    sitting.tell(sitting.side(), what, item.label)


def _done(
    request: _Request, label: str, form: TextForm, permission: Permission, act: Callable[..., None]
) -> Response[Any]:
    """Do it, then show where the review stands: the part alone where htmx asks."""
    period = period_of_address(label)
    with engagement_work(request, permission) as (unit, engagement):
        act(_Sitting(unit, engagement, period, form))
        context = period_context(unit, engagement, period) if wants_part(request) else None
    if context is None:
        path = engagement_path(engagement.reference, "periods", period.label)
        return see_other(request, f"{path}#review")
    response = render(request, "periods/_review.html", **context)
    response.headers |= {"HX-Retarget": "#review", "HX-Reswap": "outerHTML"}
    return response


def _of_period(
    name: str, permission: Permission, act: Callable[[_Sitting], None], *, settles: bool = False
) -> HTTPRouteHandler:
    guards = [requires(permission), *([limited(PDF)] if settles else [])]

    @post(f"{REVIEW}/{name}", guards=guards, sync_to_thread=True, name=f"review_{name}")
    def handler(request: _Request, label: FromPath[str], data: TextForm) -> Response[Any]:
        return _done(request, label, data, permission, act)

    return handler


def _of_item(
    name: str, permission: Permission, act: Callable[[_Sitting, int], None]
) -> HTTPRouteHandler:
    @post(f"{_ITEM}/{name}", guards=[requires(permission)], sync_to_thread=True)
    def handler(
        request: _Request, label: FromPath[str], figure_id: FromPath[int], data: TextForm
    ) -> Response[Any]:
        return _done(
            request, label, data, permission, lambda sitting: act(sitting, row_id(figure_id))
        )

    return handler


ROUTER = Router(
    "/",
    route_handlers=[
        _of_period("submit", Permission.SUBMIT_FIGURES, _submit),
        _of_period("apply", Permission.SUBMIT_FIGURES, _apply, settles=True),
        _of_period("recall", Permission.SUBMIT_FIGURES, _recall),
        _of_period("begin", Permission.REVIEW_FIGURES, _begin),
        _of_period("agree", Permission.REVIEW_FIGURES, _agree_all),
        _of_item("agree", Permission.REVIEW_FIGURES, _agree),
        _of_item("contest", Permission.REVIEW_FIGURES, _contest),
        _of_item("withdraw", Permission.REVIEW_FIGURES, _withdraw),
        _of_item("reply", Permission.DISCUSS_FIGURES, _reply),
        _of_item("propose", Permission.DISCUSS_FIGURES, _propose),
        _of_item("answer", Permission.DECIDE_FIGURES, _answer),
    ],
)
