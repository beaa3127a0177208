"""What an upstream or a client echoes of a secret, and what hides itself, stands on no page and in no derived field."""

import json
import re

import pytest

from dashboard.pages.request import TABS
from dashboard.render.hidden import exact, spelled
from tests.conversation_seeds import Talk, use
from tests.dashboard.test_pages_requests import seen
from tests.recordings import Recorded, insert, message, request_body, text

SECRET = "sk-ant-api03-CANARYxxxxxxxxxxxx"
HIDDEN = "\u202e\u200b\x1b"
WORDS = f"<b>{HIDDEN}{SECRET}</b>"
BLOCK = {"type": "tool_use", "id": SECRET, "name": WORDS, "input": {SECRET: SECRET, "file_path": SECRET}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": SECRET, "data": "AAAA"}}


@pytest.fixture
async def echoed(connection):
    """A call in which everything holds a secret."""
    call = Recorded(
        request=request_body(
            [{"type": SECRET, SECRET: 1}, IMAGE, {"type": "document", "title": SECRET, "source": {"type": SECRET}}],
            [BLOCK],
            [{"type": "tool_result", "tool_use_id": SECRET, "content": SECRET}],
            tools=[{"name": SECRET, "description": SECRET, "input_schema": {SECRET: SECRET}}],
            metadata={SECRET: SECRET},
        ),
        message=message(BLOCK, text(WORDS)),
        outcome="upstream_error",
        status_code=401,
        error_type=WORDS,
        error_message=f"invalid key: {WORDS}",
        model=WORDS,
        answered_model=WORDS,
        session_id=WORDS,
        client=WORDS,
        columns={
            "stop_reason": WORDS, "client_version": WORDS, "note": WORDS, "parse_error": WORDS, "agent_id": WORDS,
            "message_id": WORDS, "upstream_request_id": WORDS, "service_tier": WORDS, "path": f"/v1/{WORDS}",
            "request_headers": [[SECRET, WORDS]], "response_headers": [[SECRET, WORDS]],
        },
    )  # fmt: skip
    return await insert(connection, call)


async def test_no_page_shows_a_secret_or_hides_a_character(client, echoed):
    """Every tab with its title, the list and its filters, what a running row asks for."""
    addresses = [f"/requests/{echoed}?tab={tab}" for tab, _ in TABS]
    addresses += ["/requests", f"/requests?model={SECRET}&sessionId={SECRET}", f"/requests/{echoed}/row"]
    for address in addresses:
        page = await seen(client, address)
        assert SECRET not in page, address
        assert "CANARY" not in page, address
        assert not set(HIDDEN) & set(page), address
        assert "<b>\u27e8" not in page, address
        assert "masked, 31 characters" in page, address


async def test_titles_and_options_spell_what_hides(client, echoed):
    """They hold no markup, so no chip: a code in brackets."""
    page = await seen(client, f"/requests/{echoed}")
    assert "⟨U+202E⟩⟨U+200B⟩⟨U+001B⟩" in re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]
    options = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', await seen(client, "/requests"))
    assert any("&#8238;" in value and "⟨U+202E⟩" in words for value, words in options)


async def test_a_model_of_odd_characters_can_be_filtered_by(client, connection):
    """The option sends back what the model is called, not what is drawn."""
    odd = "claude\u202e-<x>&\"'"
    await insert(connection, Recorded(model=odd, answered_model=odd))
    page = await seen(client, "/requests")
    assert f'value="{exact(odd)}"' in page
    found = await client.get("/api/requests", params={"model": odd})
    assert (await found.json())["pagination"]["total"] == 1


async def test_derived_fields_of_the_api_are_masked_and_bodies_exact(client, echoed):
    """Words that we took out of a body are ours to give; the bytes are what crossed the wire."""
    row = (await (await client.get("/api/requests")).json())["requests"][0]
    whole = await (await client.get(f"/api/requests/{echoed}")).json()
    bodies = {"request_body", "response_body", "streaming_chunks", "request_headers", "response_headers", "usage"}
    derived = {name: value for name, value in whole.items() if name not in bodies}
    for answer in (row, derived):
        assert "CANARY" not in json.dumps(answer)
    for name in ("error_message", "error_type", "model", "requested_model", "session_id", "stop_reason"):
        assert "⟦sk-ant-… masked, 31 characters⟧" in whole[name], name
    assert SECRET in json.dumps(whole["request_body"])
    raw = await (await client.get(f"/api/requests/{echoed}/raw/request")).read()
    assert SECRET.encode() in raw


@pytest.fixture
async def spoken(connection):
    """A conversation in which words, names and answers hold a secret."""
    talk = Talk(connection, session=WORDS)
    launch = use("t1", "Agent", description=SECRET, subagent_type=SECRET, prompt=SECRET)
    await talk.ask(None, text(WORDS), answer=[text(WORDS), launch, use(SECRET, WORDS, **{SECRET: [SECRET]})])
    await talk.file()
    return talk.conversation


async def test_what_leaves_of_a_conversation_is_masked(client, spoken):
    """Its lists and its tree as JSON, lines and CSV, and every export: titles, previews, names, answers (N10)."""
    addresses = [f"/{name}.{suffix}" for name in ("conversations", "sessions") for suffix in ("json", "jsonl", "csv")]
    addresses += ["/api/conversations", "/api/sessions", f"/conversations/{spoken}.json"]
    addresses += [f"/api/conversations/{spoken}"]
    addresses += [f"/api/conversations/{spoken}/export?format={form}" for form in ("json", "jsonl", "md", "html")]
    for address in addresses:
        answer = await client.get(address)
        given = await answer.text()
        assert answer.status == 200, address
        assert "CANARY" not in given, address
        assert "masked, 31 characters" in given, address


def test_spelling_changes_only_what_hides():
    """Lines, tabs and emoji stay."""
    assert spelled("a\tb\nc é 👩\u200d👧") == "a\tb\nc é 👩\u200d👧"
    assert spelled("a\u202eb\x00") == "a⟨U+202E⟩b⟨U+0000⟩"
