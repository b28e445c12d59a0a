"""Settings, read from the environment (PLUMBLINE_…) and from a file `.env`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from governance.access import Role
from governance.audit.keys import read_or_make_seed
from governance.errors import BadInput, Problem

Environment = Literal["development", "production"]
_SECRET_MIN_CHARACTERS = 32
_SECRET_MIN_DISTINCT = 8
_WELL_KNOWN = ("change", "secret", "example", "password", "default", "plumbline", "insecure")
"""What stands in values that were copied from somewhere instead of drawn."""
_FOLLOWS = "default_factory_not_called"
"""Pydantic's word for a default that it couldn't make as another value was wrong."""
_MAKE_A_SECRET = "make one with: openssl rand -base64 48"  # noqa: S105 (an instruction)
_STRONG_BY_DEFAULT = (Role.OPERATOR, Role.PROVIDER_FINANCE, Role.COMMITTEE_CHAIR)
"""They manage accounts, issue invoices and decide on amounts."""


def _split(value: Any) -> Any:
    """A list from a comma-separated text; `none` and an empty text are an empty list."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return []
    return [part.strip() for part in value.split(",") if part.strip()]


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine for certain."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _environment_of(data: dict[str, Any]) -> Environment:
    host = urlsplit(data.get("public_url", "")).hostname or ""
    return "development" if is_loopback(host) else "production"


def _strong_roles(data: dict[str, Any]) -> list[Role]:
    return list(_STRONG_BY_DEFAULT) if data.get("environment") == "production" else []


