"""Roll-ups for tests of the pages of usage, put straight into the tables as the recorder leaves them.

    await used(connection, hour, train="atlas", requests=12, cost=Decimal("3.20"))
    await busy_weeks(connection, now)          # three weeks of a team: trains, accounts, models, errors, unpriced

Everything is a function of the moment given: the same on every run.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.ids import uuid7
from tests import observed

OPUS, SONNET, HAIKU, NEW = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-nova-1"
SUBSCRIPTION = "account-1f2e3d4c"
KEY = "key-0123456789ab"
CLIENT_KEY = "ana"
RATES = {OPUS: (4, 5, 8, 0.2, 20), SONNET: (2, 2.5, 4, 0.1, 10), HAIKU: (0.1, 0.125, 0.2, 0.01, 0.5)}
"""USD per million: input, writes of 5 minutes, of an hour, reads, output."""
TRAINS = ("atlas", "borealis", "cargo")
TITLES = (
    "Fix the flaky login test",
    "Move billing to the new API",
    "Why is the tape full?",
    None,
    "Write release notes",
    "Port the parser",
)


@dataclass(frozen=True)
class Tokens:
    """What some requests used, in thousands."""

    fresh: float = 2
    short: float = 4
    long: float = 0
    read: float = 90
    out: float = 1.5

    def cost(self, model: str) -> Decimal:
        """USD by the rates."""
        counts = (self.fresh, self.short, self.long, self.read, self.out)
        return (
            Decimal(sum(count * rate for count, rate in zip(counts, RATES[model], strict=True))).quantize(
                Decimal("1e-9")
            )
            / 1000
        )


async def numbered(
    connection: Any, train: str, account: str | None, kind: str = "api_key", name: str | None = None
) -> tuple[int, int]:
    """The numbers of a train and an account, made where they are not there; 0 for no account."""
    await connection.execute("INSERT INTO trains (name) VALUES ($1) ON CONFLICT DO NOTHING", train)
    number = await connection.fetchval("SELECT train FROM trains WHERE name = $1", train)
    if account is None:
        return number, 0
    await connection.execute(
        "INSERT INTO accounts (account_id, kind, strength, display_name) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING",
        account, kind, "account_uuid" if kind == "oauth" else "api_key", name,
    )  # fmt: skip
    return number, await connection.fetchval("SELECT account FROM accounts WHERE account_id = $1", account)


_USED = """
INSERT INTO usage_hourly AS u (train, hour, account, model, request_type, requests, ok, cancelled, rejected,
    input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ok_duration_us,
    ephemeral_5m_input_tokens, ephemeral_1h_input_tokens, cost_usd, priced, unpriced, estimated)
VALUES ($1, date_trunc('hour', $2::timestamptz, 'UTC'), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    $17, $18, $19, $20)
ON CONFLICT (train, hour, account, model, request_type) DO UPDATE SET requests = u.requests + excluded.requests,
    ok = u.ok + excluded.ok, cancelled = u.cancelled + excluded.cancelled, rejected = u.rejected + excluded.rejected,
    input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
    cache_creation_input_tokens = u.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    cache_read_input_tokens = u.cache_read_input_tokens + excluded.cache_read_input_tokens,
    ok_duration_us = u.ok_duration_us + excluded.ok_duration_us,
    ephemeral_5m_input_tokens = u.ephemeral_5m_input_tokens + excluded.ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens = u.ephemeral_1h_input_tokens + excluded.ephemeral_1h_input_tokens,
    cost_usd = u.cost_usd + excluded.cost_usd, priced = u.priced + excluded.priced,
    unpriced = u.unpriced + excluded.unpriced, estimated = u.estimated + excluded.estimated
