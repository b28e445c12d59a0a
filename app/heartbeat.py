"""Something that is done again and again beside other work, such as extending a lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TypeAlias

Wait: TypeAlias = Callable[[Event, float], bool]
"""Waits for an event so many seconds at most; answers whether it came."""


@contextmanager
def beating(beat: Callable[[], bool], every: float, wait: Wait = Event.wait) -> Iterator[Event]:
    """Call `beat` every so many seconds until the block ends, in a thread of its own.

    It ends early where `beat` answers False, and sets the event that the block is given.
    """
    over, ended = Event(), Event()

    def keep_on() -> None:
        while not wait(over, every):
            if not beat():
                ended.set()
                return

    thread = Thread(target=keep_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()
