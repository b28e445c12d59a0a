"""Attempts counted in the database, with a clock that the test turns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.database import session_scope
from app.security.models import Throttle
from app.security.throttle import Rate, attempt, clear, forget_ended, network_of
from tests.factories import NOW

RATE = Rate("test", 3, timedelta(minutes=10))
MINUTE = timedelta(minutes=1)


def test_a_few_attempts_pass_and_the_next_waits_for_the_windows_end(session: Session) -> None:
    waits = [attempt(session, RATE, "ada", NOW + step * MINUTE) for step in range(5)]
    assert waits == [None, None, None, 7 * 60, 6 * 60]


def test_nobody_is_locked_out_for_good(session: Session) -> None:
    for _ in range(20):
        attempt(session, RATE, "ada", NOW)
    assert attempt(session, RATE, "ada", NOW + timedelta(minutes=10)) is None


def test_each_is_counted_alone_and_addresses_in_any_case(session: Session) -> None:
    for _ in range(3):
        attempt(session, RATE, "ada@example.org", NOW)
    assert attempt(session, RATE, " ADA@example.org", NOW)
    assert attempt(session, RATE, "grace@example.org", NOW) is None
    assert attempt(session, Rate("other", 3, MINUTE), "ada@example.org", NOW) is None


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a proxy's name", "a proxy's name"),
        ("", ""),
    ],
)
def test_a_visitor_is_counted_by_network(address: str, counted: str) -> None:
    assert network_of(address) == counted


def test_success_starts_anew(session: Session) -> None:
    for _ in range(3):
        attempt(session, RATE, "ada", NOW)
    clear(session, RATE, "ada")
    assert attempt(session, RATE, "ada", NOW) is None


def test_the_table_holds_no_name_and_forgets(session: Session) -> None:
    attempt(session, RATE, "ada@example.org", NOW)
    attempt(session, RATE, "grace@example.org", NOW + 5 * MINUTE)
    (key, _) = session.scalars(select(col(Throttle.key)))
    assert "ada" not in key
    forget_ended(session, NOW + 11 * MINUTE)
    assert session.execute(select(func.count()).select_from(Throttle)).scalar_one() == 1


def test_attempts_at_the_same_moment_are_all_counted(fresh_engine: Engine) -> None:
    def once(_: int) -> int | None:
        with session_scope(fresh_engine) as session:
            return attempt(session, RATE, "ada", NOW)

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(once, range(16)))
    assert waits.count(None) == 3
