"""Evidence files as a ledger for the length of one command."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.profiles import load_profile
from sla.evidence.reading import read_evidence, require_clean


@contextmanager
def ledger_of(
    source: Path, profile: str | None = None, currency: str | None = None, time_zone: str = "UTC"
) -> Iterator[Ledger]:
    """The ledger of a folder or file of evidence; nothing of it is kept afterwards.

    Raises BadInput with every problem of the files and every rejected row.
    """
    chosen = load_profile(profile) if profile else None
    with tempfile.TemporaryDirectory(prefix="plumbline-") as store:
        read = read_evidence(source, Path(store), chosen, time_zone, file=str(source))
        evidence = require_clean(read)
        with open_ledger(evidence.files, currency, evidence.findings) as ledger:
            yield ledger
