"""Recorded calls for tests of what reads them, put straight into the tables as the recorder leaves them.

    seeded = await seed(connection)
    seeded["stream"]                       # id of the streamed call; see SEEDS for the others
    await insert(connection, Recorded(train="atlas", outcome="upstream_error", status_code=529))

Values come in from outside (time, ids), so what is inserted is the same on every run.
"""

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.ids import uuid7, uuid7_month
from core.pieces import divide
from sql.loader import queries
from tests.scripted_anthropic import events_of

Body = dict[str, Any]

MODEL = "claude-opus-5-5"
SYSTEM = [{"type": "text", "text": "You are terse."}, {"type": "text", "text": "You drive trains."}]
HOSTILE = (
    "<script>alert(1)</script> ![i](https://evil.example/t.png) [x](javascript:alert(1)) "
    "<img src=x onerror=alert(1)> \u202eevil\u202c zero\u200bwidth =1+1"
)
SVG = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call as rows. ``message`` makes the response body (events where ``stream``) unless ``response`` is given."""

    train: str = "default"
    account: str | None = "key-0123456789ab"
    age: timedelta = timedelta(minutes=5)
    method: str = "POST"
    path: str = "/v1/messages"
    request: bytes | None = None
    response: bytes | None = None
    message: Body | None = None
    stream: bool = False
    encoded: bool = False
    chunk_size: int = 200
    outcome: str | None = "ok"
    status_code: int | None = 200
    error_type: str | None = None
    error_message: str | None = None
    model: str | None = MODEL
    answered_model: str | None = MODEL
    request_type: str | None = "inference"
    session_id: str | None = "5e551011-0000-4000-8000-000000000001"
    client: str | None = "claude-code"
    columns: dict[str, Any] = field(default_factory=dict)
    """Further columns of ``requests``, or others for those made here."""


def request_body(*contents: Any, stream: bool = False, **more: Any) -> bytes:
    """A message request whose messages alternate between user and assistant."""
    messages = [{"role": "user" if n % 2 == 0 else "assistant", "content": c} for n, c in enumerate(contents)]
    body = {"model": MODEL, "max_tokens": 1024, "system": SYSTEM, "messages": messages, "stream": stream, **more}
    return json.dumps(body).encode()


def message(*content: Body, stop_reason: str = "end_turn", **more: Any) -> Body:
    """An assistant message as the API answers it."""
    usage = {
        "input_tokens": 120,
        "output_tokens": 45,
        "cache_creation_input_tokens": 1000,
        "cache_read_input_tokens": 20_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }
    made = {"id": "msg_01", "type": "message", "role": "assistant", "model": MODEL, "content": list(content)}
    return {**made, "stop_reason": stop_reason, "stop_sequence": None, "usage": usage, **more}


def text(words: str) -> Body:
    """A text block."""
    return {"type": "text", "text": words}


def sse(answer: Body) -> bytes:
    """The stream that the answer would come in."""
    return b"".join(
        b"event: " + name.encode() + b"\ndata: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"
        for name, data in events_of(answer)
    )


def _error(status: int, kind: str, words: str, **more: Any) -> Recorded:
    body = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_01"}
    return Recorded(
        request=request_body("Too much"),
        response=json.dumps(body).encode(),
        outcome="upstream_error",
        status_code=status,
        error_type=kind,
        error_message=words,
        answered_model=None,
        columns={"input_tokens": None, "output_tokens": None, "usage": None, "stop_reason": None},
        **more,
    )


_TOOL = {"name": "Bash", "description": "Runs a command", "input_schema": {"type": "object"}}
_USE = {"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": "ls -la", "description": "List"}}
_RESULT = {
    "type": "tool_result",
    "tool_use_id": "toolu_01",
    "content": "total 0\n\x1b[31mred\x1b[0m",
    "is_error": False,
}
_THINKING = {"type": "thinking", "thinking": "Let me think.\nTwice.", "signature": "c2lnbmF0dXJl"}

SEEDS: dict[str, Callable[[], Recorded]] = {
    "plain": lambda: Recorded(request=request_body("Hello"), message=message(text("Hello **there**."))),
    "stream": lambda: Recorded(
        request=request_body("Say something with ünïcödé", stream=True),
        message=message(text("Grüße, 世界 🚂. " * 20)),
        stream=True,
    ),
    "tools": lambda: Recorded(
        request=request_body("List files", [_USE], [_RESULT], tools=[_TOOL], stream=True),
        message=message(text("I will look again."), _USE, stop_reason="tool_use"),
        stream=True,
    ),
    "thinking": lambda: Recorded(
        request=request_body("Think", stream=True),
        message=message(_THINKING, {"type": "redacted_thinking", "data": "ZW5j"}, text("Done.")),
        stream=True,
        columns={"thinking_tokens": 12},
    ),
    "unknown_block": lambda: Recorded(
        request=request_body("What is new?"),
        message=message({"type": "hologram", "depth": 3, "note": "a type nobody knows yet"}),
    ),
    "gzip": lambda: Recorded(
        request=request_body("Squeeze", stream=True),
        message=message(text("Squeezed. " * 100)),
        stream=True,
        encoded=True,
    ),
    "hostile": lambda: Recorded(
        request=request_body(HOSTILE, [text(HOSTILE)], [{"type": "image", "source": {"type": "url", "url": SVG}}]),
        message=message(text(HOSTILE), {**_USE, "input": {"command": HOSTILE}}),
        columns={"client_version": "<b>1</b>", "request_headers": [["user-agent", "<script>x</script>"]]},
    ),
    "rate_limited": lambda: _error(429, "rate_limit_error", "Number of requests has exceeded your limit"),
    "overloaded": lambda: _error(529, "overloaded_error", "Overloaded"),
    "stream_error": lambda: replace(
        _error(200, "overloaded_error", "Overloaded"),
        response=sse(message(text("Half")))[:600]
        + b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        message=message(text("Hal"), stop_reason="end_turn"),
        stream=True,
        outcome="stream_error",
        answered_model=MODEL,
    ),
    "cancelled": lambda: Recorded(
        request=request_body("Never mind", stream=True),
        response=sse(message(text("I was about to say")))[:500],
        message=message(text("I was"), stop_reason="end_turn"),
        stream=True,
        outcome="client_cancelled",
        columns={"output_tokens": None, "usage_complete": False, "stop_reason": None, "delivered_bytes": 400},
    ),
    "unreachable": lambda: Recorded(
        request=request_body("Anybody?"),
        response=b"",
        outcome="upstream_unreachable",
        status_code=502,
        answered_model=None,
        columns={"note": "connect refused", "input_tokens": None, "output_tokens": None, "usage": None},
    ),
    "in_flight": lambda: Recorded(
        age=timedelta(seconds=3), request=None, outcome=None, status_code=None, answered_model=None
    ),
    "no_json": lambda: Recorded(
        request=b"\x00\xff not json \xed\xa0\x80", response=b"\x89PNG\r\n\x00", model=None, answered_model=None,
        request_type=None, columns={"parse_error": "the request is no JSON", "usage": None},
    ),
    "surrogates": lambda: Recorded(
        request=b'{"model": "m", "messages": [{"role": "user", "content": "lone \\ud800 nul \\u0000"}], "n": NaN}',
        message=message(text("Replaced \ufffd")),
    ),
    "count_tokens": lambda: Recorded(
        path="/v1/messages/count_tokens", request=request_body("Count me"), response=b'{"input_tokens": 17}',
        answered_model=None, columns={"output_tokens": None, "usage": None, "stop_reason": None},
    ),
    "other_train": lambda: Recorded(
        train="atlas", account="key-ba9876543210", session_id=None, client=None, model="claude-haiku-4-5",
        answered_model="claude-haiku-4-5", request_type="query_evaluation", request=request_body("Elsewhere"),
        message=message(text("Here"), model="claude-haiku-4-5"),
    ),
}  # fmt: skip
"""One of each kind; the order is that of their ids, the last is the newest but for ``in_flight``."""


async def seed(connection: Any, now: datetime | None = None) -> dict[str, UUID]:
    """Insert one of each kind, a second apart, the newest at ``now``; returns their ids by name."""
    moment = now or datetime.now(UTC)
    ids: dict[str, UUID] = {}
    for number, (name, make) in enumerate(SEEDS.items()):
        at = moment - make().age + timedelta(seconds=number)
        ids[name] = await insert(connection, make(), at=at, number=number)
    return ids


async def insert(connection: Any, call: Recorded, *, at: datetime | None = None, number: int = 0) -> UUID:
    """Insert one call with its bodies and its share of the roll-up; returns its id."""
    started = at or datetime.now(UTC) - call.age
    request_id = uuid7(int(started.timestamp() * 1000), number.to_bytes(10, "big"))
    row = _row(call, started, request_id)
    async with connection.transaction():
        train = await _key(connection, "trains", "train", name=call.train)
        row["train"] = train
        if call.account is not None:
            account = {"account_id": call.account, "kind": "api_key", "strength": "api_key"}
            row["account"] = await _key(connection, "accounts", "account", **account)
        await _insert(connection, "requests", row)
        if call.request is not None:
            await _insert_request(connection, train, request_id, call.request)
        if call.outcome is not None:
            await _insert(connection, "response_bodies", _response_row(call, train, request_id))
            await connection.execute(queries()["rollup_usage"].text, train, [request_id], 1)
    return request_id


def wire_body(call: Recorded) -> tuple[bytes, bytes | None]:
    """The response as it crossed the wire, and its inflated copy where it was encoded."""
    plain = call.response
    if plain is None and call.message is not None:
        plain = sse(call.message) if call.stream else json.dumps(call.message).encode()
    plain = plain or b""
    return (gzip.compress(plain, mtime=0), plain) if call.encoded else (plain, None)


def _row(call: Recorded, started: datetime, request_id: UUID) -> dict[str, Any]:
    raw, _ = wire_body(call)
    done = call.outcome is not None
    usage: Body = (call.message or {}).get("usage", {}) if done else {}
    row: dict[str, Any] = {
        "id": request_id, "node": "host-0", "method": call.method, "path": call.path, "model": call.model,
        "answered_model": call.answered_model, "request_type": call.request_type, "stream": call.stream,
        "client": call.client, "client_version": "2.1.328", "session_id": call.session_id, "outcome": call.outcome,
        "status_code": call.status_code, "error_type": call.error_type, "error_message": call.error_message,
        "started_at": started, "deriver_version": 1,
        "request_headers": [["content-type", "application/json"], ["user-agent", "claude-cli/2.1.328"],
                            ["authorization", "[redacted:0a1b2c3d]"]],
    }  # fmt: skip
    if call.request is not None:
        row |= {"request_bytes": len(call.request), "request_sha256": hashlib.sha256(call.request).digest()}
    if done:
        kind = "text/event-stream; charset=utf-8" if call.stream else "application/json"
        encoding = [["content-encoding", "gzip"]] if call.encoded else []
        timings = {"connected_us": 900, "request_sent_us": 1500, "head_us": 300_000, "first_byte_us": 300_500,
                   "last_byte_us": 2_500_000, "end_us": 2_500_100, "tape_wait_us": 800,
                   "connection_reused": True}  # fmt: skip
        row |= {
            "ended_at": started + timedelta(seconds=2.5), "ttft_us": 350_000, "duration_us": 2_500_000,
            "timings": timings, "response_bytes": len(raw), "delivered_bytes": len(raw),
            "response_sha256": hashlib.sha256(raw).digest(), "usage": usage or None, "usage_complete": bool(usage),
            "input_tokens": usage.get("input_tokens"), "output_tokens": usage.get("output_tokens"),
            "cache_creation_input_tokens": usage.get("cache_creation_input_tokens"),
            "cache_read_input_tokens": usage.get("cache_read_input_tokens"),
            "stop_reason": (call.message or {}).get("stop_reason"), "message_id": (call.message or {}).get("id"),
            "response_headers": [["content-type", kind], *encoding, ["request-id", "req_01"]],
            "upstream_request_id": "req_01",
        }  # fmt: skip
    return row | call.columns


def _stored(train: int, request_id: UUID, column: str, body: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(body).digest()
    return {"train": train, "id": request_id, column: body, "size": len(body), "sha256": sha256}


def _response_row(call: Recorded, train: int, request_id: UUID) -> dict[str, Any]:
    raw, decoded = wire_body(call)
    sizes = [len(raw[at : at + call.chunk_size]) for at in range(0, len(raw), call.chunk_size)]
    row = _stored(train, request_id, "raw", raw) | {"decoded": decoded, "message": call.message, "chunk_sizes": sizes}
    if decoded is not None:
        # As an inflater gives them: nothing at first, the most at the end.
        row["decoded_sizes"] = [0] * (len(sizes) - 1) + [len(decoded)]
    row["chunk_at_us"] = [300_500 + 40_000 * n for n in range(len(sizes))]
    return row


async def _insert_request(connection: Any, train: int, request_id: UUID, body: bytes) -> None:
    """As the recorder does: small bodies whole, others in pieces."""
    row, division = _stored(train, request_id, "body", body), divide(body)
    month = uuid7_month(request_id)
    for key, piece in division.fresh.items():
        await connection.execute(_PIECE, train, month, UUID(bytes=key), piece)
    if division.keys is not None:
        row |= {"body": None, "list": division.keys, "folded": division.folded}
    await _insert(connection, "request_bodies", row)


_PIECE = "INSERT INTO pieces (train, month, hash, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"


async def insert_row(connection: Any, table: str, row: dict[str, Any]) -> None:
    """Insert a row of any table."""
    await _insert(connection, table, row)


async def _insert(connection: Any, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    values = [json.dumps(v) if isinstance(v, (dict, list)) and k in _JSON else v for k, v in row.items()]
    statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608  names are this module's own
    await connection.execute(statement, *values)


_JSON = frozenset(
    {
        "usage",
        "timings",
        "request_headers",
        "response_headers",
        "message",
        "task_tool_invocation",
        "shape",
        "subtask_slots",
    }
)


async def _key(connection: Any, table: str, key: str, **row: Any) -> int:
    unique = next(iter(row))
    lookup = f"SELECT {key} FROM {table} WHERE {unique} = $1"  # noqa: S608  names are this module's own
    found = await connection.fetchval(lookup, row[unique])
    if found is None:
        await _insert(connection, table, row)
        found = await connection.fetchval(lookup, row[unique])
    return int(found)
