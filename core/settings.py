"""Every setting by name, once: its environment variable, default, range and one sentence.

Pure: ``read`` takes the environment as a mapping. The README's table is checked against ``Settings.model_fields``.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import BadSettingError

MAX_PORT = 65535
Port = Annotated[int, Field(ge=0, le=MAX_PORT)]
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_PORT = re.compile(r"(?!0+\Z)[0-9]{1,5}", re.ASCII)
_EVERYWHERE = frozenset({"0.0.0.0", "::"})
_TLS_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseModel):
    """What an operator can set. The alias of a field is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    data_dir: Path = Field(alias="FOOTPLATE_DATA_DIR", description="Folder for tape, embedded Postgres and secret key")
    database_url: str | None = Field(
        None, alias="DATABASE_URL", description="Postgres to use instead of the embedded one"
    )
    upstream_url: str = Field(
        "https://api.anthropic.com", alias="FOOTPLATE_UPSTREAM_URL", description="Where calls are forwarded to"
    )
    bind: str = Field("127.0.0.1", alias="FOOTPLATE_BIND", description="Address proxy and dashboard listen on")
    proxy_port: Port = Field(3000, alias="FOOTPLATE_PROXY_PORT", description="Port of the proxy")
    dashboard_port: Port = Field(3001, alias="FOOTPLATE_DASHBOARD_PORT", description="Port of the dashboard")
    proxy_mode: Literal["open", "keyed"] | None = Field(
        None,
        alias="FOOTPLATE_PROXY_MODE",
        description="`open` must be asked for by name on a bind that is not loopback",
    )
    proxy_workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1, alias="FOOTPLATE_PROXY_WORKERS", description="Proxy processes that share the port"
    )
    dashboard_api_key: str | None = Field(
        None,
        alias="DASHBOARD_API_KEY",
        min_length=16,
        repr=False,
        description="Key that callers of a dashboard off loopback must present",
    )
    public_url: str | None = Field(None, alias="FOOTPLATE_PUBLIC_URL", description="Dashboard address for links")
    secret_key: str | None = Field(
        None,
        alias="FOOTPLATE_SECRET_KEY",
        min_length=32,
        repr=False,
        description="Installation secret; made in the data folder if absent",
    )
    secret_key_file: Path | None = Field(
        None, alias="FOOTPLATE_SECRET_KEY_FILE", description="File that holds the installation secret"
    )
    on_tape_full: Literal["serve", "refuse"] = Field(
        "serve",
        alias="FOOTPLATE_ON_TAPE_FULL",
        description="When the tape is full: go on and count every loss, or answer 529",
    )
    tape_max_bytes: Annotated[int, Field(ge=1 << 20)] | None = Field(
        None,
        alias="FOOTPLATE_TAPE_MAX_BYTES",
        description="Size the tape may reach; default 20 GB or half of the free disk",
    )
    drain_seconds: Seconds = Field(
        300.0, alias="FOOTPLATE_DRAIN_SECONDS", description="How long a stopping proxy lets running streams finish"
    )
    connect_timeout: Seconds = Field(
        10.0, alias="FOOTPLATE_CONNECT_TIMEOUT", description="Seconds to reach the upstream"
    )
    first_byte_timeout: Seconds = Field(
        600.0, alias="FOOTPLATE_FIRST_BYTE_TIMEOUT", description="Seconds until the upstream's response head"
    )
    idle_timeout: Seconds = Field(
        300.0,
        alias="FOOTPLATE_IDLE_TIMEOUT",
        description="Seconds between two bytes of a response, and for a client to take one",
    )
    slack_webhook_url: str | None = Field(
        None,
        alias="SLACK_WEBHOOK_URL",
        repr=False,
        description="Incoming webhook that alerts go to where no channel of their train or account is set",
    )
    webhook_hosts: str = Field(
        "hooks.slack.com",
        alias="FOOTPLATE_WEBHOOK_HOSTS",
        description="Hosts that channels set on the page may name, joined by commas; `host:port` for another port",
    )
    slack_api_url: str = Field(
        "https://slack.com/api/",
        alias="FOOTPLATE_SLACK_API_URL",
        description="Where bots post to",
    )
    alerts_days: Annotated[int, Field(ge=8, le=36_500)] = Field(
        90,
        alias="FOOTPLATE_ALERTS_DAYS",
        description="Days that the log of alerts is kept; what is open or still to be told is kept anyway",
    )
    statement_cache: bool = Field(
        True, alias="FOOTPLATE_STATEMENT_CACHE", description="Turn off behind pgbouncer in transaction mode"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_upstream(self.upstream_url)
        check_circle(self.upstream_url, self.bind, self.proxy_port)
        if self.database_url is not None:
            check_database(self.database_url)
        if self.public_url is not None:
            check_origin(self.public_url, "FOOTPLATE_PUBLIC_URL")
        if self.slack_webhook_url is not None:
            check_webhook(self.slack_webhook_url, "SLACK_WEBHOOK_URL")
        check_webhook(self.slack_api_url, "FOOTPLATE_SLACK_API_URL")
        loopback = is_loopback(self.bind)
        if not loopback and self.proxy_mode is None:
            raise ValueError(
                f"FOOTPLATE_BIND={self.bind} is not loopback: set FOOTPLATE_PROXY_MODE=open to let anybody who reaches "
                "the port use the proxy with his own credential"
            )
        if self.proxy_mode == "keyed":
            raise ValueError(
                "FOOTPLATE_PROXY_MODE=keyed is not available in this version: client keys are not built yet"
            )
        if not loopback and self.dashboard_api_key is None:
            raise ValueError(
                f"FOOTPLATE_BIND={self.bind} is not loopback: set DASHBOARD_API_KEY (16 characters or more)"
            )
        if self.secret_key is not None and self.secret_key_file is not None:
            raise ValueError("set FOOTPLATE_SECRET_KEY or FOOTPLATE_SECRET_KEY_FILE, not both")
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the ports."""
        return is_loopback(self.bind)


def is_loopback(bind: str) -> bool:
    """Whether an address to listen on is of this machine only."""
    if bind == "localhost":
        return True
    try:
        return ip_address(bind).is_loopback
    except ValueError:
        return False


def check_upstream(url: str) -> None:
    """Refuse an upstream that would carry credentials in clear off this machine, or that has more than an origin."""
    parts = check_origin(url, "FOOTPLATE_UPSTREAM_URL")
    if parts.path not in {"", "/"}:
        raise ValueError("FOOTPLATE_UPSTREAM_URL must be an origin only: no path, query or user")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("FOOTPLATE_UPSTREAM_URL must be https: http is allowed to loopback only")


def check_webhook(url: str, name: str) -> SplitResult:
    """Refuse an address that messages cannot safely be sent to. Never quotes it: a webhook's path is its secret."""
    parts = _address(url, name, form="https://host/path", only="host and path only: no query, fragment or user")
    if not parts.path.startswith("/"):
        raise ValueError(f"{name} must be https://host/path")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"{name} must be https: http is allowed to loopback only")
    return parts


