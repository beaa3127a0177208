"""Notifiers that die between claim, send and mark: each incident is told once.

The only repeat there can be: Slack took the message, and nobody lived to note it. It happens once at most.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any, cast

import pytest

from core.alerts.kinds import Kind
from core.alerts.outbox import columns
from dashboard.notifier.service import Notifier
from dashboard.notifier.turn import CLAIM
from sql.database import Database
from sql.rows.alerts import AlertRaised
from tests.notified import NOON, Stage
from tests.slack import HANG
from tests.sql.test_alerts import made

pytestmark = pytest.mark.postgres


class Killed(BaseException):
    """The process is no more: nothing of ours cleans up behind it."""


class Mortal:
    """A database whose user dies before, or after, a statement of this name."""

    def __init__(self, database: Database, name: str, when: str) -> None:
        self._database, self._name, self._when = database, name, when

    def __getattr__(self, name: str) -> Any:
        given = getattr(self._database, name)
        if name not in {"fetch_one", "execute", "fetch"}:
            return given

        async def ask(query: str, *args: Any) -> Any:
            if (query, self._when) == (self._name, "before"):
                raise Killed
            answer = await given(query, *args)
            if query == self._name:
                raise Killed
            return answer

        return ask


async def dies(stage: Stage, name: str, when: str) -> None:
    """A notifier that dies at this point."""
    notifier = Notifier(cast("Database", Mortal(stage.database, name, when)), stage.settings, clock=stage.clock)
    with pytest.raises(Killed):
        await notifier.look()
    await notifier.close()


async def lives(stage: Stage) -> None:
    """A notifier that tells everything, after the dead one's claim ran out."""
    notifier = stage.notifier()
    stage.clock.on(seconds=CLAIM.total_seconds() - 1)
    assert not await notifier.look()
    stage.clock.on(seconds=1)
    while await notifier.look():
        stage.clock.on(seconds=1)
    await notifier.close()


@pytest.mark.parametrize(
    ("name", "when", "told", "lost"),
    [
        ("notifier_sending", "before", 1, 0),
        ("notifier_sending", "after", 1, 1),
        ("notifier_sent", "before", 2, 1),
    ],
)
async def test_who_dies_on_the_way_is_followed_by_another(
    stage: Stage, name: str, when: str, told: int, lost: int
) -> None:
    """Claimed, about to send, sent: only where Slack had taken it and nobody noted that it is told again, once."""
    await stage.webhook()
    alert = await stage.raised()
    await dies(stage, name, when)
    await lives(stage)
    assert len(stage.slack.taken) == told
    assert await stage.states() == [(alert, "sent", None)]
    assert await stage.column("lost_marks") == [lost]


async def test_who_dies_when_all_is_noted_leaves_nothing_to_do(stage: Stage) -> None:
    """No claim is left, nothing is told again."""
    await stage.webhook()
    await stage.raised()
    await dies(stage, "notifier_sent", "after")
    stage.clock.on(minutes=2)
    notifier = stage.notifier()
    assert not await notifier.look()
    assert len(stage.slack.taken) == 1
    await notifier.close()


async def test_after_two_lost_marks_nobody_is_told_a_third_time(stage: Stage) -> None:
    """It ends as unsure, and what waits behind it goes on."""
    await stage.webhook()
    await stage.raised(title="first")
    await stage.raised(title="second")
    await dies(stage, "notifier_sent", "before")
    stage.clock.on(seconds=CLAIM.total_seconds())
    await dies(stage, "notifier_sent", "before")
    await lives(stage)
    assert stage.slack.texts == ["first", "first", "second"]
    assert [row[1] for row in await stage.states()] == ["unsure", "sent"]


async def test_a_transaction_that_dies_with_its_claim_never_was(stage: Stage) -> None:
    """A process that dies before the claim is committed leaves the alert waiting; the next look takes it."""
    await stage.webhook()
    await stage.raised()
    async with stage.database.transaction() as inside:
        await inside.execute("notifier_take", 1, stage.clock.now, True)
        # While one notifier has the channel another finds nothing to do there, and does not wait.
        notifier = stage.notifier()
        assert not await notifier.look()
    assert await notifier.look()
    assert len(stage.slack.taken) == 1
    await notifier.close()


