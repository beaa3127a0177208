"""From a real tape into a real Postgres: every call is recorded, once, whatever happens in between."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.frames import encode_start
from core.ids import uuid7, uuid7_ms
from core.models import Outcome
from proxy.tape_starts import Starts
from tests.taping import HMAC, STREAM, Eventually, Taping, answered, asked, drained, now_ms, recording
from tests.usage_recount import check_usage

Connection = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The folder of a tape."""
    return tmp_path / "tape" / "host-0"


async def rollup(connection: Connection) -> list[dict[str, Any]]:
    """All of usage_hourly, after it was found equal to what the rows say."""
    await check_usage(connection)
    rows = await connection.fetch("SELECT * FROM usage_hourly ORDER BY train, hour, account, model, request_type")
    return [dict(row) for row in rows]


async def test_a_call_is_recorded_whole(database_url: str, connection: Connection, tmp_path: Path, node: Path) -> None:
    """The row says what happened, the bodies come back byte for byte with their hashes, the roll-up has it once."""
    with Taping(node, now_ms()) as tape:
        call = tape.whole(train="atlas", says=answered(tokens=(100, 7)))
    await drained(database_url, tmp_path)
    row = await connection.fetchrow(
        "SELECT r.*, t.name FROM requests AS r JOIN trains AS t USING (train) WHERE id = $1", call.start.request_id
    )
    assert row is not None
    assert (row["name"], row["node"], row["path"], row["query"]) == ("atlas", "host-0", "/v1/messages", "beta=true")
    assert (row["outcome"], row["status_code"], row["input_tokens"], row["output_tokens"]) == ("ok", 200, 100, 7)
    assert row["request_sha256"] == hashlib.sha256(asked()).digest()
    bodies = await connection.fetchrow("SELECT request_body(train, id) AS body, raw, chunk_sizes FROM response_bodies")
    assert bodies is not None
    assert (bodies["body"], bodies["raw"]) == (asked(), answered(tokens=(100, 7)))
    assert sum(bodies["chunk_sizes"]) == len(bodies["raw"])
    assert [hour["requests"] for hour in await rollup(connection)] == [1]


