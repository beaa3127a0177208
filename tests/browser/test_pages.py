"""The pages in a real Chromium: hostile content does nothing, all fits, is reachable, and lives without scripts."""

import base64
import json
from datetime import UTC, datetime

import pytest

from tests import recordings
from tests.recordings import Recorded, message, request_body, text

pytestmark = pytest.mark.browser

TABS = ["readable", "prompt", "diff", "request", "response", "stream", "headers", "timing", "code"]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>").decode()
EVIL = "https://evil.example/"
CORPUS = [
    "<script>alert(1)</script><script src=https://evil.example/x.js></script>",
    "<img src=https://evil.example/x.png onerror=alert(1)>",
    "![i](https://evil.example/t.png) [a](javascript:alert(1)) [b](data:text/html,<script>alert(1)</script>)",
    '"><svg/onload=alert(1)> \' onmouseover=alert(1) x="',
    "<iframe src=https://evil.example></iframe><object data=https://evil.example></object><embed src=https://evil.example>",
    "<style>@import url(https://evil.example/x.css); body{display:none}</style><link rel=stylesheet href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><base href=https://evil.example>",
    "</pre></code></details></main></body></html><script>alert(1)</script>",
    "{{ 7*7 }} {% include '/etc/passwd' %} ${alert(1)}",
    "<div hx-get=https://evil.example/ hx-trigger=load></div><form action=https://evil.example><button>x</button></form>",
    "\u202ereversed\u202c \u200bzero\u200b \x1b[31mred\x1b[0m \x00nul \ufeffbom \U000e0041tag",
    "```html\n<script>alert(1)</script>\n```\n\n| <img src=x onerror=alert(1)> |\n|-|\n| x |",
    "A" * 30_000,
    "x " * 30_000 + "<script>alert(1)</script>",
]


def as_stored(answer):
    """A message as the recorder stores it: JSONB holds no NUL."""
    return json.loads(json.dumps(answer).replace("\\u0000", "\\ufffd"))


def hostile_call():
    """One call that carries the corpus in every place a client or a model can write to."""
    tool = {
        "type": "tool_use",
        "id": CORPUS[3],
        "name": CORPUS[0],
        "input": dict(enumerate(CORPUS)) | {CORPUS[3]: CORPUS},
    }
    result = {
        "type": "tool_result",
        "tool_use_id": CORPUS[3],
        "content": [text(each) for each in CORPUS],
        "is_error": True,
    }
    pictures = [
        {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}
        for kind, data in (("image/png", PNG), ("image/svg+xml", SVG), ("image/png", SVG), ("text/html", PNG))
    ]
    remote = {"type": "image", "source": {"type": "url", "url": EVIL + "p.png"}}
    unknown = {"type": CORPUS[0], CORPUS[3]: CORPUS, "url": EVIL}
    body = request_body(
        "\n".join(CORPUS), [tool], [result, *pictures, remote, unknown, *(text(each) for each in CORPUS)],
        stream=True, system=[text(each) for each in CORPUS], metadata={CORPUS[0]: CORPUS[3]},
        tools=[{"name": CORPUS[0], "description": CORPUS[2], "input_schema": {"type": CORPUS[3]}}],
    )  # fmt: skip
    thinking = {"type": "thinking", "thinking": "\n".join(CORPUS), "signature": CORPUS[0]}
    answer = message(thinking, tool, unknown, *(text(each) for each in CORPUS), stop_reason=CORPUS[0])
    columns = {
        "client_version": CORPUS[0], "stop_reason": CORPUS[0], "error_message": CORPUS[1], "parse_error": CORPUS[3],
        "note": CORPUS[1], "upstream_request_id": CORPUS[3], "node": CORPUS[0], "usage_complete": False,
        "request_headers": [[CORPUS[0], CORPUS[3]], ["user-agent", CORPUS[1]]],
        "response_headers": [["content-type", CORPUS[0]]],
    }  # fmt: skip
    return Recorded(
        request=body, response=recordings.sse(answer), message=as_stored(answer), stream=True, chunk_size=20_000,
        model=CORPUS[0], answered_model=CORPUS[3], session_id=CORPUS[0], client=CORPUS[3], method="<b>",
        path=CORPUS[0][:60], account=CORPUS[0], columns=columns,
    )  # fmt: skip


