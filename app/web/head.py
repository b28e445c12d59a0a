"""HEAD: what GET would answer, without the body."""

from __future__ import annotations

from litestar.types import ASGIApp, Message, Receive, Scope, Send


def head_like_get(app: ASGIApp) -> ASGIApp:
    """Let every page that answers GET answer HEAD too (RFC 9110, 9.3.2), with the same headers.

    Permissions, headers and errors are those of GET, so that neither tells more than the other.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "HEAD":
            await app(scope, receive, send)
            return
        scope["method"] = "GET"  # type: ignore[typeddict-unknown-key, unused-ignore]
        try:
            await app(scope, receive, _without_body(send))
        finally:
            scope["method"] = "HEAD"  # type: ignore[typeddict-unknown-key, unused-ignore]

    return serve


def _without_body(send: Send) -> Send:
    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return pass_on
