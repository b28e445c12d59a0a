"""What is killed: small runs, each with a check that says what is wrong once they have ended."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.audit_log import sequence
from app.database import session_scope
from app.run_kinds import run_kinds
from billing.invoices import issuing, rendering
from billing.invoices.models import FeeInvoice, InvoiceSeries
from billing.invoices.values import InvoiceState
from billing.runs.preview import BILLING
from billing.settlement.models import SettlementRecord
from billing.settlement.recomputing import sealed_settlement
from billing.settlement.service import Workshop
from billing.settlement.values import Settlement
from governance.audit.models import Action, AuditEntry
from governance.engagements.models import Engagement
from governance.runs.kinds import RunKind
from governance.runs.models import Run
from governance.runs.service import NewRun, start_run
from governance.runs.values import RunStatus
from governance.tenancy import EVERYTHING
from tests.billing.invoices.places import pending_pdfs
from tests.billing.runs.billed import make_billed
from tests.factories import JANUARY, make_workshop
from tests.governance.audit.logs import check, complaints, keys_in
from tests.governance.runs.toys import PATTERN, make_toys, toy_kind


class Scene(Protocol):
    """A database with runs in it that wait."""

    def build(self, engine: Engine, folder: Path) -> None:
        """Fill a database at the newest schema; files go into the folder."""
        ...

    def kinds(self, folder: Path) -> Mapping[str, RunKind]:
        """What workers have to know."""
        ...

    def wrong(self, engine: Engine) -> list[str]:
        """What isn't as it must be after the runs, in words."""
        ...


class Toys:
    """Two runs at a time that take numbers from the same series; no invoice is made."""

    size = 4
    """Engagements of each run."""
    runs = 2
    _chunk = 3

    def build(self, engine: Engine, folder: Path) -> None:  # noqa: ARG002 (a scene's signature)
        """Two people of one provider start a run each."""
        world = make_toys(engine, "Toys Ltd", self.size * self.runs)
        for at in range(self.runs):
            part = world.engagements[at * self.size : (at + 1) * self.size]
            replace(world, engagements=part).start(toy_kind(chunk=self._chunk))

    def kinds(self, folder: Path) -> Mapping[str, RunKind]:  # noqa: ARG002 (a scene's signature)
        """Numbers and nothing else."""
        kind = toy_kind(chunk=self._chunk)
        return {kind.name: kind}

    def wrong(self, engine: Engine) -> list[str]:
        """Engagements without exactly one number, and gaps."""
        with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
            rows = session.execute(
                select(col(AuditEntry.engagement_id), col(AuditEntry.subject_label)).where(
                    col(AuditEntry.subject_kind) == "toy"
                )
            ).all()
            last = session.scalars(
                select(col(InvoiceSeries.last_sequence)).where(
                    col(InvoiceSeries.pattern) == PATTERN
                )
            ).one_or_none()
        numbers = [int((row.subject_label or "").removeprefix("T-")) for row in rows]
        found = gaps(numbers, last or 0)
        if len({row.engagement_id for row in rows}) != self.size * self.runs:
            found.append(f"{len(rows)} entries for {self.size * self.runs} engagements")
        return found


class Invoices:
    """Billing runs of one provider, whose invoices wait to be approved, issued and drawn."""

    def __init__(self, runs: int, size: int) -> None:
        self.runs, self.size = runs, size

    def build(self, engine: Engine, folder: Path) -> None:
        """A person starts each run; their invoices have numbers of the same series."""
        workshop = make_workshop(folder)
        kind = self.kinds(folder)[BILLING]
        with session_scope(engine, sees=EVERYTHING) as session:
            for at in range(self.runs):
                first = at * self.size + 1
                made = make_billed(session, folder, workshop, range(first, first + self.size))
                provider = made.engagements[0].provider_id
                start_run(session, made.actor, NewRun(kind, provider, JANUARY, made.engagements))

    def kinds(self, folder: Path) -> Mapping[str, RunKind]:
        """Billing as it is, two items a chunk; documents are drawn as text."""
        remember_settlements(folder)
        workshop = make_workshop(folder)
        made = run_kinds(workshop)
        return {BILLING: replace(made[BILLING], chunk=2)}

    def wrong(self, engine: Engine) -> list[str]:
        """Invoices without exactly one number, entry and PDF, and gaps."""
        with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
            invoices = session.scalars(
                select(FeeInvoice).where(col(FeeInvoice.state) == InvoiceState.ISSUED)
            ).all()
            last = session.scalars(select(col(InvoiceSeries.last_sequence))).all()
            entries = {action: _subjects(session, action) for action in _ONCE}
            unfrozen = pending_pdfs(session)
        found = gaps([one.sequence or 0 for one in invoices], sum(last))
        wanted = self.size * self.runs
        if len({one.engagement_id for one in invoices}) != wanted or len(last) != 1:
            found.append(f"{len(invoices)} invoices of {wanted} engagements")
        ids = sorted(str(one.id) for one in invoices)
        found += [f"{action}: {named}" for action, named in entries.items() if named != ids]
        return found + [f"no PDF of {one}" for one in unfrozen]


def remember_settlements(folder: Path) -> None:
    """Compute each sealed settlement once for all processes: it only reads, and takes longest."""

    def remembered(
        session: Session, engagement: Engagement, row: SettlementRecord, workshop: Workshop
    ) -> Settlement:
        kept = folder / f"settlement {row.id}"
        if kept.exists():
            found: Settlement = pickle.loads(kept.read_bytes())  # noqa: S301 (it is our own)
            return found
        found = sealed_settlement(session, engagement, row, workshop)
        part = folder / f"settlement {row.id} of {os.getpid()}"
        part.write_bytes(pickle.dumps(found))
        part.replace(kept)
        return found

    for module in (issuing, rendering):
        vars(module)["sealed_settlement"] = remembered


_ONCE = (Action.INVOICE_APPROVED, Action.INVOICE_ISSUED, Action.INVOICE_RENDERED)


def _subjects(session: Session, action: Action) -> list[str]:
    found = select(col(AuditEntry.subject_id)).where(col(AuditEntry.action) == action)
    return sorted(session.scalars(found))


def gaps(numbers: Sequence[int], last: int) -> list[str]:
    """What is wrong with the numbers of a series that is at `last`."""
    wanted = list(range(1, last + 1))
    return [] if sorted(numbers) == wanted else [f"numbers {sorted(numbers)} of 1 to {last}"]


def what_is_wrong(scene: Scene, engine: Engine, folder: Path) -> list[str]:
    """What the scene's own check finds, runs that haven't ended, and what the log's check finds."""
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        runs = list(session.scalars(select(Run)))
        bad = [
            f"run {run.id} is {run.status}: {run.done} done, {run.set_aside} aside of {run.total}"
            for run in runs
            if run.status is not RunStatus.DONE or run.done + run.skipped != run.total
        ]
    keys = keys_in(folder)
    sequence(engine, keys)
    return bad + scene.wrong(engine) + complaints(check(engine, keys))


SCENES: dict[str, Scene] = {"toys": Toys(), "invoices": Invoices(2, 3), "one run": Invoices(1, 2)}
