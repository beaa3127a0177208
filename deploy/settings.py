"""The settings of the command line, and the environment its children get."""

import os
from collections.abc import Mapping
from typing import Any

from core.settings import Settings, default_data_dir, located, read

# Buffers of 128 KB and more would be mapped and faulted in anew for each request (1 MB requests through a plain aiohttp
# proxy: 603 µs of CPU without these, 380 µs with). glibc reads them before main, so only a launcher can set them.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "268435456"}


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment; flags (by field name, None = not given) win. Raises BadSettingError."""
    settings = read(_environ(), default_data_dir(root=os.geteuid() == 0), overrides)
    return located(settings, lambda folder: folder.expanduser().absolute())


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of a child: ours, with every setting as resolved here, and allocator thresholds unless set."""
    environment = MALLOC | _environ()
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        environment.pop(str(field.alias), None)
        if value is not None:
            environment[str(field.alias)] = str(value)
    return environment


def client_environment(proxy: str) -> dict[str, str]:
    """The environment of a client that is to talk through the proxy at this address."""
    return {**_environ(), "ANTHROPIC_BASE_URL": proxy}


def _environ() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251  the one place of this package
