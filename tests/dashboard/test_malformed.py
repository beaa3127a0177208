"""Input that no client of ours sends gets a clear error: never a 500, never its own bytes back, never into the log."""

import asyncio

import pytest
from aiohttp import web

from dashboard.app import make_app
from dashboard.connection import Runner

FORM = "application/x-www-form-urlencoded"


BAD_FORMS = [
    (FORM, b"\xff\xfe", None),
    (FORM, b"key=%ff%fe&theme=%ff", None),
    (f"{FORM}; charset=bogus", b"\xff", None),
    (FORM, b"&".join(b"a%d=1" % number for number in range(1000)), None),
    ("multipart/form-data; boundary=x", b"--x\r\nbroken", None),
    ("multipart/form-data", b"--x\r\n\r\n", None),
    ("text/plain", b"key=x", None),
    ("/", b"key=x", None),
    (FORM, b"not gzip at all", "gzip"),  # the connection ends with it
]


async def test_a_form_that_cannot_be_read_is_refused(client):
    """In the one shape of errors, as a page."""
    for path in ("/login", "/settings"):
        for content_type, body, encoding in BAD_FORMS:
            headers = {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})
            answer = await client.post(path, data=body, headers=headers, allow_redirects=False)
            assert (path, body, answer.status) == (path, body, 400)
            assert "form" in await answer.text()


async def test_an_origin_that_is_no_address_is_another_site(client):
    """It is not ours."""
    for origin in ("http://[", "http://[::1", "//[x]", "http://\x80"):
        answer = await client.post(
            "/settings", data={"theme": "dark"}, headers={"Origin": origin}, allow_redirects=False
        )
        assert (origin, answer.status) == (origin, 403)


@pytest.fixture
async def port(settings, database):
    """Where a dashboard listens that runs as ``python -m dashboard`` runs it."""
    runner = Runner(make_app(settings, database), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


CANARY = b"sk-ant-api03-CANARY"
MALFORMED = [
    b"GET / HTTP/1.1\r\nhost: localhost\r\nbad header %b\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: localhost\r\n%b\x00: x\r\n\r\n",
    b"%b \x01\r\n\r\n",
    b"GET /%b HTTP/9.9\r\n\r\n",
    b"POST /settings HTTP/1.1\r\nhost: localhost\r\ncontent-length: %b\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: localhost\r\nx: %b" + b"x" * 20_000 + b"\r\n\r\n",
]


async def test_what_is_no_http_is_not_echoed(port, capfd):
    """A constant answer in the shape of all errors, with our headers; nothing of the input in it or in the log."""
    for request in MALFORMED:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.replace(b"%b", CANARY))
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split()[1] == b"400"
        assert b"application/json" in head
        assert b"Content-Security-Policy: default-src 'none'" in head
        assert b"Cache-Control: no-store" in head
        assert b'"error_code":"INVALID_REQUEST_ERROR"' in body
        assert CANARY not in answer
    assert "CANARY" not in "".join(capfd.readouterr())


async def test_what_is_http_is_served_as_ever(port):
    """On the same connections."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()
