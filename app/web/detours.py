"""Answers to requests that go elsewhere first, and to programs that are turned away."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap

from app.security.detours import Detour, TokenRefused
from app.web.problems import CHALLENGE, for_program, problem_document
from app.web.rendering import see_other


def _detour(request: Request[Any, Any, Any], error: Detour) -> Response[Any]:
    if for_program(request):
        page = error.path.partition("?")[0]
        return problem_document(403, f"This needs a person, who first goes to {page} in a browser.")
    return see_other(request, error.path)


def _token_refused(_request: Request[Any, Any, Any], error: TokenRefused) -> Response[str]:
    """A program can't follow a redirect to a form."""
    return problem_document(error.status, error.detail, headers=CHALLENGE)


DETOURS: ExceptionHandlersMap = {Detour: _detour, TokenRefused: _token_refused}
