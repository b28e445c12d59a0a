"""Evidence tables are found by digest, and only in their own engagement."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import Session

from governance.errors import NotFound
from sla.evidence.queries import table_of_digest
from sla.evidence.service import current_tables
from tests.factories import make_actor, make_engagement, make_evidence


def test_a_table_is_found_by_its_digest(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    mine, other = (make_engagement(session, actor, reference) for reference in ("ENG-1", "ENG-2"))
    make_evidence(session, actor, mine, tmp_path)
    for table in current_tables(session, actor, mine):
        assert table_of_digest(session, mine, table.sha256) == table
        with pytest.raises(NotFound):
            table_of_digest(session, other, table.sha256)
