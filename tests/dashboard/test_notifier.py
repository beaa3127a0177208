"""The notifier delivers what waits: to the right channel, at the right time, once."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from core.alerts.kinds import Kind
from core.settings import Settings
from tests.notified import NOON, Stage
from tests.slack import CHANNEL, SECRET, TOKEN, text_of

pytestmark = pytest.mark.postgres


async def everything(stage: Stage) -> None:
    """Let a notifier work, second by second, until there is nothing to do."""
    notifier = stage.notifier()
    while await notifier.look():
        stage.clock.on(seconds=1)
    await notifier.close()


async def test_a_webhook_of_the_environment_tells_without_anything_else(stage: Stage) -> None:
    """SLACK_WEBHOOK_URL makes a channel without a secret in it; an alert goes there and is kept as Slack got it."""
    stage.settings = stage.settings.model_copy(update={"slack_webhook_url": stage.slack.webhook})
    notifier = stage.notifier()
    for _ in range(2):
        await notifier.set_up()
    alert = await stage.raised(title="The window of ada is used to 96 %")
    assert await notifier.look()
    assert not await notifier.look()
    assert stage.slack.texts == ["The window of ada is used to 96 %"]
    assert await stage.states() == [(alert, "sent", None)]
    [kept] = await stage.rows.fetch("SELECT message::text, sent_at, attempts FROM alerts")
    assert "The window of ada" in kept["message"]
    assert (kept["sent_at"], kept["attempts"]) == (NOON, 1)
    assert await stage.column("outcome", "alert_deliveries") == ["sent"]
    assert await stage.column("masked", "channels") == ["http://127.0.0.1/…"]
    assert SECRET not in await stage.text()
    await notifier.close()


async def test_without_the_environments_webhook_its_channel_is_off(stage: Stage) -> None:
    """What is taken out of the environment is off with that reason; set again it is on again."""
    given = stage.settings.model_copy(update={"slack_webhook_url": stage.slack.webhook})
    without = stage.settings
    for settings, reason in ((given, None), (without, "SLACK_WEBHOOK_URL is not set"), (given, None)):
        stage.settings = settings
        notifier = stage.notifier()
        await notifier.set_up()
        assert await stage.column("off_reason", "channels") == [reason]
        await notifier.close()
    await stage.rows.execute("UPDATE channels SET off_reason = 'switched off by ada', off_at = now()")
    await notifier.set_up()
    assert await stage.column("off_reason", "channels") == ["switched off by ada"]


async def test_a_bot_tells_in_blocks_and_answers_in_the_thread(stage: Stage) -> None:
    """The recovery goes into the thread of its alert; the token is a header, nothing of it is kept."""
    await stage.bot()
    alert = await stage.raised(title="12 errors")
    await everything(stage)
    await stage.rows.execute("UPDATE alerts SET recovered_at = $1", stage.clock.now)
    await stage.raised(title="over", recovery_of=alert, tone="good")
    await everything(stage)
    first, second = stage.slack.taken
    assert (first.form, first.authorization, first.payload["channel"]) == ("bot", f"Bearer {TOKEN}", CHANNEL)
    assert "thread_ts" not in first.payload
    assert (second.payload["thread_ts"], second.payload["reply_broadcast"]) == ("1700000000.000001", False)
    assert await stage.column("message_ts") == ["1700000000.000001", "1700000000.000002"]
    assert TOKEN not in await stage.text()


async def test_each_alert_goes_to_its_trains_channel_else_its_accounts_else_everybodys(stage: Stage) -> None:
    """Where the nearer channel is switched off, to the next one."""
    train = await stage.rows.fetchval("INSERT INTO trains (name) VALUES ('atlas') RETURNING train")
    account = await stage.rows.fetchval(
        "INSERT INTO accounts (account_id, kind, strength) VALUES ('ada', 'oauth', 'hmac') RETURNING account"
    )
    channels = [await stage.webhook(), await stage.webhook(account=account), await stage.webhook(train=train)]
    await stage.raised(train=train, account=account)
    other = await stage.rows.fetchval(
        "INSERT INTO accounts (account_id, kind, strength, merged_into)"
        " VALUES ('b', 'oauth', 'hmac', $1) RETURNING account",
        account,
    )
    await stage.raised(account=account)
    await stage.raised(account=other)
    await stage.raised()
    await everything(stage)
    assert await stage.column("channel") == [channels[2], channels[1], channels[1], channels[0]]
    await stage.rows.execute(
        "UPDATE channels SET off_reason = 'by ada', off_at = now() WHERE channel > $1", channels[0]
    )
    await stage.raised(train=train, account=account)
    await everything(stage)
    assert (await stage.column("channel"))[-1] == channels[0]
    assert await stage.column("state") == ["sent"] * 5


async def test_a_channel_of_the_page_goes_before_that_of_the_environment(stage: Stage) -> None:
    """Both are of the whole installation."""
    stage.settings = stage.settings.model_copy(update={"slack_webhook_url": stage.slack.webhook})
    notifier = stage.notifier()
    await notifier.set_up()
    await notifier.close()
    number = await stage.webhook()
    await stage.raised()
    await everything(stage)
    assert await stage.column("channel") == [number]


async def test_without_any_channel_it_waits_until_it_is_no_news_any_more(stage: Stage) -> None:
    """It is asked about again every 15 s, is told when there is a channel, and is dropped when it is too late."""
    await stage.raised(Kind.FEED)
    await stage.raised(Kind.WINDOW, expires_at=NOON + timedelta(minutes=1))
    await stage.raised(Kind.LAG)
    await everything(stage)
    assert set(await stage.column("due_at")) == {NOON + timedelta(seconds=15)}
    stage.clock.on(minutes=2)
    await everything(stage)
    assert await stage.column("state") == ["waiting", "dropped", "waiting"]
    stage.clock.on(minutes=15)
    await everything(stage)
    assert [row[1:] for row in await stage.states()] == [
        ("dropped", "no channel"), ("dropped", "no channel"), ("waiting", None)
    ]  # fmt: skip
    await stage.webhook()
    stage.clock.on(seconds=15)
    await everything(stage)
    assert await stage.column("state") == ["dropped", "dropped", "sent"]


async def test_no_more_than_one_message_a_second_on_a_channel(stage: Stage) -> None:
    """Any number of notifiers together; a second channel has seconds of its own."""
    await stage.webhook()
    other = await stage.rows.fetchval("INSERT INTO trains (name) VALUES ('atlas') RETURNING train")
    await stage.webhook(train=other)
    for number in range(4):
        await stage.raised(title=f"all {number}")
        await stage.raised(title=f"atlas {number}", train=other)
    notifiers = [stage.notifier(), stage.notifier()]
    for _ in range(40):
        for notifier in notifiers:
            await notifier.look()
        stage.clock.on(milliseconds=250)
    times = {who: [got.at for got in stage.slack.taken if text_of(got).startswith(who)] for who in ("all", "atlas")}
    for told in times.values():
        assert [(at - told[0]).total_seconds() for at in told] == [0, 1, 2, 3]
    for notifier in notifiers:
        await notifier.close()


async def test_quiet_hours_hold_in_their_zone(stage: Stage) -> None:
    """At noon UTC it is one in Berlin: held until two there; a test is not held."""
    await stage.rows.execute(
        "INSERT INTO alert_rules"
        " (kind, enabled, thresholds, minimum_interval, quiet_from, quiet_until, zone, changed_by)"
        " VALUES ('window', true, '{75}', '0', $1, $2, 'Europe/Berlin', 'ada')",
        time(13),
        time(14),
    )
    number = await stage.webhook()
    await stage.raised(title="held")
    await stage.raised(Kind.TEST, title="tried", channel=number)
    await everything(stage)
    assert stage.slack.texts == ["tried"]
    assert (await stage.column("due_at"))[0] == NOON + timedelta(hours=1)
    stage.clock.now = NOON + timedelta(hours=1)
    await everything(stage)
    assert stage.slack.texts == ["tried", "held"]


async def test_a_rule_that_is_changed_frees_what_the_old_one_held(stage: Stage) -> None:
    """Quiet hours that somebody takes back hold nothing any more."""
    await stage.webhook()
    quiet = (time(11), time(13), "UTC", "ada")
    await stage.database.execute("alert_rule_put", "window", True, [75.0], timedelta(0), *quiet)
    await stage.raised(title="held")
    await everything(stage)
    assert stage.slack.texts == []
    await stage.database.execute("alert_rule_reset", "window")
    await everything(stage)
    assert stage.slack.texts == ["held"]


async def test_what_comes_within_the_interval_is_one_message_at_its_end(stage: Stage) -> None:
    """The first at once, the next three as one a minute later, and then it is a minute again."""
    await stage.webhook()
    for name in ("a", "b", "c", "d"):
        await stage.raised(Kind.UNKNOWN_MODEL, title=f"{name} has no price")
    await everything(stage)
    assert stage.slack.texts == ["a has no price"]
    stage.clock.now = NOON + timedelta(minutes=1)
    await everything(stage)
    assert stage.slack.texts[1:] == ["3 messages of “Model without a price” from 12:00 to 12:00 UTC"]
    assert "• d has no price" in str(stage.slack.taken[1].payload)
    assert await stage.column("state") == ["sent", "summed", "summed", "summed", "sent"]
    await stage.raised(Kind.UNKNOWN_MODEL, title="e has no price")
    await everything(stage)
    assert len(stage.slack.taken) == 2
    assert (await stage.column("due_at"))[-1] == NOON + timedelta(minutes=2)


async def test_what_was_acknowledged_or_snoozed_meanwhile_is_not_told(stage: Stage) -> None:
    """With the reason; so is an end whose beginning was never told."""
    await stage.webhook()
    alert = await stage.raised(acknowledged_by="ada", acknowledged_at=NOON)
    await stage.raised(Kind.LAG, title="a", recovery_of=alert)
    await stage.raised(Kind.BUDGET, title="atlas")
    await stage.rows.execute(
        "INSERT INTO alert_snoozes VALUES ('budget', 'atlas', $1, 'ada')", NOON + timedelta(hours=1)
    )
    await everything(stage)
    await everything(stage)
    assert stage.slack.got == []
    assert [row[1:] for row in await stage.states()] == [
        ("dropped", "acknowledged by ada before it was sent"),
        ("dropped", "what is over was never told"),
        ("dropped", "snoozed by ada"),
    ]


async def test_one_that_cannot_be_said_does_not_hold_up_the_others(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    """Words this version cannot read: that alert fails, the next is told."""
    await stage.webhook()
    await stage.raised(told='{"headline": "of another version"}')
    await stage.raised(title="next")
    await everything(stage)
    assert stage.slack.texts == ["next"]
    assert await stage.column("state") == ["failed", "sent"]
    assert "of another version" not in capfd.readouterr().err


async def test_a_hundred_wait_and_what_is_more_is_summed_up(stage: Stage) -> None:
    """The oldest turns of users become one message, which is told within about a minute."""
    await stage.webhook()
    for number in range(105):
        await stage.raised(Kind.FEED, title=f"turn {number}")
    await everything(stage)
    assert stage.slack.texts[:2] == ["turn 5", "turn 6"]
    assert stage.slack.texts.index("5 messages of “Conversation” from 12:00 to 12:00 UTC") == 60
    assert len(stage.slack.texts) == 101


async def test_a_summary_is_told_while_conversations_go_on(stage: Stage) -> None:
    """Two turns a second, of which one can be told: each minute a message says how many were left out."""
    await stage.webhook()
    notifier = stage.notifier()
    for second in range(230):
        for half in ("a", "b"):
            await stage.raised(Kind.FEED, title=f"turn {second} {half}")
        assert await notifier.look()
        stage.clock.on(seconds=1)
    await notifier.close()
    assert len(stage.slack.texts) == 230
    places = [place for place, text in enumerate(stage.slack.texts) if text.endswith(" UTC")]
    assert len(places) == 2
    assert places[1] - places[0] > 60


async def test_a_burst_that_lasts_is_told_when_its_snooze_ends(stage: Stage) -> None:
    """However long it was snoozed."""
    await stage.webhook()
    await stage.raised(Kind.BURST, title="9 calls broke", state="dropped", reason="snoozed by ada")
    stage.clock.on(hours=2)
    await stage.database.execute("alerts_wake", ["burst"], stage.clock.now)
    await everything(stage)
    assert stage.slack.texts == ["9 calls broke"]


def test_settings_of_the_stage_are_those_of_an_installation(tmp_path: Path) -> None:
    """By default only Slack's own hosts, and no private address."""
    from dashboard.notifier.target import listed_hosts, trusted_hosts

    plain = Settings(data_dir=tmp_path, slack_webhook_url="https://hooks.slack.com/services/x")
    assert (listed_hosts(plain), trusted_hosts(plain)) == ({"hooks.slack.com"}, frozenset())
    own = Settings(
        data_dir=tmp_path, slack_webhook_url="http://127.0.0.1:9/x", webhook_hosts="Chat.Example, ,b:8443,[::1]:9"
    )
    assert trusted_hosts(own) >= {"127.0.0.1", "chat.example", "b", "::1"}
