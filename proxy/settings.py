"""The environment of the proxy's processes, read once at start."""

import os
from collections.abc import Mapping
from typing import Any

from core.settings import Settings, default_data_dir, located, read


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment; ``overrides`` (by field name) win. Raises BadSettingError."""
    data_dir = default_data_dir(root=os.geteuid() == 0)
    settings = read(os.environ, data_dir, overrides)  # noqa: TID251 - the one place that may
    return located(settings, lambda folder: folder.expanduser().absolute())


def failpoint() -> str | None:
    """Where a crash test wants this process to die, as ``after_commit:kill``; not a setting for operators."""
    return os.environ.get("FOOTPLATE_FAILPOINT")  # noqa: TID251 - the one place that may
