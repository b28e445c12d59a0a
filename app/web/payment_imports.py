"""Bank statements handed in: a preview with proposals, and what a person confirms of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.guards import limited, requires
from app.security.throttle import IMPORT
from app.web.addresses import engagement_path, row_id
from app.web.excerpts import excerpt
from app.web.forms import TextForm, choice_of_form, text_of, texts_of
from app.web.payments import PAYMENTS
from app.web.payments_view import amount_of_form
from app.web.rendering import page_or_part, render, see_other
from app.web.unit_of_work import engagement_work
from app.web.uploads import MultipartForm, chosen_files, file_name, text_field
from billing.payments.csv_reader import COLUMNS, Mapped
from billing.payments.importing import (
    Choice,
    Preview,
    StatementFile,
    confirm_import,
    discard_import,
    get_preview,
    start_import,
)
from billing.payments.notations import DayOrder, Mark
from billing.payments.statements import LARGEST_STATEMENT, Fate
from billing.payments.values import Part
from governance.access import Permission
from governance.errors import BadInput, Problem

_IMPORTS = f"{PAYMENTS}/imports"
_ONE = f"{_IMPORTS}/{{import_id:int}}"
_PART = re.compile(r"(\d{1,18}):(\d{1,15})")
_ROOM_FOR_FIELDS = 4 * 1024 * 1024
_MARKS = {"comma": Mark.COMMA, "point": Mark.POINT}
_Request = Request[Any, Any, Any]


@get(f"{_IMPORTS}/new", guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def new_import(request: _Request) -> Response[str]:
    """The form for a statement."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (_, engagement):
        context: dict[str, Any] = {"engagement": engagement, "columns": tuple(COLUMNS)}
        context["answer"] = None
    return render(request, "payments/import.html", **context)


@post(
    _IMPORTS,
    guards=[requires(Permission.RECORD_PAYMENT), limited(IMPORT)],
    sync_to_thread=True,
)
def add_import(request: _Request, data: MultipartForm) -> Response[Any]:
    """Read the statement and go on to its preview, or answer with its problems by line."""
    file = _file(data)
    try:
        with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
            import_id = start_import(unit.session, unit.actor, engagement, file).id
    except BadInput as error:
        with engagement_work(request, Permission.RECORD_PAYMENT, reading=True) as (_, engagement):
            context: dict[str, Any] = {"engagement": engagement, "columns": tuple(COLUMNS)}
        lines = excerpt(file.data, error.problems) if len(file.data) <= LARGEST_STATEMENT else ()
        shown = lines if any(one.line for one in error.problems) else ()
        context["answer"] = {"file": file.name, "problems": error.problems, "lines": shown}
        return page_or_part(
            request,
            "payments/import.html",
            "payments/_refused.html",
            status_code=422,
            **context,
        )
    path = engagement_path(engagement.reference, "payments", "imports", str(import_id))
    return see_other(request, path)


def _file(form: Mapping[str, Any]) -> StatementFile:
    uploads = [one for one in chosen_files(form, "file") if one.filename]
    if not uploads:
        what = "no file was chosen"
        raise BadInput.one(Problem(what, column="file", allowed="a camt.053 or CSV file"))
    columns = {part: text_field(form, f"column_{part}").strip()[:200] for part in COLUMNS}
    mark = text_field(form, "mark")
    days = text_field(form, "days") or DayOrder.DAY_FIRST.value
    mapped = Mapped(
        {part: heading for part, heading in columns.items() if heading},
        _MARKS.get(mark),
        choice_of_form(DayOrder, days, "days"),
    )
    data = uploads[0].file.read(LARGEST_STATEMENT + 1)
    return StatementFile(file_name(uploads[0]) or "statement", data, mapped)


@get(_ONE, guards=[requires(Permission.RECORD_PAYMENT)], sync_to_thread=True)
def show_import(request: _Request, import_id: FromPath[int]) -> Response[str]:
    """What was read, what is skipped and why, and what each payment may pay."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        preview = get_preview(unit.session, unit.actor, engagement, row_id(import_id))
        return render(
            request,
            "payments/preview.html",
            engagement=engagement,
            mapping=json.loads(preview.row.mapping_json),
            **_shown(preview),
        )


def _shown(preview: Preview) -> dict[str, Any]:
    return {
        "row": preview.row,
        "statement": preview.statement,
        "lines": [one for one in preview.lines if one.fate is not Fate.SKIP],
        "left_out": [one for one in preview.lines if one.fate is Fate.SKIP],
        "invoices": {one.id: one for one in preview.invoices},
        "open": [one for one in preview.invoices if one.most_minor],
        "written": written,
    }


def written(parts: Sequence[Part]) -> str:
    """Parts as a form carries them, so that what is confirmed is what was shown."""
    return ",".join(f"{part.invoice_id}:{part.minor}" for part in parts)


@post(
    f"{_ONE}/confirm",
    guards=[requires(Permission.RECORD_PAYMENT)],
    sync_to_thread=True,
)
def confirm(request: _Request, import_id: FromPath[int], data: TextForm) -> Response[Any]:
    """Record what is ticked, all of it or nothing."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        preview = get_preview(unit.session, unit.actor, engagement, row_id(import_id))
        currencies = {one.entry.key: one.entry.currency for one in preview.lines}
        choices = [
            _choice(data, key, currencies[key])
            for key in texts_of(data, "take")
            if key in currencies
        ]
        confirm_import(unit.session, unit.actor, engagement, preview.row.id, choices)
    return see_other(request, engagement_path(engagement.reference, "payments"))


def _choice(form: Mapping[str, Any], key: str, currency: str) -> Choice:
    parts = []
    for written_part in filter(None, text_of(form, f"pays-{key}").split(",")):
        found = _PART.fullmatch(written_part)
        if found is None:
            what = "this is no choice of invoices"
            raise BadInput.one(Problem(what, column="pays", found=written_part[:100]))
        parts.append(Part(int(found[1]), int(found[2])))
    amount = text_of(form, f"amount-{key}")
    minor = amount_of_form(amount, currency, "amount") if amount else None
    return Choice(key, minor, tuple(parts))


@post(
    f"{_ONE}/discard",
    guards=[requires(Permission.RECORD_PAYMENT)],
    sync_to_thread=True,
)
def discard(request: _Request, import_id: FromPath[int]) -> Response[Any]:
    """Let go of the statement."""
    with engagement_work(request, Permission.RECORD_PAYMENT) as (unit, engagement):
        discard_import(unit.session, unit.actor, engagement, row_id(import_id))
    return see_other(request, engagement_path(engagement.reference, "payments"))


ROUTER = Router(
    "/",
    route_handlers=[new_import, add_import, show_import, confirm, discard],
    request_max_body_size=LARGEST_STATEMENT + _ROOM_FOR_FIELDS,
)
