"""``readable_text`` and ``readable_json``: whatever was recorded, the public views show it, and never fail."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.postgres
Connection = asyncpg.Connection


@pytest.fixture
async def connection(shared_database_url: str) -> AsyncIterator[Connection]:
    """Functions change nothing: one database is enough for all."""
    connection = await asyncpg.connect(shared_database_url)
    yield connection
    await connection.close()


TEXTS = [
    (b"", ""),
    ("grün 漢字 😀".encode(), "grün 漢字 😀"),
    (b"a\x00b", "a\ufffdb"),
    ("漢".encode() + b"\x00" + "字".encode(), "漢\ufffd字"),
    ("漢字".encode()[:-1], "漢\ufffd\ufffd"),
    ("😀 ü".encode()[2:], "\ufffd\ufffd ü"),
    (b"\xff\xfe ok", "\ufffd\ufffd ok"),
    (b"back\\slash \\000 \xff", "back\\slash \\000 \ufffd"),
    (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    (b"\xc0\xaf\xe0\x80\xaf\xf4\x90\x80\x80", "\ufffd" * 9),
    (
        "\ud7ff\ue000\U00010000\U0010ffff\x80\u0800".encode() + b"\xff",
        "\ud7ff\ue000\U00010000\U0010ffff\x80\u0800\ufffd",
    ),
]


@pytest.mark.parametrize(("given_bytes", "shown"), TEXTS)
async def test_text_shows_what_it_can(connection: Connection, given_bytes: bytes, shown: str) -> None:
    """Only what is not UTF-8 is replaced, byte by byte; a character cut in two at a chunk's edge harms no other."""
    assert await connection.fetchval("SELECT readable_text($1)", given_bytes) == shown


JSONS = [
    (rb'{"a": "x\u0000y"}', {"a": "x\ufffdy"}),
    (rb'["\u0000\u0000"]', ["\ufffd\ufffd"]),
    (rb'["\\u0000"]', ["\\u0000"]),
    (rb'["\\\u0000"]', ["\\\ufffd"]),
    (rb'["\ud83d\ude00 \u0000"]', ["😀 \ufffd"]),
    (rb'["\uD83D\uDE00\ud83d"]', ["😀\ufffd"]),
    (rb'["\ude00\ud83d"]', ["\ufffd\ufffd"]),
    (rb'["\ud83d\ud83d\ude00"]', ["\ufffd😀"]),
    (rb'["\ud83d\\ude00"]', ["\ufffd\\ude00"]),
    (rb'["\\ud83d\ude00"]', ["\\ud83d\ufffd"]),
    (b'["\xff"]', ["\ufffd"]),
    (b'["\xed\xa0\x80"]', ["\ufffd\ufffd\ufffd"]),
    (b"[" * 200 + b"]" * 200, "nested"),
    (b"", None),
    (b"not json", None),
    (b'{"a": NaN}', None),
    (b"\xef\xbb\xbf{}", None),
    (b"\x1f\x8b\x08", None),
    (b"[" * 1_000_000, None),
    (b"1e1000000", None),
]


@pytest.mark.parametrize(("given_bytes", "shown"), JSONS, ids=lambda value: repr(value)[:20])
async def test_json_shows_what_it_can(connection: Connection, given_bytes: bytes, shown: Any) -> None:
    """Escapes that jsonb cannot hold become U+FFFD, pairs and escaped backslashes stay, what is no JSON is null."""
    answer = await connection.fetchval("SELECT readable_json($1)", given_bytes)
    if shown == "nested":
        assert answer.startswith("[[[")
    else:
        assert (json.loads(answer) if answer is not None else None) == shown


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_text_agrees_with_python(connection: Connection, data: st.DataObject) -> None:
    """Any bytes: what is valid UTF-8 reads as Python reads it, every other byte as one U+FFFD."""
    parts = data.draw(st.lists(st.one_of(st.binary(max_size=4), st.text(max_size=4).map(str.encode))))
    given_bytes = b"".join(parts)
    assert await connection.fetchval("SELECT readable_text($1)", given_bytes) == expected(given_bytes)


def expected(given_bytes: bytes) -> str:
    """Python's own decoder, each byte it refuses shown as U+FFFD."""
    shown = given_bytes.decode(errors="surrogateescape")
    return "".join("\ufffd" if c == "\x00" or "\udc80" <= c <= "\udcff" else c for c in shown)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from('\\"u0dD8aBcF9 é\x00\ud83d\ude00'), max_size=24))
async def test_json_of_any_string_is_shown(connection: Connection, text: str) -> None:
    """Whatever Python's json writes is read back, with the unfit characters replaced and nothing else."""
    written = json.dumps([text]).encode()
    wanted = json.loads(written)[0]
    shown = "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in wanted)
    answer = await connection.fetchval("SELECT readable_json($1)", written)
    assert answer is not None
    assert json.loads(answer) == [shown]


async def test_a_large_body_with_one_bad_byte_is_shown(connection: Connection) -> None:
    """The slow way is linear: a megabyte with NULs is shown within the statement's time."""
    body = json.dumps({"text": "word \u0000 ü😀" * 40_000}).encode()
    shown = await connection.fetchval("SELECT length(readable_json($1) ->> 'text')", body, timeout=30)
    assert shown == 40_000 * 9
    assert await connection.fetchval("SELECT length(readable_text($1))", b"\xff" + body, timeout=30) == len(body) + 1
