"""One pipeline for every log line: JSON in production, readable text in development.

Lines carry no personal data: only fields from a fixed list, no addresses of visitors, no query
strings, and of an error its kind and place, not its message, which may quote what people typed.
Whatever is written is one line: control characters can't begin a second one.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import structlog
from sqlalchemy.exc import OperationalError
from structlog.typing import EventDict, Processor, WrappedLogger

from app.settings import Settings
from governance.errors import Conflict

FIELDS = ("method", "route", "status", "ms", "bytes", "user", "request_id", "action", "entry")
"""What a caller may add to a line as `extra`; anything else is left out."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ROOT = Path(__file__).resolve().parents[2]
_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
_CHATTY_LOGGERS = ("alembic", "fontTools", "httpcore", "httpx", "weasyprint")
"""Libraries that tell of each step at a level where an operator wants to hear of events."""


@contextmanager
def logs(settings: Settings, stream: TextIO | None = None) -> Iterator[None]:
    """Send every logger's lines through the one pipeline, to standard error or `stream`.

    The web server's own loggers lose their handlers. Afterwards all is as it was.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(settings))
    root = logging.getLogger()
    with ExitStack() as undo:
        for name in _SERVER_LOGGERS:
            undo.enter_context(_set_up(logging.getLogger(name), [], logging.NOTSET))
        for name in _CHATTY_LOGGERS:
            undo.enter_context(_set_up(logging.getLogger(name), [], logging.WARNING))
        level = logging.getLevelNamesMapping()[settings.log_level]
        undo.enter_context(_set_up(root, [*root.handlers, handler], level))
        logging.captureWarnings(capture=True)
        undo.callback(logging.captureWarnings, capture=False)
        yield


@contextmanager
def _set_up(logger: logging.Logger, handlers: list[logging.Handler], level: int) -> Iterator[None]:
    before = (logger.handlers, logger.level, logger.propagate)
    logger.handlers, logger.propagate = handlers, True
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.handlers, _, logger.propagate = before
        logger.setLevel(before[1])


def formatter(settings: Settings) -> structlog.stdlib.ProcessorFormatter:
    """What makes a line of a record."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.stdlib.ExtraAdder(allow=FIELDS),
            structlog.contextvars.merge_contextvars,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_rendering(settings),
        ],
    )


def _rendering(settings: Settings) -> Sequence[Processor]:
    if settings.production:
        return (_error_without_words, _on_one_line, structlog.processors.JSONRenderer())
    # A plain traceback: one with the values of variables would show secrets, and takes seconds.
    plain = structlog.dev.plain_traceback
    renderer = structlog.dev.ConsoleRenderer(
        colors=False, timestamp_key="time", exception_formatter=plain
    )
    return (_on_one_line, renderer)


def _on_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _CONTROL.sub(" ", value)
    return event


def _error_without_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["errors"] = [_described(one) for one in _chain(error)]
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, newest first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )


def _described(error: BaseException) -> dict[str, Any]:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    described: dict[str, Any] = {"kind": kind, "at": list(_places(error.__traceback__))}
    says = _harmless_words(error)
    return described | ({"says": _CONTROL.sub(" ", says)} if says else {})


def _harmless_words(error: BaseException) -> str:
    """The message where it speaks of the machine, not of what people typed or are called."""
    if isinstance(error, OperationalError):
        return str(error.orig)
    if isinstance(error, Conflict):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return f"[Errno {error.errno}] {error.strerror}"
    return ""


def _places(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        path = Path(frame.filename)
        file = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(*path.parts[-3:])
        yield f"{file}:{frame.lineno} {frame.name}"
