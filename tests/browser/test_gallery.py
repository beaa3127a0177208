"""Everything a page is built from, in each state, in a real Chromium: no fault of axe, nothing runs, all fits."""

import pytest

from dashboard.pages.gallery import PROBLEMS

pytestmark = pytest.mark.browser

LOOKS = [
    {"width": 1280, "color_scheme": "light"},
    {"width": 1280, "color_scheme": "dark"},
    {"width": 390, "color_scheme": "light"},
    {"width": 390, "color_scheme": "dark"},
    {"width": 1280, "forced_colors": "active"},
]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_every_component_is_accessible(watched, faults_of, look):
    """No rule of axe is broken in any theme and width, folded and open; pictures on demand."""
    async with watched(**look) as site:
        await site.goto("/dev/gallery")
        await site.picture("folded")
        assert await faults_of(site) == []
        await site.page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
        await site.picture("open")
        assert await faults_of(site) == []
        assert await site.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        site.assert_quiet()


@pytest.mark.parametrize("look", LOOKS[1:3], ids=lambda look: "-".join(map(str, look.values())))
async def test_every_whole_page_state_is_accessible(watched, faults_of, look):
    """First run and each error page say what happened, without a fault."""
    async with watched(**look) as site:
        for state in ("first-run", *PROBLEMS):
            await site.goto(f"/dev/gallery/{state}")
            await site.picture(state)
            assert await faults_of(site) == [], state
            assert await site.page.locator("h1").is_visible()
        site.assert_quiet()
