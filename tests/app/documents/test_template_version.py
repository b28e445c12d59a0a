"""The template version tells releases apart that draw documents differently."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.documents import template_version as versions


def test_it_is_the_same_digest_each_time() -> None:
    found = versions.template_version()
    assert found == versions.template_version()
    assert len(found) == 64


def test_another_template_or_translation_gives_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_FOLDERS", (tmp_path,))
    drawn = versions.template_version.__wrapped__
    empty = drawn()
    (tmp_path / "invoice.html").write_text("<p>one</p>")
    one = drawn()
    (tmp_path / "invoice.html").write_text("<p>two</p>")
    two = drawn()
    (tmp_path / "notes.txt").write_text("nothing that counts")
    assert len({empty, one, two}) == 3
    assert drawn() == two