_Comma = (NoDecode, BeforeValidator(_split))
Positive = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """How one installation is set up; every value has a default that works on a laptop.

    `load_settings` also refuses combinations that are unsafe on a server.
    """

    model_config = SettingsConfigDict(
        env_prefix="PLUMBLINE_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
    )

    data_dir: Path = Path("var")
    """Folder of the SQLite database and of the evidence."""
    evidence_store: str = ""
    """Where evidence is kept: a folder, or s3://bucket/prefix; empty: in the data folder."""
    evidence_cache_bytes: Positive = 10 * 1024**3
    """How much of a bucket's evidence is kept on this machine; what is in use always is."""
    s3_endpoint_url: str = ""
    """Address of the object storage, https except on this machine; empty: that of AWS."""
    s3_region: str = ""
    s3_access_key: SecretStr = SecretStr("")
    """Access key; empty: from the environment, as all programs for S3 look for it."""
    s3_secret_key: SecretStr = SecretStr("")
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What runs the SQL of KPIs and meters; the figures are the same."""
    spark_master: str = "local[*]"
    """The cluster that Spark is to use, such as spark://host:7077, yarn or k8s://…"""
    spark_options: Annotated[list[str], *_Comma] = []
    """Further options of Spark, such as spark.executor.memory=4g."""
    spark_evidence: str = ""
    """Where the executors find the evidence, such as s3a://bucket/prefix; empty: under the paths
    that this process reads it from."""
    kpi_dir: Path | None = None
    """Folder of own KPIs, beside those of the product; they are checked when it starts."""
    database_url: str = ""
    """SQLAlchemy address; empty is SQLite in the data folder. PostgreSQL: postgresql+psycopg://…"""
    postgresql_bin: Path | None = None
    """Folder of pg_dump and pg_restore; empty: they are found in PATH."""
    public_url: str = "http://127.0.0.1:8000"
    """Where browsers reach the application; https makes cookies secure."""
    environment: Environment = Field(default_factory=_environment_of)
    """`production` once the public address isn't this machine; it demands what a server needs."""
    secret_key: SecretStr = SecretStr("")
    """What keys for cookies, links and stored second factors are derived from."""
    audit_origin: str = ""
    """Name of a new audit log, a URL without scheme; empty: from `public_url`. It never changes."""
    audit_key_dir: Path | None = None
    """Folder of the audit log's key; by default `keys` in the data folder."""
    timestamp_authority: str = ""
    """Address of an RFC 3161 service that timestamps checkpoints; empty: none."""
    trusted_proxies: Annotated[list[IPvAnyNetwork], *_Comma] = []
    """Addresses or networks of proxies whose X-Forwarded-For and -Proto are believed."""

    upload_max_bytes: Positive = 100 * 1024 * 1024
    import_seconds: Positive = 300
    """How long reading one hand-in may take; the process that reads it is ended then."""
    import_memory_mb: Annotated[int, Field(ge=256)] = 2048
    """Memory of that process."""
    import_temporary_mb: Positive = 8192
    """Size of the largest temporary file that it may write."""
    columns_max: Positive = 500
    """Columns of one table; each costs the engine planning time."""
    unpacked_ratio: Positive = 100
    """A compressed file that unpacks to more times its size is refused …"""
    unpacked_small_mb: Positive = 64
    """… unless it is CSV or Parquet and stays below this size."""
    workbook_max_mb: Positive = 100
    """Unpacked size of a workbook."""
    workbook_max_parts: Positive = 1_000
    workbook_max_cells: Positive = 5_000_000
    """Rows × columns of a sheet's used range."""
    draft_hours: Positive = 24
    """How long an upload waits for answers or for the decision to use it."""
    drop_dir: Path | None = None
    """Folder into which other systems lay evidence, with a sub-folder for each engagement; empty:
    none."""
    drafts_max: Positive = 20
    """Uploads of one engagement that wait at a time."""
    run_workers: Annotated[int, Field(ge=0)] = 1
    """Threads beside the pages that work on runs, each on one at a time; 0 leaves runs to
    `plumbline worker`."""
    run_processes: Annotated[int, Field(ge=0)] = 0
    """Processes that draw the documents of runs; 0 is one for each processor."""
    compared_periods: Positive = 13
    """Settled periods, newest first, that a correction is measured for before it counts."""
    contract_max_bytes: Positive = 1024 * 1024

    session_idle_minutes: Positive = 30
    session_absolute_hours: Positive = 12
    reauthentication_minutes: Positive = 10
    """How long a password or second factor counts as just given, for grave acts."""
    claim_reminder_days: Annotated[list[Positive], *_Comma] = Field(
        default_factory=lambda: [14, 7, 1]
    )
    """How many days before a service credit lapses the client is reminded; `none` for never."""
    invitation_days: Positive = 7
    reset_minutes: Positive = 60
    strong_sign_in_roles: Annotated[list[Role], *_Comma] = Field(default_factory=_strong_roles)
    """Roles that must use a second factor; `none` for nobody."""
    breached_passwords: Path | None = None
    """File of SHA-1 digests of breached passwords, in ascending order."""
    oidc_issuer: str = ""
    """OpenID Connect issuer; empty: no such sign-in."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = "single sign-on"
    """What the button for it says."""

    smtp_host: str = ""
    """Mail server; empty: no mail is sent."""
    smtp_port: Port = 587
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = True
    mail_from: str = ""
    """Sender of all mail."""
    mail_max_mb: Positive = 20
    """Size of the longest mail that the mail server takes, documents included."""

    metrics_token: SecretStr = SecretStr("")
    """Bearer token that may read /metrics; empty: signed-in operators only."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    debug: bool = False
    """Shows stack traces in the browser: never on a server that others reach."""

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
            raise ValueError("must be http:// or https://, a host and perhaps a port, nothing else")
        return value

    @property
    def production(self) -> bool:
        """Whether others than this machine's user are served."""
        return self.environment == "production"

    @property
    def public_host(self) -> str:
        """Host of the public address in lower case, without port."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def database_address(self) -> str:
        """`database_url`, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'plumbline.db'}"

    @property
    def evidence_dir(self) -> Path:
        """Folder of the immutable evidence tables, where they aren't in a bucket."""
        named = "" if self.evidence_in_bucket else self.evidence_store
        return Path(named) if named else self.data_dir / "evidence"

    @property
    def evidence_in_bucket(self) -> bool:
        """Whether the evidence lies in object storage."""
        return self.evidence_store.startswith("s3://")

    @property
    def evidence_cache_dir(self) -> Path:
        """Folder for what was read from a bucket; it may be emptied at any time."""
        return self.data_dir / "evidence-cache"

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

    @property
    def proxy_networks(self) -> list[IPv4Network | IPv6Network]:
        """`trusted_proxies`, as the standard library's networks."""
        return list(self.trusted_proxies)

    @property
    def mail_max_bytes(self) -> int:
        """Bytes of the longest mail."""
        return self.mail_max_mb * 1_000_000

    def secret(self) -> bytes:
        """The secret that keys are derived from.

        In development it is drawn once into the key folder. Raises BadInput where production
        has none worth the name.
        """
        if self.production:
            _refuse([problem for problem in [_weak_secret(self)] if problem])
        given = self.secret_key.get_secret_value()
        return given.encode() if given else read_or_make_seed(self.key_dir / "secret.key")


