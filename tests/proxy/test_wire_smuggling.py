"""Requests that two servers could read differently: each is refused, or is exactly one request upstream.

Behind each a marker is pipelined. If anybody disagreed with us on where the first request ends, the marker, or a part
of it, would show up in the upstream as something it is not.
"""

import itertools

import pytest

from tests.relay import HOST, Wire, Worker
from tests.upstream import Upstream

FIRST = b"POST /v1/messages HTTP/1.1\r\n" + HOST
MARKER = b"POST /v1/marker HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n\r\nmarker"
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"

CODINGS = [
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding:chunked", b"Transfer-Encoding:\tchunked"),
    *(b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked ", b"Transfer-Encoding: \tchunked"),
    *(b"Transfer-Encoding: CHUNKED", b"transfer-encoding: Chunked", b"TRANSFER-ENCODING: chunked"),
    *(b"Transfer-Encoding: chunked,", b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chunked;a=b"),
    *(b"Transfer-Encoding: x, chunked", b"Transfer-Encoding: chunked, x", b"Transfer-Encoding: chunked, identity"),
    *(b"Transfer-Encoding: identity", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: xchunked"),
    *(b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding:\x0cchunked", b"Transfer-Encoding: chun\x00ked"),
    *(b"Transfer-Encoding: \xffchunked", b"Transfer-Encoding: chunked\xa0", b"Transfer-Encoding\x00: chunked"),
    *(b"Transfer_Encoding: chunked", b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked"),
    *(b" Transfer-Encoding: chunked", b"\tTransfer-Encoding: chunked", b"Transfer-Encoding:\r\n chunked"),
    *(b"Transfer-Encoding: 'chunked'", b"Transfer-Encoding: cow", b"Transfer-Encoding:"),
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
]
LENGTHS = [
    *(b"", b"Content-Length: 0", b"Content-Length: 3", b"Content-Length: 13", b"Content-Length: +13"),
    *(b"Content-Length: 13, 13", b"Content-Length : 13", b"Content-Length: 0x0d", b"Content-Length: 13 "),
]
SIZES = [
    *(b"3", b"03", b"0000000000000003", b"3;a=b", b'3;a="b"', b"3 ", b" 3", b"\t3", b"+3", b"-3", b"0x3"),
    *(
        b"3\n",
        b"3\r",
        b"3\x00",
        b"3,3",
        b"3 3",
        b"",
        b"g",
        b"10000000000000003",
        b"fffffffffffffffff",
        b"3;\n",
        b"3;\x00",
    ),
]
ENDS = [
    b"0\r\n\r\n",
    b"0\n\n",
    b"0\r\n",
    b"00\r\n\r\n",
    b"0;a\r\n\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"0\r\n X: y\r\n\r\n",
    b"0\r\rX",
]


def _corpus() -> list[bytes]:
    heads = [
        FIRST + b"".join(line + b"\r\n" for line in lines if line) + b"\r\n" + CHUNKS
        for coding, length in itertools.product(CODINGS, LENGTHS)
        for lines in ((coding, length), (length, coding))
    ]
    chunked = FIRST + b"Transfer-Encoding: chunked\r\n\r\n"
    sizes = [chunked + size + b"\r\nabc\r\n0\r\n\r\n" for size in SIZES]
    ends = [chunked + b"3\r\nabc\r\n" + end for end in ENDS]
    return list(dict.fromkeys([*heads, *sizes, *ends]))


CORPUS = _corpus()


def test_the_corpus_is_large() -> None:
    """More than the 150 that faults.md asks for."""
    assert len(CORPUS) > 500


@pytest.mark.parametrize("part", range(10))
async def test_nobody_can_disagree(part: int, worker: Worker, upstream: Upstream) -> None:
    """Refused with nothing behind it, or one request upstream with an unambiguous frame and then the marker."""
    for data in CORPUS[part::10]:
        seen = len(upstream.requests)
        async with Wire(worker.port) as wire:
            status = (await wire.ask(data + MARKER)).status
            wire.writer.write_eof()
            await wire.closed()
        await worker.idle()
        got = upstream.requests[seen:]
        assert status in {200, 400, 404, 501}, data
        if status != 200:
            assert all(not request.complete.is_set() for request in got), data
            continue
        assert [request.target for request in got] in (["/v1/messages"], ["/v1/messages", "/v1/marker"]), data
        for request in got:
            framing = [name for name, _ in request.headers if name.lower() in {"content-length", "transfer-encoding"}]
            assert len(framing) <= 1, data
            assert request.body in (b"", b"abc", CHUNKS, b"marker"), data
