"""Calls of tools: asked for by one call, answered by a later one, in whatever order the two are recorded."""

from pathlib import Path

import orjson
import pytest

from core.tools import ToolResult, ToolUse, results, uses
from tests.forests import Connection
from tests.taping import Taping, answered, asked, drained, now_ms

USE = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}
OTHER = {"type": "tool_use", "id": "toolu_2", "name": "Read", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "häm", "is_error": True}


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