async def test_trailers_stand_behind_the_headers(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Fields behind a chunked body are in the record, told from headers, and mean nothing to what is derived."""
    with Taping(node, now_ms()) as tape:
        call = tape.begin()
        tape.ask(call, asked())
        tape.head(call)
        tape.chunk(call, answered())
        tape.end(call, trailers=(("X-Sum", "[not kept]"), ("content-encoding", "gzip")))
    await drained(database_url, tmp_path)
    row = await connection.fetchrow("SELECT request_headers, parse_error FROM requests")
    assert row is not None
    names = [name for name, _ in json.loads(row["request_headers"])]
    assert (names, row["parse_error"]) == (["content-type", "X-Sum (trailer)", "content-encoding (trailer)"], None)


async def test_a_second_reading_changes_nothing(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """The same tape from its beginning again: the same rows, the same counters."""
    with Taping(node, now_ms()) as tape:
        for train in ("atlas", "borealis", "atlas"):
            tape.whole(train=train)
    await drained(database_url, tmp_path)
    before, rows = await rollup(connection), await connection.fetch("SELECT * FROM requests ORDER BY train, id")
    await connection.execute("UPDATE tape_positions SET segment = '00000000-0000-0000-0000-000000000000'")
    await drained(database_url, tmp_path)
    assert await rollup(connection) == before
    assert await connection.fetch("SELECT * FROM requests ORDER BY train, id") == rows
    assert sum(hour["requests"] for hour in before) == 3


async def test_a_call_in_flight_is_seen_at_once(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """A start makes a row without an outcome; its end completes that row, and only then it counts."""
    eventually = Eventually(connection)
    with Taping(node, now_ms()) as tape:
        async with recording(database_url, tmp_path):
            call = tape.begin(headers=(("user-agent", "claude-cli/2.1"), ("x-claude-code-session-id", "s-1")))
            await eventually.says(1, "SELECT count(*) FROM requests WHERE outcome IS NULL AND ended_at IS NULL")
            assert await connection.fetchval("SELECT client || session_id FROM requests") == "claude-codes-1"
            assert await rollup(connection) == []
            tape.ask(call, asked())
            tape.head(call)
            tape.chunk(call, answered())
            tape.end(call)
            await eventually.says("ok", "SELECT outcome FROM requests")
    assert [hour["requests"] for hour in await rollup(connection)] == [1]


async def test_the_end_of_a_later_call_does_not_lose_an_earlier_one(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """The position stays at the earliest unfinished call; a new recorder finds all its frames."""
    with Taping(node, now_ms()) as tape:
        long = tape.begin()
        tape.ask(long, asked())
        for _ in range(3):
            tape.whole()
        await tape.synced()
        await drained(database_url, tmp_path)
        tape.head(long)
        tape.chunk(long, answered("late"))
        tape.end(long)
        await tape.synced()
        await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM requests WHERE outcome = 'ok'") == 4
    body = await connection.fetchval("SELECT raw FROM response_bodies WHERE id = $1", long.start.request_id)
    assert body == answered("late")
    assert sum(hour["requests"] for hour in await rollup(connection)) == 4


async def test_what_a_dead_proxy_left_open_is_closed_with_what_it_has(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Nobody will end these calls: they end as proxy_crash with the chunks on the tape."""
    with Taping(node, now_ms()) as tape:
        call = tape.begin()
        tape.ask(call, asked())
        tape.head(call, headers=STREAM)
        tape.chunk(call, b"event: ping\ndata: {}\n\n")
        silent = tape.begin()
    await drained(database_url, tmp_path)
    rows = {row["id"]: row for row in await connection.fetch("SELECT * FROM requests")}
    assert {row["outcome"] for row in rows.values()} == {"proxy_crash"}
    crashed = rows[call.start.request_id]
    assert (crashed["response_bytes"], crashed["duration_us"]) == (22, 3000)
    assert rows[silent.start.request_id]["status_code"] is None
    raw = await connection.fetchval("SELECT raw FROM response_bodies")
    assert raw == b"event: ping\ndata: {}\n\n"
    await rollup(connection)


async def test_a_successor_on_the_same_tape_shows_that_the_proxy_before_is_dead(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """The tape is held again, by another process that has no call yet: the old call is closed, the new one is not."""
    with Taping(node, now_ms()) as tape:
        old = tape.begin()
    with Taping(node, now_ms(), "boot 2") as tape:
        async with recording(database_url, tmp_path):
            eventually = Eventually(connection)
            closed = "SELECT count(*) FROM requests WHERE id = $1 AND outcome = 'proxy_crash'"
            await eventually.says(1, closed, old.start.request_id)
            new = tape.begin()
            await eventually.says(1, "SELECT count(*) FROM requests WHERE id = $1", new.start.request_id)
            await eventually.says(1, "SELECT count(*) FROM requests WHERE outcome IS NULL")


async def test_a_kill_between_commit_and_delete_counts_nothing_twice(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """The rows are committed, the segments still there: reading them again is a no-op (faults.md, 18)."""
    for _ in range(3):
        with Taping(node, now_ms()) as tape:
            for _ in range(5):
                tape.whole(credential_kind="api_key", credential_hmac=HMAC)
    before = sorted(node.glob("*.seg"))
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "proxy", "record", "--once"),
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "FOOTPLATE_DATA_DIR": str(tmp_path),
            "FOOTPLATE_FAILPOINT": "after_commit:kill",
        },
    )
    assert await killed.wait() == -signal.SIGKILL
    counted = await rollup(connection)
    assert sum(hour["requests"] for hour in counted) == 15
    assert sorted(node.glob("*.seg")) == before
    await drained(database_url, tmp_path)
    assert len(list(node.glob("*.seg"))) < len(before)
    await connection.execute("UPDATE tape_positions SET segment = '00000000-0000-0000-0000-000000000000'")
    await drained(database_url, tmp_path)
    assert await rollup(connection) == counted


