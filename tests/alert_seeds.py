"""An installation that has told things: channels, open incidents, and an alert in every state, for tests of pages.

    seeds = await told_things(connection, now)      # numbers of alerts and channels by name

The payloads are those that ``core.alerts.message`` makes, so a page shows what Slack would have got.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.alerts.kinds import Kind, Tone
from core.alerts.message import Telling, for_bot, for_webhook
from core.alerts.told import Told
from tests.usage_seeds import SUBSCRIPTION, numbered

BASE = "http://127.0.0.1:3001"
HOSTILE = "<script>alert(1)</script><!channel> <https://evil.example|free> *bold* \u202eback"

_ALERT = """
INSERT INTO alerts (kind, subject, dedupe_key, tone, train, account, told, raised_at, expires_at, recovered_at,
    recovery_of, state, reason, due_at, channel, attempts, lost_marks, sent_at, message, summed_in)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19::text::jsonb,
    $20)
RETURNING alert"""
_CHANNEL = """
INSERT INTO channels (name, kind, origin, sealed, masked, destination, train, account, off_reason, off_at, failures,
    last_sent_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'ada')
RETURNING channel"""


@dataclass
class Raised:
    """An alert to be put into the log; times are minutes ago."""

    kind: Kind
    tone: Tone
    told: Told
    ago: float
    subject: str = ""
    state: str = "sent"
    reason: str | None = None
    due_in: float = 0
    over: float | None = None
    recovery_of: int | None = None
    channel: int | None = None
    bot: bool = False
    lost_marks: int = 0
    summed_in: int | None = None
    train: int | None = None
    account: int | None = None
    tries: list[tuple[str, int | None, str]] = field(default_factory=list)


async def alert(connection: Any, now: datetime, one: Raised) -> int:
    """Put one into the log; returns its number."""
    at = now - timedelta(minutes=one.ago)
    sent = one.state == "sent"
    payload = (for_bot if one.bot else for_webhook)(Telling(one.kind, one.tone, one.told, at, BASE))
    count = await connection.fetchval("SELECT count(*) FROM alerts")
    number = await connection.fetchval(
        _ALERT, one.kind, one.subject or one.told.title[:80], f"seed:{count}", one.tone, one.train, one.account,
        one.told.model_dump_json(), at, None, None if one.over is None else now - timedelta(minutes=one.over),
        one.recovery_of, one.state, one.reason, at + timedelta(minutes=one.due_in), one.channel, len(one.tries),
        one.lost_marks, at + timedelta(seconds=2) if sent else None,
        json.dumps(payload) if sent or one.state == "unsure" else None, one.summed_in,
    )  # fmt: skip
    for order, (outcome, status, detail) in enumerate(one.tries):
        await connection.execute(
            "INSERT INTO alert_deliveries (alert, channel, tried_at, outcome, status, detail)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            number, one.channel, at + timedelta(seconds=2 + order * 30), outcome, status, detail,
        )  # fmt: skip
    return number


async def channel(connection: Any, name: str, **given: Any) -> int:
    """A channel; returns its number."""
    made = {
        "kind": "webhook", "origin": "page", "sealed": b"\x01sealed", "masked": "https://hooks.slack.com/…Qx7f",
        "destination": None, "train": None, "account": None, "off_reason": None, "off_at": None, "failures": 0,
        "last_sent_at": None,
    } | given  # fmt: skip
    return await connection.fetchval(_CHANNEL, name, *made.values())


WINDOW = Told(
    title="team max 20x: the 5-hour window is used to 95 %",
    cause="At this pace it is used up at 15:31 UTC, 42 minutes before its reset.",
    fields=(("Account", "team max 20x"), ("Used", "95.4 %"), ("Resets", "2026-11-20 16:13 UTC"),
            ("Pace", "1.4 × what the window allows")),
    path=f"/windows/{SUBSCRIPTION}", page="Open the window",
)  # fmt: skip
BURST = Told(
    title="atlas: 14 of 31 calls failed within 10 minutes",
    cause="529 overloaded_error 11 times, 429 rate_limit_error 3 times.",
    fields=(("Train", "atlas"), ("Failed", "14 of 31 (45 %)"), ("Models", "claude-opus-5-5"), ("Since", "14:51 UTC")),
    path="/requests?outcome=failed&trainId=atlas", page="Open the failed calls",
)  # fmt: skip
MODEL = Told(
    title="claude-nova-1 has no price",
    cause="What it costs is unknown and not in any sum until a price is added.",
    fields=(("Train", "borealis"), ("Model", "claude-nova-1")), path="/prices?model=claude-nova-1", page="Add a price",
)  # fmt: skip
BUDGET = Told(
    title="atlas: the monthly budget is used to 75 %",
    fields=(("Used", "$676.40 of $900.00"), ("Gone of the month", "63 %")), path="/budgets", page="Open the budgets",
)  # fmt: skip
TURN = Told(
    title="atlas: ana asked for something",
    lines=("Fix the flaky login test, it fails every third run on CI.",
           "The test waits for a fixed 200 ms. I made it wait for the event instead; 50 runs pass.",
           "Bash pytest -q tests/test_login.py", "Edit tests/test_login.py"),
    path="/conversations/0199aaaa-0000-7000-8000-000000000000#end", page="Open the conversation",
)  # fmt: skip
DIGEST = Told(
    title="borealis: 1 204 calls and $38.20 on Thursday, 19 November",
    fields=(("Failed", "9 (0.7 %)"), ("Tokens", "41.2 M in, 1.9 M out"), ("Models", "opus-5-5 71 %, haiku-5-5 29 %"),
            ("Dearest", "Port the parser, $4.10")),
    path="/overview?trainId=borealis", page="Open the day",
)  # fmt: skip
SUMMARY = Told(
    title="While Slack could not be reached from 09:02 to 09:31 UTC, 3 messages waited",
    lines=("2 of Conversation, 1 of Burst of errors; the last at 09:30 UTC.",), path="/alerts/log", page="Open the log",
)  # fmt: skip


TOOK = [("sent", 200, "ok")]
AWAY = [("again", None, "no answer within 10 s"), ("again", 503, "Slack is not available"), *TOOK]
LAG = Told(title="The recorder is 3 minutes behind the tape", cause="Nothing is lost.", path="/metrics")
OVER = Told(title="The recorder keeps up again", cause="It was behind for 10 minutes.", path="/metrics")
EVIL = Told(
    title=HOSTILE, cause=HOSTILE, fields=((HOSTILE, HOSTILE),), lines=(HOSTILE,), path="//evil.example", page=HOSTILE
)  # fmt: skip


async def told_things(connection: Any, now: datetime) -> dict[str, int]:
    """Channels of all kinds, what runs, and an alert in every state; numbers by name."""
    found = await channels(connection, now)
    atlas, borealis, ops, bot = (found[name] for name in ("atlas", "borealis", "ops", "bot"))
    info, warning, danger = Tone.INFO, Tone.WARNING, Tone.DANGER

    async def add(name: str, kind: Kind, tone: Tone, told: Told, ago: float, **given: Any) -> None:
        found[name] = await alert(connection, now, Raised(kind, tone, told, ago, **given))

    by_hook, by_bot = {"channel": ops, "tries": TOOK}, {"channel": bot, "bot": True, "tries": TOOK, "train": atlas}
    await add("digest", Kind.DIGEST, info, DIGEST, 600, **by_hook, train=borealis)
    await add("summary", Kind.SUMMARY, info, SUMMARY, 340, channel=ops, tries=AWAY)
    await add("summed", Kind.FEED, info, TURN, 350, state="summed", summed_in=found["summary"], train=atlas)
    await add("budget", Kind.BUDGET, warning, BUDGET, 300, **by_bot)
    never = {
        "tries": [("never", 404, "no_service")],
        "reason": "no channel could take it: borealis-old is switched off",
    }
    await add("failed", Kind.FEED, info, TURN, 250, state="failed", channel=found["dead"], train=borealis, **never)
    await add("lag", Kind.LAG, danger, LAG, 200, subject="node-1", over=190, **by_hook)
    await add("over", Kind.LAG, Tone.GOOD, OVER, 190, subject="node-1", recovery_of=found["lag"], **by_hook)
    snoozed = {"state": "dropped", "reason": "snoozed by ada"}
    await add("dropped", Kind.BURST, danger, BURST, 150, subject="train 9", over=140, train=atlas, **snoozed)
    await add("unsure", Kind.FEED, info, TURN, 90, state="unsure", channel=bot, bot=True, lost_marks=2, train=atlas)
    await add("hostile", Kind.FEED, info, EVIL, 60, **by_bot)
    await add("hostile_hook", Kind.BURST, danger, EVIL, 55, over=50, train=found["cargo"], **by_hook)
    await add("model", Kind.UNKNOWN_MODEL, warning, MODEL, 40, state="waiting", due_in=600, train=borealis, channel=ops)
    await add("turn", Kind.FEED, info, TURN, 30, **by_bot)
    await add("window", Kind.WINDOW, danger, WINDOW, 12, channel=ops, tries=AWAY, account=found["account"])
    await add("burst", Kind.BURST, danger, BURST, 3, subject="train 1", **by_bot)
    await wishes(connection, now, atlas, borealis)
    return found


async def channels(connection: Any, now: datetime) -> dict[str, int]:
    """A webhook for everything, a bot of a train, a webhook that Slack refused; numbers by name, trains' too."""
    atlas, account = await numbered(connection, "atlas", SUBSCRIPTION, "oauth", "team max 20x")
    borealis, _ = await numbered(connection, "borealis", None)
    cargo, _ = await numbered(connection, "cargo", None)
    last = {"last_sent_at": now - timedelta(minutes=3)}
    bot = {"kind": "bot", "masked": "xoxb-…9fK2", "destination": "C0123456789", "train": atlas}
    why = "Slack says no_service (404): this webhook was removed, or its app was taken out of the workspace."
    return {
        "atlas": atlas,
        "borealis": borealis,
        "cargo": cargo,
        "account": account,
        "ops": await channel(connection, "ops", **last),
        "bot": await channel(connection, "atlas-bot", **bot, **last),
        "dead": await channel(
            connection, "borealis-old", train=borealis, off_at=now - timedelta(hours=5), off_reason=why
        ),
    }


async def wishes(connection: Any, now: datetime, atlas: int, borealis: int) -> None:
    """Two changed rules, a snooze, a feed and a digest."""
    await connection.execute(
        "INSERT INTO alert_rules (kind, enabled, thresholds, minimum_interval, quiet_from, quiet_until, zone,"
        " changed_by) VALUES ('dry', false, '{50}', '1 minute', NULL, NULL, 'UTC', 'ada'),"
        " ('unknown_model', true, '{}', '1 hour', '20:00', '07:00', 'Europe/Zurich', 'ada')"
    )
    await connection.execute(
        "INSERT INTO alert_snoozes VALUES ('window', $1, $2, 'ada')", WINDOW.title[:80], now + timedelta(hours=2)
    )
    await connection.execute(
        "INSERT INTO train_feeds (train, feed, digest, digest_at, zone, changed_by)"
        " VALUES ($1, true, false, '08:00', 'UTC', 'ada'), ($2, false, true, '07:30', 'Europe/Zurich', 'ada')",
        atlas, borealis,
    )  # fmt: skip
