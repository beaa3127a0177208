"""The public SQL contract: names, order and types of the two views, and what they show of a recorded call."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from core.ids import uuid7

pytestmark = pytest.mark.postgres

API_REQUESTS = {
    "id": "uuid",
    "train_id": "text",
    "account_id": "text",
    "method": "text",
    "path": "text",
    "status_code": "integer",
    "error_type": "text",
    "error_message": "text",
    "model": "text",
    "request_type": "text",
    "input_tokens": "bigint",
    "output_tokens": "bigint",
    "total_tokens": "bigint",
    "response_time_ms": "bigint",
    "request_body": "jsonb",
    "response_body": "jsonb",
    "headers": "jsonb",
    "conversation_id": "uuid",
    "branch_id": "text",
    "current_message_hash": "character varying(64)",
    "parent_message_hash": "character varying(64)",
    "is_subtask": "boolean",
    "parent_task_request_id": "uuid",
    "task_tool_invocation": "jsonb",
    "created_at": "timestamp with time zone",
    "updated_at": "timestamp with time zone",
}
STREAMING_CHUNKS = {
    "id": "uuid",
    "request_id": "uuid",
    "chunk_index": "integer",
    "content": "text",
    "created_at": "timestamp with time zone",
}
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) AS type
FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0
ORDER BY attnum
"""


@pytest.mark.parametrize(("view", "columns"), [("api_requests", API_REQUESTS), ("streaming_chunks", STREAMING_CHUNKS)])
async def test_columns_and_types_are_the_contracts(
    connection: asyncpg.Connection, view: str, columns: dict[str, str]
) -> None:
    """People's scripts name them (api.md, SQL contract)."""
    found = await connection.fetch(COLUMNS, view)
    assert [(row["attname"], row["type"]) for row in found] == list(columns.items())


async def record(connection: asyncpg.Connection, chunks: list[bytes], **more: object) -> UUID:
    """One call of train `alpha` whose response came in these chunks, 10 ms apart."""
    request_id = uuid7(int(datetime.now(UTC).timestamp() * 1000), bytes(10))
    await connection.execute("INSERT INTO trains (name) VALUES ('alpha')")
    values = {"request_body": b'{"a": "x\\u0000"}', "decoded": None, "decoded_sizes": None, "stream": True} | more
    await connection.execute(
        """
        INSERT INTO requests (train, id, node, method, path, model, answered_model, stream, status_code, started_at,
            ended_at, outcome, duration_us, request_headers, deriver_version, account)
        SELECT train, $1, 'n', 'POST', '/v1/messages', 'asked', 'answered', $2, 200, $3, $3, 'ok', 1234567, $4, 1, $5
        FROM trains""",
        request_id,
        values["stream"],
        datetime(2026, 1, 1, tzinfo=UTC),
        json.dumps([["content-type", "application/json"], ["x-app", "cli"]]),
        values.get("account"),
    )
    body, raw = values["request_body"], b"".join(chunks)
    assert isinstance(body, bytes)
    await connection.execute(
        "INSERT INTO request_bodies SELECT train, $1, $2, length($2::bytea), $3 FROM trains",
        request_id,
        body,
        hashlib.sha256(body).digest(),
    )
    await connection.execute(
        """
        INSERT INTO response_bodies (train, id, raw, decoded, message, chunk_sizes, decoded_sizes, chunk_at_us, size,
            sha256) SELECT train, $1, $2, $3, $4, $5, $6, $7, length($2::bytea), $8 FROM trains""",
        request_id,
        raw,
        values["decoded"],
        values.get("message"),
        [len(chunk) for chunk in chunks],
        values["decoded_sizes"],
        [10_000 * n for n in range(len(chunks))],
        hashlib.sha256(raw).digest(),
    )
    return request_id


async def test_a_call_is_shown_with_its_bodies_as_json(connection: asyncpg.Connection) -> None:
    """The model is the one that answered, times are milliseconds, NUL is U+FFFD, a stream's body its message."""
    request_id = await record(connection, [b"event: x\n\n"], message='{"role": "assistant"}')
    row = await connection.fetchrow("SELECT * FROM api_requests")
    assert row is not None
    assert (row["id"], row["train_id"], row["model"], row["response_time_ms"]) == (
        request_id,
        "alpha",
        "answered",
        1234,
    )
    assert json.loads(row["request_body"]) == {"a": "x\ufffd"}
    assert json.loads(row["response_body"]) == {"role": "assistant"}
    assert json.loads(row["headers"]) == {"content-type": "application/json", "x-app": "cli"}


async def test_a_merged_account_is_shown_under_the_id_it_bears_now(connection: asyncpg.Connection) -> None:
    """Readers follow merged_into once."""
    kept = await connection.fetchval(
        "INSERT INTO accounts (account_id, kind, strength) VALUES ('better', 'oauth', 'account_uuid') RETURNING account"
    )
    gone = await connection.fetchval(
        "INSERT INTO accounts (account_id, kind, strength, merged_into) VALUES ('oauth:1', 'oauth', 'hmac', $1) "
        "RETURNING account",
        kept,
    )
    await record(connection, [], account=gone)
    assert await connection.fetchval("SELECT account_id FROM api_requests") == "better"


async def test_chunks_are_numbered_from_zero_without_gaps(connection: asyncpg.Connection) -> None:
    """Each chunk as it came, empty ones too, with the moment it came; a character cut in two is shown as such."""
    chunks = [b"event: a\n", b"", "ü".encode()[:1], "ü".encode()[1:] + b"!", b"end"]
    request_id = await record(connection, chunks)
    rows = await connection.fetch("SELECT * FROM streaming_chunks ORDER BY chunk_index")
    assert [row["chunk_index"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["content"] for row in rows] == ["event: a\n", "", "\ufffd", "\ufffd!", "end"]
    assert {row["request_id"] for row in rows} == {request_id}
    assert len({row["id"] for row in rows}) == 5
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert [row["created_at"] for row in rows] == [start + timedelta(milliseconds=10 * n) for n in range(5)]


async def test_encoded_chunks_are_shown_decoded(connection: asyncpg.Connection) -> None:
    """What gzip held of each chunk; a chunk that gave nothing yet is empty."""
    await record(connection, [b"\x1f", b"\x8b"], decoded=b"hello", decoded_sizes=[0, 5])
    rows = await connection.fetch("SELECT content FROM streaming_chunks ORDER BY chunk_index")
    assert [row["content"] for row in rows] == ["", "hello"]


async def test_an_answer_that_did_not_stream_has_no_chunks(connection: asyncpg.Connection) -> None:
    """The wire's pieces of a plain answer are no chunks to anybody."""
    await record(connection, [b'{"id"', b": 1}"], stream=False)
    assert await connection.fetchval("SELECT count(*) FROM streaming_chunks") == 0
    assert json.loads(await connection.fetchval("SELECT response_body FROM api_requests")) == {"id": 1}


async def test_bodies_and_their_chunks_agree_or_are_refused(connection: asyncpg.Connection) -> None:
    """What is parallel is so by constraint, as is what an outcome means."""
    request_id = await record(connection, [b"a"])
    for statement in (
        "UPDATE response_bodies SET chunk_sizes = '{1,2}'",
        "UPDATE response_bodies SET decoded_sizes = '{1,2}'",
        "UPDATE response_bodies SET sha256 = 'x'",
        "UPDATE requests SET outcome = NULL",
        "UPDATE requests SET outcome = 'fine'",
        "UPDATE requests SET duration_us = -1",
        "UPDATE requests SET request_type = 'x'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"{statement} WHERE id = $1", request_id)
