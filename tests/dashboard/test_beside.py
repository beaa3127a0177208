"""What runs beside the web server fails alone."""

import asyncio

import pytest

from dashboard.beside import beside, keep


async def test_a_work_that_fails_is_begun_again_and_logged_without_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    """The log has class and place; after a pause it is tried anew."""
    tries: list[float] = []

    async def work() -> None:
        raise RuntimeError("https://hooks.slack.com/services/secret")

    async def pause(seconds: float) -> None:
        tries.append(seconds)
        if len(tries) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep("notifier", work, pause)
    said = capfd.readouterr().err
    assert (said.count('"error":"RuntimeError"'), said.count('"route":"notifier"')) == (3, 3)
    assert "secret" not in said


async def test_a_work_ends_with_the_block_and_is_waited_for() -> None:
    """What it does at its end is done when the block is left."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async with beside({"work": work}):
        await begun.wait()
        assert not ended.is_set()
    assert ended.is_set()
