"""Pages: the template environment, and the one function that renders with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeGuard

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Request, Response
from litestar.response import Redirect

from app.documents.formatting import FILTERS, NOTHING, money, number, period, price
from app.security.csrf import csrf_token
from app.web.addresses import engagement_path, invoice_path, segment
from app.web.problems import for_program, problem_document
from governance.errors import Problem
from governance.values import Money, Period, plain

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"
_SHOWN_DECIMALS = 10
_SEE_PROBLEMS = "Nothing was stored. Correct what is listed, then hand it in again."


def cell(value: str | int | bool | Decimal | date | None, currency: str) -> str:
    """A cell of a ledger as text: every digit, ISO dates, a dash for nothing."""
    if value is None:
        return NOTHING
    if isinstance(value, Decimal):
        return price(value, currency)
    return number(value) if is_quantity(value) else str(value)


def precise(value: Decimal | None) -> str:
    """A figure before rounding: all its digits, or its first ten decimals and an ellipsis."""
    if value is None:
        return NOTHING
    decimals = len(plain(value).partition(".")[2])
    return number(value) if decimals <= _SHOWN_DECIMALS else f"{number(value, _SHOWN_DECIMALS)}…"


def period_label(label: str) -> str:
    """A period's label in words: "2013-02" becomes "February 2013"."""
    return period(Period.parse(label))


def minor_money(minor: int, currency: str) -> str:
    """An amount in minor units with its currency: 1050 in EUR becomes "EUR 10.50"."""
    return money(Money(minor, currency).amount, currency)


def pretty_json(text: str) -> str:
    """Canonical JSON with line breaks, for people."""
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False)


def is_quantity(value: object) -> TypeGuard[Decimal | int]:
    """Whether a cell holds a number, which columns align to the right."""
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


_FILTERS: Final[dict[str, Callable[..., object]]] = {
    "cell": cell,
    "exact": Decimal,
    "minor_money": minor_money,
    "period_label": period_label,
    "precise": precise,
    "pretty_json": pretty_json,
    "segment": segment,
}


@cache
def environment() -> Environment:
    """Templates by feature; everything is escaped, and a missing value is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS | _FILTERS)
    made.tests["quantity"] = is_quantity
    made.globals["engagement_path"] = engagement_path
    made.globals["invoice_path"] = invoice_path
    return made


def wants_part(request: Request[Any, Any, Any]) -> bool:
    """Whether htmx asks for a part of a page in place of the whole."""
    return request.headers.get("HX-Request") == "true"


def render(
    request: Request[Any, Any, Any], template: str, status_code: int = 200, **context: Any
) -> Response[str]:
    """A template as the response; the layout's values come along.

    What says that something went wrong is a problem document where a program asks.
    """
    if status_code >= 400 and for_program(request):
        return problem_document(status_code, _advice(context), _problems(context))
    common = {
        "user": request.scope.get("user"),
        "csrf_token": csrf_token(request.scope.get("auth") or ""),
        "path": request.url.path,
    }
    html = environment().get_template(template).render(common | context)
    return Response(html, status_code=status_code, media_type=MediaType.HTML)


def _advice(context: Mapping[str, Any]) -> str:
    """What an error's page would say."""
    said = (context.get(name) for name in ("advice", "problem", "why"))
    return next((one for one in said if one), _SEE_PROBLEMS)


def _problems(context: Mapping[str, Any]) -> Sequence[Problem]:
    return context.get("problems") or ()


def page_or_part(
    request: Request[Any, Any, Any],
    page: str,
    part: str,
    status_code: int = 200,
    **context: Any,
) -> Response[str]:
    """The whole page, or only its part where htmx asked."""
    response = render(
        request, part if wants_part(request) else page, status_code=status_code, **context
    )
    response.headers["Vary"] = "HX-Request"
    return response


def see_other(request: Request[Any, Any, Any], path: str) -> Response[Any]:
    """Go on to another page after a change, by redirect or as htmx understands it."""
    if wants_part(request):
        return Response("", status_code=200, headers={"HX-Redirect": path})
    return Redirect(path, status_code=303)
