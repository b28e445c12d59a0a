"""Copies an installation's evidence to another store, checked, and as often as it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, select
from sqlmodel import col

from app.database import session_scope
from governance.errors import BadInput, Conflict, Problem
from governance.tenancy import EVERYTHING
from sla.evidence.models import EvidenceTable
from sla.evidence.store import EvidenceStore, file_name


@dataclass(frozen=True, slots=True)
class Moved:
    """What a copy did."""

    copied: int
    checked: int
    """Files that were in the new store already, read there and found to be what they must be."""


def move_evidence(
    engine: Engine,
    source: EvidenceStore,
    target: EvidenceStore,
    tell: Callable[[str], None] = lambda _: None,
) -> Moved:
    """Copy every file of `source` to `target` and check each there; the source stays as it is.

    One that was broken off is begun again: what arrived before is only checked. `tell` hears the
    name of each file that is done.

    Raises Conflict where both are the same store, BadInput where the database names evidence
    that neither has, and what the stores raise.
    """
    if source.address == target.address:
        raise Conflict(f"the evidence is in {target.address} already")
    there, here = set(target.names()), set(source.names())
    _require_all(engine, here | there)
    for name in sorted(here | there):
        digest, dot, suffix = name.partition(".")
        if name in there:
            target.local(digest, dot + suffix)
        else:
            target.put_file(source.local(digest, dot + suffix), dot + suffix)
        tell(name)
    return Moved(len(here - there), len(there))


def _require_all(engine: Engine, names: set[str]) -> None:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        digests = session.scalars(select(col(EvidenceTable.sha256)).distinct()).all()
    lost = sorted({file_name(each) for each in digests} - names)
    if lost:
        raise BadInput(Problem("the evidence is missing in the store", file=one) for one in lost)
