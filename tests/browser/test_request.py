"""The page of one request in a real Chromium: what its scripts do, and that it reads without them."""

import pytest

from tests import recordings
from tests.recordings import Recorded, message, request_body, text

pytestmark = pytest.mark.browser

EVIL = "<script>alert(1)</script> ![i](https://evil.example/t.png) \u202etxet"


async def streamed(connection, words):
    """A call whose answer came as a stream of these words."""
    call = Recorded(request=request_body("x", stream=True), message=message(text(words)), stream=True)
    return await recordings.insert(connection, call)


async def test_a_stream_is_replayed(watched, connection):
    """Play writes the answer again as text, says where it is and that it ended; hostile text does nothing."""
    number = await streamed(connection, EVIL)
    async with watched() as site:
        await site.goto(f"/requests/{number}?tab=stream")
        await site.page.get_by_label("Speed").select_option("32")
        await site.page.get_by_role("button", name="Play").click()
        await site.page.get_by_text("ended after").wait_for()
        shown = await site.page.locator("[data-replay=out] pre").text_content()
        assert shown.endswith("![i](https://evil.example/t.png) ⟨U+202E⟩txet")
        assert await site.page.get_by_role("button", name="Play").is_visible()
        site.assert_quiet()


async def test_a_replay_can_be_paused_and_goes_on(watched, connection):
    """Pause closes the stream; play goes on behind the last event, so nothing is written twice."""
    number = await streamed(connection, "One two three. " * 30)
    await connection.execute(
        "UPDATE response_bodies SET chunk_at_us = (SELECT array_agg(n * 100000) FROM "
        "generate_series(1, cardinality(chunk_at_us)) AS n) WHERE id = $1",
        number,
    )
    async with watched(reduced_motion="no-preference") as site:
        await site.goto(f"/requests/{number}?tab=stream")
        await site.page.get_by_role("button", name="Play").click()
        await site.page.locator("[data-replay=out] pre").wait_for()
        await site.page.get_by_role("button", name="Pause").click()
        assert "paused at event" in await site.page.locator("[data-replay=said]").text_content()
        await site.page.get_by_label("Speed").select_option("32")
        await site.page.get_by_role("button", name="Play").click()
        await site.page.get_by_text("ended after").wait_for()
        assert await site.page.locator("[data-replay=out] pre").text_content() == "One two three. " * 30
        site.assert_quiet()


async def test_less_motion_is_honoured(watched, connection):
    """Who asked for less motion gets the text in steps of a second; it is complete at the end."""
    number = await streamed(connection, "Calm words.")
    async with watched(reduced_motion="reduce") as site:
        await site.goto(f"/requests/{number}?tab=stream")
        await site.page.get_by_label("Speed").select_option("32")
        await site.page.get_by_role("button", name="Play").click()
        await site.page.get_by_text("ended after").wait_for()
        assert await site.page.locator("[data-replay=out] pre").text_content() == "Calm words."
        site.assert_quiet()


async def test_without_scripts_there_is_a_link(watched, connection):
    """No dead buttons: the replay is a link to the event stream."""
    number = await streamed(connection, "Words.")
    async with watched(java_script_enabled=False) as site:
        await site.goto(f"/requests/{number}?tab=stream")
        assert await site.page.get_by_role("button", name="Play").count() == 0
        assert await site.page.get_by_role("link", name="/replay").is_visible()


async def test_the_path_of_a_place_in_the_tree_is_shown(watched, connection):
    """By pointing or by the keyboard; names that are no identifiers are quoted; scripts off, nothing is there."""
    body = request_body([text("hi")], **{"odd name": {"x": [1, 2]}, "<script>": 1})
    number = await recordings.insert(connection, Recorded(request=body, message=message(text("x"))))
    async with watched() as site:
        await site.goto(f"/requests/{number}?tab=request")
        await site.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        path = site.page.locator("[data-paths] code")
        await site.page.locator(".j-row", has_text='"hi"').click()
        assert await path.text_content() == ".messages[0].content[0].text"
        await site.page.locator(".j-row", has_text="2").last.click()
        assert await path.text_content() == '["odd name"].x[1]'
        await site.page.locator("summary", has_text="messages").focus()
        for _ in range(4):
            await site.page.keyboard.press("ArrowDown")
        assert await path.text_content() == ".messages[0].content[0]"
        site.assert_quiet()
    async with watched(java_script_enabled=False) as site:
        await site.goto(f"/requests/{number}?tab=request")
        assert not await site.page.locator("[data-paths]").is_visible()