async def test_hostile_content_does_nothing(watched, connection):
    """No script runs, no other host is asked, no policy is violated, wherever the corpus stands."""
    await recordings.seed(connection)
    await recordings.insert(connection, hostile_call(), number=99)
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM requests ORDER BY id DESC")]
    async with watched() as site:
        await site.goto("/requests")
        for number in ids:
            for tab in TABS:
                await site.goto(f"/requests/{number}?tab={tab}")
                await site.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
                pictures = site.page.locator("main img")
                for n in range(await pictures.count()):
                    await pictures.nth(n).scroll_into_view_if_needed()
                assert await site.page.locator("iframe, object, embed, base, main style, main script").count() == 0
                assert await site.page.locator("[style], [onclick], [onload], [onerror]").count() == 0
                assert await site.page.locator("h1").is_visible()
        site.assert_quiet()


async def test_only_real_pictures_are_drawn(watched, connection):
    """A picture has its own pixels on the page; an SVG in disguise has no img at all."""
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    fake = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": SVG}}
    call = Recorded(request=request_body([block, fake]), message=message(text("ok")))
    number = await recordings.insert(connection, call)
    async with watched() as site:
        await site.goto(f"/requests/{number}")
        picture = site.page.locator("main img")
        assert await picture.count() == 1
        await picture.scroll_into_view_if_needed()
        await site.page.wait_for_function("document.querySelector('main img').naturalWidth === 1")
        site.assert_quiet()


LOOKS = [
    {"width": 1280, "color_scheme": "light"},
    {"width": 1280, "color_scheme": "dark"},
    {"width": 390, "color_scheme": "light"},
    {"width": 390, "color_scheme": "dark"},
    {"width": 1280, "forced_colors": "active"},
]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_pages_are_accessible(watched, faults_of, connection, look):
    """No rule of axe is broken on any page, in any theme and width; pictures on demand."""
    async with watched(**look) as site:
        await site.goto("/requests")
        assert await faults_of(site) == []
        await site.picture("first-run")
        ids = await recordings.seed(connection)
        paths = ["/requests", "/requests?sessionId=nobody", "/requests/nothing", "/setup"]
        paths += [f"/requests/{ids['tools']}?tab={tab}" for tab in TABS]
        paths += [f"/requests/{ids[name]}" for name in ("in_flight", "rate_limited", "cancelled", "hostile", "no_json")]
        for number, path in enumerate(paths):
            await site.goto(path)
            await site.picture(f"{number:02d}")
            assert await faults_of(site) == [], path
        site.assert_quiet()


@pytest.mark.parametrize("width", [1280, 800, 390, 320])
async def test_pages_fit_their_window(watched, connection, width):
    """Nothing makes the page scroll sideways, down to 320 pixels."""
    ids = await recordings.seed(connection)
    number = await recordings.insert(connection, hostile_call(), number=99)
    paths = ["/requests", "/requests?status=4xx&model=claude-opus-5-5&trainId=default", "/setup", "/requests/nothing"]
    paths += [f"/requests/{each}?tab={tab}" for each in (ids["tools"], number) for tab in TABS]
    async with watched(width=width) as site:
        for path in paths:
            await site.goto(path)
            wide = await site.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, wide)


