"""Where the dashboard reads the environment, and nowhere else."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.settings import Settings, read


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment; ``overrides`` by field name win. Raises BadSettingError with one line."""
    return read(os.environ, _default_data_dir(), overrides)  # noqa: TID251  the one place of this package


def _default_data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/footplate")
    return Path.home() / ".local" / "share" / "footplate"