"""
_DAILY = (
    _USED.replace("'hour', $2", "'day', $2")
    .replace("train, hour,", "train, day,")
    .replace("usage_hourly", "usage_daily")
)
_FIVE_MINUTES = (
    _USED.replace("date_trunc('hour', $2::timestamptz, 'UTC')", "date_bin('5 minutes', $2, '2000-01-01 00:00:00+00')")
    .replace("usage_hourly AS u (train, hour,", "usage_five_minutes AS u (first_at, train, slot,")
    .replace("VALUES (", "VALUES ($2::timestamptz, ")
    .replace("(train, hour, account, model", "(train, account, slot, model")
)
_LATENCY = """
INSERT INTO latency_hourly AS l (train, hour, model, bucket, durations, first_tokens)
VALUES ($1, date_trunc('hour', $2::timestamptz, 'UTC'), $3, latency_bucket($4), $5, 0),
    ($1, date_trunc('hour', $2::timestamptz, 'UTC'), $3, latency_bucket($6), 0, $5)
ON CONFLICT (train, hour, model, bucket) DO UPDATE SET durations = l.durations + excluded.durations,
    first_tokens = l.first_tokens + excluded.first_tokens
"""


HOURS_AND_DAYS = """
INSERT INTO usage_hourly (train, hour, account, model, request_type, requests)
SELECT train, date_trunc('hour', slot, 'UTC'), account, model, request_type, sum(requests)
FROM usage_five_minutes GROUP BY 1, 2, 3, 4, 5;
INSERT INTO usage_daily (train, day, account, model, request_type, requests)
SELECT train, date_trunc('day', hour, 'UTC'), account, model, request_type, sum(requests)
FROM usage_hourly GROUP BY 1, 2, 3, 4, 5;
"""
"""For requests that ``requested`` put into the five minutes."""


async def requested(connection: Any, uses: Iterable[tuple[datetime, str, int]]) -> None:
    """Requests of train 1: when, of which model, how many; nothing but their number."""
    await connection.executemany(
        "INSERT INTO usage_five_minutes (train, account, slot, model, request_type, first_at, requests, input_tokens,"
        " output_tokens, cache_creation_input_tokens, cache_read_input_tokens, cost_usd, unpriced)"
        " VALUES (1, 0, $1, $2, '', $1, $3, 0, 0, 0, 0, 0, 0)",
        list(uses),
    )
    await connection.execute(HOURS_AND_DAYS)


async def used(
    connection: Any,
    at: datetime,
    *,
    train: str = "atlas",
    account: str | None = KEY,
    kind: str = "api_key",
    name: str | None = None,
    model: str = OPUS,
    request_type: str = "inference",
    requests: int = 1,
    errors: int = 0,
    cancelled: int = 0,
    rejected: int = 0,
    tokens: Tokens = Tokens(),
    cost: Decimal | None = None,
    estimated: int = 0,
    seconds: float = 3.0,
) -> None:
    """Requests that ended in an hour; ``tokens`` are each one's. Without rate and ``cost`` they are unpriced."""
    number, paid = await numbered(connection, train, account, kind, name)
    ok = requests - errors - cancelled - rejected
    priced = cost is not None or model in RATES
    usd = cost if cost is not None else tokens.cost(model) * ok if priced else Decimal(0)
    counts = [round(1000 * ok * each) for each in (tokens.fresh, tokens.out, tokens.short + tokens.long, tokens.read)]
    split = [round(1000 * ok * each) for each in (tokens.short, tokens.long)]
    for statement in (_USED, _DAILY, _FIVE_MINUTES):
        await connection.execute(
            statement, number, at, paid, model, request_type, requests, ok, cancelled, rejected, *counts,
            round(ok * seconds * 1e6), *split, usd, ok if priced else 0, 0 if priced else ok, estimated,
        )  # fmt: skip
    if ok:
        await connection.execute(_LATENCY, number, at, model, round(seconds * 1e6), ok, round(seconds * 1.8e5))


async def keyed(connection: Any, at: datetime, *, cost: Decimal, train: str = "atlas") -> None:
    """One request of the client key ``CLIENT_KEY``, of a train that is there."""
    await connection.execute(
        "INSERT INTO key_usage AS k (train, key_id, quarter, requests, cost_usd)"
        " SELECT train, $2, date_bin('15 minutes', $3::timestamptz, '2000-01-01 00:00:00+00'), 1, $4 FROM trains"
        " WHERE name = $1 ON CONFLICT (train, key_id, quarter) DO UPDATE SET cost_usd = k.cost_usd + excluded.cost_usd",
        train, CLIENT_KEY, at, cost,
    )  # fmt: skip


