"""The table of bad inputs (wire.md), row by row on a raw socket: the answer, and that nothing reached the upstream."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.relay import HOST, Wire, Worker, get, post
from tests.upstream import Upstream


@dataclass(frozen=True)
class Row:
    name: str
    data: bytes
    status: int


def _head(*lines: bytes, first: bytes = b"POST /v1/messages HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"Host: proxy.test", *lines, b"", b""])


CHUNKED = b"Transfer-Encoding: chunked"
EMPTY_CHUNKS = b"0\r\n\r\n"

ROWS = [
    Row("length and chunked", _head(b"Content-Length: 5", CHUNKED) + EMPTY_CHUNKS, 400),
    Row("chunked and length", _head(CHUNKED, b"Content-Length: 5") + EMPTY_CHUNKS, 400),
    Row("two lengths that differ", _head(b"Content-Length: 2", b"Content-Length: 3") + b"abc", 400),
    Row("two lengths that agree", _head(b"Content-Length: 2", b"Content-Length: 2") + b"ab", 400),
    Row("two lengths in one field", _head(b"Content-Length: 2, 2") + b"ab", 400),
    Row("a length with a sign", _head(b"Content-Length: +2") + b"ab", 400),
    Row("a negative length", _head(b"Content-Length: -2") + b"ab", 400),
    Row("a length in hex", _head(b"Content-Length: 0x2") + b"ab", 400),
    Row("an empty length", _head(b"Content-Length:"), 400),
    Row("a length that is no number", _head(b"Content-Length: two") + b"ab", 400),
    Row("a length beyond 64 bits", _head(b"Content-Length: 99999999999999999999999"), 400),
    Row("a folded header", _head(b"X-A: 1", b" 2"), 400),
    Row("a header folded with a tab", _head(b"X-A: 1", b"\t2"), 400),
    Row("space before the first header", b"POST /v1/messages HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    Row("space before the colon", _head(b"X-A : 1"), 400),
    Row("a header without a colon", _head(b"X-A"), 400),
    Row("a header without a name", _head(b": 1"), 400),
    Row("a bare line feed between headers", _head(b"X-A: 1\nX-B: 2"), 400),
    Row("a bare carriage return in a header", _head(b"X-A: 1\rX-B: 2"), 400),
    Row("bare line feeds only", b"POST /v1/messages HTTP/1.1\nHost: a\n\n", 400),
    Row("NUL in a header", _head(b"X-A: 1\x002"), 400),
    Row("a control byte in a credential", _head(b"Authorization: Bearer \x01secret"), 400),
    Row("gzip, chunked", _head(b"Transfer-Encoding: gzip, chunked") + EMPTY_CHUNKS, 501),
    Row("chunked, gzip", _head(b"Transfer-Encoding: chunked, gzip") + EMPTY_CHUNKS, 501),
    Row("gzip", _head(b"Transfer-Encoding: gzip") + EMPTY_CHUNKS, 501),
    Row("identity", _head(b"Transfer-Encoding: identity") + EMPTY_CHUNKS, 501),
    Row("chunked, chunked", _head(b"Transfer-Encoding: chunked, chunked") + EMPTY_CHUNKS, 501),
    Row("an empty transfer encoding", _head(b"Transfer-Encoding:"), 501),
    Row("chunked twice", _head(CHUNKED, CHUNKED) + EMPTY_CHUNKS, 501),
    Row("xchunked", _head(b"Transfer-Encoding: xchunked") + EMPTY_CHUNKS, 501),
    Row("chunked in quotes", _head(b'Transfer-Encoding: "chunked"') + EMPTY_CHUNKS, 501),
    Row("authorization twice", _head(b"Authorization: Bearer a", b"Authorization: Bearer b"), 400),
    Row("x-api-key twice", _head(b"X-Api-Key: a", b"x-api-key: b"), 400),
    Row("anthropic-version twice", _head(b"anthropic-version: 2023-06-01", b"anthropic-version: 2023-06-01"), 400),
    Row("content-encoding twice", _head(b"Content-Encoding: gzip", b"Content-Encoding: gzip"), 400),
    Row("a header that is not UTF-8", _head(b"X-A: \xff"), 400),
    Row("a header name that is not ASCII", _head(b"X-\xc3\xa9: 1"), 400),
    Row("no host", b"POST /v1/messages HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
    Row("no host in HTTP/1.0", b"POST /v1/messages HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 400),
    Row("two hosts", _head(b"Host: other.test"), 400),
    Row("a header block over 32 kB", _head(*(b"X-%d: %b" % (n, b"a" * 1000) for n in range(40))), 431),
    Row("one header over 32 kB", _head(b"X-A: " + b"a" * 33_000), 431),
    Row("a head that does not end", b"POST /v1/messages HTTP/1.1\r\n" + b"X-A: %b\r\n" % (b"a" * 999) * 60, 431),
    Row("129 fields", _head(*(b"X-%d: 1" % n for n in range(128))), 431),
    Row("a target over 8 kB", b"GET /v1/%b HTTP/1.1\r\n%b\r\n" % (b"a" * 8192, HOST), 414),
    Row("absolute form", get(b"http://evil.test/v1/messages"), 400),
    Row("absolute form, own host", get(b"http://proxy.test/v1/messages"), 400),
    Row("network path", get(b"//evil.test/v1/messages"), 400),
    Row("network path behind a train", get(b"/t/dev//evil.test/v1/messages"), 400),
    Row("dot segments", get(b"/v1/../admin"), 400),
    Row("dot segments, encoded", get(b"/v1/%2e%2e/admin"), 400),
    Row("dot segments, encoded twice", get(b"/v1/%252e%252e/admin"), 400),
    Row("dot segments behind an encoded slash", get(b"/v1/x%2f..%2fadmin"), 400),
    Row("dot segments as train", get(b"/t/../v1/messages"), 400),
    Row("a fragment", get(b"/v1/messages#x"), 400),
    Row("a target that is not ASCII", get(b"/v1/\xc3\xa9"), 400),
    Row("asterisk form", get(b"*", method=b"OPTIONS"), 400),
    Row("a path we do not forward", get(b"/admin"), 404),
    Row("the root, not HEAD", get(b"/"), 404),
    Row("a path that only begins alike", get(b"/v1messages"), 404),
    Row("one of our paths under a train", get(b"/t/dev/health"), 404),
    Row("CONNECT", b"CONNECT evil.test:443 HTTP/1.1\r\n%b\r\n" % HOST, 405),
    Row("TRACE", get(b"/v1/messages", method=b"TRACE"), 405),
    Row("HTTP/0.9", b"GET /v1/models HTTP/0.9\r\n%b\r\n" % HOST, 505),
    Row("HTTP/0.9 without a version", b"GET /v1/models\r\n\r\n", 505),
    Row("HTTP/2.0", b"GET /v1/models HTTP/2.0\r\n%b\r\n" % HOST, 505),
    Row("HTTP/1.2", b"GET /v1/models HTTP/1.2\r\n%b\r\n" % HOST, 505),
    Row("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    Row("a version that is none", b"GET /v1/models HTCPCP/1.1\r\n%b\r\n" % HOST, 400),
    Row("TLS hello", bytes.fromhex("16030100a5010000a10303") + bytes(range(160)), 400),
    Row("noise", b"\x00\x01\x02\x03 what is this\r\n\r\n", 400),
    Row("Expect: foo", _head(b"Expect: foo", b"Content-Length: 2") + b"{}", 417),
    Row("a length over the limit", _head(b"Content-Length: %d" % ((32 << 20) + 1)), 413),
    Row("a batch over the limit", _head(b"Content-Length: %d" % ((256 << 20) + 1),
                                        first=b"POST /v1/messages/batches HTTP/1.1"), 413),
    Row("a file over the limit", _head(b"Content-Length: %d" % ((500 << 20) + 1),
                                       first=b"POST /v1/files HTTP/1.1"), 413),
    Row("bad chunk size, with the head", _head(CHUNKED) + b"zz\r\nabc\r\n", 400),
    Row("chunk longer than it says, with the head", _head(CHUNKED) + b"2\r\nabc\r\n0\r\n\r\n", 400),
    Row("chunk size beyond 64 bits", _head(CHUNKED) + b"11111111111111111\r\na\r\n", 400),
    Row("a bare line feed behind a chunk size", _head(CHUNKED) + b"3\nabc\r\n0\r\n\r\n", 400),
    Row("chunked in HTTP/1.0", _head(CHUNKED, first=b"POST /v1/messages HTTP/1.0") + EMPTY_CHUNKS, 400),
    Row("connection names host", _head(b"Connection: close, host"), 400),
    Row("connection names content-length", _head(b"Connection: Content-Length", b"Content-Length: 0"), 400),
    Row("connection names content-type", _head(b"Connection: content-type"), 400),
    Row("connection names authorization", _head(b"Connection: keep-alive, AUTHORIZATION"), 400),
    Row("connection names x-api-key", _head(b"Connection: x-api-key"), 400),
    Row("a second connection names x-api-key", _head(b"Connection: close", b"Connection: x-api-key"), 400),
    Row("connection names anthropic-beta", _head(b"Connection: anthropic-beta"), 400),
    Row("a train with a space", get(b"/t/my%20train/v1/models"), 400),
    Row("an empty train", get(b"/t//v1/models"), 400),
    Row("a train of 129 characters", get(b"/t/%b/v1/models" % (b"a" * 129)), 400),
    Row("a key as train", get(b"/t/sk-ant-api03-AAAAAAAAAAAAAAAA/v1/models"), 400),
    Row("a key as train header", get(b"/v1/models", b"X-Train-Id: AKIAIOSFODNN7EXAMPLE"), 400),
    Row("a train header with a slash", get(b"/v1/models", b"X-Train-Id: a/b"), 400),
    Row("a train header without a value", get(b"/v1/models", b"MSL-Train-Id:"), 400),
    Row("a train header twice", get(b"/v1/models", b"X-Train-Id: a", b"X-Train-Id: b"), 400),
]  # fmt: skip

KINDS = {404: "not_found_error", 413: "request_too_large"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_is_refused(row: Row, worker: Worker, upstream: Upstream) -> None:
    """The answer is the table's, a constant in the API's shape, and nothing of the request goes on or is kept."""
    async with Wire(worker.port) as wire:
        answer = await wire.ask(row.data)
        assert await wire.closed() == b""
    assert answer.status == row.status
    assert answer.header("content-type") == "application/json"
    assert answer.header("connection") == "close"
    error = json.loads(answer.body)
    assert error["type"] == "error"
    assert error["error"]["type"] == KINDS.get(row.status, "invalid_request_error")
    assert error["request_id"] == answer.header("request-id")
    assert error["request_id"].startswith("req_")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(error["timestamp"])) < timedelta(minutes=1)
    assert answer.header("allow") == ("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" if row.status == 405 else None)
    assert upstream.requests == []
    assert await worker.taped() == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_leaves_no_room_behind_it(row: Row, worker: Worker, upstream: Upstream) -> None:
    """A marker request pipelined behind a refused one is never relayed: nobody agrees with us on where it begins."""
    async with Wire(worker.port) as wire:
        await wire.send(row.data + post(b"marker"))
        await wire.closed()
    assert upstream.requests == []


async def test_is_counted(worker: Worker) -> None:
    """A refusal leaves a counter, not frames: a flood must not fill the tape."""
    async with Wire(worker.port) as wire:
        await wire.ask(get(b"/admin"))
    async with Wire(worker.port) as wire:
        await wire.ask(b"noise\r\n\r\n")
    assert (worker.count("refused:not_found"), worker.count("refused:bad_request")) == (1, 1)


async def test_one_of_each_credential_is_legal(worker: Worker, upstream: Upstream) -> None:
    """One authorization and one x-api-key may stand together."""
    async with Wire(worker.port) as wire:
        answer = await wire.ask(post(b"{}", b"Authorization: Bearer a", b"x-api-key: b"))
    assert answer.status == 200
    assert upstream.requests[0].header("authorization") == "Bearer a"
    assert upstream.requests[0].header("x-api-key") == "b"


async def test_nothing_is_echoed(worker: Worker, capfd: pytest.CaptureFixture[str]) -> None:
    """No byte of a broken request is in the answer or in the log (bare aiohttp puts both there)."""
    for bad in (
        _head(b"Authorization: Bearer \x01canary-secret"),
        _head(b"X-A: canary-secret" + b"a" * 33_000),
        b"canary-secret noise\r\n\r\n",
        get(b"/canary-secret"),
        get(b"http://canary-secret/v1/"),
        _head(CHUNKED) + b"canary-secret\r\n",
    ):
        async with Wire(worker.port) as wire:
            await wire.send(bad)
            assert b"canary" not in await wire.closed()
    out, err = capfd.readouterr()
    assert "canary" not in out + err
    assert len(err.splitlines()) <= 1
