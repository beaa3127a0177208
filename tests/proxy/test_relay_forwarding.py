"""What is forwarded reaches the upstream byte for byte, what comes back the client, and both are on the tape."""

import asyncio
import gzip
from pathlib import Path

import pytest

from core.models import Outcome
from tests.relay import HOST, Wire, Worker, get, post, settings_for
from tests.upstream import JSON, Answer, Upstream

PATHS = [
    (b"POST", b"/v1/messages", "/v1/messages"),
    (b"POST", b"/v1/messages?beta=true", "/v1/messages?beta=true"),
    (b"POST", b"/v1/messages/count_tokens", "/v1/messages/count_tokens"),
    (b"GET", b"/v1/messages/batches/msgbatch_1/results", "/v1/messages/batches/msgbatch_1/results"),
    (b"GET", b"/v1/models?limit=20&after_id=a%20b", "/v1/models?limit=20&after_id=a%20b"),
    (b"DELETE", b"/v1/files/file_1", "/v1/files/file_1"),
    (b"POST", b"/v1/complete", "/v1/complete"),
    (b"PATCH", b"/v1/what/comes/later", "/v1/what/comes/later"),
    (b"HEAD", b"/", "/"),
    (b"HEAD", b"/api/hello", "/api/hello"),
    (b"GET", b"/api/hello", "/api/hello"),
    (b"POST", b"/api/event_logging/batch", "/api/event_logging/batch"),
    (b"GET", b"/api/oauth/usage", "/api/oauth/usage"),
    (b"POST", b"/t/dev/v1/messages?beta=true", "/v1/messages?beta=true"),
    (b"GET", b"/t/dev/api/hello", "/api/hello"),
    (b"HEAD", b"/t/dev", "/"),
    (b"HEAD", b"/t/dev/", "/"),
    (b"HEAD", b"/t/dev?x=1", "/?x=1"),
    (b"GET", b"/v1//double//slashes/./kept", "/v1//double//slashes/./kept"),
    (b"GET", b'/v1/odd"<>\\^`{|}~characters', '/v1/odd"<>\\^`{|}~characters'),
]


@pytest.mark.parametrize(("method", "target", "expected"), PATHS)
async def test_paths(method: bytes, target: bytes, expected: str, worker: Worker, upstream: Upstream) -> None:
    """Each path named in wire.md is forwarded untouched but for the train's prefix, and taped."""
    async with Wire(worker.port) as wire:
        answer = await wire.ask(get(target, method=method), method=method.decode())
    assert answer.status == 200
    assert (upstream.requests[0].method, upstream.requests[0].target) == (method.decode(), expected)
    (call,) = await worker.taped()
    assert (call.start.method, call.start.target) == (method.decode(), expected)
    assert call.start.train == ("dev" if target.startswith(b"/t/") else "default")
    assert call.end is not None
    assert call.end.outcome is Outcome.OK


BODIES = {
    "malformed JSON": b'{"a":',
    "BOM": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b'{"a":"\xff\xfe"}',
    "NUL": b'{"a":"\\u0000\x00"}',
    "lone surrogates": b'{"a":"\\ud800"}',
    "NaN": b'{"a":NaN}',
    "5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "duplicate keys": b'{"a":1,"a":2}',
    "nested": b"[" * 5_000_000,
    "gzip bomb": gzip.compress(b"0" * 50_000_000),
    "spaces": b' \r\n\t{ "a" : 1 }\n',
    "one byte": b"x",
}


@pytest.mark.parametrize("name", BODIES)
async def test_bodies_are_never_looked_at(name: str, worker: Worker, upstream: Upstream) -> None:
    """Whatever the body is, it goes upstream and onto the tape byte for byte; so does a body of the response."""
    body = BODIES[name]
    upstream.script(Answer(status=400, reason="Bad Request", chunks=(body,)))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(body))
    assert answer.status == 400
    assert answer.body == body
    assert upstream.requests[0].body == body
    (call,) = await worker.taped()
    assert call.request == body
    assert call.response == body
    assert call.sequence == list(range(len(call.sequence)))


async def test_an_empty_body(worker: Worker, upstream: Upstream) -> None:
    """A POST of nothing stays a POST of nothing."""
    async with Wire(worker.port) as wire:
        await wire.ask(post(b""))
    assert upstream.requests[0].header("content-length") == "0"
    assert upstream.requests[0].body == b""


