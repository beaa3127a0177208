"""The proxy's own routes: what they say, who may ask, and that none is without a permission."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from core.access import Permission
from proxy.loop_lag import LoopLag
from proxy.own_routes import ROUTES, Asked, OwnRoutes, Route
from proxy.token_stats import add_up
from sql.database import Database
from sql.rows.token_stats import TokenStatsRow
from tests.relay import Answer, Wire, Worker, get, post, settings_for
from tests.upstream import Upstream

LOCAL = b"Host: localhost:3000\r\n"
KEY = "a dashboard key of some length"


async def ask(worker: Worker, path: str, *headers: bytes, host: bytes = LOCAL, method: bytes = b"GET") -> Answer:
    """One question on a fresh connection."""
    async with Wire(worker.port) as wire:
        return await wire.ask(get(path.encode(), *headers, host=host, method=method), method=method.decode())


async def test_health(worker: Worker) -> None:
    """200 while it can forward and tape, database or not."""
    for path in ("/health", "/health/ready"):
        answer = await ask(worker, path)
        body = json.loads(answer.body)
        assert answer.status == 200
        assert (body["status"], body["database"]) == ("ok", "disconnected")
        assert set(body) == {"status", "timestamp", "version", "database"}
    assert (await ask(worker, "/health/live")).status == 200


async def test_health_when_it_cannot(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 while draining, and when the tape cannot be written under policy ``refuse``; alive all the same."""
    monkeypatch.setattr(type(worker.relay.tape), "accepting", property(lambda _: False))
    answer = await ask(worker, "/health")
    assert (answer.status, json.loads(answer.body)["status"]) == (503, "error")
    monkeypatch.undo()
    assert (await ask(worker, "/health")).status == 200
    worker.health.draining = True
    assert (await ask(worker, "/health/ready")).status == 503
    assert (await ask(worker, "/health/live")).status == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "127.0.0.1", "127.0.0.1:3000", "[::1]", "[::1]:3000"])
async def test_local_hosts(host: str, worker: Worker) -> None:
    """The names of this machine are served."""
    assert (await ask(worker, "/health", host=f"Host: {host}\r\n".encode())).status == 200


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost.evil.test", "127.0.0.1.nip.io:3000", "192.168.0.1", "", "::1"]
)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
async def test_foreign_hosts(route: Route, host: str, worker: Worker) -> None:
    """A web page that had its name point to 127.0.0.1 gets nothing of ours (DNS rebinding)."""
    answer = await ask(worker, route.path, host=f"Host: {host}\r\n".encode())
    assert (answer.status, json.loads(answer.body)["error"]["type"]) == (403, "permission_error")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
async def test_who_may_off_loopback(route: Route, upstream: Upstream, tmp_path: Path) -> None:
    """Off loopback: health is public, the rest asks for the dashboard's key; forwarding is open by name."""
    settings = settings_for(tmp_path, upstream.url, bind="0.0.0.0", proxy_mode="open", dashboard_api_key=KEY)
    public = route.permission is Permission.PUBLIC
    async with Worker(settings) as worker:
        with_key = [
            await ask(worker, route.path, header, host=b"Host: proxy.example\r\n")
            for header in (
                f"X-Dashboard-Key: {KEY}".encode(),
                f"X-API-Key: {KEY}".encode(),
                f"Authorization: Bearer {KEY}".encode(),
            )
        ]
        without = [
            await ask(worker, route.path, *headers, host=b"Host: proxy.example\r\n")
            for headers in ((), (b"X-API-Key: wrong",), (b"Authorization: Bearer",))
        ]
        async with Wire(worker.port) as wire:
            assert (await wire.ask(post())).status == 200
    assert all(answer.status != 401 for answer in with_key)
    assert all((answer.status != 401) == public for answer in without)


def test_every_route_declares_a_permission() -> None:
    """A table with a route that lacks one does not start."""
    assert all(isinstance(route.permission, Permission) for route in ROUTES)
    bad: Any = Route("/x", None, ROUTES[0].handler)
    with pytest.raises(TypeError):
        OwnRoutes(settings_for(Path("/nowhere"), "http://127.0.0.1:1"), Asked(None, Path(), None), (bad,))


@pytest.mark.parametrize("method", [b"POST", b"DELETE", b"OPTIONS"])
async def test_other_methods(method: bytes, worker: Worker, upstream: Upstream) -> None:
    """Our routes are read only, and never forwarded."""
    assert (await ask(worker, "/health", method=method)).status == 405
    assert upstream.requests == []


async def test_head(worker: Worker) -> None:
    """HEAD is GET without the body."""
    async with Wire(worker.port) as wire:
        await wire.send(get(b"/health/live", method=b"HEAD", host=LOCAL))
        answer = await wire.answer(method="HEAD")
        assert (answer.status, answer.header("content-length")) == (200, "15")
        assert (await wire.ask(get(b"/health/live", host=LOCAL))).body == b'{"status":"ok"}'


