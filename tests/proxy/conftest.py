"""Relay tests run under uvloop, as the product does: a reset, an EOF and a pause differ between event loops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.relay import Worker, settings_for
from tests.upstream import Upstream

_RELAY = ("test_wire_", "test_relay_", "test_own_routes")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of a test."""
    if item.path.name.startswith(_RELAY):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A scripted upstream."""
    async with Upstream() as server:
        yield server


@pytest.fixture
async def worker(upstream: Upstream, tmp_path: Path) -> AsyncIterator[Worker]:
    """A relay worker in front of it."""
    async with Worker(settings_for(tmp_path, upstream.url)) as running:
        yield running
