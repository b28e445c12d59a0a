"""Settings: defaults that are safe, values from the environment, refusals in production."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from app.cli import main
from app.settings import Settings, load_settings
from governance.access import Role
from governance.errors import BadInput
from tests.paths import ROOT

SECRET = "q7Zr0vXw2mKd9LbTn4HsYc6JfGa8PeUi"
PRODUCTION = {
    "PLUMBLINE_PUBLIC_URL": "https://plumbline.example",
    "PLUMBLINE_SECRET_KEY": SECRET,
}


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that production accepts."""
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PLUMBLINE_AUDIT_KEY_DIR", str(tmp_path / "keys"))
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)


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


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1,::1")
    monkeypatch.setenv("PLUMBLINE_STRONG_SIGN_IN_ROLES", "operator,auditor")
    settings = Settings()
    assert [str(one) for one in settings.trusted_proxies] == [
        "10.0.0.0/8",
        "127.0.0.1/32",
        "::1/128",
    ]
    assert settings.strong_sign_in_roles == [Role.OPERATOR, Role.AUDITOR]
    monkeypatch.setenv("PLUMBLINE_STRONG_SIGN_IN_ROLES", "none")
    assert Settings().strong_sign_in_roles == []


@pytest.mark.parametrize(
    ("address", "environment"),
    [
        ("http://127.0.0.1:8000", "development"),
        ("http://[::1]:8000", "development"),
        ("http://app.localhost", "development"),
        ("https://plumbline.example", "production"),
        ("http://192.168.1.4:8000", "production"),
        ("http://localhost.example", "production"),
    ],
)
def test_another_address_than_this_machine_is_production(address: str, environment: str) -> None:
    settings = Settings(public_url=address)
    assert settings.environment == environment
    assert bool(settings.strong_sign_in_roles) is settings.production


@pytest.mark.usefixtures("production")
def test_production_starts_with_everything_it_needs() -> None:
    settings = load_settings()
    assert settings.secret() == SECRET.encode()
    assert settings.strong_sign_in_roles == [
        Role.OPERATOR,
        Role.PROVIDER_FINANCE,
        Role.COMMITTEE_CHAIR,
    ]


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "", "missing in production; make one with"),
        ("SECRET_KEY", "short", "has 5 characters, at least 32"),
        ("SECRET_KEY", "change-me-please-change-me-please", "looks like an example"),
        ("SECRET_KEY", "a" * 64, "looks like an example"),
        ("PUBLIC_URL", "http://plumbline.example", "must start with https://"),
        ("DEBUG", "true", "must be off"),
        ("AUDIT_KEY_DIR", "", "folder outside the data folder"),
        ("ENVIRONMENT", "development", "isn't this machine"),
        ("PUBLIC_URL", "plumbline.example", "must be http:// or https://"),
        ("PUBLIC_URL", "https://plumbline.example/path", "nothing else"),
        ("LOG_LEVEL", "loud", "PLUMBLINE_LOG_LEVEL"),
        ("TRUSTED_PROXIES", "proxy.example", "PLUMBLINE_TRUSTED_PROXIES"),
    ],
)
def test_unsafe_values_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"PLUMBLINE_{name}", value)
    with pytest.raises(BadInput, match=re.escape(says)):
        load_settings()
    for command in (["serve"], ["migrate"], ["audit", "check"]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 2
        assert f"plumbline: PLUMBLINE_{name}: " in result.output


@pytest.mark.usefixtures("production")
def test_every_problem_is_named_at_once_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_SECRET_KEY", "hunter2hunter2")
    monkeypatch.setenv("PLUMBLINE_DEBUG", "1")
    with pytest.raises(BadInput) as refused:
        load_settings()
    assert len(refused.value.problems) == 2
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(Settings())


def test_production_never_draws_a_secret_of_its_own(tmp_path: Path) -> None:
    settings = Settings(public_url="https://plumbline.example", audit_key_dir=tmp_path)
    with pytest.raises(BadInput, match="missing in production"):
        settings.secret()
    assert list(tmp_path.iterdir()) == []


def test_development_draws_its_secret_once(tmp_path: Path) -> None:
    drawn = Settings(data_dir=tmp_path).secret()
    assert len(drawn) == 32
    assert Settings(data_dir=tmp_path).secret() == drawn
    assert (tmp_path / "keys" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert Settings(data_dir=tmp_path, secret_key=SecretStr("own")).secret() == b"own"


def test_every_setting_stands_on_the_operators_page() -> None:
    page = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`PLUMBLINE_(\w+)`", page))
    assert named == {name.upper() for name in Settings.model_fields}


def test_settings_that_would_fail_only_later_are_named_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = {
        "PLUMBLINE_BREACHED_PASSWORDS": str(tmp_path / "none.txt"),
        "PLUMBLINE_TIMESTAMP_AUTHORITY": "tsa.example",
        "PLUMBLINE_SMTP_HOST": "mail.example",
        "PLUMBLINE_OIDC_ISSUER": "https://id.example",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInput) as refused:
        load_settings()
    said = [problem.what.partition(":")[0] for problem in refused.value.problems]
    named = ("BREACHED_PASSWORDS", "TIMESTAMP_AUTHORITY", "MAIL_FROM", "OIDC_CLIENT_ID")
    assert said == [f"PLUMBLINE_{name}" for name in named]


def test_only_the_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "https://plumbline.example/app")
    with pytest.raises(BadInput) as refused:
        load_settings()
    assert [str(problem) for problem in refused.value.problems] == [
        "PLUMBLINE_PUBLIC_URL: must be http:// or https://, a host and perhaps a port, nothing else"
    ]
