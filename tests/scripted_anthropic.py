"""api.anthropic.com for tests: answers real clients with a script, deterministically, and keeps what it saw.

The last ``SCN_`` word in the user texts chooses the scene (see SCENES). Ids and usage are functions of the request
body, so that a direct call and one through the proxy must give identical bytes. ``fail`` holds answers to give first.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Block = dict[str, Any]
Answer = tuple[list[Block], str]

ORGANIZATION = "11111111-2222-3333-4444-555555555555"
RATE_LIMITS = {
    "anthropic-organization-id": ORGANIZATION,
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": "3999",
    "anthropic-ratelimit-tokens-limit": "400000",
    "anthropic-ratelimit-tokens-remaining": "399000",
}
MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")


@dataclass
class Seen:
    """One request as it arrived and the answer that was sent."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    status: int = 0
    answer: bytes = b""
    usage: dict[str, Any] | None = None
    message_id: str | None = None


@dataclass
class Failure:
    """An answer to give instead of the scene: a status, or a stream that breaks."""

    status: int = 529
    headers: dict[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None


class ScriptedAnthropic:
    """The scripted upstream; ``seen`` is its log, ``fail`` the first answers, ``big`` the cache reads to report."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.fail: list[Failure] = []
        self.limits: dict[str, str] = dict(RATE_LIMITS)
        """Headers of answers about limits and windows."""
        self.big = 0
        self.pause = 0.002
        self.url = ""

    def app(self) -> web.Application:
        """The routes that real clients call."""
        app = web.Application(client_max_size=600 * 2**20)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{id}", self._models)
        for path in ("", "/{id}", "/{id}/cancel", "/{id}/results"):
            app.router.add_route("*", "/v1/messages/batches" + path, self._batches)
        for path in ("", "/{id}", "/{id}/content"):
            app.router.add_route("*", "/v1/files" + path, self._files)
        app.router.add_route("*", "/{tail:.*}", self._other)
        return app

    async def _see(self, request: web.Request) -> Seen:
        headers = [(k.decode(), v.decode("latin1")) for k, v in request.raw_headers]
        seen = Seen(request.method, request.raw_path, headers, await request.read())
        self.seen.append(seen)
        return seen

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        seen = await self._see(request)
        if self.fail:
            return await self._failed(seen, self.fail.pop(0))
        body = json.loads(seen.body)
        blocks, stop = answer_to(body)
        digest = hashlib.sha256(seen.body).hexdigest()
        message = {
            "id": f"msg_01{digest[:22]}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": blocks,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": usage_of(seen.body, blocks, self.big),
        }
        seen.status, seen.usage, seen.message_id = 200, message["usage"], message["id"]
        headers = {"request-id": f"req_011{digest[:20]}", **self.limits}
        if not body.get("stream"):
            return _json(seen, message, headers)
        return await self._stream(request, seen, message, headers)

    async def _failed(self, seen: Seen, failure: Failure) -> web.Response:
        if failure.hold is not None:
            await failure.hold.wait()
        kind = (
            "overloaded_error"
            if failure.status == 529
            else "rate_limit_error"
            if failure.status == 429
            else "api_error"
        )
        error = {"type": "error", "error": {"type": kind, "message": "Overloaded"}, "request_id": "req_011fail"}
        return _json(seen, error, {"request-id": "req_011fail", **failure.headers}, failure.status)

    async def _stream(
        self, request: web.Request, seen: Seen, message: dict[str, Any], headers: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **headers}
        )
        await response.prepare(request)
        for name, data in events_of(message):
            piece = f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
            seen.answer += piece
            await response.write(piece)
            if name == "content_block_delta":
                await asyncio.sleep(self.pause)
        await response.write_eof()
        return response

    async def _count(self, request: web.Request) -> web.Response:
        seen = await self._see(request)
        return _json(seen, {"input_tokens": len(seen.body) // 4}, {"request-id": "req_011count"})

    async def _models(self, request: web.Request) -> web.Response:
        seen = await self._see(request)
        data = [{"type": "model", "id": m, "display_name": m, "created_at": "2026-01-01T00:00:00Z"} for m in MODELS]
        if wanted := request.match_info.get("id"):
            return _json(seen, {**data[0], "id": wanted})
        return _json(seen, {"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})

    async def _batches(self, request: web.Request) -> web.Response:
        seen = await self._see(request)
        batch = _batch(self.url)
        if request.path.endswith("/results"):
            seen.status, seen.answer = 200, (json.dumps(_batch_result()) + "\n").encode()
            return web.Response(body=seen.answer, content_type="application/x-jsonl")
        if request.method == "GET" and request.path.endswith("/batches"):
            return _json(seen, {"data": [batch], "has_more": False, "first_id": batch["id"], "last_id": batch["id"]})
        return _json(seen, batch)

    async def _files(self, request: web.Request) -> web.Response:
        seen = await self._see(request)
        file = {
            "id": "file_01", "type": "file", "filename": "x.txt", "mime_type": "text/plain", "size_bytes": 3,
            "created_at": "2026-01-01T00:00:00Z", "downloadable": True,
        }  # fmt: skip
        if request.path.endswith("/content"):
            seen.status, seen.answer = 200, bytes(range(256)) * 64
            return web.Response(body=seen.answer, content_type="application/octet-stream")
        if request.method == "DELETE":
            return _json(seen, {"id": "file_01", "type": "file_deleted"})
        if request.method == "GET" and request.path == "/v1/files":
            return _json(seen, {"data": [file], "has_more": False, "first_id": "file_01", "last_id": "file_01"})
        return _json(seen, file)

    async def _other(self, request: web.Request) -> web.Response:
        seen = await self._see(request)
        if request.method == "HEAD":
            seen.status = 200
            return web.Response(status=200)
        error = {"type": "error", "error": {"type": "not_found_error", "message": "no such path"}}
        return _json(seen, error, status=404)


def _json(seen: Seen, value: object, headers: dict[str, str] | None = None, status: int = 200) -> web.Response:
    seen.status, seen.answer = status, json.dumps(value).encode()
    return web.Response(body=seen.answer, status=status, headers=headers, content_type="application/json")


def _batch(origin: str) -> dict[str, Any]:
    counts = {"processing": 0, "succeeded": 1, "errored": 0, "canceled": 0, "expired": 0}
    return {
        "id": "msgbatch_01", "type": "message_batch", "processing_status": "ended", "request_counts": counts,
        "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z", "ended_at": "2026-01-01T00:01:00Z",
        "cancel_initiated_at": None, "archived_at": None,
        "results_url": f"{origin}/v1/messages/batches/msgbatch_01/results",
    }  # fmt: skip


def _batch_result() -> dict[str, Any]:
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": MODELS[2],
        "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    return {"custom_id": "a", "result": {"type": "succeeded", "message": message}}


def usage_of(body: bytes, blocks: list[Block], big: int) -> dict[str, Any]:
    """Usage that grows with the request, so that sums can be checked."""
    written = max(0, len(body) // 4 - 12)
    return {
        "input_tokens": 12,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": big,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": max(1, len(json.dumps(blocks)) // 4),
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def events_of(message: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The stream of a message: what the real API would send for it."""
    first = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    events: list[tuple[str, dict[str, Any]]] = [("message_start", {"message": first}), ("ping", {})]
    for index, block in enumerate(message["content"]):
        opened, deltas = _streamed(block)
        events.append(("content_block_start", {"index": index, "content_block": opened}))
        events += [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        events.append(("content_block_stop", {"index": index}))
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append(("message_delta", {"delta": delta, "usage": {"output_tokens": message["usage"]["output_tokens"]}}))
    events.append(("message_stop", {}))
    return [(name, {"type": name, **data}) for name, data in events]


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _streamed(block: Block) -> tuple[Block, list[Block]]:
    if block["type"] == "text":
        return {"type": "text", "text": ""}, [
            {"type": "text_delta", "text": piece} for piece in _cut(block["text"], 40)
        ]
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    if "input" not in block:
        return block, []
    pieces = _cut(json.dumps(block["input"]), 25)
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def text_of(content: str | list[Block]) -> str:
    """The texts of a message's content, joined."""
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content if block.get("type") == "text")


def _results(content: str | list[Block]) -> int:
    return 0 if isinstance(content, str) else sum(block.get("type") == "tool_result" for block in content)


def _scene(messages: list[dict[str, Any]]) -> tuple[str | None, int]:
    """The scene's name, and how many tool results came after the user text that named it."""
    results = 0
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        results += _results(message.get("content", ""))
        if found := re.findall(r"SCN_([A-Z0-9]+)", text_of(message.get("content", ""))):
            return found[-1], results
    return None, results


def answer_to(body: dict[str, Any]) -> Answer:
    """The content blocks and the stop reason that the script gives to a request."""
    messages = body.get("messages") or []
    tools = [tool.get("name") for tool in body.get("tools") or []]
    last = next((m for m in reversed(messages) if m.get("role") == "user"), {"content": ""})
    if (body.get("output_config") or {}).get("format") or body.get("output_format"):
        return _say(json.dumps({"title": "Mock title"}))
    if body.get("max_tokens") == 1:
        return [{"type": "text", "text": "#"}], "max_tokens"
    system = text_of(body.get("system") or "")
    said = text_of(last.get("content", ""))
    if "tasked with summarizing conversations" in system or "create a detailed summary" in said:
        return _say(
            "<analysis>mock analysis</analysis>\n<summary>1. Primary Request: MOCK SUMMARY of the talk.</summary>"
        )
    if "get_weather" in tools:
        return (
            _say("It is sunny.")
            if _results(last.get("content", ""))
            else _use(body, [("get_weather", {"city": "Paris"})])
        )
    scene, results = _scene(messages)
    if not tools or scene not in SCENES:
        return _say("Hello from the mock.")
    return SCENES[scene](body, results)


def _say(text: str) -> Answer:
    return [{"type": "text", "text": text}], "end_turn"


def _use(body: dict[str, Any], calls: list[tuple[str, dict[str, Any]]], text: str = "") -> Answer:
    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    blocks: list[Block] = [{"type": "text", "text": text}] if text else []
    for index, (name, given) in enumerate(calls):
        blocks.append({"type": "tool_use", "id": f"toolu_{digest[:20]}{index:02d}", "name": name, "input": given})
    return blocks, "tool_use"


def _agent(body: dict[str, Any], description: str, prompt: str) -> tuple[str, dict[str, Any]]:
    names = [tool.get("name") for tool in body.get("tools") or []]
    given = {"description": description, "prompt": prompt, "subagent_type": "general-purpose"}
    return ("Agent", {**given, "run_in_background": False}) if "Agent" in names else ("Task", given)


def _steps(*answers: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any], int], Answer]:
    return lambda body, results: answers[min(results, len(answers) - 1)](body)


