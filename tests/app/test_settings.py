"""Settings: defaults that are safe, values from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings


@pytest.mark.parametrize(
    ("address", "secure"),
    [("http://127.0.0.1:8000", False), ("https://plumbline.example", True)],
)
def test_cookies_are_secure_where_the_address_is(address: str, secure: bool) -> None:
    assert Settings(public_url=address).secure_cookies is secure


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "")
    settings = Settings()
    assert settings.database_address == f"sqlite:///{tmp_path / 'plumbline.db'}"
    assert settings.evidence_dir == tmp_path / "evidence"
    assert not settings.debug
