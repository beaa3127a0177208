"""Dashboards of one installation that have different webhooks of the environment: nothing is lost, and it is said."""

from pathlib import Path

import pytest

from core.settings import Settings
from dashboard.notifier.presence import LENGTH, NONE, UNKNOWN, mark
from dashboard.notifier.service import Notifier
from tests.notified import Stage
from tests.slack import SECRET

pytestmark = pytest.mark.postgres
DIFFERS = "slack_webhook_url_differs_from_another_dashboards"


async def two(stage: Stage) -> tuple[Notifier, Notifier]:
    """One without a webhook of the environment, started behind one that has it."""
    without = stage.notifier()
    stage.settings = stage.settings.model_copy(update={"slack_webhook_url": stage.slack.webhook})
    knows = stage.notifier()
    await knows.set_up()
    await without.set_up()
    return without, knows


async def test_who_has_no_webhook_leaves_it_to_who_has(stage: Stage) -> None:
    """Neither does he switch its channel off, whoever was started last; when the other is gone he does."""
    without, knows = await two(stage)
    await stage.raised(title="told")
    assert not await without.look()
    assert await knows.look()
    assert (stage.slack.texts, await stage.column("off_reason", "channels")) == (["told"], [None])
    await knows.close()
    await stage.raised(title="waits")
    stage.clock.on(seconds=15)
    assert not await without.look()
    assert await stage.column("off_reason", "channels") == ["SLACK_WEBHOOK_URL is not set"]
    assert await stage.column("state") == ["sent", "waiting"]
    await without.close()


async def test_one_that_was_killed_is_believed_for_a_minute(stage: Stage) -> None:
    """It said no good-bye; then its channel is off."""
    without, killed = await two(stage)
    for seconds, reason in ((45, None), (15, "SLACK_WEBHOOK_URL is not set")):
        stage.clock.on(seconds=seconds)
        await without.look()
        assert await stage.column("off_reason", "channels") == [reason]
    for notifier in (killed, without):
        await notifier.close()


@pytest.mark.parametrize("other", ["same", "another", "none"])
async def test_that_they_differ_is_logged_once(stage: Stage, other: str, capfd: pytest.CaptureFixture[str]) -> None:
    """By each that finds it out, as long as it is so; neither the log nor a row has anything of the address."""
    urls = {"same": stage.slack.webhook, "another": f"{stage.slack.webhook}x", "none": None}
    notifiers = []
    for url in (stage.slack.webhook, urls[other]):
        stage.settings = stage.settings.model_copy(update={"slack_webhook_url": url})
        notifiers.append(stage.notifier())
        await notifiers[-1].set_up()
    for _ in range(3):
        stage.clock.on(seconds=15)
        for notifier in notifiers:
            await notifier.look()
    said = capfd.readouterr().err
    assert said.count(DIFFERS) == (0 if other == "same" else 2)
    assert SECRET not in said + await stage.text()
    await notifiers[1].close()
    stage.clock.on(seconds=15)
    await notifiers[0].look()
    assert await stage.rows.fetchval("SELECT count(*) FROM notifiers") == 1
    await notifiers[0].close()
    assert await stage.rows.fetchval("SELECT count(*) FROM notifiers") == 0


def test_a_mark_tells_webhooks_apart_and_tells_nothing_of_them(tmp_path: Path) -> None:
    """It needs the installation's secret: without it nothing is said, and nothing is compared."""
    key, url = {"secret_key": "0123456789abcdef" * 4}, {"slack_webhook_url": "https://hooks.slack.com/services/T/B/x"}
    one = mark(Settings(data_dir=tmp_path, **key, **url))
    assert one == mark(Settings(data_dir=tmp_path, **key, **url))
    assert (len(one), int(one, 16) > 0) == (LENGTH, True)
    assert one != mark(Settings(data_dir=tmp_path, **key, slack_webhook_url=url["slack_webhook_url"] + "y"))
    assert one != mark(Settings(data_dir=tmp_path, secret_key="fedcba9876543210" * 4, **url))
    assert mark(Settings(data_dir=tmp_path, **key)) == NONE
    assert mark(Settings(data_dir=tmp_path, **url)) == UNKNOWN
