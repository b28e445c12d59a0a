"""Settings, read from the environment (PLUMBLINE_…) and from a file `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """How one installation is set up; every value has a default that works on a laptop."""

    model_config = SettingsConfigDict(
        env_prefix="PLUMBLINE_", env_file=".env", env_file_encoding="utf-8", extra="ignore"
    )

    data_dir: Path = Path("var")
    """Folder of the SQLite database and of the evidence."""
    database_url: str = ""
    """SQLAlchemy address; empty is SQLite in the data folder. PostgreSQL: postgresql+psycopg://…"""
    public_url: str = "http://127.0.0.1:8000"
    """Where browsers reach the application; https makes cookies secure."""
    audit_origin: str = ""
    """Name of a new audit log, a URL without scheme; empty: from `public_url`. It never changes."""
    audit_key_dir: Path | None = None
    """Folder of the audit log's key; by default `keys` in the data folder."""
    upload_max_bytes: Annotated[int, Field(gt=0)] = 100 * 1024 * 1024
    contract_max_bytes: Annotated[int, Field(gt=0)] = 1024 * 1024
    session_idle_minutes: Annotated[int, Field(gt=0)] = 30
    session_absolute_hours: Annotated[int, Field(gt=0)] = 12
    log_level: str = "INFO"
    debug: bool = False
    """Shows stack traces in the browser: never on a server that others reach."""

    @property
    def database_address(self) -> str:
        """`database_url`, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'plumbline.db'}"

    @property
    def evidence_dir(self) -> Path:
        """Folder of the immutable evidence tables."""
        return self.data_dir / "evidence"

    @property
    def key_dir(self) -> Path:
        """Folder of secrets that must not stand in the database."""
        return self.audit_key_dir or self.data_dir / "keys"

    @property
    def log_origin(self) -> str:
        """The audit log's name in its checkpoints."""
        return self.audit_origin or f"{self.public_url.partition('://')[2].rstrip('/')}/audit"

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies may travel over https only."""
        return self.public_url.lower().startswith("https://")


def load_settings() -> Settings:
    """The settings of this process, from its environment and `.env`."""
    return Settings()
