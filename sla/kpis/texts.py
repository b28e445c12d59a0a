"""KPI definitions kept by their SHA-256, so that a changed KPI file never closes an old figure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.errors import Conflict, NotFound
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition, parse_definition
from sla.kpis.models import KpiDefinitionText


def keep_definitions(session: Session, definitions: Iterable[KpiDefinition]) -> None:
    """Store the text of each definition under its SHA-256, where it isn't stored yet."""
    texts = {one.sha256: {"name": one.name, "text": one.text} for one in definitions}
    if not texts:
        return
    rows = [{"sha256": sha256} | texts[sha256] for sha256 in sorted(texts)]
    # Two settlements at the same moment may keep the same text, which is no conflict.
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert if on_postgresql else sqlite.insert
    new = insert(KpiDefinitionText).values(rows)
    session.execute(new.on_conflict_do_nothing(index_elements=["sha256"]))


def keep_used(
    session: Session, catalogue: Mapping[str, KpiDefinition], digests: Collection[str]
) -> None:
    """Store the texts of those of the catalogue that figures were measured by."""
    keep_definitions(session, [one for one in catalogue.values() if one.sha256 in digests])


def definition_of(session: Session, sha256: str) -> KpiDefinition:
    """The definition that a figure was measured by.

    Raises NotFound where it was never kept, Conflict where the kept text isn't the one that its
    digest names.
    """
    kept = session.scalars(
        select(KpiDefinitionText).where(col(KpiDefinitionText.sha256) == sha256)
    ).one_or_none()
    if kept is None:
        raise NotFound(f"no KPI definition {sha256} was kept")
    if hashlib.sha256(kept.text.encode()).hexdigest() != sha256:
        raise Conflict(f"the kept text of {kept.name} was altered: its SHA-256 isn't {sha256}")
    # The words stand in the text already, as they do in what the digest covers.
    definition = parse_definition(kept.name, kept.text, {})
    return replace(definition, own=kept.name not in load_catalogue())
