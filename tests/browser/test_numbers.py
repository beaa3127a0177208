"""The pages of numbers in a real Chromium: quiet, accessible in every look, within windows, whole without scripts."""

from datetime import UTC, datetime

import pytest

from tests import conversation_scenes, conversation_seeds, usage_seeds
from tests.browser.test_pages import LOOKS
from tests.recordings import text
from tests.usage_seeds import SUBSCRIPTION, used

pytestmark = pytest.mark.browser

HOSTILE = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>\u202e"


async def filled(connection):
    """Weeks of use, windows, conversations and a hostile name; the paths of every page and a few of their states."""
    now = datetime.now(UTC)
    await usage_seeds.busy_weeks(connection, now, weeks=2)
    await usage_seeds.busy_windows(connection, now)
    await used(connection, now, model=HOSTILE, account="key-hostile", name=HOSTILE, cost=3)
    await usage_seeds.budgets(connection)
    talk = await conversation_scenes.fix_the_test(connection)
    account = f"/windows/{SUBSCRIPTION}"
    return [
        "/overview", "/overview?by=model&measure=tokens&range=24h&tz=Europe/Zurich",
        "/overview?trainId=nobody", "/overview/more?tz=Asia/Kolkata",
        "/cost?by=account", "/cost?step=month&money=subscription&range=all", "/windows", account, "/prices?model=new",
        "/budgets",
        f"{account}?window=7d", f"{account}/use", f"{account}/estimate",
        f"/conversations/{talk.conversation}?view=cost", f"/conversations/{talk.conversation}/cost/models",
        f"/conversations/{talk.conversation}/cost/sources",
    ]  # fmt: skip


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_they_are_accessible(watched, faults_of, connection, look):
    """No rule of axe is broken, tables open too; nothing runs, leaves or is refused; pictures on demand."""
    paths = await filled(connection)
    async with watched(**look) as site:
        for number, path in enumerate(paths):
            await site.goto(path)
            found = site.page.locator("main [style], main [onclick], main [onload], main [onerror]")
            assert await found.count() == 0, await found.evaluate_all("all => all.map(e => e.outerHTML.slice(0, 200))")
            await site.page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
            await site.picture(f"{number:02d}")
            assert await faults_of(site) == [], path
        site.assert_quiet()


@pytest.mark.parametrize("width", [1280, 800, 390, 320])
async def test_they_fit_their_window(watched, connection, width):
    """Nothing makes a page scroll sideways, down to 320 pixels, with every table open."""
    paths = await filled(connection)
    async with watched(width=width) as site:
        for path in paths:
            await site.goto(path)
            await site.page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
            wide = await site.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, wide)


async def test_they_read_without_scripts(watched, connection):
    """A tile leads to its calls, switches change the chart, tables open, an account's parts are pages of their own."""
    await filled(connection)
    async with watched(java_script_enabled=False) as site:
        page = site.page
        await site.goto("/overview")
        await page.get_by_role("link", name="model", exact=True).click()
        await page.wait_for_url("**by=model**")
        await page.get_by_text("Show as table").first.click()
        assert await page.get_by_role("rowheader").first.is_visible()
        await page.locator(".tile a").first.click()
        await page.wait_for_url("**/requests?**")
        await site.goto("/windows")
        await page.get_by_role("link", name="team max 20x").click()
        await page.get_by_role("link", name="Who and what used it").click()
        await page.wait_for_url("**/use**")
        assert await page.get_by_role("heading", name="Trains").is_visible()
        site.assert_quiet()


async def test_the_parts_of_an_account_come_by_themselves(watched, connection):
    """With scripts who used it and our estimate stand on the page, and the navigation has the fullest window."""
    await filled(connection)
    async with watched() as site:
        await site.goto(f"/windows/{SUBSCRIPTION}")
        await site.page.get_by_role("heading", name="Kinds of call").wait_for()
        await site.page.get_by_text("the last 5 h 00 m").wait_for()
        await site.page.locator(".side .badge", has_text="85").first.wait_for()
        site.assert_quiet()


async def test_what_comes_later_comes_by_itself(watched, connection):
    """Savings and speed on the overview's tiles and in full; of a conversation its sources and other models."""
    paths = await filled(connection)
    talk = next(path for path in paths if path.endswith("view=cost"))
    async with watched() as site:
        page = site.page
        await site.goto("/overview")
        await page.locator(".tile .later", has_text="saved $").wait_for()
        await page.locator(".tile .later", has_text="tok/s in an answer").wait_for()
        await page.locator(".facts dd", has_text="in the last hour").first.wait_for()
        await page.get_by_role("heading", name="Conversations a week").wait_for()
        await page.get_by_role("heading", name="Cost by client key").wait_for()
        await site.goto(talk)
        await page.get_by_role("heading", name="Sources, by class of token").wait_for()
        await page.get_by_text("it would have cost").first.wait_for()
        site.assert_quiet()


@pytest.mark.parametrize("width", [390, 320])
async def test_the_longest_train_fits_too(watched, connection, width):
    """A train's name may be 128 characters without a place to break: no page of its conversations scrolls sideways."""
    talk = conversation_seeds.Talk(connection, train="t" * 128)
    await talk.ask(None, text("Fix the test"), answer=[text("Done.")])
    await talk.file()
    views = [f"/conversations/{talk.conversation}?view={view}" for view in ("thread", "graph", "cost", "raw")]
    paths = ["/overview", "/conversations", "/sessions", "/requests", "/cost", f"/cost?trainId={talk.train}", *views]
    paths += [f"/requests/{talk.asked[0].id}", "/prices", "/budgets", "/windows", f"/overview?trainId={talk.train}"]
    async with watched(width=width) as site:
        for path in paths:
            await site.goto(path)
            wide = await site.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, wide)