async def test_who_is_stopped_gives_back_what_was_not_answered(stage: Stage) -> None:
    """Slack may have heard it, so that counts; the next notifier need not wait until the claim runs out."""
    await stage.webhook()
    alert = await stage.raised()
    stage.slack.script(HANG)
    notifier = Notifier(stage.database, stage.settings, clock=stage.clock)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(notifier.run())
        await stage.slack.arrived.wait()
        running.cancel()
    assert await stage.states() == [(alert, "waiting", None)]
    assert await stage.column("lost_marks") == [1]
    stage.clock.on(seconds=1)
    second = stage.notifier()
    assert await second.look()
    assert len(stage.slack.taken) == 1
    await second.close()


async def test_who_is_stopped_notes_what_slack_answers_at_once(stage: Stage) -> None:
    """A message that Slack is just taking is noted as sent before the notifier is gone."""
    await stage.webhook()
    alert = await stage.raised()
    notifier = Notifier(stage.database, stage.settings, clock=stage.clock)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(notifier.run())
        await stage.slack.arrived.wait()
        running.cancel()
    assert await stage.states() == [(alert, "sent", None)]
    assert await stage.column("lost_marks") == [0]


async def test_a_late_note_still_holds(stage: Stage) -> None:
    """Who noted only after his claim ran out, and before anybody told it again, spares people the repeat."""
    await stage.webhook()
    alert = await stage.raised()
    await dies(stage, "notifier_sent", "before")
    [claim] = await stage.column("claim")
    await stage.database.execute("notifier_lost", stage.clock.now + timedelta(minutes=1))
    await stage.database.execute("notifier_sent", alert, claim, stage.clock.now, None, {}, 200, "sent")
    stage.clock.on(minutes=2)
    notifier = stage.notifier()
    assert not await notifier.look()
    assert len(stage.slack.taken) == 1
    await notifier.close()


async def test_notifiers_beside_one_another_tell_each_thing_once(stage: Stage) -> None:
    """Four at once, over three channels: every alert is told once, in its channel's order."""
    trains = [
        await stage.rows.fetchval("INSERT INTO trains (name) VALUES ($1) RETURNING train", name) for name in ("a", "b")
    ]
    await stage.webhook()
    for train in trains:
        await stage.bot(train=train)
    titles = {train: [f"{train} {number}" for number in range(12)] for train in (None, *trains)}
    for number in range(12):
        for train, named in titles.items():
            await stage.raised(title=named[number], train=train)
    notifiers = [stage.notifier() for _ in range(4)]
    while any(await asyncio.gather(*(notifier.look() for notifier in notifiers))):
        stage.clock.on(seconds=1)
    for named in titles.values():
        assert [text for text in stage.slack.texts if text in named] == named
    assert len(stage.slack.taken) == 36
    assert await stage.column("attempts") == [1] * 36
    for notifier in notifiers:
        await notifier.close()


async def test_nobody_overtakes_who_gives_alerts_their_channels(stage: Stage) -> None:
    """While one notifier does it, another leaves later alerts alone: they would be told before the earlier ones."""
    channel = await stage.webhook()
    given = (stage.clock.now, [], [])
    await stage.raised(title="first")
    async with stage.database.transaction() as slow:
        await slow.execute("notifier_route", *given)
        await stage.raised(title="second")
        await stage.database.execute("notifier_route", *given)
        assert await stage.column("channel") == [None, None]
    await stage.database.execute("notifier_route", *given)
    assert await stage.column("channel") == [channel, channel]


