"""What goes wrong, for programs: problem documents (RFC 9457) in place of pages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.datastructures.headers import Accept

from governance.errors import Problem

PROBLEM_JSON = "application/problem+json"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Plumbline"'}
"""Says to a program that is not signed in how it would be."""
_KINDS = ["text/html", PROBLEM_JSON, "application/json"]


def for_program(request: Request[Any, Any, Any]) -> bool:
    """Whether the answer goes to a program: it has an API token, or would rather have JSON."""
    scheme = request.headers.get("Authorization", "").partition(" ")[0]
    if scheme.lower() == "bearer":
        return True
    accepted = request.headers.get("Accept", "")
    return "json" in accepted and Accept(accepted).best_match(_KINDS) in _KINDS[1:]


def problem_document(
    status: int,
    detail: str,
    problems: Iterable[Problem] = (),
    headers: dict[str, str] | None = None,
) -> Response[str]:
    """The document: the status in words, what to do about it, and every problem of an input."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if listed := [one.as_json() for one in problems]:
        content["problems"] = listed
    return Response(
        json.dumps(content, ensure_ascii=False),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=headers,
    )
