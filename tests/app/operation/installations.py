"""An installation with a settled month, to be backed up, destroyed and restored."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result
from sqlalchemy import Engine, select, text
from sqlmodel import col

from app.audit_log import key_folder, sequence
from app.cli import main
from app.database import session_scope
from app.evidence_store import store_of
from app.operation.restore import check_log
from app.settings import Settings
from billing.settlement.models import SettlementDocument
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor
from governance.audit.models import AuditHead
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import load_catalogue
from tests.factories import (
    JANUARY,
    TextRenderer,
    actor_of,
    make_contract,
    make_user,
    write_evidence_folder,
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A database, its folders and the one who works in it."""

    engine: Engine
    settings: Settings
    folder: Path
    actor: Actor

    def settle(self, period: Period) -> None:
        """Settle a month and bring it into the log's tree."""
        workshop = Workshop(store_of(self.settings), load_catalogue(), TextRenderer())
        with session_scope(self.engine, sees=EVERYTHING) as session:
            engagement = session.scalars(select(Engagement)).one()
            settle_period(session, self.actor, engagement, period, workshop)
        self.sequence()

    def sequence(self) -> None:
        """Bring everything under a signed checkpoint."""
        sequence(self.engine, key_folder(self.settings))

    def complaints(self) -> list[str]:
        """What the check of the log finds wrong."""
        verdict = check_log(self.engine, key_folder(self.settings))
        return [str(problem) for problem in verdict.problems]

    def figures(self) -> list[tuple[str, bytes]]:
        """Every document of every settlement, to the byte."""
        columns = (col(SettlementDocument.kind), col(SettlementDocument.data))
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            found = session.execute(select(*columns).order_by(col(SettlementDocument.id))).all()
        return [(row[0].value, row[1]) for row in found]

    def tree_size(self) -> int:
        """How many entries are in the log's tree."""
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            return session.scalars(select(col(AuditHead.size))).one()

    def evidence(self) -> dict[str, bytes]:
        """Every stored file."""
        return {path.name: path.read_bytes() for path in self.settings.evidence_dir.iterdir()}

    def destroy(self) -> None:
        """Lose database and evidence; the key folder lies elsewhere."""
        shutil.rmtree(self.settings.evidence_dir)
        self.engine.dispose()
        if self.engine.dialect.name == "sqlite":
            for path in self.folder.glob("plumbline.db*"):
                path.unlink()
        else:
            with self.engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))

    def is_empty(self) -> bool:
        """Whether nothing of an installation is there."""
        store = self.settings.evidence_dir
        drafts = [path for path in store.parent.glob(".*") if path.name.startswith(".evidence")]
        if drafts or (store.exists() and any(store.iterdir())):
            return False
        if self.engine.dialect.name == "sqlite":
            return not (self.folder / "plumbline.db").exists()
        with self.engine.connect() as connection:
            found = connection.execute(text("SELECT 1 FROM pg_tables WHERE schemaname = 'public'"))
            return found.first() is None


def run(*arguments: str | Path) -> Result:
    """A command of `plumbline`."""
    return CliRunner().invoke(main, [str(one) for one in arguments])


def install(engine: Engine, settings: Settings, folder: Path) -> Installation:
    """An engagement with evidence and a settled January."""
    with session_scope(engine, sees=EVERYTHING) as session:
        actor = actor_of(make_user(session))
        engagement = make_contract(session, actor).engagement
        ledgers = Upload(write_evidence_folder(folder / "ledgers"), "ledgers")
        hand_in(session, actor, engagement, ledgers, settings.evidence_dir)
    made = Installation(engine, settings, folder, actor)
    made.settle(JANUARY)
    return made
