"""What requests bring: no body is too large for its handler, no form or query holds a NUL."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from governance.errors import BadInput, Problem

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_PARAMETERS = frozenset({"data", "body"})


async def refuse_large_body(request: Request[Any, Any, Any], handler: BaseRouteHandler) -> None:
    """HTTPException 413 for a body that is too large for the handler.

    One that announces its length is refused before any of it is read. One that doesn't is counted
    while it is read; where the handler reads none, that is done here, so that nobody sends an
    endless one to a form without fields.
    """
    limit = request.route_handler.resolve_request_max_body_size()
    if limit is None or (request.method in _SAFE_METHODS and request.content_length is None):
        return
    if request.content_length is None:
        if not _BODY_PARAMETERS & handler.parsed_fn_signature.parameters.keys():
            await request.body()
    elif request.content_length > limit:
        raise HTTPException(status_code=413)


async def refuse_nul(request: Request[Any, Any, Any]) -> None:
    """BadInput for a form with a NUL: no text has one, and not every database can store it.

    Files are left alone; their names and the texts beside them are never stored as they come.
    """
    if request.content_type[0] != RequestEncodingType.URL_ENCODED:
        return
    _refuse_nul_in(await request.body())


def refuse_nul_in_query(request: Request[Any, Any, Any]) -> None:
    """The same for the part of the address that is searched and chosen by."""
    _refuse_nul_in(request.scope["query_string"])


def _refuse_nul_in(encoded: bytes) -> None:
    if b"%00" in encoded or b"\0" in encoded:
        problem = Problem("a field holds a NUL character", allowed="texts without it")
        raise BadInput.one(problem)
