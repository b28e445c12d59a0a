"""The demo's ledger is what an ordinary one looks like: nobody has to ask anything about it."""

from __future__ import annotations

from pathlib import Path

from app.demo.files import write_tables
from app.demo.ledger import generate_ledger
from sla.evidence.ledger import open_ledger
from sla.evidence.reading import read_evidence, require_clean


def test_the_demo_raises_no_question(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    write_tables(generate_ledger(), folder)
    evidence = require_clean(read_evidence(folder, tmp_path / "store"))
    assert evidence.findings == ()
    with open_ledger(evidence.files) as ledger:
        assert ledger.warnings == ()
