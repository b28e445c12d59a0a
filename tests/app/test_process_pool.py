"""Calculations in a pool: in order, and each pays for itself alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.process_pool import ProcessPool
from governance.errors import BadInput, Conflict
from tests.governance.runs.sums import doubled, ending


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    """Two processes, ended afterwards."""
    made = ProcessPool(2)
    yield made
    made.close()


def test_answers_come_in_order_and_failures_in_their_places(pool: ProcessPool) -> None:
    first, failed, last = pool.each(doubled, [1, 13, 3], lambda: None, 60.0)
    assert (first, last) == (2, 6)
    assert isinstance(failed, Conflict)


def test_a_process_that_is_ended_costs_its_own_call(pool: ProcessPool) -> None:
    first, failed, last = pool.each(ending, [1, 13, 3], lambda: None, 60.0)
    assert (first, last) == (2, 6)
    assert isinstance(failed, BadInput)
    assert "was ended" in str(failed)


def test_what_the_beat_raises_ends_the_waiting(pool: ProcessPool) -> None:
    def stop() -> None:
        raise Conflict("enough")

    with pytest.raises(Conflict, match="enough"):
        pool.each(doubled, range(50), stop, 0.0)
