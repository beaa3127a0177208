"""A recorded stream is played again: every event, in order, with its pauses, resumable; readers may leave."""

import asyncio
import json

import pytest

from core.sse import decode
from dashboard.open_streams import MOST, STREAMS
from tests import recordings
from tests.recordings import Recorded, message, request_body, sse, text

SECRET = "sk-ant-api03-" + "Zz9" * 24


async def played(client, number, query="?speed=32", **headers):
    """What a reader gets who stays to the end."""
    answer = await client.get(f"/api/requests/{number}/replay{query}", headers=headers)
    assert answer.status == 200
    assert answer.content_type == "text/event-stream"
    return await answer.text()


async def test_every_event_comes_back_as_it_was(client, seeded):
    """Names and data are those of the recorded stream, numbered from 1; the last event says that this was all."""
    recorded = decode(sse(message(text("Grüße, 世界 🚂. " * 20))))
    whole = await played(client, seeded["stream"])
    came = decode(whole.encode())
    assert [(event.name, event.data) for event in came[:-1]] == [(event.name, event.data) for event in recorded]
    assert [line for line in whole.split("\n") if line.startswith("id: ")] == [
        f"id: {number}" for number in range(1, len(recorded) + 1)
    ]
    assert came[-1].name == "replay_end"
    assert json.loads(came[-1].data)["events"] == len(recorded)
    assert json.loads(came[-1].data)["outcome"] == "ok"


async def test_an_inflated_stream_is_played_too(client, seeded):
    """What was gzip on the wire is played as text."""
    assert "Squeezed" in await played(client, seeded["gzip"])


async def test_a_reader_goes_on_behind_its_last_event(client, seeded):
    """By the header that browsers send, which counts more than the address, or by the address."""
    number = seeded["stream"]
    whole = decode((await played(client, number)).encode())
    for query, headers in (("?speed=32&after=3", {}), ("?speed=32&after=1", {"Last-Event-ID": "3"})):
        rest = decode((await played(client, number, query, **headers)).encode())
        assert [(event.name, event.data) for event in rest] == [(event.name, event.data) for event in whole[3:]]
    nothing_left = decode((await played(client, number, "?after=1000")).encode())
    assert [event.name for event in nothing_left] == ["replay_end"]


async def test_a_page_gets_it_masked_and_spelled_out(client, connection):
    """``view=text`` shows no secret, not even one that is spread over deltas, and no character that hides."""
    call = Recorded(
        request=request_body("x", stream=True), message=message(text(f"key {SECRET} \u202eevil")), stream=True
    )
    number = await recordings.insert(connection, call)
    shown = await played(client, number, "?speed=32&view=text")
    steps = [json.loads(event.data) for event in decode(shown.encode()) if event.name == "step"]
    said = "".join(step["text"] for step in steps)
    assert f"key ⟦sk-ant-… masked, {len(SECRET)} characters⟧" in said
    assert said.endswith("⟦…⟧ ⟨U+202E⟩evil")
    assert SECRET[-9:] not in shown
    assert steps[0].keys() == {"at_us", "name", "block", "block_type", "text"}


async def test_a_reader_who_leaves_is_noticed(client, connection, monkeypatch):
    """Nobody goes on playing to a closed connection, also in the middle of a long silence."""
    monkeypatch.setattr("dashboard.recordings.replay.HEARTBEAT_SECONDS", 0.02)
    number = await slow_stream(connection)
    answer = await client.get(f"/api/requests/{number}/replay")
    await answer.content.readuntil(b"\n\n")
    streams = client.server.app[STREAMS]
    assert streams.open == 1
    answer.close()
    async with asyncio.timeout(10):
        while streams.open:
            await asyncio.sleep(0.01)


async def test_a_stop_ends_it(client, connection):
    """When the process stops, a replay ends at once, without the event that would call it complete."""
    number = await slow_stream(connection)
    answer = await client.get(f"/api/requests/{number}/replay")
    first = await answer.content.readuntil(b"\n\n")
    app = client.server.app
    await app[STREAMS].end(app)
    async with asyncio.timeout(10):
        rest = await answer.content.read()
    assert b"replay_end" not in first + rest


async def test_there_is_an_end_to_how_many_play(client, seeded):
    """Beyond the bound a reader is told to come back."""
    client.server.app[STREAMS].open = MOST
    answer = await client.get(f"/api/requests/{seeded['stream']}/replay")
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("plain", "", 404),
        ("in_flight", "", 409),
        ("stream", "?speed=33", 400),
        ("stream", "?speed=0.1", 400),
        ("stream", "?speed=nan", 400),
        ("stream", "?after=-1", 400),
        ("stream", "?view=raw", 400),
    ],
)
async def test_what_cannot_be_played_is_said(client, seeded, name, query, status):
    """No stream, not ended yet, no such speed: an error in the one shape."""
    answer = await client.get(f"/api/requests/{seeded[name]}/replay{query}")
    assert answer.status == status
    assert (await answer.json())["error"]["message"]


async def slow_stream(connection):
    """A stream whose second chunk comes after an hour."""
    number = await recordings.insert(
        connection, Recorded(request=request_body("x", stream=True), message=message(text("slow")), stream=True)
    )
    await connection.execute(
        "UPDATE response_bodies SET chunk_at_us = (SELECT array_agg(n * 3600000000) FROM "
        "generate_series(1, cardinality(chunk_at_us)) AS n) WHERE id = $1",
        number,
    )
    return number
