"""The forest as the database holds it, and as it should be: for tests of whatever writes it."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from core.exchange import Taped
from core.frames import encode_end, encode_head, encode_start
from core.identity import Facts
from core.linking import forest
from core.linking.link import Link
from core.rollup import Figures, Member, Rollup
from core.tally import rollup
from core.tape import MAX_PAYLOAD, Kind
from proxy.recorder.notes import Note, unpack
from tests.taping import Taping
from tests.usage_recount import check_usage

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Played:
    """A call that is put onto a tape frame by frame, at the times it had."""

    def __init__(self, tape: Taping, taped: Taped) -> None:
        self._tape = tape
        self._taped = taped
        self._sequence = 0

    def begin(self) -> None:
        """Everything but its end."""
        taped = self._taped
        self._put(Kind.START, 0, encode_start(taped.start))
        for at in range(0, len(taped.request_body), MAX_PAYLOAD):
            self._put(Kind.BODY, 0, taped.request_body[at : at + MAX_PAYLOAD])
        if taped.head is not None:
            self._put(Kind.HEAD, taped.end.timings.head_us or 0, encode_head(taped.head))
        at = 0
        for chunk in taped.chunks:
            self._put(Kind.CHUNK, chunk.at_us, taped.response_body[at : at + chunk.size])
            at += chunk.size

    def end(self) -> None:
        """Its end."""
        self._put(Kind.END, self._taped.end.timings.end_us, encode_end(self._taped.end))

    def _put(self, kind: Kind, at_us: int, payload: bytes) -> None:
        self._tape.writer.append(kind, self._taped.start.request_id.bytes, self._sequence, at_us, payload)
        self._sequence += 1


async def notes(connection: Connection) -> dict[UUID, Note]:
    """What the recorder remembers of each request."""
    rows = await connection.fetch("SELECT record FROM request_notes")
    return {note.id: note for note in (unpack(row["record"]) for row in rows)}


async def stored_links(connection: Connection) -> dict[UUID, Link]:
    """The links that the recorder remembers."""
    return {request: note.link for request, note in (await notes(connection)).items()}


def differing(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> dict[Any, Any]:
    """Where two mappings differ, for a message that can be read."""
    return {
        key: (found.get(key), wanted.get(key))
        for key in found.keys() | wanted.keys()
        if found.get(key) != wanted.get(key)
    }


async def check(
    connection: Connection, facts: Iterable[Facts], corrections: Mapping[UUID, UUID | None] | None = None
) -> None:
    """The database holds the forest of these requests, and everything that follows from it."""
    wanted = forest(facts, corrections)
    found = await notes(connection)
    assert differing({request: note.link for request, note in found.items()}, wanted) == {}
    await check_rollups(connection, found)


async def check_rollups(connection: Connection, found: Mapping[UUID, Note]) -> None:
    """Conversations, branches and aliases are what their requests say."""
    members: dict[UUID, list[Member]] = {}
    for note in found.values():
        members.setdefault(note.link.conversation_id, []).append(Member(note.known.call, note.link, note.figures))
    made = [rollup(conversation, of) for conversation, of in members.items()]
    assert differing(await _conversations(connection), {one.conversation_id: _columns(one) for one in made}) == {}
    rows = await connection.fetch(
        "SELECT conversation_id, branch_id, parent_hash, first_request, message_count FROM branches"
    )
    assert {tuple(row) for row in rows} == {
        (one.conversation_id, branch.branch_id, branch.parent_hash, branch.first_request, branch.message_count)
        for one in made
        for branch in one.branches
    }
    for row in await connection.fetch("SELECT alias, conversation_id FROM conversation_aliases"):
        assert found[row["alias"]].link.conversation_id == row["conversation_id"] != row["alias"]


_SAME = (
    "title", "side_call", "account", "message_count", "attempt_count", "error_count", "in_flight", "branch_count",
    "subtask_count", "compaction_count", "input_tokens", "output_tokens", "cache_creation_input_tokens",
    "cache_read_input_tokens", "models", "session_ids", "latest_request", "latest_model",
)  # fmt: skip


async def _conversations(connection: Connection) -> dict[UUID, dict[str, Any]]:
    found = {}
    for row in await connection.fetch("SELECT * FROM conversations"):
        said = {name: row[name] for name in _SAME}
        said |= {name: tuple(said[name]) for name in ("models", "session_ids")}
        said |= {name: round(row[name + "_at"].timestamp() * 1e6) for name in ("first", "last")}
        found[row["conversation_id"]] = said | {
            "status": row["latest_status_code"],
            "shape": orjson.loads(row["shape"]),
            "slots": {int(slot): count for slot, count in orjson.loads(row["subtask_slots"]).items()},
            "latest": round(row["latest_started_at"].timestamp() * 1e6),
        }
    return found


def _columns(one: Rollup) -> dict[str, Any]:
    said = {name: getattr(one, name) for name in _SAME} | {"first": one.first_us, "last": one.last_us}
    said |= {"slots": dict(one.subtask_slots), "latest": one.latest_us}
    return said | {"status": one.latest_status, "shape": [dict(element) for element in one.shape]}


async def check_rows(connection: Connection) -> None:
    """The rows of requests say what the recorder remembers, no edge leads nowhere, and every roll-up is theirs."""
    await check_usage(connection)
    found = await notes(connection)
    rows = await connection.fetch("SELECT * FROM requests WHERE conversation_id IS NOT NULL")
    assert {row["id"] for row in rows} == found.keys()
    for row in rows:
        link, call = found[row["id"]].link, found[row["id"]].known.call
        assert (row["conversation_id"], row["branch_id"], row["parent_request_id"], row["link_method"]) == (
            link.conversation_id, link.branch_id, link.parent_request_id, link.link_method,
        )  # fmt: skip
        assert (row["parent_message_hash"], row["is_subtask"], row["parent_task_request_id"], row["attempt_of"]) == (
            link.parent_message_hash, link.is_subtask, link.parent_task_request_id, link.attempt_of,
        )  # fmt: skip
        assert (row["current_message_hash"], row["side_call"]) == (call.state.hex(), call.side_call)
        assert (row["task_tool_invocation"] is not None) == bool(call.launches)
    sessions = await connection.fetch(
        "SELECT session_id, count(*) AS request_count, min(started_at) AS first_at, max(ended_at) AS last_at,"
        " (array_agg(client ORDER BY ended_at DESC))[1] AS client FROM requests"
        " WHERE session_id IS NOT NULL AND outcome IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    assert sessions == await connection.fetch(
        "SELECT session_id, request_count::bigint, first_at, last_at, client FROM sessions ORDER BY 1"
    )


NO_FIGURES = Figures(None, None, None, None, None, 0, 0, 0, 0, None, None, False, False)
