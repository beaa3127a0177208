"""The thread in a real Chromium: any request by its number, keys that go on, what is read stays where it is."""

import pytest

from tests import conversation_scenes as scenes
from tests.conversation_seeds import Talk, result, use
from tests.recordings import text

pytestmark = pytest.mark.browser

TOP = "each => each.getBoundingClientRect().top"
ARRIVED = """number => {
    const top = document.getElementById(`m${number}`)?.getBoundingClientRect().top;
    return top >= 48 && top < 200;
}"""
FOCUSED = "document.activeElement.closest('.tool-card, .turn, .line')?.id"


async def test_a_link_to_any_request_leads_there(watched, connection):
    """One of the last window, one far before it, one that is named by the address of a page that is open already."""
    talk = await scenes.long_talk(connection, 300, context=100)
    async with watched() as site:
        page = site.page
        for number in (295, 3, 150):
            await page.goto("about:blank")
            await site.goto(f"/conversations/{talk.conversation}#m{number}")
            await page.wait_for_function(ARRIVED, arg=number)
        await page.evaluate("location.hash = 'm20'")
        await page.wait_for_url("**number=20#m20")
        await page.wait_for_function(ARRIVED, arg=20)
        site.assert_quiet()


async def test_what_is_read_stays_while_earlier_turns_are_loaded(watched, connection):
    """The turn below the button stands where it stood, and the next press is one key away."""
    await scenes.long_talk(connection, 300, context=100)
    async with watched() as site:
        page = site.page
        await site.goto("/conversations")
        await page.locator("a.row").first.click()
        await page.wait_for_url("**#end")
        turn = page.locator("article.turn").first
        name = await turn.get_attribute("id")
        button = page.get_by_role("link", name="Load earlier")
        await button.scroll_into_view_if_needed()
        before = await turn.evaluate(TOP)
        count = await page.locator("article.turn").count()
        await button.click()
        await page.locator("article.turn").nth(count).wait_for(state="attached")
        await page.wait_for_function("document.activeElement.textContent === 'Load earlier'")
        await page.wait_for_function(
            f"Math.abs(document.getElementById('{name}').getBoundingClientRect().top - {before}) < 3"
        )
        site.assert_quiet()


async def test_keys_go_from_one_to_the_next(watched, connection):
    """Failed tools one after the other, and rows; the sheet of keys names them."""
    talk = Talk(connection)
    node = None
    for number in range(6):
        call = use(f"t{number}", "Bash", command="make")
        said = [result(f"t{number - 1}", "no", error=True)] if number else [text("Run it")]
        node = await talk.ask(node, *said, answer=[call])
    await talk.file()
    async with watched() as site:
        page = site.page
        await site.goto(f"/conversations/{talk.conversation}?at={talk.asked[0].id}")
        found = []
        for _ in range(3):
            await page.keyboard.press("e")
            found.append(await page.evaluate("document.activeElement.querySelector('.id')?.textContent"))
        assert found == ["t0", "t1", "t2"]
        await page.keyboard.press("E")
        assert await page.evaluate("document.activeElement.querySelector('.id')?.textContent") == "t1"
        await page.keyboard.press("j")
        assert await page.evaluate("document.activeElement.className") == "number"
        await page.keyboard.press("?")
        assert await page.get_by_text("next, previous error").is_visible()
        await page.goto("about:blank")
        await site.goto(f"/conversations/{talk.conversation}?view=graph")
        rows = []
        for key in "jjk":
            await page.keyboard.press(key)
            rows.append(await page.evaluate(FOCUSED))
        assert rows == ["r6", "r5", "r6"]
        site.assert_quiet()