@pytest.mark.parametrize("field", [b"Transfer-Encoding: chunked", b"Connection: upgrade\r\nUpgrade: websocket"])
async def test_nothing_follows_where_the_parser_cannot_be_trusted(field: bytes, worker: Worker) -> None:
    """Behind a chunked request, or a wish to leave HTTP, the connection ends here too."""
    async with Wire(worker.port) as wire:
        answer = await wire.ask(get(b"/health/live", field, host=LOCAL) + b"0\r\nX-T: a\r\n\r\n" + get(host=LOCAL))
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert await wire.closed() == b""


async def test_metrics(worker: Worker) -> None:
    """Prometheus text with what was relayed, refused and taped."""
    async with Wire(worker.port) as wire:
        await wire.ask(post())
    await ask(worker, "/admin")
    await worker.idle()
    answer = await ask(worker, "/metrics")
    text = answer.body.decode()
    assert (answer.header("content-type") or "").startswith("text/plain")
    for line in (
        'footplate_relayed_requests_total{outcome="ok"} 1.0',
        'footplate_responses_total{class="2xx"} 1.0',
        'footplate_refused_total{reason="not_found"} 1.0',
        "footplate_request_bytes_total 2.0",
        'footplate_request_duration_seconds_bucket{le="+Inf"} 1.0',
        'footplate_ttft_seconds_bucket{le="+Inf"} 1.0',
        'footplate_request_overhead_seconds_bucket{le="+Inf"} 1.0',
        "footplate_tape_full 0.0",
    ):
        assert line in text.splitlines()


def test_a_stall_between_two_sweeps_is_seen() -> None:
    """The lag is the longest of the last second, not only that of the moment at which somebody looks (row 51)."""
    lag = LoopLag(now=10.0, interval=1.0)
    assert lag.woke(due=10.25, now=10.75) is None
    assert lag.woke(due=10.875, now=10.875) is None
    assert lag.woke(due=11.0, now=11.125) == 0.5
    assert lag.woke(due=12.0, now=12.125) == 0.125, "the stall is told once"


async def test_the_lag_is_measured_while_a_worker_runs(worker: Worker) -> None:
    """Whoever wakes, wakes a little late."""
    async with asyncio.timeout(30):
        while not worker.relay.counters.get("loop_lag_seconds"):
            await asyncio.sleep(0.01)


async def test_counters_survive_a_restart(upstream: Upstream, tmp_path: Path) -> None:
    """Counters go on where they were; gauges of a worker that is gone do not count."""
    for _ in range(2):
        async with Worker(settings_for(tmp_path, upstream.url)) as worker, Wire(worker.port) as wire:
            await wire.ask(post())
    async with Worker(settings_for(tmp_path, upstream.url), slot=1) as worker:
        text = (await ask(worker, "/metrics")).body.decode()
    assert 'footplate_relayed_requests_total{outcome="ok"} 2.0' in text
    (line,) = [line for line in text.splitlines() if line.startswith("footplate_tape_max_bytes ")]
    assert float(line.split()[1]) == worker.relay.tape.status.max_bytes


async def test_token_stats_without_a_database(worker: Worker) -> None:
    """503 with our error; nothing hangs."""
    answer = await ask(worker, "/token-stats")
    assert (answer.status, json.loads(answer.body)["error"]["type"]) == (503, "api_error")


def test_token_stats_add_up() -> None:
    """Totals are the sums of the trains and of the models; a call without a model is there as unknown."""
    rows = [
        TokenStatsRow("a", "opus", "inference", 2, 10, 1),
        TokenStatsRow("a", "opus", "query_evaluation", 1, 5, 1),
        TokenStatsRow("a", "", "", 4, 0, 0),
        TokenStatsRow("b", "haiku", "quota", 1, 1, 1),
    ]
    stats = add_up(rows)
    assert stats["total_requests"] == 8
    assert stats["total_tokens"] == {"input": 16, "output": 3, "total": 19}
    assert stats["by_train"]["a"] == {
        "requests": 7,
        "tokens": {"input": 15, "output": 2, "total": 17},
        "by_type": {"inference": 2, "query_evaluation": 1},
    }
    assert stats["by_train"]["b"]["by_type"] == {"inference": 0, "query_evaluation": 0, "quota": 1}
    assert {model: part["requests"] for model, part in stats["by_model"].items()} == {
        "opus": 3,
        "unknown": 4,
        "haiku": 1,
    }
    empty = add_up([])
    assert (empty["total_requests"], empty["by_train"], empty["by_model"]) == (0, {}, {})


@pytest.mark.postgres
async def test_token_stats_of_a_database(upstream: Upstream, tmp_path: Path, database_url: str) -> None:
    """With a database it answers from the roll-up, and health says connected."""
    database = Database.create(database_url, application="test", size=1)
    async with Worker(settings_for(tmp_path, upstream.url), database=database) as worker:
        answer = await ask(worker, "/token-stats")
        health = json.loads((await ask(worker, "/health")).body)
    await database.close()
    assert (answer.status, json.loads(answer.body)["total_requests"]) == (200, 0)
    assert health["database"] == "connected"
