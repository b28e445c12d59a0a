"""What the application logs meanwhile, as an installation would write it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from app.operation.logging import logs
from app.settings import Settings

DEVELOPMENT = Settings()
PRODUCTION = Settings(public_url="https://plumbline.example")


@contextmanager
def logged(settings: Settings) -> Iterator[StringIO]:
    """Everything that is logged meanwhile, as the installation would write it."""
    stream = StringIO()
    with logs(settings, stream):
        yield stream


def lines(stream: StringIO) -> list[dict[str, Any]]:
    """The lines that were logged, as JSON objects."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
