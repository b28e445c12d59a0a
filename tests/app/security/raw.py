"""Requests as a hostile client writes them: piece by piece, without the courtesy of a library."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Litestar


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how much of the body was asked for."""

    status: int
    headers: dict[str, str]
    body: bytes
    pieces_read: int


def send_raw(
    app: Litestar, method: str, path: str, headers: Mapping[str, str], pieces: Iterator[bytes]
) -> Answer:
    """Send a request whose body comes in pieces and announces no length."""
    return asyncio.run(_send(app, method, path, headers, pieces))


async def _send(
    app: Litestar, method: str, path: str, headers: Mapping[str, str], pieces: Iterator[bytes]
) -> Answer:
    sent: list[Any] = []
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("203.0.113.9", 40000),
        "server": ("testserver.local", 80),
        "state": {},
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent)
    named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], named, body, read)
