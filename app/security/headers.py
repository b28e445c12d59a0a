"""Security headers that stand on every response, errors and static files included."""

from __future__ import annotations

from litestar.datastructures import MutableScopeHeaders
from litestar.types import BeforeMessageSendHookHandler, Message, Scope

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
_ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_IN_ADDRESS = "{token}"
"""Stands in the pattern of an address that holds a secret."""
_TRANSPORT_SECURITY = "max-age=63072000; includeSubDomains"


def security_headers(*, https: bool) -> BeforeMessageSendHookHandler:
    """Hook that adds the headers; HSTS only where the application is reached by https.

    Headers that a handler has set itself stay, such as the stricter policy of a download.
    Everything but static files is kept out of caches. A page whose address holds a secret, such
    as that of a link by mail, doesn't tell it to the page that is visited next.
    """
    headers = _ALWAYS | ({"Strict-Transport-Security": _TRANSPORT_SECURITY} if https else {})

    async def add(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        present = MutableScopeHeaders.from_message(message)
        if _IN_ADDRESS in scope.get("path_template", ""):
            present.setdefault("Referrer-Policy", "no-referrer")
        for name, value in headers.items():
            present.setdefault(name, value)
        if not scope["path"].startswith("/static/"):
            present.setdefault("Cache-Control", "no-store")

    return add
