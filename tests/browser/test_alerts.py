"""The pages of alerts in a real Chromium: quiet, accessible in every look, within windows, whole without scripts."""

from datetime import UTC, datetime

import pytest

from tests import alert_seeds
from tests.browser.test_pages import LOOKS

pytestmark = pytest.mark.browser

PATHS = ("/alerts", "/alerts/log", "/alerts/rules", "/alerts/channels", "/alerts/feeds")
KEY = "correct-horse-battery-staple-of-the-browser-4711"
OPEN = "document.querySelectorAll('main details').forEach(d => d.open = true)"


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_they_are_accessible(watched, faults_of, connection, tmp_path, look):
    """No rule of axe is broken, empty or full, folded or open; nothing runs, leaves or is refused."""
    (tmp_path / "secret.key").write_text(KEY)
    async with watched(**look) as site:
        for path in PATHS:
            await site.goto(path)
            await site.picture(f"empty{path.replace('/', '-')}")
            assert await faults_of(site) == [], path
        await alert_seeds.told_things(connection, datetime.now(UTC))
        for path in PATHS:
            await site.goto(path)
            found = site.page.locator("main [style], main [onclick], main [onload], main [onerror]")
            assert await found.count() == 0, await found.evaluate_all("all => all.map(e => e.outerHTML.slice(0, 200))")
            await site.picture(f"full{path.replace('/', '-')}")
            await site.page.evaluate(OPEN)
            await site.picture(f"open{path.replace('/', '-')}")
            assert await faults_of(site) == [], path
        site.assert_quiet()


@pytest.mark.parametrize("width", [1280, 800, 390, 320])
async def test_they_fit_their_window(watched, connection, tmp_path, width):
    """Nothing makes a page scroll sideways, down to 320 pixels, with every message open."""
    (tmp_path / "secret.key").write_text(KEY)
    await alert_seeds.told_things(connection, datetime.now(UTC))
    async with watched(width=width) as site:
        for path in PATHS:
            await site.goto(path)
            await site.page.evaluate(OPEN)
            wide = await site.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, wide)


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
async def test_a_channel_is_added_and_tried(watched, connection, tmp_path, scripts):
    """By hand: paste a webhook, see it masked, press Test, and see by itself what became of it."""
    (tmp_path / "secret.key").write_text(KEY)
    async with watched(java_script_enabled=scripts) as site:
        page = site.page
        await site.goto("/alerts")
        await page.get_by_role("link", name="add a channel here").click()
        await page.get_by_label("Name").first.fill("ops")
        await page.get_by_label("Address of the webhook").fill(
            "https://hooks.slack.com/services/T1/B2/canaryCanaryCanary"
        )
        await page.get_by_role("button", name="Add a webhook").click()
        await page.get_by_role("heading", name="ops", exact=True).wait_for()
        assert "canaryCanary" not in await page.content()
        await page.get_by_role("button", name="Test ops").click()
        await page.get_by_text("A test is on its way").wait_for()
        await connection.execute("UPDATE alerts SET state = 'sent', sent_at = now()")
        if not scripts:
            await page.reload()
        await page.get_by_text("Slack took the test").wait_for()
        await page.get_by_role("link", name="the message").click()
        assert await page.get_by_text("Footplate can write here").first.is_visible()
        await page.get_by_role("link", name="Rules").click()
        switch = page.get_by_role("switch", name="Budget")
        assert await switch.get_attribute("aria-checked") == "true"
        await switch.click()
        await page.locator("#rule-budget.off").wait_for()
        await page.get_by_role("link", name="Channels").click()
        assert not await page.get_by_role("button", name="Delete ops for good").is_visible()
        await page.get_by_text("Delete…").click()
        await page.get_by_role("button", name="Delete ops for good").click()
        await page.get_by_text("There is no channel").wait_for()
        site.assert_quiet()
