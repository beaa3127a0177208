"""The shell in a real Chromium: palette, keys, menus, what is kept, what a phone shows, all without a fault of axe."""

import pytest

from tests import recordings

pytestmark = pytest.mark.browser

LOOKS = [{"width": 1280, "color_scheme": "light"}, {"width": 1280, "color_scheme": "dark"}, {"width": 390}]


async def test_the_palette_leads_anywhere(watched, connection):
    """Ctrl K opens it wherever somebody is, arrows choose, Enter goes; an id is found; the period stays."""
    ids = await recordings.seed(connection)
    async with watched() as site:
        await site.goto("/docs?range=24h")
        page = site.page
        await page.keyboard.press("Control+k")
        field = page.get_by_role("combobox")
        await page.get_by_role("option").nth(2).wait_for()
        await page.keyboard.press("ArrowDown")
        assert await page.get_by_role("option").nth(1).get_attribute("aria-selected") == "true"
        await field.fill("sess")
        await page.locator("[role=option][aria-selected=true]", has_text="Sessions").wait_for()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/sessions?range=24h")
        await page.keyboard.press("Control+k")
        await field.fill(str(ids["plain"]))
        await page.get_by_role("option", name="Request", exact=False).first.wait_for()
        await page.locator("[role=option][aria-selected=true]", has_text="claude").wait_for()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/requests/{ids['plain']}**")
        await page.keyboard.press("Control+k")
        await page.keyboard.press("Escape")
        assert not await page.locator("#palette").is_visible()
        site.assert_quiet()


async def test_single_keys(watched, connection):
    """J and k walk the rows, o opens, g with a letter goes, / and f reach the fields, ? shows the sheet."""
    ids = sorted((await recordings.seed(connection)).values(), reverse=True)
    async with watched() as site:
        page = site.page
        await site.goto("/requests")
        for key in "jjk":
            await page.keyboard.press(key)
        assert str(ids[0]) in await page.evaluate("document.activeElement.href")
        await page.keyboard.press("?")
        assert await page.get_by_role("heading", name="Keys").is_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "find"
        await page.keyboard.type("jo?")
        assert await page.locator("#find").input_value() == "jo?"
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("f")
        assert await page.evaluate("document.activeElement.closest('.filters') !== null")
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("j")
        await page.keyboard.press("o")
        await page.wait_for_url(f"**/requests/{ids[0]}")
        await page.keyboard.press("g")
        await page.keyboard.press("s")
        await page.wait_for_url("**/sessions")
        site.assert_quiet()


async def test_single_keys_can_be_switched_off(watched, connection):
    """WCAG 2.1.4: with shortcuts off a letter does nothing; Ctrl K, which is no single key, still works."""
    await recordings.seed(connection)
    async with watched() as site:
        page = site.page
        await site.goto("/settings")
        await page.get_by_role("group", name="Single-key shortcuts").get_by_label("off").check()
        await page.get_by_role("button", name="Keep").click()
        await site.goto("/requests")
        for key in ("?", "j", "g", "s"):
            await page.keyboard.press(key)
        assert page.url.endswith("/requests")
        assert await page.evaluate("document.activeElement === document.body")
        await page.keyboard.press("Control+k")
        assert await page.locator("#palette").is_visible()
        site.assert_quiet()


async def test_the_zone_of_the_machine_is_used(watched, connection):
    """The second page already shows the browser's own zone."""
    await recordings.seed(connection)
    async with watched(timezone_id="Asia/Tokyo") as site:
        await site.goto("/requests")
        await site.goto("/requests")
        assert "Asia/Tokyo" in await site.page.locator("tr.day").first.text_content()
        site.assert_quiet()


async def test_all_of_it_works_without_javascript(watched, connection):
    """Menus, form of dates, search field, icons only: links, forms and details."""
    ids = await recordings.seed(connection)
    async with watched(java_script_enabled=False) as site:
        page = site.page
        await site.goto("/requests?outcome=ok")
        await page.locator("summary", has_text="Period").click()
        await page.get_by_label("From").fill("2026-01-01")
        await page.get_by_label("To, included").fill("2026-01-02")
        await page.get_by_role("button", name="Show these days").click()
        await page.wait_for_url("**from=2026-01-01&to=2026-01-02**")
        assert await page.get_by_text("Nothing matches these filters").is_visible()
        assert await page.get_by_text("1 Jan 2026 to 2 Jan 2026").first.is_visible()
        await page.locator("summary", has_text="Period").click()
        await page.get_by_role("link", name="last 24 h").click()
        await page.locator("summary", has_text="Train").click()
        await page.get_by_role("link", name="atlas").click()
        await page.wait_for_url("**trainId=atlas**")
        assert "outcome=ok" in page.url
        assert await page.locator("a.row").count() == 1
        await page.get_by_role("button", name="Icons only").click()
        link = page.get_by_role("link", name="Sessions")
        assert (await link.bounding_box())["width"] < 48
        await page.locator("#find").fill(str(ids["plain"]))
        await page.locator("#find").press("Enter")
        await page.wait_for_url(f"**/requests/{ids['plain']}")
        site.assert_quiet()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_the_shell_is_accessible(watched, faults_of, connection, look):
    """No rule of axe is broken with menus and dialogs open, nor on the pages of the shell; nothing scrolls sideways."""
    await recordings.seed(connection)
    opened = {
        "/settings": "0", "/find?q=re": "0", "/requests": "document.querySelectorAll('.menu')[1].open = true",
        "/sessions": "document.querySelectorAll('.menu')[0].open = true",
        "/docs": "document.documentElement.dataset.navigation = 'narrow'",
        "/setup": "document.getElementById('keys').showModal()",
        "/conversations": "document.dispatchEvent(new CustomEvent('footplate:palette'))",
    }  # fmt: skip
    async with watched(**look) as site:
        for number, (path, script) in enumerate(opened.items()):
            await site.goto(path)
            await site.page.evaluate(script)
            if path == "/conversations":
                await site.page.get_by_role("option").first.wait_for()
            await site.picture(str(number), whole=False)
            assert await faults_of(site) == [], path
            assert await site.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        site.assert_quiet()


async def test_a_phone_has_five_places(watched, connection):
    """The bar holds at most five targets, each large enough for a thumb; the rest is behind More."""
    await recordings.seed(connection)
    async with watched(width=390) as site:
        await site.goto("/requests")
        targets = site.page.locator(".side").locator(":is(a, summary):visible")
        boxes = [await targets.nth(n).bounding_box() for n in range(await targets.count())]
        assert 2 <= len(boxes) <= 5
        assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes)
        await site.page.get_by_text("More", exact=True).click()
        await site.page.locator(".more").get_by_role("link", name="Settings").click()
        await site.page.wait_for_url("**/settings")
        site.assert_quiet()


async def test_a_page_says_when_nobody_answers(watched, connection):
    """Where the polls of a page fail it says as of when it is, and takes that back when one succeeds."""
    await recordings.seed(connection)
    async with watched() as site:
        await site.goto("/requests")
        assert not await site.page.locator("#stale").is_visible()
        await site.page.context.set_offline(True)
        await site.page.get_by_text("The dashboard does not answer just now").wait_for(timeout=15_000)
        await site.page.context.set_offline(False)
        await site.page.locator("#stale").wait_for(state="hidden", timeout=15_000)
