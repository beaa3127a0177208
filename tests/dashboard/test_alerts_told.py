"""From the page to Slack and back: what people set is what the notifier does, and the log shows what Slack got."""

from datetime import UTC, datetime, timedelta

import pytest

from core.alerts.kinds import Kind, Tone
from core.alerts.outbox import columns
from core.alerts.told import Alert, Told
from dashboard.notifier.service import Notifier
from tests.dashboard.test_pages_alerts import SECRET as KEY
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_prices import post
from tests.dashboard.test_pages_requests import seen
from tests.slack import CHANNEL, SECRET, TOKEN, Answer, Slack

BURST = Told(
    title="14 of 31 calls failed <!channel>",
    cause="529 overloaded_error & more.",
    fields=(("Failed", "45 %"), ("Train", "atlas")),
    path="/requests?outcome=failed",
    page="Open the failed calls",
)


@pytest.fixture
async def slack():
    """A Slack of this test's own."""
    async with Slack() as made:
        yield made


@pytest.fixture
def settings(settings, slack):
    """Settings that can seal and may write to that Slack."""
    changed = {"secret_key": KEY, "webhook_hosts": f"127.0.0.1:{slack.port}", "slack_api_url": slack.api}
    return settings.model_copy(update=changed)


async def all_told(database, settings):
    """Let a notifier do at once what is due."""

    async def no_pause(_seconds):
        return

    notifier = Notifier(database, settings, pause=no_pause)
    await notifier.set_up()
    while await notifier.look():
        pass
    await notifier.close()


async def raised(database, key, **given):
    """Put an alert into the outbox."""
    one = Alert(Kind.BURST, f"train {key}", key, Tone.DANGER, BURST, **given)
    await database.execute("alerts_raise", *columns([one]))


async def test_a_webhook_added_here_is_tried_and_told(client, database, connection, settings, slack):
    """The test arrives and the page says so; an alert stands in the log as Slack got it, and its link is ours."""
    await post(client, "/alerts/channels", kind="webhook", name="ops", secret=slack.webhook, place="")
    channel = await connection.fetchval("SELECT channel FROM channels")
    await post(client, f"/alerts/channels/{channel}/test")
    await all_told(database, settings)
    assert slack.texts == ["Footplate can write here"]
    assert "Slack took the test" in plain(await seen(client, "/alerts/channels"))
    await connection.execute("UPDATE channels SET not_before = '-infinity'")
    await raised(database, "1")
    await all_told(database, settings)
    page = await seen(client, "/alerts/log?kind=burst")
    assert "14 of 31 calls failed <!channel>" in plain(page)
    assert '<a href="/requests?outcome=failed">Open the failed calls</a>' in page
    assert "529 overloaded_error & more." in plain(page)
    assert "● took it 200" in plain(page)
    assert "1 thing" in plain(await seen(client, "/alerts"))
    assert SECRET not in page + await seen(client, "/alerts/channels")


async def test_what_slack_refuses_for_good_stands_in_red(client, database, connection, settings, slack):
    """The channel is off, with why and what to do; a test that arrives switches it on, and what waited is told."""
    await post(client, "/alerts/channels", kind="webhook", name="ops", secret=slack.webhook, place="")
    channel = await connection.fetchval("SELECT channel FROM channels")
    slack.script(Answer(404, "no_service"))
    await raised(database, "1")
    await all_told(database, settings)
    words = plain(await seen(client, "/alerts"))
    assert "Nothing is sent to ops. Slack does not know this webhook any more" in words
    assert "Add a new one (no_service). What was for it goes to the next channel that is on" in words
    assert "waits: there is no channel for it" in words
    page = await seen(client, "/alerts/channels")
    assert '<p class="error">■' in page
    assert "press Test" in plain(page)
    assert "For a new webhook or token delete this channel and add it anew." in plain(page)
    await connection.execute("UPDATE channels SET not_before = '-infinity'")
    await post(client, f"/alerts/channels/{channel}/test")
    await all_told(database, settings)
    assert "Nothing is sent to ops." not in plain(await seen(client, "/alerts"))
    await connection.execute("UPDATE channels SET not_before = '-infinity'")
    await connection.execute("UPDATE alerts SET due_at = now() WHERE state = 'waiting'")
    await all_told(database, settings)
    assert "14 of 31" in slack.texts[-1]
    assert "■ never will 404" in plain(await seen(client, "/alerts/log?kind=burst"))