def check_circle(upstream_url: str, bind: str, proxy_port: int) -> None:
    """Refuse an upstream that is the proxy: one call would run in a circle until all descriptors are used."""
    parts = urlsplit(upstream_url)
    host = parts.hostname or ""
    # Another address of this machine may be another server's; a name, or listening on all, is this one's too.
    ours = bind == host or bind in _EVERYWHERE or "localhost" in {bind, host}
    if parts.scheme == "http" and (parts.port or 80) == proxy_port and ours:
        raise ValueError("FOOTPLATE_UPSTREAM_URL is this proxy itself: name the API, or another port")


def check_database(url: str) -> None:
    """Refuse what is no Postgres address. It may name several hosts, and its password is never shown."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("DATABASE_URL must begin with postgresql:// and name a host and a database")
    query = parse_qs(parts.query)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    ports = [port for host in hosts if (port := host.rpartition("]")[2].partition(":")[2])]
    ports += [port for ports in query.get("port", ()) for port in ports.split(",")]
    if any(not _PORT.fullmatch(port) or int(port) > MAX_PORT for port in ports):
        raise ValueError(f"DATABASE_URL must name ports from 1 to {MAX_PORT}")
    if not _TLS_MODES.issuperset(query.get("sslmode", ())):
        raise ValueError(f"DATABASE_URL: sslmode is one of {', '.join(sorted(_TLS_MODES))}")


def check_origin(url: str, name: str) -> SplitResult:
    """The parts of an origin."""
    return _address(url, name, form="https://host[:port]", only="an origin only: no path, query or user")


def _address(url: str, name: str, *, form: str, only: str) -> SplitResult:
    """The parts of an address that can be reached: a host that is one, a port there is, no user and no query."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{name} must be {form} with a port from 1 to {MAX_PORT}") from None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.hostname or "") or port == 0:
        raise ValueError(f"{name} must be {form}")
    if parts.query or parts.fragment or parts.username is not None or not url.isascii() or " " in url:
        raise ValueError(f"{name} must be {only}")
    return parts


def default_data_dir(*, root: bool) -> Path:
    """The data folder when none is named. Root's own home is closed to the unprivileged Postgres user."""
    return Path("/var/lib/footplate") if root else Path("~/.local/share/footplate")


def located(settings: Settings, expand: Callable[[Path], Path]) -> Settings:
    """The same with the data folder as ``expand`` says it in full. Raises BadSettingError where a home is unknown."""
    try:
        folder = expand(settings.data_dir)
    except RuntimeError as exc:
        raise BadSettingError(f"FOOTPLATE_DATA_DIR={settings.data_dir}: that home is unknown; name it in full") from exc
    return settings.model_copy(update={"data_dir": folder})


def read(environ: Mapping[str, str], data_dir: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from an environment; ``overrides`` (command line, by field name) win. Blank variables count as unset.

    Raises BadSettingError with one line that names the variable and what to do.
    """
    values: dict[str, Any] = {"data_dir": data_dir}
    for name, field in Settings.model_fields.items():
        given = environ.get(field.alias or "", "")
        if given.strip():
            values[name] = given
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as exc:
        raise BadSettingError(_one_line(exc)) from exc


def _one_line(exc: ValidationError) -> str:
    first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    field = Settings.model_fields.get(str(first["loc"][0]))
    name = field.alias if field is not None and field.alias else str(first["loc"][0])
    return f"{name}: {message}"