async def talk(
    connection: Any,
    at: datetime,
    title: str | None,
    cost: Decimal | None,
    *,
    train: str = "atlas",
    number: int = 0,
    unpriced: int = 0,
) -> UUID:
    """A conversation's roll-up."""
    train_number, account = await numbered(connection, train, KEY)
    made = uuid7(int(at.timestamp() * 1000), number.to_bytes(10, "big"))
    await connection.execute(
        "INSERT INTO conversations (train, conversation_id, title, account, first_at, last_at, message_count,"
        " input_tokens, output_tokens, cost_usd, unpriced_count, models, latest_request, latest_status_code)"
        " VALUES ($1, $2, $3, $4, $5, $6, 12, 90000, 4000, $7, $8, ARRAY['claude-opus-5-5'], $2, 200)",
        train_number, made, title, account, at - timedelta(minutes=30), at, cost, unpriced,
    )  # fmt: skip
    return made


async def busy_weeks(connection: Any, now: datetime, weeks: int = 3) -> None:
    """A team at work: days and nights, weekends, three trains, a subscription and a key, a model nobody knows."""
    dice = random.Random(7)
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(weeks=weeks)
    for step in range(weeks * 7 * 24):
        at = start + timedelta(hours=step)
        busy = math.exp(-(((at.hour - 14) / 4.2) ** 2)) * (0.12 if at.weekday() >= 5 else 1)
        for place, train in enumerate(TRAINS):
            calls = round(dice.gauss(26, 7) * busy / (1 + place))
            if calls > 0:
                await _busy_hour(connection, dice, at, train, calls, new=at > now - timedelta(days=3))
    await used(connection, now - timedelta(hours=3), requests=41, errors=37, seconds=1)
    for number, title in enumerate(TITLES):
        cost = None if number == 5 else Decimal("14.2") / (number + 1)
        at = now - timedelta(hours=2 + 7 * number)
        await talk(connection, at, title, cost, number=number, train=TRAINS[number % 3], unpriced=int(number in (2, 5)))