async def test_an_hour_without_slack_touches_nothing_else_and_ends_in_one_summary(stage: Stage) -> None:
    """Some twenty tries; raising alerts never waits. Then what still matters is told, and the rest in one message."""
    await stage.webhook()
    stage.slack.always = 503
    notifier = stage.notifier()
    await stage.raised(Kind.LAG, title="the recorder is behind")
    await stage.raised(Kind.TAPE, title="the tape is filled to 71 %")
    await stage.raised(Kind.DIGEST, title="atlas yesterday")
    for minute in range(60):
        if minute < 35:
            await stage.raised(Kind.FEED, title=f"turn {minute}")
        for _ in range(12):
            await notifier.look()
            stage.clock.on(seconds=5)
    assert len(stage.slack.got) < 25
    await stage.rows.execute("UPDATE alerts SET recovered_at = $1 WHERE kind = 'tape'", stage.clock.now)
    tape = await stage.rows.fetchval("SELECT alert FROM alerts WHERE kind = 'tape'")
    await stage.raised(Kind.TAPE, title="the tape has room again", recovery_of=tape, tone="good")
    stage.slack.always = 200
    stage.clock.on(minutes=5)
    while await notifier.look():
        stage.clock.on(seconds=1)
    back = stage.slack.taken[0].at
    *single, last = stage.slack.texts
    assert single == ["the recorder is behind", "atlas yesterday"]
    assert last == f"While Slack could not be reached from 12:00 to {back:%H:%M} UTC, 36 messages waited"
    summary = json.dumps(stage.slack.taken[-1].payload, ensure_ascii=False)
    assert "35 × Conversation, 12:00 to 12:34 UTC" in summary
    assert "1 × Tape filling up" in summary
    assert [one.at - back for one in stage.slack.taken] == [timedelta(seconds=second) for second in range(3)]
    counted = await stage.rows.fetch("SELECT state, count(*) FROM alerts GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in counted] == [("dropped", 1), ("sent", 3), ("summed", 36)]
    await stage.raised(Kind.FEED, title="a new turn")
    await notifier.look()
    assert stage.slack.texts[-1] == "a new turn"
    await notifier.close()


async def test_raising_never_waits_for_a_slack_that_hangs(stage: Stage) -> None:
    """While a message hangs no lock is held: the outbox takes new alerts, and they wait behind it."""
    await stage.webhook()
    await stage.raised(title="hangs")
    stage.slack.script(HANG)
    notifier = stage.notifier()
    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(notifier.look())
        await stage.slack.arrived.wait()
        async with stage.database.transaction(lock_timeout_ms=50) as inside:
            raised = await inside.fetch("alerts_raise", AlertRaised, *columns([made("a")]))
            assert len(raised) == 1
        async with stage.database.transaction(lock_timeout_ms=50) as inside:
            assert await inside.fetch("alerts_over", _Any, [raised[0].alert]) != []
        hanging.cancel()
    await notifier.close()


async def test_nothing_else_is_told_on_a_channel_while_a_message_hangs(stage: Stage) -> None:
    """Neither by this notifier nor by another, however long it takes: order stays, and nobody is hurried."""
    number = await stage.webhook()
    train = await stage.rows.fetchval("INSERT INTO trains (name) VALUES ('atlas') RETURNING train")
    await stage.bot(train=train)
    await stage.raised(title="hangs")
    stage.slack.script(HANG)
    notifier, other = stage.notifier(), stage.notifier()
    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(notifier.look())
        await stage.slack.arrived.wait()
        await stage.raised(title="behind")
        await stage.raised(Kind.TEST, title="tried", channel=number)
        await stage.raised(title="elsewhere", train=train)
        for one in (notifier, other):
            stage.clock.on(seconds=5)
            await one.look()
        hanging.cancel()
    assert stage.slack.texts == ["elsewhere"]
    for one in (notifier, other):
        await one.close()


def _Any(*columns: Any) -> tuple[Any, ...]:  # noqa: N802  a row of any shape
    return columns


async def test_time_is_the_notifiers_own(stage: Stage) -> None:
    """What is due by its clock is due, whatever the server's says."""
    await stage.webhook()
    await stage.raised(due_at=NOON + timedelta(days=365))
    notifier = stage.notifier()
    assert not await notifier.look()
    stage.clock.on(days=365)
    assert await notifier.look()
    await notifier.close()
