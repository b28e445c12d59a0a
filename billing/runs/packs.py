"""The reports of a month over many engagements: each is kept once with its settlement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.issuing import check_unchanged
from billing.runs.preview import settled_in
from billing.runs.readiness import judge_unsettled
from billing.runs.values import Readiness
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from billing.settlement.queries import document_of, documents_of
from billing.settlement.recomputing import stored_settlement
from billing.settlement.service import DocumentRenderer, Workshop, figures_of
from billing.settlement.values import Settlement
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.sequencing import latest_state
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import Conflict
from governance.runs.models import Run, RunItem
from governance.runs.queries import items_of
from governance.runs.values import ItemState, Result, Task
from governance.tables import digest
from governance.values import Period

PACKS: Final = "packs"
"""The kind of run that collects reports."""
PACK: Final = "pack"


@dataclass(frozen=True, slots=True)
class PackSource:
    """All that a settled period's report is made from; another process can draw it."""

    settlement_id: int
    settlement: Settlement = field(repr=False)
    log: Checkpoint | None
    replaces: str
    """Digest of the one that an earlier release drew."""


@dataclass(frozen=True, slots=True)
class DrawnPack:
    """A report that isn't kept yet."""

    settlement_id: int
    data: bytes = field(repr=False)
    template_version: str
    replaces: str


DrawPack = Callable[[PackSource], DrawnPack]
"""A function of a module that draws a report, in a process that has no database."""


def draw_pack(source: PackSource, render: DocumentRenderer) -> DrawnPack:
    """The report itself; needs no database."""
    data = render.pack(source.settlement, source.log)
    return DrawnPack(source.settlement_id, data, render.template_version(), source.replaces)


@dataclass(frozen=True, slots=True)
class PackStep:
    """See that an engagement's report of the month is there, as today's templates draw it.

    Settling a period draws its report: it is drawn anew only where templates have changed since,
    and never once its invoice is issued.
    """

    workshop: Workshop
    compute: DrawPack

    def prepare(
        self, session: Session, actor: Actor, engagement: Engagement, task: Task
    ) -> PackSource | Result:
        """What is to be drawn; done where it is there, skipped where the month isn't due.

        Raises Conflict where the month isn't settled, or its figures no longer come out the same.
        """
        found = settled_in(session, [engagement], task.period).get(engagement.id)
        if found is None:
            judged = judge_unsettled(session, actor, engagement, task.period)
            if judged.readiness is Readiness.NOT_DUE:
                return Result(judged.why, ItemState.SKIPPED)
            raise Conflict(judged.why)
        row, _ = found
        stored = document_of(session, row, DocumentKind.PACK_PDF)
        if stored.frozen or stored.template_version == self.workshop.render.template_version():
            return Result(_sized("kept since it was settled", stored.data))
        settlement = stored_settlement(session, engagement, row, self.workshop)
        check_unchanged(figures_of(settlement), documents_of(session, row))
        return PackSource(row.id, settlement, latest_state(session), stored.sha256)

    def work(
        self,
        session: Session,
        actor: Actor,
        engagement: Engagement,
        task: Task,  # noqa: ARG002 (a step's signature)
        ready: DrawnPack,
    ) -> Result:
        """Keep it in place of the older one."""
        keep_pack(session, actor, engagement, ready)
        return Result(_sized("drawn anew", ready.data))


def keep_pack(
    session: Session, actor: Actor, engagement: Engagement, drawn: DrawnPack
) -> SettlementDocument:
    """Put a drawn report in the place of the one that it replaces.

    Raises Conflict where the period was settled anew or its invoice issued meanwhile.
    """
    require(session, actor, engagement, Permission.SETTLE_PERIOD)
    row = session.get_one(SettlementRecord, drawn.settlement_id)
    session.refresh(row)
    pack = document_of(session, row, DocumentKind.PACK_PDF)
    session.refresh(pack)
    if row.superseded_at is not None or pack.frozen or pack.sha256 != drawn.replaces:
        raise Conflict("the period was settled anew or its invoice issued meanwhile")
    pack.data, pack.sha256 = drawn.data, digest(drawn.data)
    pack.template_version = drawn.template_version
    label = f"{engagement.reference} {Period(row.period_start, row.period_end).label}"
    before, after = {"sha256": drawn.replaces}, {"sha256": pack.sha256}
    change = Change(Action.PACK_DRAWN, "settlement", row.id, label, engagement.id, before, after)
    record(session, actor, change)
    return pack


def _sized(what: str, data: bytes) -> str:
    return f"report of {len(data) // 1000} kB, {what}"


@dataclass(frozen=True, slots=True)
class KeptPack:
    """A report to be downloaded."""

    document_id: int
    engagement_id: int
    name: str
    sha256: str
    size: int
    """In bytes."""


def packs_of(session: Session, run: Run) -> tuple[KeptPack, ...]:
    """The reports that a run has collected, as they are kept now, by the engagements' references.

    Of those engagements only that the session sees.
    """
    done = {item.engagement_id for item in items_of(session, run, ItemState.DONE) if _is_pack(item)}
    query = select(Engagement).where(col(Engagement.id).in_(done))
    engagements = session.scalars(query.order_by(col(Engagement.reference))).all()
    settled = settled_in(session, engagements, run.period)
    rows = session.execute(
        select(
            col(SettlementDocument.settlement_id),
            col(SettlementDocument.id),
            col(SettlementDocument.sha256),
            func.length(col(SettlementDocument.data)).label("size"),
        ).where(
            col(SettlementDocument.settlement_id).in_([row.id for row, _ in settled.values()]),
            col(SettlementDocument.kind) == DocumentKind.PACK_PDF,
        )
    )
    kept = {row.settlement_id: row for row in rows}
    found = []
    for one in engagements:
        settlement = settled[one.id][0]
        label = Period(settlement.period_start, settlement.period_end).label
        row, name = kept[settlement.id], pack_name(one.reference, label)
        found.append(KeptPack(row.id, one.id, name, row.sha256, row.size))
    return tuple(found)


def pack_name(reference: str, label: str) -> str:
    """A report's name in an archive, which leads into no other folder and is no hidden file."""
    return f"{reference}-{label}-{DocumentKind.PACK_PDF.value}".replace("/", "_").lstrip(".")


def _is_pack(item: RunItem) -> bool:
    return item.step == PACK


def pack_data(session: Session, pack: KeptPack) -> bytes:
    """Its bytes; Conflict where another report took its place meanwhile."""
    found = session.execute(
        select(col(SettlementDocument.data)).where(
            col(SettlementDocument.id) == pack.document_id,
            col(SettlementDocument.sha256) == pack.sha256,
        )
    ).scalar_one_or_none()
    if found is None:
        raise Conflict(f"{pack.name} was drawn anew meanwhile; download the reports again")
    return found
