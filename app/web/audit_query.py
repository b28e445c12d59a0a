"""The search of the audit pages, as it stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request

from app.web.forms import choice_of_form
from governance.audit.models import Action
from governance.audit.search import Search
from governance.errors import BadInput, Problem

_FIELDS: Final = ("person", "action", "kind", "id", "label", "from", "to", "request")
_LONGEST: Final = 200
_LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """What the form sends, as text; `before` is the entry after which the page begins."""

    fields: Mapping[str, str]
    before: str = ""

    @property
    def asked(self) -> bool:
        """Whether anything narrows the search."""
        return any(self.fields.values())

    def search(self, engagement_id: int | None, zone: ZoneInfo) -> Search:
        """What is looked for; BadInput for each field that can't be meant."""
        get = self.fields.get
        action = get("action", "")
        return Search(
            engagement_id,
            _person(get("person", "")),
            choice_of_form(Action, action, "action") if action else None,
            get("kind", ""),
            get("id", ""),
            get("label", ""),
            _moment(get("from", ""), zone, "from"),
            _moment(get("to", ""), zone, "to", after=True),
            get("request", ""),
        )

    def address(self, path: str, **changes: str) -> str:
        """The same search at `path`, with fields changed."""
        fields = {name: text for name, text in {**self.fields, **changes}.items() if text}
        return f"{path}?{urlencode(fields)}" if fields else path


def query_of(request: Request[Any, Any, Any]) -> Query:
    """The search in the request's address; control characters, which nothing holds, are dropped."""
    given = request.query_params
    fields = {name: _clean(str(given.get(name, ""))) for name in _FIELDS}
    return Query(fields, _clean(str(given.get("before", ""))))


def _clean(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()[:_LONGEST]


def _person(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) > _LARGEST_ID:
        raise _wrong("this is no person", "person", text, "choose one of the list")
    return int(text)


def _moment(text: str, zone: ZoneInfo, name: str, *, after: bool = False) -> datetime | None:
    """A day or a minute where the engagement is; `after` answers the moment after it."""
    if not text:
        return None
    try:
        day = len(text) <= len("2026-01-31")
        at = datetime.combine(date.fromisoformat(text), datetime.min.time()) if day else None
        at = at or datetime.fromisoformat(text)
        step = timedelta(days=1) if day else timedelta(minutes=1)
        local = at + step if after else at
    except (ValueError, OverflowError):
        raise _wrong(
            "this is no day or time", name, text, "2026-01-31 or 2026-01-31T13:45"
        ) from None
    return local if local.tzinfo else local.replace(tzinfo=zone)


def _wrong(what: str, column: str, found: str, allowed: str) -> BadInput:
    return BadInput.one(Problem(what, column=column, found=found, allowed=allowed))
