"""Calls of tools: asked for by one call, answered by a later one, in whatever order the two are recorded."""

from pathlib import Path
from uuid import UUID

import orjson
import pytest

from core.tools import ToolResult, ToolUse, results, uses
from sql.loader import queries
from tests.forests import Connection
from tests.taping import Taping, answered, asked, drained, now_ms

USE = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}
OTHER = {"type": "tool_use", "id": "toolu_2", "name": "Read", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "häm", "is_error": True}
# Without the flush, what the transactions of the last second read would be among it.
ROWS_READ = """
SELECT sum(t.seq_tup_read + t.idx_tup_fetch)::bigint
FROM pg_stat_xact_user_tables AS t, (SELECT pg_stat_force_next_flush() IS NULL) AS flush"""
MOST = 12
"""Rows that the server may read for one result."""


def test_uses_are_the_tool_blocks_of_an_answer_with_their_places() -> None:
    """Index, id, name and the size of the input; what has no id or name is none."""
    blocks = [{"type": "text", "text": "I will."}, USE, {"type": "tool_use", "id": 1, "name": "x"}, "odd", OTHER]
    assert list(uses({"content": blocks})) == [
        ToolUse(1, "toolu_1", "Bash", len(b'{"command":"ls"}')),
        ToolUse(4, "toolu_2", "Read", 2),
    ]
    assert list(uses(None)) == list(uses({"content": "text"})) == []


def test_results_are_those_since_the_last_answer() -> None:
    """What older turns brought is repeated in every request and counts once; of two for one use the first."""
    old = {"role": "user", "content": [{**RESULT, "tool_use_id": "toolu_0"}]}
    new = {"role": "user", "content": [RESULT, {**RESULT, "content": "again"}, {"type": "text", "text": "so?"}]}
    assert results([old, {"role": "assistant", "content": "…"}, new]) == (ToolResult("toolu_1", True, 4),)
    blocks = [{"type": "text", "text": "abc"}, {"type": "image", "source": {}}]
    listed = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": blocks}]}
    assert results([listed]) == (ToolResult("t", False, 3 + len(b'{"type":"image","source":{}}')),)
    assert results(["odd", {"role": "user", "content": "text"}]) == ()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_a_call_takes_the_first_result_that_came_whichever_is_recorded_first(
    database_url: str, connection: Connection, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """Error, size and duration from the answer's end to the next request's start; a repetition changes nothing."""
    says = orjson.dumps(orjson.loads(answered()) | {"content": [USE, OTHER]})
    first = {"role": "user", "content": "hi"}
    brings = asked(
        messages=[first, {"role": "assistant", "content": [USE, OTHER]}, {"role": "user", "content": [RESULT]}]
    )
    begin_ms = now_ms() - 60_000
    bodies = [(asked(messages=[first]), says), (brings, answered("done")), (brings, answered("done again"))]
    ids = []
    for place in order:
        with Taping(tmp_path / "tape" / "host-0", begin_ms + place * 1000) as tape:
            call = tape.whole(asks=bodies[place][0], says=bodies[place][1])
        ids.append((place, call.start.request_id))
        await drained(database_url, tmp_path)
    request = dict(ids)
    rows = await connection.fetch(
        "SELECT id, block_index, tool_use_id, name, result_request, is_error, result_size, duration_us"
        " FROM tool_calls ORDER BY block_index"
    )
    assert [tuple(row) for row in rows] == [
        (request[0], 0, "toolu_1", "Bash", request[1], True, 4, 1_000_000 - 4_000),
        (request[0], 1, "toolu_2", "Read", None, None, None, None),
    ]


@pytest.mark.parametrize("analysed", [False, True])
async def test_a_result_costs_the_same_however_many_calls_there_are(
    database_url: str, connection: Connection, tmp_path: Path, *, analysed: bool
) -> None:
    """Whatever statistics say of the tables: no more is read than the call, its result and its request."""
    with Taping(tmp_path / "tape" / "host-0", now_ms() - 60_000) as tape:
        says = orjson.dumps(orjson.loads(answered()) | {"content": [USE, OTHER]})
        call = tape.whole(asks=asked(messages=[{"role": "user", "content": "hi"}]), says=says)
    await drained(database_url, tmp_path)
    if analysed:
        await connection.execute("ANALYZE")
    await connection.execute(
        "INSERT INTO tool_calls (train, id, block_index, tool_use_id, name, input_size)"
        " SELECT train, id, 1 + n, 'more_' || n, 'Bash', 1 FROM tool_calls, generate_series(1, 500) AS n"
        " WHERE tool_use_id = 'toolu_1'"
    )
    train = await connection.fetchval("SELECT train FROM tool_calls LIMIT 1")
    later = UUID(int=call.start.request_id.int + 1)
    await connection.execute("INSERT INTO tool_results VALUES ($1, 'toolu_1', $2, false, 1, 1)", train, later)
    async with connection.transaction():
        await connection.fetch(queries()["record_lock_train"].text, train, "pglz")
        before = await connection.fetchval(ROWS_READ)
        await connection.execute(queries()["tool_calls_settle"].text, train, ["toolu_1", "toolu_2"])
        assert await connection.fetchval(ROWS_READ) - before <= MOST
    assert await connection.fetchval("SELECT count(*) FROM tool_calls WHERE result_request = $1", later) == 1
