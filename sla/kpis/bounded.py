"""A limit on how long a customer's own KPI may run; the ledger itself limits the memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import duckdb

from governance.errors import BadInput, Problem
from sla.evidence.ledger import Ledger

TRIAL_SECONDS = 10
RUN_SECONDS = 300
"""Ten times what the slowest KPI of the product takes on ten million invoices."""


@contextmanager
def within(ledger: Ledger, seconds: float) -> Iterator[None]:
    """Interrupt queries that are still running after so many seconds.

    Raises BadInput then. An engine whose queries can't be interrupted runs them to their end.
    """
    interrupt = getattr(ledger.connection, "interrupt", None)
    if interrupt is None:
        yield
        return
    timer = Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        what = f"the KPI's SQL took longer than {seconds:g} seconds"
        raise BadInput.one(Problem(what, allowed="less work, such as joins by equality")) from None
    finally:
        timer.cancel()
