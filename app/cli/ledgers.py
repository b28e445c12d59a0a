"""Evidence files as a ledger for the length of one command."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.evidence_store import engine_of
from app.settings import load_settings
from governance.calendars import Calendars
from sla.engines.engine import Engine
from sla.engines.in_process import IN_PROCESS
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.profiles import load_profile
from sla.evidence.reading import read_evidence, require_clean

engine_option = click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="What runs the SQL. Spark is set up by PLUMBLINE_SPARK_…; the figures are the same.",
)


def engine_named(name: str) -> Engine:
    """The engine of the option; settings count only for one that they set up.

    Raises BadInput where the settings can't be used.
    """
    return IN_PROCESS if name == "duckdb" else engine_of(load_settings(), name)


@contextmanager
def ledger_of(
    source: Path,
    profile: str | None = None,
    currency: str | None = None,
    calendars: Calendars | None = None,
    engine: Engine = IN_PROCESS,
) -> Iterator[Ledger]:
    """The ledger of a folder or file of evidence; nothing of it is kept afterwards.

    `engine` runs the queries. `calendars` also give the zone of its local times, UTC without them.

    Raises BadInput with every problem of the files and every rejected row.
    """
    chosen = load_profile(profile) if profile else None
    with tempfile.TemporaryDirectory(prefix="plumbline-") as store:
        zone = calendars.time_zone if calendars else "UTC"
        read = read_evidence(source, Path(store), chosen, zone, file=str(source))
        evidence = require_clean(read)
        opened = open_ledger(evidence.files, currency, evidence.findings, calendars, engine=engine)
        with opened as ledger:
            yield ledger
