"""``/api/requests`` on the real app and a real Postgres: the list, one request, its exact bytes."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from core.ids import uuid7_ms
from dashboard.recordings.bodies import MOST_SHOWN_BYTES
from tests import recordings
from tests.recordings import Recorded

UNKNOWN = "0199aaaa-0000-7000-8000-000000000000"


async def ids(client, **query):
    """Ids of a list, in its order, as (ids, pagination)."""
    answer = await client.get("/api/requests", params={name: str(value) for name, value in query.items()})
    body = await answer.json()
    assert answer.status == 200, body
    return [row["id"] for row in body["requests"]], body["pagination"]


async def test_the_list_is_newest_first_and_whole(client, seeded):
    """Every call is there once, in flight or complete, ordered by its id, which is its time."""
    found, pagination = await ids(client)
    assert found == sorted(map(str, seeded.values()), reverse=True)
    assert pagination == {
        "total": len(seeded),
        "total_capped": False,
        "page": 1,
        "per_page": 50,
        "total_pages": 1,
        "next_cursor": None,
        "searched_back_to": None,
    }


async def test_a_line_of_the_list(client, seeded):
    """A summary says what the row says, in the units api.md names; an unknown is null."""
    answer = await client.get("/api/requests", params={"limit": 100})
    lines = {row["id"]: row for row in (await answer.json())["requests"]}
    stream = lines[str(seeded["stream"])]
    assert (stream["trainId"], stream["account_id"]) == ("default", "key-0123456789ab")
    assert (stream["total_tokens"], stream["cache_read_input_tokens"]) == (165, 20_000)
    assert (stream["response_time_ms"], stream["ttft_ms"], stream["tape_wait_ms"]) == (2500.0, 350.0, 0.8)
    assert stream["created_at"].endswith("Z")
    flying = lines[str(seeded["in_flight"])]
    assert (flying["outcome"], flying["status_code"], flying["ended_at"], flying["total_tokens"]) == (None,) * 4
    assert flying["model"] == flying["requested_model"] == recordings.MODEL
    assert lines[str(seeded["rate_limited"])]["input_tokens"] is None


FILTERS = {
    "trainId=atlas": {"other_train"},
    "trainId=nowhere": set(),
    "trainId=nowhere,atlas": {"other_train"},
    "trainId=nowhere&trainId=atlas": {"other_train"},
    "accountId=key-ba9876543210": {"other_train"},
    "accountId=nobody": set(),
    "model=claude-haiku-4-5": {"other_train"},
    "model=m%27%20OR%20true--": set(),
    "requestType=query_evaluation": {"other_train"},
    "outcome=in_flight": {"in_flight"},
    "outcome=client_cancelled": {"cancelled"},
    "outcome=failed": {"rate_limited", "overloaded", "stream_error", "cancelled", "unreachable"},
    "status=429": {"rate_limited"},
    "status=5xx": {"overloaded", "unreachable"},
    "status=5xx&model=claude-opus-5-5": {"overloaded", "unreachable"},
    "sessionId=5e551011-0000-4000-8000-000000000001&status=529": {"overloaded"},
    "accountId=key-0123456789ab&outcome=in_flight": {"in_flight"},
    "accountId=key-0123456789ab&sessionId=nothing": set(),
    f"conversationId={UNKNOWN}": set(),
    "since=2099-01-01T00:00:00Z": set(),
    "until=1969-01-01": set(),
}


async def test_filters(client, seeded):
    """Each filter gives exactly the calls that fit, alone and together, and counts them."""
    for query, fitting in FILTERS.items():
        body = await (await client.get(f"/api/requests?{query}")).json()
        assert {row["id"] for row in body["requests"]} == {str(seeded[name]) for name in fitting}, query
        assert body["pagination"]["total"] == len(fitting), query


async def test_a_model_is_the_one_that_answered(client, seeded):
    """Filtering by model takes what answered, and where nothing did, what was asked for."""
    lines = (await (await client.get("/api/requests?limit=100")).json())["requests"]
    expected = [line["id"] for line in lines if line["model"] == recordings.MODEL]
    found, pagination = await ids(client, model=recordings.MODEL)
    assert found == expected
    assert pagination["total"] == len(expected)


async def test_times(client, seeded):
    """``since`` counts the moment itself, ``until`` does not; any offset may be written, escaped or not."""
    at = datetime.fromtimestamp(uuid7_ms(seeded["tools"]) / 1000, UTC)
    found, _ = await ids(client, since=at.isoformat(), until=(at + timedelta(milliseconds=1)).isoformat())
    assert found == [str(seeded["tools"])]
    elsewhere = at + timedelta(hours=2)
    body = await (await client.get(f"/api/requests?since={elsewhere:%Y-%m-%dT%H:%M:%S.%f}+02:00")).json()
    assert str(seeded["tools"]) in {row["id"] for row in body["requests"]}
    assert str(seeded["stream"]) not in {row["id"] for row in body["requests"]}


@pytest.mark.parametrize("trains", ["", "default", "default,atlas"])
async def test_pages_by_number_and_by_cursor_agree(client, connection, seeded, trains):
    """Page after page, however they are asked for, gives the same list: nothing twice, nothing missing."""
    for number in range(7):
        await recordings.insert(connection, Recorded(train="atlas", outcome="rejected"), number=100 + number)
    whole, pagination = await ids(client, trainId=trains, limit=200)
    assert len(whole) == pagination["total"]
    numbered = [each for page in range(1, 9) for each in (await ids(client, trainId=trains, page=page, per_page=4))[0]]
    offset = [each for skip in range(0, 40, 5) for each in (await ids(client, trainId=trains, offset=skip, limit=5))[0]]
    assert numbered == offset == whole
    for name in ("before", "cursor"):
        walked, pagination = await ids(client, trainId=trains, per_page=3)
        while pagination["next_cursor"]:
            more, pagination = await ids(client, trainId=trains, per_page=3, **{name: pagination["next_cursor"]})
            assert pagination["total"] == len(whole)
            walked += more
        assert walked == whole


BAD = [
    "page=0", "per_page=201", "per_page=x", "limit=0", "offset=-1", "status=42", "status=abc", "outcome=maybe",
    "requestType=poem", "since=yesterday", "before=17", f"before={UNKNOWN}&page=2", "page=99999", "offset=2001",
    f"cursor={UNKNOWN}&page=2", f"cursor={UNKNOWN}&before={UNKNOWN}", "cursor=17",
    "model=%00", "model=" + "m" * 300, "trainId=%00", "unknown=1", "conversationId=x", "limit=1&limit=2",
]  # fmt: skip


async def test_bad_parameters_are_named(client):
    """What cannot be meant is 400 and says which parameter, without repeating its value."""
    for query in BAD:
        answer = await client.get(f"/api/requests?{query}")
        body = await answer.json()
        assert (answer.status, body["error"]["type"]) == (400, "invalid_request_error"), query
        assert isinstance(body["error"]["details"], list), query
        assert body["error"]["details"], query


async def test_counts_are_capped(client, connection):
    """A count stops at 10,000 and says so."""
    train = await connection.fetchval("INSERT INTO trains (name) VALUES ('busy') RETURNING train")
    await connection.execute(
        """INSERT INTO requests (train, id, node, method, path, started_at, deriver_version)
        SELECT $1, (left(uuid7_floor(now())::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, 'n', 'POST', '/', now(), 1
        FROM generate_series(1, 10002) AS n""",
        train,
    )
    found, pagination = await ids(client, trainId="busy")
    assert (len(found), pagination["total"], pagination["total_capped"]) == (50, 10_000, True)


async def test_raw_bytes_are_exact(client, seeded):
    """Both bodies come back byte for byte, as an attachment of no type, with the hash that was stored."""
    for name, make in recordings.SEEDS.items():
        call = make()
        wire = {"request": call.request, "response": recordings.wire_body(call)[0] if call.outcome else None}
        for which, body in wire.items():
            answer = await client.get(f"/api/requests/{seeded[name]}/raw/{which}")
            if body is None:
                assert answer.status == 404, name
                assert "yet" in (await answer.json())["detail"]
                continue
            assert (answer.status, await answer.read()) == (200, body), name
            assert answer.headers["X-Body-SHA256"] == hashlib.sha256(body).hexdigest()
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Content-Disposition"].startswith("attachment;")
            assert "Content-Encoding" not in answer.headers


async def test_raw_says_what_it_was(client, seeded):
    """The original type and encoding stand in headers of their own."""
    answer = await client.get(f"/api/requests/{seeded['gzip']}/raw/response")
    assert answer.headers["X-Original-Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["X-Original-Content-Encoding"] == "gzip"


async def test_changed_bytes_are_never_given_out(client, connection, seeded):
    """Stored bytes that no longer match their hash are an error, not an answer."""
    await connection.execute("UPDATE response_bodies SET raw = raw || '!' WHERE id = $1", seeded["plain"])
    answer = await client.get(f"/api/requests/{seeded['plain']}/raw/response")
    assert answer.status == 500
    assert "hash" in (await answer.json())["detail"]


async def test_a_body_in_pieces_is_given_whole_or_not_at_all(client, connection):
    """A long conversation's body comes back exactly, as bytes and as JSON; with a piece missing it is no answer."""
    call = recordings.Recorded(request=recordings.request_body(*(f"{n}: {'long ' * 300}" for n in range(99))))
    where = f"/api/requests/{await recordings.insert(connection, call)}"
    assert await connection.fetchval("SELECT folded > 99 AND body IS NULL FROM request_bodies")
    assert await (await client.get(where + "/raw/request")).read() == call.request
    assert (await (await client.get(where)).json())["request_body"] == json.loads(call.request)
    await connection.execute("DELETE FROM pieces WHERE bytes = (SELECT bytes FROM pieces ORDER BY bytes DESC LIMIT 1)")
    answer = await client.get(where + "/raw/request")
    assert (answer.status, (await answer.json())["detail"]) == (500, "a piece of the body is missing")
    assert (await (await client.get(where)).json())["request_body_state"] == "missing"


@pytest.mark.parametrize("name", ["stream", "gzip", "tools", "thinking"])
async def test_a_stream_is_its_message_and_its_chunks(client, seeded, name):
    """A streamed answer is shown as the message it amounts to; its chunks joined are its inflated text."""
    call = recordings.SEEDS[name]()
    body = await (await client.get(f"/api/requests/{seeded[name]}")).json()
    assert body["response_body"] == call.message
    assert body["request_body"] == json.loads(call.request)
    chunks = body["streaming_chunks"]
    assert [chunk["chunk_index"] for chunk in chunks] == list(range(len(chunks)))
    assert "".join(chunk["content"] for chunk in chunks) == recordings.sse(call.message).decode()
    assert [chunk["at_us"] for chunk in chunks] == sorted(chunk["at_us"] for chunk in chunks)


async def test_everything_recorded_of_a_request_is_told(client, seeded):
    """The detail has all fields of the list and headers, timing, usage and hashes beside."""
    listed = {row["id"]: row for row in (await (await client.get("/api/requests?limit=100")).json())["requests"]}
    for request_id in map(str, seeded.values()):
        body = await (await client.get(f"/api/requests/{request_id}")).json()
        assert {name: body[name] for name in listed[request_id]} == listed[request_id]
    tools = await (await client.get(f"/api/requests/{seeded['tools']}")).json()
    assert ["authorization", "[redacted:0a1b2c3d]"] in tools["request_headers"]
    assert tools["timings"]["tape_wait_us"] == 800
    assert tools["usage"]["total_input_tokens"] == 21_120
    assert tools["usage"]["raw"]["cache_creation"] == {
        "ephemeral_1h_input_tokens": 0,
        "ephemeral_5m_input_tokens": 1000,
    }
    assert len(tools["request_sha256"]) == len(tools["response_sha256"]) == 64


async def test_unreadable_bodies_are_still_json(client, seeded):
    """NUL, bytes that are no UTF-8, lone surrogates and NaN are replaced, and the state says so."""
    no_json = await (await client.get(f"/api/requests/{seeded['no_json']}")).json()
    assert (no_json["request_body_state"], no_json["response_body_state"]) == ("text", "text")
    assert no_json["request_body"].startswith("\x00\ufffd not json ")
    surrogates = await (await client.get(f"/api/requests/{seeded['surrogates']}")).json()
    assert surrogates["request_body_state"] == "repaired"
    assert surrogates["request_body"]["messages"][0]["content"] == "lone \ufffd nul \x00"
    assert surrogates["request_body"]["n"] is None
    flying = await (await client.get(f"/api/requests/{seeded['in_flight']}")).json()
    assert (flying["request_body_state"], flying["response_body_state"]) == ("missing", "missing")
    unreachable = await (await client.get(f"/api/requests/{seeded['unreachable']}")).json()
    assert unreachable["response_body_state"] == "empty"


async def test_large_bodies_are_left_out_and_told_of(client, connection):
    """A body too large to show is null; its size, its chunks' number and the way to its bytes are there."""
    large = b'"' + b"x" * MOST_SHOWN_BYTES + b'"'
    call = Recorded(request=large, response=large, stream=True, chunk_size=1 << 20)
    request_id = await recordings.insert(connection, call)
    body = await (await client.get(f"/api/requests/{request_id}")).json()
    assert (body["request_body"], body["request_body_state"], body["request_bytes"]) == (None, "too_large", len(large))
    assert (body["response_body"], body["response_body_state"]) == (None, "too_large")
    assert (body["streaming_chunks"], body["streaming_chunks_omitted"]) == ([], 9)
    raw = await client.get(body["response_body_raw"])
    assert await raw.read() == large


async def test_deep_nesting_does_not_break_an_answer(client, connection):
    """A body nested deeper than any JSON writer goes is shown as text."""
    for depth in (150, 250, 1000, 100_000):
        deep = b"[" * depth + b"]" * depth
        request_id = await recordings.insert(connection, Recorded(request=deep, response=deep), number=depth)
        body = await (await client.get(f"/api/requests/{request_id}")).json()
        assert body["request_body_state"] == body["response_body_state"] == ("json" if depth == 150 else "text")


async def test_unknown_ids(client, seeded):
    """An id that is none, or of nothing, is 404 in the one shape on every route that takes one."""
    unknown = (UNKNOWN, "x", "1' OR true", "%00", str(UUID(int=0)))
    for request_id, suffix in product(unknown, ("", "/raw/request", "/raw/response")):
        answer = await client.get(f"/api/requests/{request_id}{suffix}")
        assert answer.status == 404
        assert (await answer.json())["error"]["type"] == "not_found_error"


async def test_a_merged_account_answers_under_its_new_id(client, connection, seeded):
    """Calls filed under a provisional account are found and shown under the account it was merged into."""
    await connection.execute(
        """UPDATE accounts SET merged_into = (SELECT account FROM accounts WHERE account_id = 'key-ba9876543210')
        WHERE account_id = 'key-0123456789ab'"""
    )
    found, pagination = await ids(client, accountId="key-ba9876543210")
    assert set(found) == set(map(str, seeded.values()))
    assert pagination["total"] == len(seeded)
    line = (await (await client.get("/api/requests?limit=1")).json())["requests"][0]
    assert line["account_id"] == "key-ba9876543210"
