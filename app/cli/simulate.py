"""`plumbline simulate`: what a contract would have cost and credited, month by month."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.contract import catalogue_signatures, read_bytes
from app.cli.kpi import evidence_option, profile_option
from app.cli.ledgers import engine_named, engine_option
from app.cli.own_kpis import catalogue, kpi_dir_option
from app.cli.relief import relief_option
from app.documents.simulation_tables import terminal_lines
from app.documents.simulation_view import SimulationView
from app.main_job import write_files
from app.simulation_files import FILES, file_of
from billing.simulation.calculation import Questions
from billing.simulation.calculation import simulate as compute
from billing.simulation.checks import check_questions, months_from
from billing.simulation.opening import Named, subjects
from billing.simulation.serialise import simulation_json
from billing.simulation.values import Simulation
from governance.contract.reading import contract_sha256, read_contract
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.engines.engine import Engine
from sla.evidence.profiles import load_profile
from sla.evidence.reading import read_evidence, require_clean
from sla.relief.documents import load_relief

_SAY_EVERY = 5.0
"""Seconds between lines of progress where they aren't written over each other."""


@click.command()
@click.option("--contract", "new", required=True, help="Contract document to simulate.")
@evidence_option
@click.option(
    "--periods",
    required=True,
    help="First and last month, as 2025-01..2025-12; also one month, quarter or year.",
)
@click.option("--against", "old", help="Contract document to compare with, such as today's.")
@click.option(
    "--month",
    help="Month whose volume and service levels are changed; by default the mean of all months,"
    " and the service levels of the last one.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the report (PDF, HTML), the tables (CSV, Markdown) and the figures (JSON).",
)
@profile_option
@relief_option
@kpi_dir_option
@engine_option
@json_option
@reports_problems
def simulate(  # noqa: PLR0917 (click passes one argument an option, by name)
    new: str,
    evidence: Path,
    periods: str,
    old: str | None,
    month: str | None,
    out: Path | None,
    profile: str | None,
    relief: Path | None,
    engine: str,
    as_json: bool,
) -> None:
    """Show what a contract would have cost and credited, month by month and clause by clause.

    Every month is settled from the evidence as if the contract had been in force all the time.
    """
    names = (new, old) if old else (new,)
    documents = _documents(names)
    questions = _questions(documents, periods, month, relief)
    source = _Source(evidence, profile, engine_named(engine))
    found = _simulated(documents, questions, source)
    if out is not None:
        write_files(lambda: {name: file_of(found, name) for name in FILES}, FILES, out)
    if as_json:
        print_json(simulation_json(found))
        return
    click.echo("\n".join(terminal_lines(SimulationView(found))))
    for warning in found.warnings:
        click.echo(f"warning: {warning}")
    if out is not None:
        click.echo("\n".join(f"Wrote {out / name}" for name in FILES))


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the evidence comes from, and what queries it."""

    path: Path
    profile: str | None
    engine: Engine


def _documents(files: tuple[str, ...]) -> tuple[Named, ...]:
    """The contracts; BadInput with the problems of all of them."""
    found: list[Named] = []
    problems: list[Problem] = []
    known = catalogue_signatures()
    for file in files:
        try:
            data = read_bytes(file)
            terms = read_contract(data, file, known)
            found.append(Named(Path(file).name, contract_sha256(data), terms))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return _told_apart(found, files)


def _told_apart(found: list[Named], files: tuple[str, ...]) -> tuple[Named, ...]:
    """Two files of the same name in different folders are called by their whole paths."""
    if len({one.name for one in found}) == len(found):
        return tuple(found)
    named = zip(files, found, strict=True)
    return tuple(Named(file, one.sha256, one.contract) for file, one in named)


def _questions(
    documents: tuple[Named, ...], periods: str, month: str | None, relief: Path | None
) -> Questions:
    new, *old = documents
    months = months_from(periods)
    chosen = Period.parse(month) if month else None
    against = (old[0].name, old[0].contract) if old else None
    check_questions(new.name, new.contract, months, chosen, against)
    return Questions(months, chosen, tuple(load_relief(relief, new.contract)))


def _simulated(documents: tuple[Named, ...], questions: Questions, source: _Source) -> Simulation:
    """Read the evidence and simulate, saying how far it is."""
    zone = documents[0].contract.engagement.time_zone
    chosen = load_profile(source.profile) if source.profile else None
    say = _Progress()
    say.line("Reading the evidence …")
    with tempfile.TemporaryDirectory(prefix="plumbline-") as store:
        path = source.path
        evidence = require_clean(read_evidence(path, Path(store), chosen, zone, file=str(path)))
        with subjects(documents, evidence.files, source.engine) as opened:
            new, *old = opened
            return compute(new, old[0] if old else None, questions, catalogue(), say)


@dataclass(slots=True)
class _Progress:
    """Says on standard error how far the work is; over the same line where that is a terminal."""

    now: Callable[[], float] = time.monotonic
    terminal: bool = field(default_factory=sys.stderr.isatty)
    began: float = 0.0
    said: float = 0.0

    def __call__(self, done: int, every: int) -> None:
        now = self.now()
        if not self.began:
            self.began = now
        left = _left(now - self.began, done - 1, every - 1)
        text = f"Simulated {done} of {every} months{left}"
        if self.terminal:
            click.echo(f"\r\x1b[K{text}", nl=done == every, err=True)
        elif done in {1, every} or now - self.said >= _SAY_EVERY:
            self.line(text)
            self.said = now

    def line(self, text: str) -> None:
        """A line of its own."""
        click.echo(text, err=True)


def _left(seconds: float, done: int, every: int) -> str:
    """The time left, once there is something to judge it by; the first month isn't counted."""
    if not done or done == every:
        return ""
    rest = seconds / done * (every - done)
    minutes, seconds = divmod(round(rest), 60)
    return f", about {minutes} min {seconds} s left" if minutes else f", about {seconds} s left"
