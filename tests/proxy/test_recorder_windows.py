"""What answers said of windows is kept exactly once, whatever the order; our own sums are what the rows say."""

import asyncio
import json
import os
import random
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.ids import uuid7_ms
from core.models import Outcome
from tests.proxy.test_recorder_rebuild import rebuilt
from tests.taping import HMAC, JSON, Call, Taping, answered, asked, drained, now_ms, recording
from tests.usage_recount import check_usage

Connection = "asyncpg.Connection[asyncpg.Record]"
OBSERVATIONS = """
SELECT window_name, source, observed_at, utilization, status, reset_at, more FROM window_observations
ORDER BY window_name, source, observed_at, utilization"""
SUMS = "SELECT * FROM usage_five_minutes ORDER BY 1, 2, 3, 4, 5"
WINDOWS = "SELECT * FROM account_windows ORDER BY account, window_name, source, reset_at"
BACK = "UPDATE tape_positions SET segment = '00000000-0000-0000-0000-000000000000'"
LOGIN = {"credential_kind": "oauth", "credential_hmac": HMAC}
KEY = {"credential_kind": "api_key", "credential_hmac": HMAC}


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The folder of a tape."""
    return tmp_path / "tape" / "host-0"


def unified(used: float, reset: datetime, status: str = "allowed", **more: str) -> tuple[tuple[str, str], ...]:
    """The headers of a subscription's answer about its five hours."""
    said = {"5h-utilization": str(used), "5h-reset": str(int(reset.timestamp())), "5h-status": status}
    said |= {name.replace("_", "-"): value for name, value in more.items()}
    return tuple((f"anthropic-ratelimit-unified-{name}", value) for name, value in said.items())


def taped(tape: Taping, headers: tuple[tuple[str, str], ...], *, says: bytes | None = None, **fields: Any) -> Call:
    """A whole call whose answer had these headers."""
    call = tape.begin(**(LOGIN | fields))
    tape.ask(call, asked())
    tape.head(call, headers=(*JSON, *headers))
    tape.chunk(call, answered() if says is None else says)
    tape.end(call)
    return call


async def everything(connection: Connection) -> list[list[dict[str, Any]]]:
    """All that is kept of windows, after the sums were found equal to what the rows say."""
    await check_usage(connection)
    kept = (OBSERVATIONS, WINDOWS, "SELECT * FROM rate_limits ORDER BY 1, 2, 3", SUMS)
    return [[dict(row) for row in await connection.fetch(query)] for query in kept]


def seen_at(call: Call) -> datetime:
    """When the head of a taped call came: ``Taping.end`` says after a millisecond."""
    return datetime.fromtimestamp((uuid7_ms(call.start.request_id) + 1) / 1000, UTC)


