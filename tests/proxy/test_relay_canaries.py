"""A secret in every place of a call but its bodies: nothing on disk, in the log, in /metrics or in an answer has it."""

import pytest

from tests.relay import HOST, Wire, Worker, get, post
from tests.upstream import JSON, Answer, Upstream

KEY = "sk-ant-api03-canarycanarycanary"
LOCAL = b"Host: localhost\r\n"

FIELDS = [
    *("Authorization: Bearer canary", "AUTHORIZATION: Basic canary", "authorization: canary", "x-api-key: canary"),
    *("Proxy-Authorization: Basic canary", "X-Footplate-Key: fp_live_canarycanary", "Cookie: session=canary"),
    *("x-api-key: fp_live_canarycanary", "Api-Key: canary", "x-goog-api-key: canary", "X-Auth-Token: canary"),
    *("x-amz-security-token: canary", "X-Client-Secret: canary", "Password: canary", "x-my-passwords: canary"),
    *("anthropic-token: canary", "anthropic-ratelimit: token=canary", "x-stainless-api-key: canary"),
    *("content-secret: canary", "X-Claude-Code-Session-Token: canary", "User-Agent: a bEARer canary"),
    *(f"User-Agent: curl {KEY}", "Content-Location: /x?access_token=canary", f"x-app: {KEY}"),
    *("Referer: https://a.example/?q=canary", "X-Unknown: canary", "Idempotency-Key: canary"),
    *("Origin: http://canary.localhost", "Forwarded: for=canary", "X-Forwarded-For: canary"),
    *("Connection: x-named\r\nX-Named: canary", "Account: canary", "X-Account: canary", "Via: canary"),
]
TARGETS = [
    *("?api_key=canary", "?api-key=canary", "?token=canary", "?a=1&access_token=canary", "?password=canary"),
    *(
        "?client_secret=canary&b",
        "?t%6Fken=canary",
        "?t%256fken=canary",
        "?next=%2Fy%3Ftoken%3Dcanary",
        ";token=canary",
    ),
    *(f"/{KEY}/x", f"?q={KEY}", f"?{KEY}", f"?a=b&x={KEY.replace('-', '%2D')}"),
]
REFUSED = [
    get(b"/canary"),
    get(b"/t/sk-ant-canarycanarycanary/v1/models"),
    get(b"/v1/models", b"X-Train-Id: sk-ant-canarycanarycanary"),
    get(b"/v1/models", b"x-api-key: canary", b"x-api-key: canary"),
    get(b"/v1/models", b"Authorization: Bearer canary\x01"),
    get(b"/v1/models", b"Origin: https://canary.example"),
    get(b"/v1/models", b"Connection: x-api-key, canary", b"x-api-key: canary"),
    get(b"http://canary:canary@evil.example/v1/models?token=canary"),
    b"CONNECT canary:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"canary canary canary\r\n\r\n",
    get(b"/metrics?token=canary", host=b"Host: canary\r\n"),
]
ANSWERED = [
    *("set-cookie: canary=canary", "x-session-token: canary", "www-authenticate: Bearer canary", "x-api-key: canary"),
    *("location: https://a.example/?token=canary", "content-location: /x?token=canary", f"request-id: {KEY}"),
    *("server: Bearer canary", "anthropic-api-key: canary", "x-any: canary"),
]


def test_there_are_enough() -> None:
    """More than the thirty places that faults.md asks for."""
    assert len(FIELDS) + len(TARGETS) + len(REFUSED) + len(ANSWERED) > 60


async def test_no_canary_anywhere(worker: Worker, upstream: Upstream, capfd: pytest.CaptureFixture[str]) -> None:
    """Each is sent and gets its answer; then everything that is left behind is searched."""
    fields = [tuple(part.partition(": ")[::2]) for part in ANSWERED]
    upstream.default = Answer(headers=(JSON, *fields), chunks=(b"{}",))
    asked = [post(b"{}", field.encode(), target=b"/v1/messages") for field in FIELDS]
    asked += [get(b"/v1/models" + target.encode()) for target in TARGETS]
    chunked = b"POST /v1/messages HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % HOST
    asked.append(chunked + f"0\r\nX-Token: canary\r\nUser-Agent: {KEY}\r\n\r\n".encode())
    for data in asked:
        async with Wire(worker.port) as wire:
            assert (await wire.ask(data)).status == 200, data
    said = b""
    for data in REFUSED:
        async with Wire(worker.port) as wire:
            await wire.send(data)
            said += await wire.closed()
    async with Wire(worker.port) as wire:
        said += (await wire.ask(get(b"/metrics", host=LOCAL))).body
    assert len(await worker.taped()) == len(upstream.requests) == len(asked)
    assert b"canary" not in said
    files = [path for path in worker.settings.data_dir.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [path for path in files if b"canary" in path.read_bytes()] == []
    out, err = capfd.readouterr()
    assert "canary" not in out + err
