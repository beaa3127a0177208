"""What a full tape did not take is called that on each tab and in each answer; a part never passes for the whole."""

import pytest

from core.kept import DAMAGED
from tests.dashboard.test_pages_requests import seen
from tests.recordings import Recorded, insert, message, request_body, text

TABS = ("readable", "prompt", "request", "response", "stream", "headers", "timing")
NOWHERE = ("The answer is not complete", "exact bytes are kept", "0 bytes", "Either none was sent", "masked")


@pytest.fixture
async def metadata_only(connection):
    """A call of which the tape took no body."""
    columns = {
        "lost_frames": 3, "request_bytes": 40_000, "response_bytes": 20_000, "request_sha256": None,
        "response_sha256": None, "input_tokens": None, "output_tokens": None, "usage": None, "usage_complete": False,
    }  # fmt: skip
    call = await insert(connection, Recorded(request=b"{}", message=message(text("x")), stream=True, columns=columns))
    for table in ("request_bodies", "response_bodies"):
        await connection.execute(f"DELETE FROM {table} WHERE id = $1", call)  # noqa: S608  names are this test's own
    return call


@pytest.fixture
async def partial(connection):
    """A call of which the tape took a part of each body."""
    columns = {
        "lost_frames": 1, "request_bytes": 40_000, "response_bytes": 20_000, "request_sha256": None,
        "response_sha256": None, "usage_complete": False,
    }  # fmt: skip
    asked = request_body("a question")
    return await insert(
        connection, Recorded(request=asked, message=message(text("half an")), stream=True, columns=columns)
    )


async def test_pages_say_that_a_body_was_not_recorded(client, metadata_only):
    """And of how many frames; nothing is called empty, incomplete or kept."""
    for tab in TABS:
        page = await seen(client, f"/requests/{metadata_only}?tab={tab}")
        assert "3 frames of this call could not be recorded" in page
        assert "Usage is unknown: not all of the answer was recorded" in page
        for words in NOWHERE:
            assert words not in page, (tab, words)
        if tab in {"readable", "prompt", "request", "response", "stream"}:
            assert "was not recorded: the tape was full" in page, tab
            assert f"/raw/{tab}" not in page


async def test_the_api_says_that_a_body_was_not_recorded(client, metadata_only):
    """Null and a state; its bytes are 404 with the reason, not 200 and empty."""
    whole = await (await client.get(f"/api/requests/{metadata_only}")).json()
    for which in ("request", "response"):
        assert (whole[f"{which}_body"], whole[f"{which}_body_state"]) == (None, "not_recorded")
        assert whole[f"{which}_sha256"] is None
        answer = await client.get(f"/api/requests/{metadata_only}/raw/{which}")
        assert answer.status == 404
        words = f"the {which} body was not recorded: the tape was full (3 frames of the call are lost)"
        assert (await answer.json())["error"]["message"] == words
    assert whole["streaming_chunks"] == []
    assert whole["usage"]["total_input_tokens"] is None


async def test_a_part_is_called_a_part(client, partial):
    """However readable it is."""
    for tab in ("readable", "request", "response"):
        page = await seen(client, f"/requests/{partial}?tab={tab}")
        assert "body was recorded: the tape was full" in page, tab
        assert "Download the exact bytes" not in page
        assert "incomplete: not all of the answer was recorded" in page
    whole = await (await client.get(f"/api/requests/{partial}")).json()
    for which in ("request", "response"):
        assert whole[f"{which}_body"] is not None
        assert whole[f"{which}_body_state"] == "partial"
        answer = await client.get(f"/api/requests/{partial}/raw/{which}")
        assert answer.headers["X-Body-State"] == "partial"
        assert answer.headers["Content-Disposition"].endswith('.partial"')
        assert "X-Body-SHA256" not in answer.headers


async def test_a_body_that_was_there_is_whole(client, seeded):
    """Calls without a loss say so; a body that retention removed is missing, not lost."""
    answer = await client.get(f"/api/requests/{seeded['stream']}/raw/response")
    assert answer.headers["X-Body-State"] == "whole"
    assert "tape was full" not in await seen(client, f"/requests/{seeded['stream']}")


@pytest.mark.parametrize(
    ("note", "outcome", "words"),
    [
        (None, "ok", "full"),
        (DAMAGED, "ok", "damaged"),
        (f"said before; {DAMAGED}", "client_cancelled", "damaged"),
        ("the end of this call never reached the tape", "proxy_crash", "full or damaged"),
    ],
)
async def test_which_of_both_it_was_is_said(client, connection, metadata_only, note, outcome, words):
    """A full tape and a damaged one are told apart by the note; without an end frame nobody knows."""
    await connection.execute("UPDATE requests SET note = $1, outcome = $2", note, outcome)
    for tab in ("readable", "request", "response"):
        page = await seen(client, f"/requests/{metadata_only}?tab={tab}")
        assert f"because the tape was {words}. The client" in page
        assert f"was not recorded: the tape was {words}.<" in page
    answer = await client.get(f"/api/requests/{metadata_only}/raw/request")
    assert f"the tape was {words} (" in (await answer.json())["error"]["message"]