def load_settings() -> Settings:
    """The settings of this process, from its environment and `.env`.

    Raises BadInput that names every value that can't be read or isn't safe in production.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [
            _problem(one["loc"], one["msg"].removeprefix("Value error, "))
            for one in error.errors()
            if one["type"] != _FOLLOWS
        ]
        raise BadInput(problems) from None
    _refuse(unsafe_settings(settings) + _unusable(settings))
    return settings


def unsafe_settings(settings: Settings) -> list[Problem]:
    """What must change before others may be served; nothing in development."""
    if not settings.production:
        return [] if is_loopback(settings.public_host) else [_not_development(settings)]
    found = [
        _weak_secret(settings),
        _plain_http(settings),
        _debugging(settings),
        _key_near(settings),
    ]
    return [problem for problem in found if problem]


def _unusable(settings: Settings) -> list[Problem]:
    """What would fail only later, when a mail is due or somebody chooses a password."""
    file, authority = settings.breached_passwords, settings.timestamp_authority
    rules = (
        ("breached_passwords", file is None or file.is_file(), "there is no such file"),
        (
            "timestamp_authority",
            not authority or authority.startswith(("http://", "https://")),
            "it must start with http:// or https://",
        ),
        (
            "spark_options",
            all("=" in option for option in settings.spark_options),
            "each must be name=value",
        ),
        (
            "mail_from",
            not settings.smtp_host or "@" in settings.mail_from,
            "it must be an e-mail address, as PLUMBLINE_SMTP_HOST is set",
        ),
        (
            "oidc_client_id",
            not settings.oidc_issuer or bool(settings.oidc_client_id),
            "it is missing, as PLUMBLINE_OIDC_ISSUER is set",
        ),
    )
    return [_problem((name,), what) for name, holds, what in rules if not holds]


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise BadInput(problems)


def _problem(location: tuple[int | str, ...], what: str) -> Problem:
    """Says which setting is wrong, never its value: it may be a secret."""
    return Problem(f"PLUMBLINE_{str(location[0]).upper()}: {what}" if location else what)


def _not_development(settings: Settings) -> Problem:
    return _problem(
        ("environment",),
        f"it says development, but the public address {settings.public_url} isn't this machine; "
        "leave it out or say production",
    )


def _weak_secret(settings: Settings) -> Problem | None:
    secret = settings.secret_key.get_secret_value()
    if not secret:
        return _problem(("secret_key",), f"it is missing in production; {_MAKE_A_SECRET}")
    if len(secret) < _SECRET_MIN_CHARACTERS:
        return _problem(
            ("secret_key",),
            f"it has {len(secret)} characters, at least {_SECRET_MIN_CHARACTERS} are needed; "
            f"{_MAKE_A_SECRET}",
        )
    guessable = len(set(secret)) < _SECRET_MIN_DISTINCT
    if guessable or any(word in secret.lower() for word in _WELL_KNOWN):
        return _problem(("secret_key",), f"it looks like an example, not drawn; {_MAKE_A_SECRET}")
    return None


def _plain_http(settings: Settings) -> Problem | None:
    if settings.secure_cookies:
        return None
    return _problem(("public_url",), "in production it must start with https://")


def _debugging(settings: Settings) -> Problem | None:
    if not settings.debug:
        return None
    return _problem(("debug",), "in production it must be off: it shows the program's insides")


def _key_near(settings: Settings) -> Problem | None:
    """Who copies the data folder must not get the key that signs for it."""
    if not settings.key_dir.resolve().is_relative_to(settings.data_dir.resolve()):
        return None
    return _problem(
        ("audit_key_dir",),
        "in production it must name a folder outside the data folder, so that a copy of the data "
        "doesn't carry the audit log's key",
    )
