"""Conversations in a real Chromium: hostile content does nothing, all fits, folds open in place, axe is content."""

import pytest

from tests import conversation_scenes as scenes
from tests.browser.test_pages import CORPUS, LOOKS

pytestmark = pytest.mark.browser

IN_VIEW = """each => new Promise(done => new IntersectionObserver((all, watcher) => {
    if (all.some(one => one.isIntersecting)) { watcher.disconnect(); done(true); }
}).observe(each))"""
VIEWS = ("", "?view=graph", "?view=graph&open=all", "?view=raw", "?branch=subtask_2")


async def paths_of(connection):
    """Every page of the usual conversations and of a hostile one."""
    ids = await scenes.seed_scenes(connection)
    hostile = await scenes.hostile_talk(connection, [each[:3000].replace("\0", "") for each in CORPUS])
    paths = ["/conversations", "/conversations?has=side_calls&q=nowhere", "/sessions"]
    paths += [f"/conversations/{ids['fix']}{view}" for view in VIEWS]
    return [*paths, *(f"/conversations/{hostile.conversation}{view}" for view in VIEWS[:4])]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_pages_are_accessible_and_quiet(watched, faults_of, connection, look):
    """No rule of axe is broken, nothing recorded runs or loads; pictures on demand."""
    paths = await paths_of(connection)
    async with watched(**look) as site:
        for number, path in enumerate(paths):
            await site.goto(path)
            await site.picture(f"{number:02d}", whole=False)
            assert await faults_of(site) == [], path
        site.assert_quiet()


@pytest.mark.parametrize("width", [1280, 390, 320])
async def test_pages_fit_their_window(watched, connection, width):
    """Nothing makes a page scroll sideways, down to 320 pixels; a row of the graph is as high as its lane's step."""
    paths = await paths_of(connection)
    async with watched(width=width) as site:
        for path in paths:
            await site.goto(path)
            wide = await site.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, wide)
            heights = await site.page.evaluate("[...document.querySelectorAll('.line')].map(row => row.offsetHeight)")
            assert set(heights) <= {30}, path


async def test_folds_open_in_place(watched, connection):
    """A sub-agent and a run of the graph open by htmx; the thread opens at its end and loads what was before."""
    ids = await scenes.seed_scenes(connection)
    async with watched() as site:
        page = site.page
        await site.goto(f"/conversations/{ids['fix']}?view=graph")
        assert await page.locator(".line").count() == 14
        await page.get_by_role("link", name="Read the calendar").click()
        await page.locator(".line").nth(15).wait_for()
        await page.get_by_role("link", name="tool turns").click()
        await page.locator(".line").nth(38).wait_for()
        site.assert_quiet()


async def test_a_long_thread_opens_at_its_end_and_loads_earlier(watched, connection):
    """The last turn is in view; one press brings the window before, and what was read stays."""
    talk = await scenes.long_talk(connection, 300, context=100)
    async with watched() as site:
        page = site.page
        await site.goto("/conversations")
        await page.locator("a.row").first.click()
        await page.wait_for_url("**#end")
        before = await page.locator("article.turn").count()
        last = page.locator("article.turn").last
        await last.wait_for()
        assert await last.evaluate(IN_VIEW)
        await page.get_by_role("link", name="Load earlier").click()
        await page.locator("article.turn").nth(before).wait_for(state="attached")
        assert await page.locator(f"[id='m{len(talk.asked)}']").count() <= 1
        site.assert_quiet()


async def test_forks_and_views_work_without_javascript(watched, connection):
    """Links only: the other way of a fork, a sub-agent, the graph, a fold, a request and back."""
    ids = await scenes.seed_scenes(connection)
    async with watched(java_script_enabled=False) as site:
        page = site.page
        await site.goto(f"/conversations/{ids['fix']}")
        await page.get_by_role("link", name="The way after this one").first.click()
        assert await page.get_by_text("No, leave logout alone.").first.is_visible()
        await page.get_by_role("link", name="The way before this one").first.click()
        await page.get_by_role("link", name="sub-agent 1").click()
        assert await page.get_by_text("launched by").first.is_visible()
        await page.get_by_role("link", name="Graph").click()
        await page.get_by_role("link", name="tool turns").click()
        assert await page.locator(".line").count() == 38
        await page.get_by_role("link", name="Raw").click()
        await page.locator(".edges a").first.click()
        await page.get_by_role("link", name="Read it there").click()
        assert await page.locator("article.turn").count()
        site.assert_quiet()


async def test_a_row_opens_beside_the_graph(watched, faults_of, connection):
    """With its own address, closed by Escape; a row's ancestors are marked under the pointer; keys find prompts."""
    ids = await scenes.seed_scenes(connection)
    async with watched() as site:
        page = site.page
        await site.goto(f"/conversations/{ids['fix']}?view=graph")
        await page.locator("#r36").hover()
        marked = await page.locator(".line.trace .no").all_text_contents()
        assert marked == ["36", "10", "9", "3", "2", "1"]
        await page.keyboard.press("n")
        assert await page.evaluate("document.activeElement.closest('.line').classList.contains('has-prompt')")
        await page.get_by_role("link", name="Now do the same for the logout test.").click()
        peek = page.get_by_role("complementary", name="Peek")
        await peek.get_by_text("Now do the same for the logout test.").wait_for()
        await page.wait_for_url("**peek=**")
        assert await faults_of(site) == []
        await page.keyboard.press("Escape")
        await peek.wait_for(state="hidden")
        assert "peek=" not in page.url
        await page.get_by_placeholder("words, tools, errors").fill("overloaded")
        assert await page.locator(".line:not(.dimmed) .no").all_text_contents() == ["2"]
        site.assert_quiet()
