"""Metrics in Prometheus' text format: what this process served, and how the installation is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlmodel import col

from app.operation.state import InstallationState, read_state, reading_all
from governance.audit.models import AuditEntry
from governance.errors import PlumblineError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_DATABASE_FAILS = (SQLAlchemyError, PlumblineError)
"""Then the metrics of the process itself are still worth having."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def _now() -> datetime:
    return datetime.now(UTC)


class Metrics:
    """One application's metrics, in a registry of its own."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = _now) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "plumbline_requests",
            "Requests answered, by route pattern.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "plumbline_request_seconds",
            "How long requests took, by route pattern.",
            ("method", "route"),
            registry=self._registry,
            buckets=_SECONDS,
        )
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(_Installation(engine, clock))
        self._registry.register(_Recorded(engine))
        self._registry.register(_Pool(engine))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def exposition(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Installation(Collector):
    """Gauges from the database, the same in every process that serves the installation."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def describe(self) -> list[Metric]:
        """Nothing: a registry asks when the database may not be there yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = self._clock()
        try:
            gauges = list(_gauges(read_state(self._engine, now), now))
        except _DATABASE_FAILS:
            gauges = []
        yield GaugeMetricFamily(
            "plumbline_database_up", "Whether the database answers.", int(bool(gauges))
        )
        for name, meaning, value in gauges:
            yield GaugeMetricFamily(f"plumbline_{name}", meaning, value)


def _gauges(state: InstallationState, now: datetime) -> Iterator[tuple[str, str, float]]:
    yield "audit_tree_size", "Entries in the audit log's tree.", state.tree_size
    yield "audit_pending_entries", "Entries without a place in the tree.", state.pending
    waits = _age(state.pending_since, now)
    yield "audit_pending_age_seconds", "Age of the oldest of them.", waits
    if state.signed_at is not None:
        signed = state.signed_at.timestamp()
        yield "audit_signed_timestamp_seconds", "When the last checkpoint was signed.", signed
    yield "mail_waiting", "Mails not sent yet.", state.mail_waiting
    late = _age(state.mail_due_since, now)
    yield "mail_overdue_seconds", "How long the oldest due mail has waited.", late
    yield "mail_failed", "Mails that were given up.", state.mail_failed
    yield "settled_periods", "Settlements that no later one replaces.", state.settled_periods


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since is not None else 0.0


class _Recorded(Collector):
    """Counts the log's entries by action since this process first looked.

    It follows the places in the tree, which have no gaps and are never given twice: an entry is
    counted once, whichever process wrote it. Sign-ins and refusals are such entries.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, Lock()
        self._next: int | None = None
        self._counts: dict[str, int] = {}

    def describe(self) -> list[Metric]:
        """Nothing, as above."""
        return []

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "plumbline_audit_entries",
            "Entries sequenced since the first reading.",
            labels=["action"],
        )
        with self._lock:
            with suppress(*_DATABASE_FAILS):
                self._follow()
            for action, count in sorted(self._counts.items()):
                family.add_metric([action], count)
        yield family

    def _follow(self) -> None:
        place = col(AuditEntry.leaf_index)
        with reading_all(self._engine) as session:
            end = _after(session.execute(select(func.max(place))).scalar_one())
            if self._next is None:
                self._next = end
            found = session.execute(
                select(col(AuditEntry.action), func.count())
                .where(place >= self._next, place < end)
                .group_by(col(AuditEntry.action))
            ).all()
        for action, count in found:
            self._counts[action.value] = self._counts.get(action.value, 0) + count
        self._next = end


def _after(place: int | None) -> int:
    return 0 if place is None else place + 1


class _Pool(Collector):
    """Database connections of this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        pool = self._engine.pool
        if isinstance(pool, QueuePool):
            meaning = "Database connections in use by this process."
            yield GaugeMetricFamily("plumbline_database_connections", meaning, pool.checkedout())