async def test_a_bot_added_here_writes_to_its_conversation(client, database, settings, slack):
    """The token is opened for its row and goes into a header; the log shows the blocks."""
    await post(client, "/alerts/channels", kind="bot", name="bot", secret=TOKEN, destination=CHANNEL, place="")
    await raised(database, "1")
    await all_told(database, settings)
    [got] = slack.got
    assert (got.form, got.authorization, got.payload["channel"]) == ("bot", f"Bearer {TOKEN}", CHANNEL)
    page = await seen(client, "/alerts/log")
    assert "<b>Failed</b>" in page
    assert '<a href="/requests?outcome=failed">Open the failed calls</a>' in page
    assert TOKEN not in page


async def test_what_is_snoozed_acknowledged_or_switched_off_here_is_not_told(
    client, database, connection, settings, slack
):
    """Each of them keeps Slack quiet, and the log says which it was."""
    for key in ("seen", "slept"):
        await raised(database, key)
    numbers = dict(await connection.fetch("SELECT dedupe_key, alert FROM alerts"))
    await post(client, f"/alerts/{numbers['seen']}/acknowledge")
    await post(client, f"/alerts/{numbers['slept']}/snooze", hours="2")
    await post(client, "/alerts/rules/burst", enabled="no")
    await raised(database, "off")
    await post(client, "/alerts/channels", kind="webhook", name="ops", secret=slack.webhook, place="")
    await all_told(database, settings)
    assert slack.got == []
    words = plain(await seen(client, "/alerts/log?state=dropped"))
    for why in ("acknowledged by local user before it was sent", "snoozed by local user", "its rule is switched off"):
        assert f"not sent: {why}" in words
    now = datetime.now(UTC)
    since, until = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-1, 2))
    await post(client, "/alerts/rules/burst", enabled="yes", quiet_from=since, quiet_until=until)
    await raised(database, "night")
    await all_told(database, settings)
    assert "held by quiet hours until" in plain(await seen(client, "/alerts/log?state=waiting"))


async def test_the_environments_channel_comes_and_goes(client, database, settings, slack):
    """Set, it is shown as such; taken out, it is no channel any more."""
    given = settings.model_copy(update={"slack_webhook_url": slack.webhook})
    await all_told(database, given)
    assert "set by SLACK_WEBHOOK_URL" in plain(await seen(client, "/alerts/channels"))
    await all_told(database, settings)
    assert "There is no channel" in plain(await seen(client, "/alerts/channels"))


@pytest.mark.parametrize(
    ("marks", "ago", "said"),
    [(["a", "b"], 0, True), (["a", "none"], 0, True), (["a", "a"], 0, False), (["a", "unknown"], 0, False),
     (["a", "b"], 61, False)],
)  # fmt: skip
async def test_dashboards_with_different_webhooks_are_spoken_of(client, connection, marks, ago, said):
    """As long as they run: the page says what that does, and what to do."""
    for mark, seconds in zip(marks, (0, ago), strict=True):
        seen_at = datetime.now(UTC) - timedelta(seconds=seconds)
        await connection.execute("INSERT INTO notifiers VALUES (gen_random_uuid(), $1, $2)", mark, seen_at)
    for path in ("/alerts", "/alerts/channels"):
        assert ("do not have the same SLACK_WEBHOOK_URL" in plain(await seen(client, path))) is said


async def test_a_feed_begins_when_it_is_switched_on(client, connection):
    """Its own switch, its rule's and that rule's reset count; what else is changed of them does not."""
    await connection.execute("INSERT INTO trains (name) VALUES ('atlas')")
    given = {"train_id": "atlas", "feed": "yes", "digest_at": "07:30", "zone": "UTC"}
    feed, rule = ("/alerts/feeds", given), ("/alerts/rules/feed", {"enabled": "yes"})
    off = {"/alerts/feeds": {**given, "feed": ""}, "/alerts/rules/feed": {"enabled": "no"}}
    reset = ("/alerts/rules/feed", {"reset": "yes"})
    long_ago = datetime.now(UTC) - timedelta(days=1)

    async def begun(*steps):
        await connection.execute("UPDATE train_feeds SET feed_since = $1", long_ago)
        for path, form in steps:
            assert (await post(client, path, **form)).status == 303
        return await connection.fetchval(
            "SELECT greatest(feed_since, (SELECT enabled_since FROM alert_rules)) > $1 FROM train_feeds", long_ago
        )

    assert await begun(feed) is True
    assert await begun((feed[0], {**given, "digest": "yes"}), ("/alerts/rules/feed", {"minutes": "5"})) is False
    assert await begun((feed[0], off[feed[0]]), feed) is True
    assert await begun((rule[0], off[rule[0]]), reset) is True
    assert await begun((rule[0], {"minutes": "5"}), reset) is False
    assert await begun((rule[0], off[rule[0]]), rule) is True
