"""A local Slack: takes incoming webhooks and ``chat.postMessage``, answers by script, keeps what it got.

    async with Slack() as slack:
        slack.script(429, 200)          # used up in order; when none is left it answers 200
        ...                             # requests to slack.webhook or slack.api
        assert slack.texts == [...]

A step is a status, an ``Answer``, ``HANG`` (says nothing until the end), or ``RESET`` (hangs up).
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from aiohttp import web
from slack_sdk.models.blocks import Block

SECRET = "T0SECRET/B0SECRET/" + "s3cr3t" * 4
TOKEN = "xoxb-1234567890-" + "s3cr3t" * 4
CHANNEL = "C0123456789"


class Step(Enum):
    """What a Slack may do besides answering."""

    HANG = "hang"
    RESET = "reset"


HANG, RESET = Step.HANG, Step.RESET


@dataclass(frozen=True)
class Answer:
    """One answer; ``body`` is Slack's name of what is wrong."""

    status: int = 200
    body: str = ""
    retry_after: str | None = None
    location: str | None = None


@dataclass(frozen=True)
class Got:
    """One message as it came, and the time by the test's clock when it did."""

    form: str
    payload: dict[str, Any]
    authorization: str | None
    at: Any


@dataclass
class Slack:
    """The server. ``clock`` is asked for the time of each message; ``taken`` are those it answered with 200."""

    clock: Callable[[], Any] = lambda: None
    got: list[Got] = field(default_factory=list)
    taken: list[Got] = field(default_factory=list)
    always: int | Answer | Step = 200
    """What it answers when the script is used up."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by each message; a test that waits for the next one clears it."""
    _script: list[int | Answer | Step] = field(default_factory=list)
    _end: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None
    port: int = 0

    @property
    def webhook(self) -> str:
        """The address of its incoming webhook; the path is the secret."""
        return f"http://127.0.0.1:{self.port}/services/{SECRET}"

    @property
    def api(self) -> str:
        """Where bots post to."""
        return f"http://127.0.0.1:{self.port}/api/"

    @property
    def between(self) -> str:
        """Where a page answers instead of Slack's API."""
        return f"http://127.0.0.1:{self.port}/between/"

    @property
    def texts(self) -> list[str]:
        """The fallback texts of what it took, without the mark of how bad it is."""
        return [text_of(one) for one in self.taken]

    def script(self, *steps: int | Answer | Step) -> None:
        """The next answers."""
        self._script += steps

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/services/{secret:.*}", self._webhook)
        app.router.add_post("/api/chat.postMessage", self._post_message)
        app.router.add_post("/between/chat.postMessage", self._between)
        app.router.add_post("/endless/{rest:.*}", self._endless)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._end.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        assert request.match_info["secret"] == SECRET
        got, answer = await self._heard("webhook", request)
        if answer.status == 200:
            self._check(got)
            return web.Response(text="ok")
        return web.Response(status=answer.status, text=answer.body, headers=_headers(answer))

    async def _post_message(self, request: web.Request) -> web.StreamResponse:
        got, answer = await self._heard("bot", request)
        if answer.status == 200 and not answer.body:
            self._check(got)
            return web.json_response({"ok": True, "channel": CHANNEL, "ts": f"1700000000.{len(self.taken):06d}"})
        return web.json_response(
            {"ok": False, "error": answer.body or "internal_error"}, status=answer.status, headers=_headers(answer)
        )

    async def _between(self, request: web.Request) -> web.StreamResponse:
        """Not Slack's API, but something that stands before it."""
        _, answer = await self._heard("between", request)
        return web.Response(status=answer.status, headers=_headers(answer), text="<html>", content_type="text/html")

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        """An answer that never ends."""
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while not self._end.is_set():
                await response.write(bytes(1 << 16))
        return response

    async def _heard(self, form: str, request: web.Request) -> tuple[Got, Answer]:
        got = Got(form, json.loads(await request.read()), request.headers.get("authorization"), self.clock())
        self.got.append(got)
        step = self._script.pop(0) if self._script else self.always
        self.arrived.set()
        if step is HANG:
            await self._end.wait()
        if isinstance(step, Step):
            if request.transport is not None:
                request.transport.abort()
            return got, Answer(500)
        return got, step if isinstance(step, Answer) else Answer(step)

    def _check(self, got: Got) -> None:
        """What Slack itself would refuse."""
        for block in got.payload["blocks"]:
            parsed = Block.parse(block)
            assert parsed is not None
            parsed.validate_json()
        assert got.payload["text"]
        self.taken.append(got)


def text_of(got: Got) -> str:
    """The fallback text of a message, without the mark of how bad it is."""
    return str(got.payload["text"]).partition(" ")[2]


def _headers(answer: Answer) -> dict[str, str]:
    given = {"Retry-After": answer.retry_after, "Location": answer.location}
    return {name: value for name, value in given.items() if value is not None}