async def test_what_a_subscription_reports_is_kept(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Each window as it was said, when it was said, with what we have no column for; and the window it belongs to."""
    reset = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    with Taping(node, now_ms()) as tape:
        call = taped(tape, unified(0.25, reset, representative_claim="five_hour"))
    await drained(database_url, tmp_path)
    observed, windows, limits, sums = await everything(connection)
    assert [tuple(row.values())[:6] for row in observed] == [
        ("5h", "reported", seen_at(call), 0.25, "allowed", reset),
        ("unified", "reported", seen_at(call), None, None, None),
    ]
    assert [row["more"] and json.loads(row["more"]) for row in observed] == [
        None,
        {"representative-claim": "five_hour"},
    ]
    assert [(row["window_name"], row["peak"], row["rejected_at"]) for row in windows] == [
        ("5h", 0.25, None),
        ("unified", None, None),
    ]
    assert limits == []
    assert [(row["requests"], row["input_tokens"], row["output_tokens"]) for row in sums] == [(1, 10, 5)]


async def test_a_change_is_kept_and_a_repetition_is_not(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Within a minute each per cent, status and reset is there, with its last moment; the same again is no row."""
    reset = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    later = reset + timedelta(hours=4)
    minute = now_ms() // 60_000 * 60_000 - 60_000
    said = [(0.2, reset, "allowed")] * 40 + [(0.201, reset, "allowed"), (0.21, reset, "allowed_warning"),
            (0.21, later, "allowed_warning"), (1.0, later, "rejected")]  # fmt: skip
    with Taping(node, minute) as tape:
        calls = [taped(tape, unified(*one)) for one in said]
    await drained(database_url, tmp_path)
    observed, windows, *_ = await everything(connection)
    assert [(row["utilization"], row["reset_at"], row["status"]) for row in observed] == said[40:]
    assert [row["observed_at"] for row in observed] == [seen_at(call) for call in calls[40:]]
    assert [(row["reset_at"], row["peak"], row["first_at"], row["rejected_at"]) for row in windows] == [
        (reset, 0.21, seen_at(calls[0]), None),
        (later, 1.0, seen_at(calls[42]), seen_at(calls[43])),
    ]


async def test_what_an_api_key_reports(database_url: str, connection: Connection, tmp_path: Path, node: Path) -> None:
    """Its limits as they were said last, of each model; counting tokens has limits of its own."""

    def limits(remaining: int) -> tuple[tuple[str, str], ...]:
        said = {"limit": "4000", "remaining": str(remaining), "reset": "2026-11-20T12:00:00Z"}
        return tuple((f"anthropic-ratelimit-requests-{name}", value) for name, value in said.items())

    with Taping(node, now_ms()) as tape:
        for remaining in (3999, 3998):
            taped(tape, limits(remaining), **KEY)
        taped(tape, limits(7), says=answered(model="claude-haiku-4-5"), **KEY)
        taped(tape, limits(1), target="/v1/messages/count_tokens", **KEY)
    await drained(database_url, tmp_path)
    observed, _, kept, _ = await everything(connection)
    assert observed == []
    assert [(row["model"], row["name"], row["quota"], row["remaining"]) for row in kept] == [
        ("claude-haiku-4-5", "requests", 4000, 7),
        ("claude-opus-5-5", "requests", 4000, 3998),
    ]
    assert {row["reset_at"] for row in kept} == {datetime(2026, 11, 20, 12, tzinfo=UTC)}


async def test_a_client_that_asks_the_usage_endpoint(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """What it was told is kept as polled, beside what was reported; what is no such answer is nothing."""
    body = json.dumps({"five_hour": {"utilization": 12.0, "resets_at": "2026-11-20T12:00:00+00:00"}}).encode()
    with Taping(node, now_ms()) as tape:
        taped(tape, (), says=body, method="GET", target="/api/oauth/usage?x=1")
        taped(tape, (), says=b"no", method="GET", target="/api/oauth/usage")
        taped(tape, (), says=body, method="GET", target="/api/oauth/profile")
    await drained(database_url, tmp_path)
    observed, *_ = await everything(connection)
    assert [(row["window_name"], row["source"], row["utilization"]) for row in observed] == [("5h", "polled", 0.12)]


async def test_nobodys_call_and_our_own_answers_say_nothing(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Without a credential there is no account whose window it could be; the proxy's own head is no report."""
    with Taping(node, now_ms()) as tape:
        taped(tape, unified(0.5, datetime.now(UTC)), credential_kind=None, credential_hmac=None)
        call = tape.begin(**LOGIN)
        tape.end(call, Outcome.UPSTREAM_UNREACHABLE)
    await drained(database_url, tmp_path)
    observed, windows, limits, sums = await everything(connection)
    assert (observed, windows, limits) == ([], [], [])
    assert sorted(row["requests"] for row in sums) == [1, 1]


def hostile(dice: random.Random) -> tuple[tuple[str, str], ...]:
    """Headers of the family with odd names and values."""
    names = ["5h", "7d", "x" * 200, "5h-", "-", "ü", "a b", "unified", ""]
    members = ["utilization", "status", "reset", "whatever", "limit", "remaining"]
    values = ["", "1e99", "-1", "NaN", "0.5", "\x7f", "é" * 300, "99999999999999999999", "1795176000", "\\u0000"]
    prefixes = ["anthropic-ratelimit-unified-", "anthropic-ratelimit-"]
    return tuple(
        (f"{dice.choice(prefixes)}{dice.choice(names)}-{dice.choice(members)}", dice.choice(values)) for _ in range(40)
    )


async def test_hostile_headers_cost_no_call_its_record(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Whatever an upstream puts into the family, the call is recorded and nothing is put aside."""
    dice = random.Random(4)
    with Taping(node, now_ms()) as tape:
        for _ in range(60):
            taped(tape, hostile(dice), **dice.choice([LOGIN, KEY]))
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM requests WHERE outcome = 'ok'") == 60
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0
    await everything(connection)


def story(tape: Taping, dice: random.Random, count: int) -> None:
    """A busy account: rising utilisation, warnings, a reset that moves, a refusal; several trains and models."""
    reset = datetime.fromtimestamp(tape.now_ms // 1000, UTC) + timedelta(hours=1)
    for n in range(count):
        tape.now_ms += dice.randrange(20_000)
        moved = reset + timedelta(hours=4 if n > count // 2 else 0)
        status = "rejected" if n == count - 1 else dice.choice(["allowed", "allowed_warning"])
        says = answered(model=dice.choice(["claude-opus-5-5", "claude-haiku-4-5"]), tokens=(dice.randrange(900), n))
        taped(tape, unified(n / count, moved, status), says=says, train=dice.choice(["atlas", "borealis", "default"]))


async def test_replays_and_several_recorders_change_nothing(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    """Three tapes of one account, two recorders over both at once, then everything read again from the beginning."""
    dice = random.Random(7)
    for slot in range(3):
        with Taping(tmp_path / "tape" / f"host-{slot}", now_ms() - 3_600_000) as tape:
            story(tape, dice, 60)
    async with recording(database_url, tmp_path), recording(database_url, tmp_path):
        async with asyncio.timeout(60):
            while await connection.fetchval("SELECT count(*) FROM requests WHERE outcome IS NOT NULL") < 180:
                await asyncio.sleep(0.02)
    before = await everything(connection)
    assert sum(row["requests"] for row in before[3]) == 180
    assert {row["status"] for row in before[0]} == {"allowed", "allowed_warning", "rejected"}
    for _ in range(2):
        await connection.execute(BACK)
        await drained(database_url, tmp_path)
        assert await everything(connection) == before


async def test_the_order_of_recording_does_not_matter(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    """The same observations written one tape after another, in any order and cut anywhere, leave the same rows."""
    dice = random.Random(11)
    folders = [tmp_path / f"{slot}" for slot in range(4)]
    base = now_ms() // 60_000 * 60_000 - 600_000
    for slot, folder in enumerate(folders):
        with Taping(folder / "tape" / f"host-{slot}", base + slot) as tape:
            story(tape, dice, 15)
    kept: list[Any] = []
    for _ in range(2):
        dice.shuffle(folders)
        for folder in folders:
            await drained(database_url, folder)
        # Accounts are numbered as they come, so this one is the same both times; the rows of calls stay what they are.
        kept.append(await everything(connection))
        await connection.execute(
            "TRUNCATE requests, request_bodies, response_bodies, window_observations, account_windows, usage_hourly,"
            " usage_daily, usage_five_minutes, latency_hourly, request_notes, link_keys, wants, failures,"
            " conversations, branches, sessions"
        )
        await connection.execute(BACK)
    assert kept[0] == kept[1]


async def test_a_kill_after_the_commit_loses_and_doubles_nothing(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Killed between commit and delete, then read on, then from the beginning: all calls, each once."""
    with Taping(node, now_ms() - 600_000) as tape:
        story(tape, random.Random(3), 30)
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "proxy", "record", "--once"),
        env={
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "DATABASE_URL": database_url,
            "FOOTPLATE_DATA_DIR": str(tmp_path),
            "FOOTPLATE_FAILPOINT": "after_commit:kill",
        },
    )
    assert await killed.wait() == -signal.SIGKILL
    await everything(connection)
    await drained(database_url, tmp_path)
    after = await everything(connection)
    assert sum(row["requests"] for row in after[3]) == 30
    assert [row["peak"] for row in after[1] if row["rejected_at"] is not None] == [pytest.approx(29 / 30)]
    await connection.execute(BACK)
    await drained(database_url, tmp_path)
    assert await everything(connection) == after


async def test_a_rebuild_finds_it_all_again(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """From the stored answers: what was recorded before windows were kept, or is lost, comes back as it was."""
    with Taping(node, now_ms() - 600_000) as tape:
        story(tape, random.Random(5), 30)
        taped(tape, (("anthropic-ratelimit-requests-limit", "50"),), **KEY)
    await drained(database_url, tmp_path)
    before = await everything(connection)
    await connection.execute("TRUNCATE window_observations, account_windows, rate_limits, usage_five_minutes")
    for _ in range(2):
        await rebuilt(database_url)
        assert await everything(connection) == before


async def test_old_observations_are_forgotten(
    database_url: str, connection: Connection, tmp_path: Path, node: Path, database: Any
) -> None:
    """After 90 days what was observed goes; that there was such a window, and how full it became, stays."""
    with Taping(node, now_ms()) as tape:
        taped(tape, unified(0.5, datetime.now(UTC) + timedelta(hours=1)))
    await drained(database_url, tmp_path)
    for days, left in ((89, 1), (2, 0)):
        await connection.execute(
            "UPDATE window_observations SET observed_at = observed_at - make_interval(days => $1)", days
        )
        await database.execute("forget_window_observations")
        assert await connection.fetchval("SELECT count(*) FROM window_observations") == left
    assert await connection.fetchval("SELECT peak FROM account_windows") == 0.5
