"""Calls as they come off a tape, made in a line."""

from collections.abc import Callable
from uuid import UUID

import pytest

from core.exchange import Inflated, Taped, derive
from core.models import Chunk, End, Head, Outcome, Recording, Start, Timings

JSON = (("content-type", "application/json"),)


def make_taped(
    request: bytes = b'{"model":"claude-x","messages":[]}',
    response: bytes = b"",
    *,
    status: int | None = 200,
    outcome: Outcome = Outcome.OK,
    headers: tuple[tuple[str, str], ...] = JSON,
    cut: int = 1 << 20,
    ours: bool = False,
    timings: Timings = Timings(end_us=9_000),  # noqa: B008 # frozen
    **start: object,
) -> Taped:
    """A taped call; chunk n of ``cut`` bytes came at (n + 1) ms. ``status`` None: there never was a response head."""
    given = {"method": "POST", "target": "/v1/messages?beta=true", "headers": (), "train": "default"} | start
    chunks = tuple(
        Chunk(len(response[at : at + cut]), 1000 * (number + 1))
        for number, at in enumerate(range(0, len(response), cut))
    )
    return Taped(
        Start(UUID(int=7), 1_700_000_000_000_000, "boot", **given),
        request,
        None if status is None else Head(status, headers, ours),
        response,
        chunks,
        End(outcome, len(request), len(response), len(response), timings),
    )


@pytest.fixture
def taped() -> Callable[..., Taped]:
    """Make a taped call."""
    return make_taped


@pytest.fixture
def derived() -> Callable[..., Recording]:
    """Make a taped call and derive its recording."""
    return lambda *args, **given: derive(make_taped(*args, **given), Inflated())
