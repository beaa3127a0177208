"""What we cannot do: our own mistakes, a full tape, too many connections."""

import json

import pytest

from tests.relay import Wire, Worker, post
from tests.upstream import Upstream, stream, stream_answer


async def test_a_mistake_of_ours(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An exception in the relay is a 500 with a constant sentence and a log line with its class; no text of it."""

    def broken(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError("canary")

    monkeypatch.setattr("proxy.forward.request_head", broken)
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert answer.status == 500
    out, err = capfd.readouterr()
    assert "ZeroDivisionError" in err
    assert "canary" not in out + err


async def test_a_full_tape_under_refuse(worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the policy ``refuse`` a full tape answers 529 with retry-after, and nothing goes upstream."""
    monkeypatch.setattr(type(worker.relay.tape), "accepting", property(lambda _: False))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert (answer.status, answer.header("retry-after")) == (529, "30")
    assert json.loads(answer.body)["error"]["type"] == "overloaded_error"
    assert upstream.requests == []


async def test_a_full_tape_under_serve(worker: Worker, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under ``serve`` the client notices nothing when frames are not taken."""
    monkeypatch.setattr(worker.relay.tape, "append", lambda *_: False)
    upstream.script(stream_answer("Hi"))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert answer.body == b"".join(stream("Hi"))


async def test_too_many_connections(worker: Worker, upstream: Upstream) -> None:
    """Near the limit of file descriptors calls are shed with 529, so that the listener survives."""
    worker.server._descriptors = 0
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert (answer.status, answer.header("retry-after")) == (529, "1")
    worker.server._descriptors = 1000
    async with Wire(worker.port) as wire:
        assert (await wire.ask(post())).status == 200
    assert len(upstream.requests) == 1
