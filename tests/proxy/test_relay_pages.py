"""Open on loopback, the proxy serves whoever is on this machine, but not the web pages his browser shows."""

import pytest

from tests.relay import Wire, Worker, get, post
from tests.upstream import Upstream

KEY = b"X-Api-Key: sk-ant-api03-AAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    "fields",
    [
        (b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site"),
        (b"Origin: http://evil.example:3000", b"Sec-Fetch-Site: same-origin"),
        (b"Origin: null",),
        (b"Origin: http://[::1",),
        (b"Origin: http://127.0.0.1.evil.example",),
        (b"Origin: http://localhost@evil.example",),
        (b"Sec-Fetch-Site: Cross-Site",),
        (b"Origin: https://evil.example", b"anthropic-dangerous-direct-browser-access: true"),
    ],
)
async def test_a_page_of_another_site_is_refused(fields: tuple[bytes, ...], worker: Worker, upstream: Upstream) -> None:
    """403, nothing forwarded, nothing recorded: a form, a no-cors fetch, a name rebound to this machine."""
    async with Wire(worker.port) as wire:
        assert (await wire.ask(post(b"{}", *fields))).status == 403
    assert not upstream.requests
    assert await worker.taped() == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"{}", b"Origin: https://app.example", b"Sec-Fetch-Site: cross-site", KEY),
        post(b"{}", b"Origin: https://app.example", b"Authorization: Bearer sk-ant-oat01-AAAAAAAAAAAA"),
        post(b"{}", b"Origin: http://localhost:8080", b"Sec-Fetch-Site: same-site"),
        post(b"{}", b"Origin: http://127.0.0.1:8080"),
        post(b"{}", b"Origin: http://[::1]:8080"),
        post(b"{}", b"Origin: http://app.localhost"),
        post(b"{}", b"sec-fetch-mode: cors"),
        get(
            b"/v1/messages",
            *(b"Origin: https://app.example", b"Access-Control-Request-Headers: content-type,x-api-key"),
            method=b"OPTIONS",
        ),
    ],
)
async def test_everybody_else_is_served(request_bytes: bytes, worker: Worker, upstream: Upstream) -> None:
    """A page that pays itself and its preflight, a page of this machine, Claude Code; the fields go on as they came."""
    async with Wire(worker.port) as wire:
        assert (await wire.ask(request_bytes)).status == 200
    assert len(upstream.requests) == 1
    sent = [line for line in request_bytes.split(b"\r\n") if line.lower().startswith((b"origin", b"sec-"))]
    assert all(line in upstream.requests[0].raw_head for line in sent)
