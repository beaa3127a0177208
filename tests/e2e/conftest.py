"""One product and one scripted upstream for a module's tests: starting both takes seconds, a call milliseconds."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.product import Product, data_folder, running
from tests.scripted_anthropic import ScriptedAnthropic, serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anthropic_api() -> AsyncIterator[ScriptedAnthropic]:
    """api.anthropic.com, scripted."""
    async with serving() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(anthropic_api: ScriptedAnthropic) -> AsyncIterator[Product]:
    """`footplate up` in front of it."""
    with data_folder() as data:
        async with running(data, upstream_url=anthropic_api.url) as started:
            yield started