async def test_the_keyboard_reaches_everything(watched, connection):
    """Skip link first, then rows and tabs; what has the focus is never under the header."""
    ids = await recordings.seed(connection)
    async with watched() as site:
        await site.goto("/requests")
        page = site.page
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"
        newest = max(ids.values())
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.className") == "row mono":
                break
        assert await page.evaluate("document.activeElement.getBoundingClientRect().top >= 48")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/requests/{newest}")
        reached = set()
        for _ in range(60):
            await page.keyboard.press("Tab")
            reached.add(await page.evaluate("document.activeElement.textContent.trim()"))
        assert {"Readable", "Prompt", "Raw request", "Raw response", "Stream", "Headers", "Timing"} <= reached


async def test_everything_works_without_javascript(watched, connection):
    """Filter, page, open, switch tabs and theme: links and forms only."""
    ids = await recordings.seed(connection)
    async with watched(java_script_enabled=False) as site:
        page = site.page
        await site.goto("/requests")
        await page.select_option("select[name=outcome]", "client_cancelled")
        await page.get_by_role("button", name="Filter").click()
        await page.wait_for_url("**outcome=client_cancelled**")
        await page.locator("a.row").click()
        await page.wait_for_url(f"**/requests/{ids['cancelled']}")
        await page.get_by_role("link", name="Timing").click()
        assert await page.get_by_text("Where the time went").is_visible()
        await page.get_by_role("button", name="Dark").click()
        await page.wait_for_url("**tab=timing")
        assert await page.locator("html").get_attribute("data-theme") == "dark"
        site.assert_quiet()


async def test_the_first_request_arrives_by_itself(watched, connection):
    """A stranger's page moves on without a key pressed once something is recorded."""
    async with watched() as site:
        await site.goto("/requests")
        await site.page.get_by_text("Waiting for the first request").wait_for()
        await recordings.insert(connection, Recorded(request=request_body("Hi"), message=message(text("Hello"))))
        await site.page.locator("a.row").wait_for(timeout=15_000)
        site.assert_quiet()


async def test_a_running_row_ends_in_place(watched, connection):
    """A row in flight becomes what it turned into, where it stands; new rows wait behind the pill."""
    running = await recordings.insert(connection, recordings.SEEDS["in_flight"](), number=1)
    async with watched() as site:
        await site.goto("/requests")
        assert await site.page.locator("tr .running").count()
        await connection.execute(
            "UPDATE requests SET outcome = 'ok', ended_at = now(), duration_us = 1500000 WHERE id = $1", running
        )
        late = Recorded(request=request_body("x"), message=message(text("y")))
        await recordings.insert(connection, late, at=datetime.now(UTC), number=2)
        await site.page.locator("tr .ok").wait_for(timeout=15_000)
        await site.page.get_by_text("1 new ↑").wait_for(timeout=15_000)
        assert await site.page.locator("a.row").count() == 1
        site.assert_quiet()


async def test_a_running_call_shows_its_end_by_itself(watched, connection):
    """The page of a call in flight draws itself anew when the call has ended."""
    running = await recordings.insert(connection, recordings.SEEDS["in_flight"](), number=1)
    async with watched() as site:
        await site.goto(f"/requests/{running}")
        await connection.execute(
            "UPDATE requests SET outcome = 'client_cancelled', ended_at = now(), duration_us = 3100000 WHERE id = $1",
            running,
        )
        await site.page.get_by_text("The client left after 3.10 s").wait_for(timeout=15_000)
        site.assert_quiet()


async def test_a_copy_button_copies(watched):
    """What is on the clipboard is exactly the block."""
    async with watched(permissions=["clipboard-read", "clipboard-write"]) as site:
        await site.goto("/setup")
        await site.page.get_by_role("button", name="Copy").first.click()
        await site.page.get_by_role("button", name="Copied").wait_for()
        copied = await site.page.evaluate("navigator.clipboard.readText()")
        assert copied == "export ANTHROPIC_BASE_URL=http://127.0.0.1:3000\nclaude"
        site.assert_quiet()


def test_the_corpus_is_json():
    """The hostile call is a body like any other: what is tested is the page, not the parser's refusal."""
    assert json.loads(hostile_call().request)["messages"]
