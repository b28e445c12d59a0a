"""Each printed document says how far the audit log had come, where there is one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.documents.invoice import render_invoice
from app.documents.log_state import log_state
from app.documents.pack import render_pack
from governance.audit.checkpoints import Checkpoint
from tests.app.documents.conftest import page_texts
from tests.app.documents.settlements import header, settlement

LOG = Checkpoint("plumbline.example.org/audit", 1234, bytes(range(32)))
ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_the_invoice_states_size_and_root() -> None:
    issued = replace(header(), log=LOG)
    pdf = render_invoice(settlement(), issued)
    pages = page_texts(pdf)
    assert all("Audit log: 1,234 entries, root AAECAwQFBgcI…" in page for page in pages)
    text = " ".join(pages).replace(" ", "")
    assert f"auditverifyFOLDER--printed1234{ROOT}" in text
    assert render_invoice(settlement(), issued) == pdf


def test_the_pack_states_size_and_root() -> None:
    pages = page_texts(render_pack(settlement(), {}, LOG))
    assert all("Audit log: 1,234 entries, root AAECAwQFBgcI…" in page for page in pages)
    assert ROOT in pages[-1].replace(" ", "")


def test_a_run_without_log_prints_nothing(invoice_pages: list[str], pack_pages: list[str]) -> None:
    assert "audit" not in " ".join([*invoice_pages, *pack_pages]).lower()


@pytest.mark.parametrize(("size", "words"), [(1, "1 entry"), (2, "2 entries")])
def test_entries_are_counted_in_words(size: int, words: str) -> None:
    state = log_state(replace(LOG, size=size))
    assert state is not None
    assert state.entries == words
