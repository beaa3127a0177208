"""What a full tape did not take is nowhere made up: no empty body, no hash of one, no outcome concluded from it."""

import hashlib
from pathlib import Path

import pytest

from core.frames import encode_end
from core.models import End, Outcome, Timings
from core.tape import Kind
from tests.taping import STREAM, Call, Taping, answered, asked, drained, now_ms

Connection = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The folder of a tape."""
    return tmp_path / "tape" / "host-0"


def end(tape: Taping, call: Call, asked_bytes: int, received: int, lost: int) -> None:
    """The end of a call, with what the relay counted."""
    of = End(Outcome.OK, asked_bytes, received, received, Timings(first_byte_us=2000, end_us=4000), lost_frames=lost)
    call.sequence += lost
    tape.writer.append(Kind.END, call.start.request_id.bytes, call.sequence, 9000, encode_end(of))


async def test_a_record_of_metadata_says_only_what_it_knows(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Neither body was taken: the row has counts and the proxy's outcome; no body is stored, not even an empty one."""
    with Taping(node, now_ms()) as tape:
        call = tape.begin()
        tape.head(call, headers=STREAM)
        end(tape, call, 40_000, 20_000, 2)
    await drained(database_url, tmp_path)
    row = await connection.fetchrow(
        """SELECT outcome, lost_frames, request_bytes, response_bytes, request_sha256, response_sha256, input_tokens,
            usage_complete, parse_error, model, ttft_us FROM requests"""
    )
    assert row is not None
    assert tuple(row) == ("ok", 2, 40_000, 20_000, None, None, None, False, None, None, None)
    assert await connection.fetchval("SELECT count(*) FROM request_bodies") == 0
    assert await connection.fetchval("SELECT count(*) FROM response_bodies") == 0


async def test_a_part_of_a_body_is_kept_as_a_part(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """With its own size and hash beside it, and none of the whole on the row."""
    body, part = asked(), answered()[:50]
    with Taping(node, now_ms()) as tape:
        call = tape.begin()
        tape.ask(call, body)
        tape.head(call)
        tape.chunk(call, part)
        end(tape, call, len(body), 20_000, 1)
    await drained(database_url, tmp_path)
    row = await connection.fetchrow("SELECT outcome, request_sha256, response_sha256, parse_error, model FROM requests")
    assert row is not None
    assert tuple(row) == ("ok", hashlib.sha256(body).digest(), None, None, "claude-opus-5-5")
    stored = await connection.fetchrow("SELECT raw, size, sha256 FROM response_bodies")
    assert stored is not None
    assert tuple(stored) == (part, 50, hashlib.sha256(part).digest())


async def test_calls_without_bodies_lose_nothing(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """An empty body that was recorded is an empty body, also where frames of the other were lost."""
    with Taping(node, now_ms()) as tape:
        call = tape.begin(method="GET", target="/v1/models")
        tape.head(call)
        end(tape, call, 0, 20_000, 1)
    await drained(database_url, tmp_path)
    row = await connection.fetchrow("SELECT request_sha256, response_sha256 FROM requests")
    assert row is not None
    assert tuple(row) == (hashlib.sha256(b"").digest(), None)
    assert await connection.fetchval("SELECT size FROM request_bodies") == 0
