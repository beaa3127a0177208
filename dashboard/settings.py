"""Where the dashboard reads the environment, and nowhere else."""

import os
from collections.abc import Mapping
from typing import Any

from core.settings import Settings, default_data_dir, read


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment; ``overrides`` by field name win. Raises BadSettingError with one line."""
    data_dir = default_data_dir(root=os.geteuid() == 0)
    return read(os.environ, data_dir, overrides)  # noqa: TID251  the one place of this package
