"""A recorded call as commands: they run, they send the very bytes, and nothing recorded gets out of its quotes."""

import ast
import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from dashboard.render.recipes import Asked, NotRepeatableError, recipes
from tests.dashboard.test_pages_requests import seen
from tests.recordings import HOSTILE, Recorded, insert, message, request_body, sse, text
from tests.upstream import SSE, Answer, Upstream

SECRET = "sk-ant-api03-" + "Zz9" * 24
HEADERS = [
    ["anthropic-version", "2023-06-01"],
    ["anthropic-beta", "one-2025,two-2026"],
    ["content-type", "application/json"],
    ["x-api-key", "[redacted:12345678]"],
    ["content-length", "7"],
    ["accept", "[not kept]"],
]
INJECTION = "'; touch pwned; $(touch pwned) `touch pwned` \"; touch pwned #"


def asked(body, *, method="POST", path="/v1/messages", query=None, headers=HEADERS, size=None):
    """A recorded call."""
    return Asked(method, path, query, headers, body, len(body) if body is not None else size)


async def ran(command, folder, url, *arguments):
    """Run a program in a folder with a key and our address in its environment."""
    process = await asyncio.create_subprocess_exec(
        command, *arguments, cwd=folder,
        env={
            "PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_AUTH_TOKEN": "", "HOME": str(folder),
            "ANTHROPIC_BASE_URL": url, "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        },
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


BODIES = {
    "plain": request_body("Hello"),
    "quotes": request_body(f'it\'s "quoted" \\ $HOME `x` {INJECTION} ünï 🚂'),
    "large": request_body("word " * 5_000),
    "secret": request_body(f"use {SECRET}"),
    "bidi": request_body("a\u202eb"),
    "carriage": b'{"model": "m", "max_tokens": 1,\r\n "messages": []}',
    "proto": b'{"model":"m","max_tokens":1,"messages":[],"__proto__":{"x":1}}',
    "stream": request_body("Hello", stream=True),
    "unknown": request_body("Hello", hologram={"depth": 3}, **{"__import__('os').system('touch pwned')": 1}),
    "no_json": b"\x00\xff not json",
    "at": b"@/etc/passwd",
}


@pytest.mark.parametrize("name", BODIES)
async def test_curl_sends_the_very_bytes(tmp_path, name):
    """Whatever the body holds; nothing of it is run by the shell; key and headers are sent."""
    body = BODIES[name]
    made = recipes(asked(body, query=f"beta=true&x={INJECTION}"))
    (tmp_path / "body.json").write_bytes(body)
    assert ("@body.json" in made.curl) == bool(made.file)
    async with Upstream() as upstream:
        code, _, err = await ran("sh", tmp_path, upstream.url, "-c", made.curl)
        assert code == 0, err
        call = await upstream.received(0)
    assert call.body == body
    fields = {name.lower(): value for name, value in call.headers}
    assert fields["x-api-key"] == "sk-test"
    assert fields["anthropic-beta"] == "one-2025,two-2026"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["plain", "quotes", "large", "secret", "bidi", "stream", "unknown"])
async def test_the_python_sdk_sends_the_same_values(tmp_path, name):
    """The script runs with the real SDK; unknown fields go along; hostile names are data."""
    body = BODIES[name]
    made = recipes(asked(body, query="beta=true"))
    (tmp_path / "body.json").write_bytes(body)
    (tmp_path / "again.py").write_text(made.python)
    async with Upstream() as upstream:
        if name == "stream":
            upstream.script(Answer(headers=(SSE,), chunks=(sse(message(text("hi"))),)))
        code, _, err = await ran(sys.executable, tmp_path, upstream.url, "again.py")
        assert code == 0, err
        call = await upstream.received(0)
    assert json.loads(call.body) == json.loads(body)
    assert call.target == "/v1/messages?beta=true"
    assert {name.lower(): value for name, value in call.headers}["anthropic-beta"] == "one-2025,two-2026"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", BODIES)
async def test_the_scripts_are_of_their_languages(tmp_path, name):
    """Python parses, and TypeScript does where there is a node to ask."""
    made = recipes(asked(BODIES[name], query=INJECTION))
    ast.parse(made.python)
    node = shutil.which("node")
    if node is not None:
        (tmp_path / "again.mjs").write_text(made.typescript)
        code, _, err = await ran(node, tmp_path, "", "--check", "again.mjs")
        assert code == 0, err


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/models"), ("DELETE", "/v1/files/x'\"y"), ("OPTIONS", "/v1/messages"), ("HEAD", "/")],
)
async def test_calls_without_a_body(tmp_path, method, path):
    """Other paths and methods: curl asks the same; the scripts parse."""
    made = recipes(asked(b"", method=method, path=path, headers=[]))
    ast.parse(made.python)
    assert "body" not in made.python.replace("# the SDK has no call", "")
    async with Upstream() as upstream:
        await ran("sh", tmp_path, upstream.url, "-c", made.curl.replace("--no-buffer", "--no-buffer -m 5"))
        call = await upstream.received(0)
    assert call.method == method


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "@evil.example/v1/messages"), ("POST", "http://evil.example/"), ("GET;rm", "/"), ("", "/")],
)
def test_what_would_go_elsewhere_is_no_command(method, path):
    """An address that would take the key to another host is refused."""
    with pytest.raises(NotRepeatableError):
        recipes(asked(b"", method=method, path=path))


def test_hostile_headers_are_left_out_and_counted():
    """Control characters, secrets, names that curl takes for a file: not in a command."""
    evil = [["anthropic-x", "a\r\nb"], ["anthropic-y", SECRET], ["anthropic-@file", "x"], ["anthropic-ü", "x"]]
    made = recipes(asked(b"{}", headers=[*HEADERS, *evil]))
    assert made.left_out == 4
    assert "@file" not in made.curl
    assert SECRET not in made.curl


def test_who_paid_by_token_gets_a_bearer_placeholder():
    """An OAuth login is called again with a token, an API key with a key."""
    made = recipes(asked(b"{}", headers=[["authorization", "[redacted:1]"]]))
    assert '"authorization: Bearer $ANTHROPIC_AUTH_TOKEN"' in made.curl
    assert "ANTHROPIC_AUTH_TOKEN" in made.python


async def test_the_tab_shows_them(client, connection, seeded):
    """Three blocks; secrets only in the file, and it says so; hostile words are words; any call has a page."""
    call = Recorded(request=request_body(HOSTILE, SECRET), message=message(text("x")), path="/v1/<script>x</script>")
    number = await insert(connection, call)
    page = await seen(client, f"/requests/{number}?tab=code")
    assert SECRET not in page
    assert "<script>x" not in page
    assert "1 secret masked on every page is in that file" in " ".join(page.split())
    assert f'href="/api/requests/{number}/raw/request" download="body.json"' in page
    for each in seeded.values():
        assert "curl -g" in await seen(client, f"/requests/{each}?tab=code")
    huge = await insert(connection, Recorded(request=request_body("x" * (10 << 20)), message=message(text("x"))))
    assert "@body.json" in await seen(client, f"/requests/{huge}?tab=code")


def test_the_folder_of_this_test_is_clean():
    """No command of these tests was run where it was not meant to be."""
    assert not Path("pwned").exists()
