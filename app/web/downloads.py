"""Files that leave the application: always saved, never opened as a page of this site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from litestar import Response
from litestar.response import File, Stream

_SANDBOX = {"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'"}


def disposition(file_name: str) -> str:
    """Content-Disposition by RFC 6266: a plain name for all, the exact one for those who read it.

    Quotes, line breaks and letters beyond ASCII can't break out of the header.
    """
    bare = "".join(char if char.isprintable() and char not in '/\\"' else "_" for char in file_name)
    plain = bare.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(bare, safe='')}"


def attachment(data: bytes, file_name: str, media_type: str) -> Response[bytes]:
    """Bytes to be saved under `file_name`."""
    return Response(data, media_type=media_type, headers=_headers(file_name))


def stored_file(path: Path, file_name: str, media_type: str) -> File:
    """A file on disk to be saved under `file_name`, read in pieces."""
    return File(path=path, media_type=media_type, headers=_headers(file_name))


def streamed(pieces: Iterator[bytes], file_name: str, media_type: str) -> Stream:
    """Bytes that are made as they are sent, to be saved under `file_name`."""
    return Stream(pieces, media_type=media_type, headers=_headers(file_name))


def _headers(file_name: str) -> dict[str, str]:
    return _SANDBOX | {"Content-Disposition": disposition(file_name)}