async def test_request_headers_are_an_open_list(worker: Worker, upstream: Upstream) -> None:
    """Unknown and repeated fields keep name, value, order and repetition; host is ours and stands where it stood."""
    head = (
        b"POST /v1/messages HTTP/1.1\r\nX-Unknown:  one \r\nHost: proxy.test\r\nx-unknown: two\r\n"
        b"anthropic-beta: a-2026-01-01,b\r\nAnthropic-Beta: c\r\nAccept-Encoding: br, zstd\r\nX-Empty:\r\n"
        b"X-Utf8: gr\xc3\xbc\xc3\x9fe\r\ncookie: a=b\r\nX-Api-Key: sk-ant-api03-canary\r\nContent-Length: 2\r\n\r\n"
    )
    async with Wire(worker.port) as wire:
        await wire.ask(head + b"{}")
    origin = upstream.url.removeprefix("http://").encode()
    expected = (
        head.replace(b"Host: proxy.test", b"Host: " + origin)
        .replace(b"X-Unknown:  one \r\n", b"X-Unknown: one\r\n")
        .replace(b"X-Empty:", b"X-Empty: ")
    )
    assert upstream.requests[0].raw_head == expected


async def test_hop_by_hop_headers_stay_here(worker: Worker, upstream: Upstream) -> None:
    """Fields for this hop, and ours, are removed: those of RFC 9110 §7.6.1 and whatever Connection names."""
    ours = [
        *(b"Connection: keep-alive, X-Named", b"X-Named: 1", b"Keep-Alive: timeout=5", b"Proxy-Authorization: a"),
        *(b"Proxy-Connection: keep-alive", b"TE: trailers", b"Trailer: X-T", b"Upgrade: h2c", b"HTTP2-Settings: a"),
        *(b"Forwarded: for=1.2.3.4", b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Host: a", b"X-Train-Id: dev"),
        *(b"X-Footplate-Key: fp_live_x", b"MSL-Account: a", b"X-Account: a", b"Expect: 100-Continue"),
    ]
    async with Wire(worker.port) as wire:
        await wire.ask(post(b"{}", *ours, b"X-Kept: 1"))
    names = [name for name, _ in upstream.requests[0].headers]
    assert names == ["Host", "X-Kept", "Content-Length"]
    (call,) = await worker.taped()
    assert call.start.train == "dev"


@pytest.mark.parametrize(
    ("target", "header", "train"),
    [
        (b"/v1/models", b"X-A: 1", "default"),
        (b"/v1/models", b"X-Train-Id: by-header", "by-header"),
        (b"/v1/models", b"MSL-Train-Id: by.alias:1_2", "by.alias:1_2"),
        (b"/t/by-path/v1/models", b"X-Train-Id: by-header", "by-path"),
    ],
)
async def test_trains(target: bytes, header: bytes, train: str, worker: Worker) -> None:
    """The path's prefix goes before the header, the header before ``default``."""
    async with Wire(worker.port) as wire:
        await wire.ask(get(target, header))
    (call,) = await worker.taped()
    assert call.start.train == train


async def test_response_headers_come_as_they_were(worker: Worker, upstream: Upstream) -> None:
    """Status, phrase and fields reach the client in order and repetition; only this hop's are gone."""
    headers = [
        ("Content-Type", "application/json"),
        ("set-cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
        ("request-id", "req_upstream"),
        ("anthropic-ratelimit-tokens-remaining", "17"),
        ("retry-after", "7"),
        ("x-latin", "gr\u00fc\u00dfe"),
        ("Connection", "X-Hop, keep-alive"),
        ("connection", "content-length, content-type"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=1"),
        ("Proxy-Authenticate", "Basic"),
        ("TE", "trailers"),
        ("Trailer", "X-T"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "a"),
        ("content-length", "2"),
    ]
    upstream.script(Answer(status=529, reason="Site Is Overloaded", headers=headers, chunks=(b"{}",)))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post())
    assert (answer.status, answer.reason) == (529, "Site Is Overloaded")
    assert answer.headers == [*headers[:7], headers[-1]]
    (call,) = await worker.taped()
    assert call.head is not None
    taped = dict(call.head.headers)
    assert taped["anthropic-ratelimit-tokens-remaining"] == "17"
    assert taped["set-cookie"].startswith("[redacted:")
    assert not call.head.ours
    assert len(upstream.requests) == 1


async def test_credentials_never_reach_the_tape(worker: Worker, upstream: Upstream) -> None:
    """No credential is on disk in clear, wherever it was sent; the upstream gets them untouched."""
    secrets = (b"sk-ant-api03-canary-one-000000", b"canary-two-0000000000", b"canary-three-000000000")
    headers = (b"x-api-key: " + secrets[0], b"Cookie: session=" + secrets[1], b"X-My-Token: " + secrets[2])
    async with Wire(worker.port) as wire:
        await wire.ask(post(b"{}", *headers, target=b"/v1/messages?api_key=canary-four-0000000"))
    (call,) = await worker.taped()
    assert upstream.requests[0].header("x-api-key") == secrets[0].decode()
    assert upstream.requests[0].target.endswith("canary-four-0000000")
    assert call.start.credential_kind == "api_key"
    assert len(call.start.credential_hmac or "") == 32
    for path in worker.settings.data_dir.rglob("*"):
        assert path.is_dir() or b"canary" not in path.read_bytes()


async def test_chunked_requests_are_framed_anew(worker: Worker, upstream: Upstream) -> None:
    """Extensions and trailers of a chunked request go no further; its bytes do, as one request."""
    body = b"4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Trailer: smuggled\r\n\r\n"
    async with Wire(worker.port) as wire:
        await wire.ask(b"POST /v1/messages HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: CHUNKED\r\n\r\n" + body)
    request = await upstream.received(0)
    assert request.body == b"Wikipedia"
    assert request.header("transfer-encoding") == "chunked"
    assert request.header("content-length") is None
    assert b"smuggled" not in request.raw_head + request.raw_body
    assert b"ext=1" not in request.raw_body
    (call,) = await worker.taped()
    assert call.request == b"Wikipedia"


async def test_a_body_that_comes_in_pieces(worker: Worker, upstream: Upstream) -> None:
    """Bytes go upstream as they come, not when the body is whole."""
    async with Wire(worker.port) as wire:
        await wire.send(post(b"x" * 10)[:-4])
        request = await upstream.received(0, whole=False)
        assert not request.complete.is_set()
        await wire.send(b"xxxx")
        assert (await wire.answer()).status == 200
    assert request.body == b"x" * 10


async def test_keep_alive_both_ways(worker: Worker, upstream: Upstream) -> None:
    """Requests behind one another use one connection here and one there; pipelined ones are answered in order."""
    upstream.script(*(Answer(chunks=(b"%d" % number,)) for number in range(4)))
    async with Wire(worker.port) as wire:
        bodies = [(await wire.ask(post(b"a"))).body for _ in range(2)]
        await wire.send(post(b"b") + post(b"c"))
        bodies += [(await wire.answer()).body for _ in range(2)]
    assert bodies == [b"0", b"1", b"2", b"3"]
    assert upstream.connections == 1
    calls = await worker.taped()
    assert [bytes(call.request) for call in calls] == [b"a", b"a", b"b", b"c"]
    assert [call.end.timings.connection_reused for call in calls if call.end] == [False, True, True, True]


async def test_http_1_0(worker: Worker, upstream: Upstream) -> None:
    """An HTTP/1.0 client gets a body without chunks, ended by the end of the connection."""
    upstream.script(Answer(chunks=(b"one", b"two"), framing="chunked"))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(get().replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert await wire.closed() == b""
    assert answer.header("transfer-encoding") is None
    assert answer.body == b"onetwo"


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(status: int, worker: Worker, upstream: Upstream) -> None:
    """204, 304 and answers to HEAD have no body whatever their length says, and the connection goes on."""
    headers = (("etag", "x"), ("content-length", "10")) if status == 304 else (("etag", "x"), ("content-length", "0"))
    upstream.script(Answer(status=status, headers=headers, chunks=()))
    upstream.script(Answer(headers=(JSON, ("content-length", "1234")), chunks=()))
    async with Wire(worker.port) as wire:
        assert (await wire.ask(get())).status == status
        answer = await wire.ask(get(b"/", method=b"HEAD"), method="HEAD")
        assert answer.header("content-length") == "1234"
        assert (await wire.ask(post())).status == 200
    assert upstream.connections == 1


INTERIM = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 102 Processing\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nKeep-Alive: a\r\nlink: </b>\r\n\r\n"
)


async def test_interim_answers_go_on_and_are_not_the_answer(worker: Worker, upstream: Upstream) -> None:
    """A proxy passes on what announces an answer (RFC 9110 §15.2), but for a 100: nobody asked us for that."""
    gate = asyncio.Event()
    upstream.script(Answer(interim=INTERIM, before=gate), Answer())
    async with Wire(worker.port) as wire:
        await wire.send(post())
        assert (await wire.head())[:3] == (102, "Processing", [])
        assert (await wire.head())[:3] == (103, "Early Hints", [("link", "</a>"), ("link", "</b>")])
        gate.set()
        assert (await wire.answer()).status == 200
        assert (await wire.ask(post())).status == 200
    assert upstream.connections == 1
    call = (await worker.taped())[0]
    assert call.head is not None
    assert call.head.status == 200


async def test_interim_answers_are_not_for_http_1_0(worker: Worker, upstream: Upstream) -> None:
    """A client of HTTP/1.0 would take them for the answer."""
    upstream.script(Answer(interim=INTERIM))
    async with Wire(worker.port) as wire:
        assert (await wire.ask(get().replace(b"HTTP/1.1", b"HTTP/1.0"))).status == 200


async def test_expect_100_continue(worker: Worker, upstream: Upstream) -> None:
    """A client that waits is told to go on once, after the check; the expectation goes no further."""
    async with Wire(worker.port) as wire:
        await wire.send(post(b"{}", b"Expect: 100-continue")[:-2])
        assert await wire.reader.readexactly(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await wire.ask(b"{}")).status == 200
    assert upstream.requests[0].header("expect") is None
    assert upstream.requests[0].body == b"{}"


async def test_nobody_is_upgraded(worker: Worker, upstream: Upstream) -> None:
    """A wish for another protocol is not passed on: the request is answered as it is, then the connection ends."""
    wishes = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: a")
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(b"{}", *wishes) + post(b"behind"))
        assert await wire.closed() == b""
    assert (answer.status, answer.header("connection")) == (200, "close")
    assert [bytes(request.body) for request in upstream.requests] == [b"{}"]
    assert upstream.requests[0].header("upgrade") is None


async def test_an_early_answer(worker: Worker, upstream: Upstream) -> None:
    """An upstream that answers before the body is through is heard at once, and the rest of the body is not sent."""
    upstream.script(Answer(status=413, reason="Too Large", early=True, read_body=False, chunks=(b'{"too":"large"}',)))
    async with Wire(worker.port) as wire:
        await wire.send(post(b"x" * (8 << 20))[: 1 << 20])
        answer = await wire.answer()
        assert await wire.closed() == b""
    assert (answer.status, answer.body) == (413, b'{"too":"large"}')
    assert answer.header("connection") == "close"
    assert len(upstream.requests) == 1
    (call,) = await worker.taped()
    assert call.end is not None
    assert call.end.outcome is Outcome.OK
    assert call.response == b'{"too":"large"}'


async def test_encoded_answers_pass(worker: Worker, upstream: Upstream) -> None:
    """Gzip stays gzip, on the wire and on the tape, and a gzip request too (nothing is inflated on the way)."""
    packed = gzip.compress(b'{"a":1}')
    upstream.script(Answer(headers=(JSON, ("content-encoding", "gzip")), chunks=(packed,)))
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(packed, b"Content-Encoding: gzip"))
    assert answer.body == packed
    assert answer.header("content-encoding") == "gzip"
    assert upstream.requests[0].body == packed
    (call,) = await worker.taped()
    assert call.request == packed
    assert call.response == packed


async def test_several_workers_share_a_port(upstream: Upstream, tmp_path: Path) -> None:
    """Two workers listen on one port, each with a tape of its own; /metrics of either counts both."""
    async with Worker(settings_for(tmp_path, upstream.url)) as one:
        settings = settings_for(tmp_path, upstream.url, proxy_port=one.port)
        async with Worker(settings, slot=1) as two:
            for _ in range(40):
                async with Wire(one.port) as wire:
                    assert (await wire.ask(post())).status == 200
            await one.idle()
            await two.idle()
            counts = one.count("outcome:ok"), two.count("outcome:ok")
            async with Wire(one.port) as wire:
                metrics = (await wire.ask(get(b"/metrics", host=b"Host: localhost\r\n"))).body
    assert sum(counts) == 40
    assert min(counts) > 0
    assert b'footplate_relayed_requests_total{outcome="ok"} 40.0' in metrics
    assert len(list(tmp_path.glob("tape/*"))) == 2
