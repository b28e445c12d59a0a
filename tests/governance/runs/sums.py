"""A calculation that a process of its own can do without importing much."""

from __future__ import annotations

import os
import signal

from governance.errors import Conflict


def ending(number: int) -> int:
    """The same, but 13 ends the process that is at work on it."""
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def doubled(number: int) -> int:
    """Twice the number; Conflict for 13."""
    if number == 13:
        raise Conflict("13 brings no luck")
    return 2 * number
