"""Cross-site request forgery: every change needs a token bound to the browser's own session."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.enums import RequestEncodingType

from governance.errors import Forbidden

HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = frozenset({RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART})
_REFUSAL = "The form is out of date or comes from another site. Load the page again and repeat"


def csrf_token(binding: str) -> str:
    """The token of a session: a keyed digest, so it tells nothing about the session's secret.

    `binding` is the secret in the session's cookie, or in the visitor's before sign-in.
    """
    return hmac.new(binding.encode(), b"plumbline csrf token", sha256).hexdigest()


async def check_csrf(request: Request[Any, Any, Any], binding: str) -> None:
    """Let a change pass only with the session's own token, from a page of this site.

    Raises Forbidden otherwise.
    """
    if request.method in _SAFE_METHODS:
        return
    if not binding or _from_elsewhere(request):
        raise Forbidden(_REFUSAL)
    sent = await _sent_token(request)
    if not hmac.compare_digest(csrf_token(binding).encode(), sent.encode()):
        raise Forbidden(_REFUSAL)


def _from_elsewhere(request: Request[Any, Any, Any]) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != request.headers.get("Host")
    except ValueError:
        return True


async def _sent_token(request: Request[Any, Any, Any]) -> str:
    sent: Any = request.headers.get(HEADER)
    if sent is None and request.content_type[0] in _FORMS:
        sent = (await request.form()).get(FIELD)
    return sent if isinstance(sent, str) else ""