async def test_a_missing_segment_is_normal(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """A crash right after a delete leaves a position without its segment: reading goes on (faults.md, 19)."""
    with Taping(node, now_ms()) as tape:
        tape.whole()
    await drained(database_url, tmp_path)
    for segment in node.glob("*.seg"):
        segment.unlink()
    with Taping(node, now_ms()) as tape:
        tape.whole()
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM requests WHERE outcome = 'ok'") == 2


async def test_an_id_of_a_wrong_clock_is_filed_under_the_recorders_time(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """It finds a partition, keeps the proxy's id beside it, is found again by it, and its end completes that row."""
    past, future = uuid7(1000, b"\1" * 10), uuid7(now_ms() + 400 * 86_400_000, b"\2" * 10)
    with Taping(node, now_ms()) as tape:
        calls = [tape.begin(request_id=past), tape.begin(request_id=future)]
        await tape.synced()
        await drained(database_url, tmp_path)
        first = {row["original_id"]: row["id"] for row in await connection.fetch("SELECT * FROM requests")}
        assert set(first) == {past, future}
        assert all(abs(uuid7_ms(filed) - now_ms()) < 60_000 for filed in first.values())
        for call in calls:
            tape.ask(call, asked())
            tape.end(call, Outcome.CLIENT_CANCELLED)
    await drained(database_url, tmp_path)
    rows: list[tuple[UUID, UUID, str]] = [
        (row["original_id"], row["id"], row["outcome"]) for row in await connection.fetch("SELECT * FROM requests")
    ]
    assert sorted(rows) == sorted((given, filed, "client_cancelled") for given, filed in first.items())
    assert await connection.fetchval("SELECT count(*) FROM request_bodies") == 2


async def test_the_command_stops_cleanly(database_url: str, connection: Connection, tmp_path: Path, node: Path) -> None:
    """``python -m proxy record`` follows the tapes, and SIGTERM ends it with 0, with or without its database."""
    environment = {"PATH": os.environ["PATH"], "FOOTPLATE_DATA_DIR": str(tmp_path)}
    with Taping(node, now_ms()) as tape:
        tape.whole()
        for url in (database_url, "postgresql://nobody@127.0.0.1:1/nothing"):
            recorder = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "proxy", "record"),
                env=environment | {"DATABASE_URL": url},
                stderr=asyncio.subprocess.PIPE,
            )
            assert recorder.stderr is not None
            if url == database_url:
                await Eventually(connection).says(1, "SELECT count(*) FROM requests WHERE outcome = 'ok'")
            else:
                while b"waiting_for_database" not in await recorder.stderr.readline():
                    pass
            recorder.send_signal(signal.SIGTERM)
            _, said = await recorder.communicate()
            assert (recorder.returncode, b"Traceback" in said) == (0, False)


async def test_draining_with_nothing_there_is_fine(database_url: str, tmp_path: Path) -> None:
    """No tape yet: nothing to do."""
    await drained(database_url, tmp_path)


async def test_damage_costs_only_what_it_hit(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """A flipped bit in one call's answer: that call says how many frames it lost, and the others are whole.

    How it ended the end frame says: bytes that are not there are no evidence against it.
    """
    marked = answered("here lies the damage")
    with Taping(node, now_ms()) as tape:
        tape.whole()
        hit = tape.whole(says=marked)
        tape.whole()
    (segment,) = node.glob("*.seg")
    raw = bytearray(segment.read_bytes())
    raw[raw.index(b"lies the damage")] ^= 1
    segment.write_bytes(raw)
    await drained(database_url, tmp_path)
    found = await connection.fetch("SELECT id, outcome, lost_frames, response_sha256, usage_complete FROM requests")
    rows = {row["id"]: row for row in found}
    assert tuple(rows[hit.start.request_id])[1:] == ("ok", 1, None, False)
    assert await connection.fetchval("SELECT count(*) FROM response_bodies") == 2
    others = [row for key, row in rows.items() if key != hit.start.request_id]
    assert [(row["outcome"], row["lost_frames"]) for row in others] == [("ok", 0)] * 2
    assert len(list(node.glob("*.bad"))) == 1


async def test_starts_that_were_rescued_twice_change_nothing(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """A killed proxy's starts come again (proxy.tape_starts): whole calls stay as they are, a lost one gets its row."""
    with Taping(node, now_ms()) as tape:
        whole = tape.whole(train="atlas")
    await drained(database_url, tmp_path)
    before = await connection.fetch("SELECT * FROM requests ORDER BY id")

    ring = Starts(node)
    lost = replace(whole.start, request_id=uuid7(now_ms(), os.urandom(10)))
    for start in (whole.start, lost):
        ring.put(start.request_id.bytes, 0, 1000, encode_start(start))
    with Taping(node, now_ms()):
        await drained(database_url, tmp_path)
    rows = await connection.fetch("SELECT * FROM requests ORDER BY id")
    assert rows[:1] == before
    assert [(row["id"], row["outcome"]) for row in rows[1:]] == [(lost.request_id, "proxy_crash")]
    assert sum(hour["requests"] for hour in await rollup(connection)) == 2


async def test_a_rescued_start_leaves_what_was_taped(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Killed in the middle, and nobody recorded it before the next proxy came: every byte on the tape is in the row."""
    with Taping(node, now_ms()) as tape:
        call = tape.begin()
        tape.ask(call, asked())
        tape.head(call)
        tape.chunk(call, b"as far as it came")
    Starts(node).put(call.start.request_id.bytes, 0, 1000, encode_start(call.start))
    with Taping(node, now_ms()):
        await drained(database_url, tmp_path)
    (row,) = await connection.fetch(
        "SELECT outcome, status_code, q.body, s.raw FROM requests "
        "JOIN request_bodies AS q USING (train, id) JOIN response_bodies AS s USING (train, id)"
    )
    assert tuple(row) == ("proxy_crash", 200, asked(), b"as far as it came")