def _echo(word: str) -> Callable[[dict[str, Any]], Answer]:
    return lambda body: _use(body, [("Bash", {"command": f"echo {word}", "description": "Echo"})])


SCENES: dict[str, Callable[[dict[str, Any], int], Answer]] = {
    "TEXT": _steps(lambda _: _say("Hello, this is a plain text answer.")),
    "THINK": _steps(
        lambda _: (
            [
                {"type": "thinking", "thinking": "Let me think about it.", "signature": "c2lnbmF0dXJl"},
                {"type": "text", "text": "Thought about it."},
            ],
            "end_turn",
        )
    ),
    "BASH": _steps(_echo("bash-ok"), _echo("second"), lambda _: _say("Bash done.")),
    "TASK": _steps(
        lambda body: _use(body, [_agent(body, "Count files", "SUB1 please SCN_BASH count the files")], "I delegate."),
        lambda _: _say("Subagent finished."),
    ),
    "TASK2": _steps(
        lambda body: _use(
            body,
            [
                _agent(body, "Count files", "SUBA please SCN_BASH count the files"),
                _agent(body, "Explore code", "SUBB please SCN_TEXT answer"),
            ],
            "I delegate to two.",
        ),
        lambda _: _say("Both subagents finished."),
    ),
    "BIG": _steps(lambda _: _say("word " * 400)),
}


@asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[ScriptedAnthropic]:
    """A running scripted upstream on 127.0.0.1."""
    upstream = ScriptedAnthropic()
    runner = web.AppRunner(upstream.app(), access_log=None, keepalive_timeout=60)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield upstream
    finally:
        await runner.cleanup()
