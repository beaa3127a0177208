"""A channel's turn: what waits for it is sent, summed up, held or dropped, and one alert is claimed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from core.alerts.kinds import Kind, Tone
from core.alerts.plan import Channel, First, Plan, Waiting, plan
from core.alerts.rules import Rule
from dashboard.notifier.rules import rules_now
from sql.database import Database, Transaction
from sql.rows.alerts_deliver import AlertClaimed, AlertNoted, AlertWaiting, ChannelTaken, KindTold

CLAIM: Final = timedelta(seconds=30)
SPACING: Final = timedelta(seconds=1)
"""Slack takes about one message a second of a channel."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An alert that this notifier alone may tell, until a moment."""

    row: AlertClaimed
    claim: UUID
    until: datetime
    channel: Channel


async def take_turn(
    database: Database, channel: int, now: datetime, *, knows_environment: bool = True
) -> Claimed | None:
    """Decide about everything that waits for a channel and claim what is sent next.

    None where nothing is, where another notifier has the channel, or where something is being told there; also where it
    is the environment's channel, whose webhook others know and this notifier does not.
    """
    async with database.transaction() as inside:
        taken = await inside.fetch_one("notifier_take", ChannelTaken, channel, now, knows_environment)
        if taken is None:
            return None
        rows = await inside.fetch("notifier_waiting", AlertWaiting, channel, now)
        if any(row.state != "waiting" for row in rows):
            return None
        waiting = [found for row in rows if (found := _waiting(row)) is not None]
        rules = await rules_now(inside)
        known = Channel(taken.away_since, taken.away_until, await _told_at(inside, channel, waiting, rules))
        made = plan(waiting, known, rules, now)
        await _settle(inside, made, {row.alert: row.due_at for row in rows})
        summary = await _sum_up(inside, made, taken, [one.alert for one in waiting if one.kind is Kind.SUMMARY], now)
        following = made.send or ([summary] if summary is not None and made.sum_due is None else [])
        if not following:
            return None
        return await _claim(inside, following[0], known, now)


async def _claim(inside: Transaction, alert: int, known: Channel, now: datetime) -> Claimed | None:
    claim, until = uuid4(), now + CLAIM
    row = await inside.fetch_one("notifier_claim", AlertClaimed, alert, claim, until, now + SPACING)
    return None if row is None else Claimed(row, claim, until, known)


async def _settle(inside: Transaction, made: Plan, due: Mapping[int, datetime]) -> None:
    held = {alert: until for alert, until in made.hold.items() if due[alert] != until}
    if held:
        await inside.execute("notifier_hold", list(held), list(held.values()))
    if made.drop:
        await inside.execute("notifier_drop", list(made.drop), list(made.drop.values()))


async def _sum_up(
    inside: Transaction, made: Plan, taken: ChannelTaken, open_ones: Sequence[int], now: datetime
) -> int | None:
    """Put into the channel's summary what is summed up; there is one that waits, at most."""
    if not made.sum_up:
        return None
    if open_ones:
        summary = open_ones[0]
    else:
        key = f"summary:{taken.channel}:{min(made.sum_up)}"
        noted = await inside.fetch_one(
            "notifier_summary", AlertNoted, taken.channel, taken.train, taken.account, now, key
        )
        assert noted is not None  # noqa: S101  an alert is summed up once, so the key is new
        summary = noted.alert
    reasons = [str(why) for why in made.sum_up.values()]
    await inside.execute("notifier_sum", list(made.sum_up), reasons, summary, made.sum_due or now)
    return summary


async def _told_at(
    inside: Transaction, channel: int, waiting: Sequence[Waiting], rules: Mapping[Kind, Rule]
) -> Mapping[Kind, datetime]:
    kinds = sorted({one.kind for one in waiting if rules[one.kind].minimum_interval})
    if not kinds:
        return {}
    rows = await inside.fetch("notifier_told", KindTold, channel, kinds)
    return {Kind(row.kind): row.told_at for row in rows if row.told_at is not None}


def _waiting(row: AlertWaiting) -> Waiting | None:
    """None for a kind that only a newer version knows: it is left to that."""
    if row.kind not in set(Kind):
        return None
    first = None
    if row.first_state is not None:
        first = First(row.first_state, row.first_over_at, row.first_told_at)
    return Waiting(
        row.alert,
        Kind(row.kind),
        row.raised_at,
        row.due_at,
        Tone(row.tone),
        row.expires_at,
        row.recovered_at,
        first,
        row.acknowledged_by,
        row.snoozed_by,
    )