async def _busy_hour(connection: Any, dice: random.Random, at: datetime, train: str, calls: int, *, new: bool) -> None:
    ranges = ((1, 4), (3, 9), (0, 3), (60, 160), (0.6, 2.6))
    tokens = Tokens(*(dice.uniform(*each) for each in ranges))
    plan = {"account": SUBSCRIPTION, "kind": "oauth", "name": "team max 20x"}
    common: dict[str, Any] = {"train": train, **(plan if train != "cargo" else {"account": KEY})}
    errors, seconds = dice.randrange(calls) // 22, dice.lognormvariate(1.5, 0.7)
    left = {"errors": errors, "cancelled": calls // 30}
    await used(connection, at, requests=calls, tokens=tokens, seconds=seconds, **left, **common)
    small = {"model": HAIKU, "request_type": "query_evaluation", "requests": 1 + calls // 3, "seconds": 0.9}
    await used(connection, at, tokens=Tokens(1, 0, 0, 2, 0.1), **small, **common)
    if train == "cargo" and at.hour % 5 == 0:
        await used(connection, at, model=SONNET, requests=1 + calls // 4, tokens=tokens, estimated=1, **common)
    if train == "borealis" and new:
        await used(connection, at, model=NEW, requests=1 + calls // 8, tokens=tokens, **common)


_FIVE = """
INSERT INTO usage_five_minutes (train, account, slot, model, request_type, first_at, requests, input_tokens,
    output_tokens, cache_creation_input_tokens, cache_read_input_tokens, cost_usd, unpriced)
VALUES ($1, $2, date_bin('5 minutes', $3::timestamptz, '2000-01-01 00:00:00+00'), $4, 'inference', $3, $5, $6, $7, 0, 0,
    $8, 0)
ON CONFLICT DO NOTHING
"""


async def five_minutes(
    connection: Any, at: datetime, account: int, *, train: str = "atlas", model: str = OPUS, requests: int = 2
) -> None:
    """Sums of five minutes, of a train that is there."""
    number = await connection.fetchval("SELECT train FROM trains WHERE name = $1", train)
    tokens, cost = 9000 * requests, Decimal("0.21") * requests
    await connection.execute(_FIVE, number, account, at, model, requests, tokens, tokens // 9, cost)


async def busy_windows(connection: Any, now: datetime) -> dict[str, int]:
    """Two subscriptions, one of them soon dry and its end moved, and a key with limits; ten windows before."""
    _, tight = await numbered(connection, "atlas", SUBSCRIPTION, "oauth", "team max 20x")
    _, calm = await numbered(connection, "borealis", "account-77aa88bb", "oauth", "research max 5x")
    _, key = await numbered(connection, "cargo", KEY)
    dice = random.Random(5)
    for back in range(1, 11):
        end = now + timedelta(hours=1, minutes=50) - timedelta(hours=7 * back)
        peak = dice.uniform(0.35, 1.04)
        start = end - timedelta(hours=5)
        await observed.say(connection, tight, "5h", _curve(start, end, peak), reset=end, status="allowed")
        for step in range(0, 300, 5):
            await five_minutes(connection, start + timedelta(minutes=step), tight, requests=1 + round(3 * peak))
    reset = now + timedelta(hours=1, minutes=50)
    begun = reset - timedelta(hours=5)
    early = _curve(begun, begun + timedelta(hours=1), 0.11)
    await observed.say(connection, tight, "5h", early, reset=reset - timedelta(hours=1), status="allowed")
    late = [(at, 0.11 + used) for at, used in _curve(begun + timedelta(hours=1), now, 0.74)]
    await observed.say(connection, tight, "5h", late, reset=reset, status="allowed_warning")
    for step in range(0, 190, 5):
        await five_minutes(connection, begun + timedelta(minutes=step), tight, requests=4)
        await five_minutes(connection, begun + timedelta(minutes=step), tight, train="borealis", model=HAIKU)
    week = now + timedelta(days=3)
    await observed.say(connection, tight, "7d", _curve(now - timedelta(days=4), now, 0.62, 60), reset=week)
    await observed.say(connection, tight, "7d_opus", [(now, 0.93)], reset=week, status="allowed_warning")
    await observed.say(connection, tight, "5h", [(now, 0.84)], reset=reset, source="polled", status=None)
    old = now - timedelta(minutes=25)
    await observed.say(
        connection, calm, "5h", _curve(old - timedelta(hours=1), old, 0.31), reset=now + timedelta(hours=3)
    )
    await five_minutes(connection, old, calm, train="borealis")
    await five_minutes(connection, now - timedelta(minutes=9), key, train="cargo", model=SONNET)
    for name, quota, left in (
        ("requests", 4000, 3999),
        ("input-tokens", 2_000_000, 1_961_000),
        ("output-tokens", 400_000, 400_000),
    ):
        await observed.limit(connection, key, SONNET, name, quota, left, now)
    return {"tight": tight, "calm": calm, "key": key}


def _curve(start: datetime, end: datetime, peak: float, minutes: int = 5) -> list[tuple[datetime, float | None]]:
    """Use that rises faster towards the end."""
    steps = max(1, int((end - start) / timedelta(minutes=minutes)))
    return [
        (start + (end - start) * step / steps, round(peak * (0.55 * step / steps + 0.45 * (step / steps) ** 2), 3))
        for step in range(steps + 1)
    ]


async def budgets(connection: Any) -> None:
    """A calm budget, one that is nearly used up, one in tokens of a day that is over, of trains that are there."""
    for train, unit, amount, period, zone, hard in (
        ("atlas", "usd", 900, "month", "Europe/Zurich", False),
        ("borealis", "usd", 60, "week", "UTC", False),
        ("cargo", "tokens", 20_000, "day", "UTC", True),
    ):
        number, _ = await numbered(connection, train, None)
        await connection.execute(
            "INSERT INTO budgets (train, unit, amount, period, zone, hard, created_by)"
            " VALUES ($1, $2, $3, $4, $5, $6, 'x')",
            number, unit, Decimal(amount), period, zone, hard,
        )  # fmt: skip
