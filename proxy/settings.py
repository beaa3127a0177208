"""The environment of the proxy's processes, read once at start."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.settings import Settings, read


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment; ``overrides`` (by field name) win. Raises BadSettingError."""
    settings = read(os.environ, default_data_dir(), overrides)  # noqa: TID251 - the one place that may
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser().absolute()})


def default_data_dir() -> Path:
    """Where data goes unless told otherwise; not under /root, which the unprivileged Postgres could not reach."""
    return Path("/var/lib/footplate") if os.geteuid() == 0 else Path.home() / ".local/share/footplate"


def failpoint() -> str | None:
    """Where a crash test wants this process to die, as ``after_commit:kill``; not a setting for operators."""
    return os.environ.get("FOOTPLATE_FAILPOINT")  # noqa: TID251 - the one place that may
