"""How long queries and pages take over a million requests: ``python -m tests.bench.dashboard [--rounds N]``.

A million requests of 30 days in 20,000 conversations of three trains are made by ``generate_series``, rolled up by the
product's own statements, and asked by the product's own queries; against the figures of performance.md. Times are the
server's own (EXPLAIN ANALYZE), warm, the median of eleven; beside it the CPU that the statement took, planning and
sending with it, which a busy machine does not spoil. Then a dashboard is started on the same database and its pages are
opened. Appended to RESULTS.md.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from deploy.postgres import EmbeddedPostgres
from sql.loader import queries
from sql.migrator import migrate
from sql.union import union
from tests.bench.report import append
from tests.bench.visits import LISTS, OTHER, Pages, table, visited
from tests.conversation_scenes import small_talk
from tests.observed import say

Connection = "asyncpg.Connection[asyncpg.Record]"
REQUESTS, TALKS, DAYS = 1_000_000, 20_000, 30
TIMES = 11
FILL = f"""
UPDATE installation SET created_at = now() - interval '{DAYS + 2} days';
SELECT make_partitions(3);
INSERT INTO trains (name) VALUES ('atlas'), ('borealis'), ('caspian');
INSERT INTO accounts (account_id, kind, strength) VALUES ('key-1', 'api_key', 'api_key'), ('oauth-1', 'oauth', 'hmac');
INSERT INTO requests (train, id, node, account, method, path, request_type, model, answered_model, outcome, status_code,
    input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ephemeral_5m_input_tokens,
    cost_usd, price_id, cost_estimated, started_at, ended_at, ttft_us, duration_us, conversation_id, branch_id,
    deriver_version)
SELECT 1 + n.talk % 3, (left(uuid7_floor(n.at)::text, 24) || lpad(to_hex(n.n), 12, '0'))::uuid, 'host-0',
    1 + n.talk % 2, 'POST', '/v1/messages', CASE WHEN n.n % 7 = 0 THEN 'query_evaluation' ELSE 'inference' END, n.model,
    n.model, CASE WHEN n.n % 40 = 0 THEN 'upstream_error' ELSE 'ok' END, 200, 500 + n.n % 300, 100 + n.n % 900,
    n.n % 2000, n.n % 90000, n.n % 2000, (n.n % 9000) / 100000.0, n.model, n.n % 50 = 0, n.at, n.at + interval '9 s',
    300000 + n.n % 900000, 1000000 + (n.n::bigint * 7919) % 40000000, uuid7_floor(n.begun), 'main', 1
FROM (
    SELECT g AS n, g / {REQUESTS // TALKS} AS talk,
        (ARRAY['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-4-5', 'claude-opus-5'])[1 + g % 4] AS model,
        now() - interval '{DAYS} days' + g * interval '{DAYS} days' / {REQUESTS} AS at,
        now() - interval '{DAYS} days' + (g / {REQUESTS // TALKS}) * interval '60 s' AS begun
    FROM generate_series(1, {REQUESTS} - 1) AS g
) AS n;
INSERT INTO conversations (train, conversation_id, title, account, first_at, last_at, message_count, cost_usd,
    input_tokens, output_tokens, latest_request)
SELECT train, conversation_id, 'A talk', min(account), min(started_at), max(ended_at), count(*), sum(cost_usd),
    sum(input_tokens), sum(output_tokens), max(id::text)::uuid
FROM requests GROUP BY train, conversation_id;
"""  # noqa: S608 - numbers of ours
NONE, LAST = "NULL, NULL, NULL", "'9999-12-31', 'ffffffff-ffff-ffff-ffff-ffffffffffff'"
ALL = "'{1,2,3}'"
PAGE = "'-infinity', NULL, NULL, NULL, false, false, false, false, false, NULL, 50, 2, 3"


@dataclass(frozen=True)
class Case:
    """A query, what it is asked, and how many milliseconds it may take."""

    name: str
    query: str
    arguments: str
    most: float


def main() -> int:
    """Measure, print, write down; 1 where a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md alone")
    parser.add_argument("--rounds", type=int, default=40, help="how often each page is opened")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)  # Postgres runs as a user of its own
        server = EmbeddedPostgres(Path(place) / "pg")
        server.start()
        try:
            queried, slow = asyncio.run(measured(server.url))
            opened, heavy = asyncio.run(_opened(server.url, Path(place), options.rounds))
        finally:
            server.stop()
    text = f"{queried}\n\n{opened}"
    print(text)
    if not options.no_write:
        append(text, sys.argv[1:], module="tests.bench.dashboard")
    return int(slow or heavy)


async def measured(url: str) -> tuple[str, bool]:
    """The report, and whether any figure was missed."""
    await migrate(url)
    connection = await asyncpg.connect(url, timeout=60)
    try:
        began = time.monotonic()
        await connection.execute(FILL, timeout=1800)
        for train in (1, 2, 3):
            for each in ("rebuild_count_hours", "rebuild_count_days"):
                await connection.execute(
                    queries()[each].text, train, "00000000-0000-0000-0000-000000000000", timeout=900
                )
        await connection.execute("VACUUM ANALYZE", timeout=900)
        filled = time.monotonic() - began
        cases = await _cases(connection)
        lines = ["| query | ms, median | at most | CPU ms | reads |", "|---|--:|--:|--:|---|"]
        missed = False
        for case in cases:
            took, spent, tables = await _timed(connection, case)
            missed |= took > case.most
            verdict = "" if took <= case.most else " **missed**"
            lines.append(
                f"| {case.name} | {took:.2f}{verdict} | {case.most:g} | {spent:.2f} | {', '.join(sorted(tables))} |"
            )
        counts = await _counts(connection)
    finally:
        await connection.close()
    return f"{counts}; filled in {filled:.0f} s.\n\n" + "\n".join(lines), missed


async def _cases(connection: Connection) -> list[Case]:
    deep = await connection.fetchrow(
        "SELECT last_at, conversation_id FROM conversations ORDER BY last_at OFFSET 10 LIMIT 1"
    )
    # Up to the end of the running hour, as the product asks.
    now = "date_trunc('hour', now(), 'UTC') + interval '1 hour'"
    day, month = f"now() - interval '24 hours', {now}", f"now() - interval '30 days', {now}"
    asked_series = f"{ALL}, {month}, 'day', 'Europe/Zurich', 'model', {NONE}"
    by_slot = f"{ALL}, {month}, 'day', 'Europe/Zurich', 'model', 'Europe/Zurich', true"
    conversations = union(queries()["conversations_newest"], 3)
    return [
        Case("statistics of 24 h", "statistics_of_period", f"{ALL}, {day}", 1),
        Case("statistics of all time", "statistics_of_period", f"{ALL}, '2000-01-01', now()", 10),
        Case("totals of all time by train, model and type", "totals_by_train", ALL, 20),
        Case("token statistics of all time", "token_stats", "", 20),
        Case("30 days by day and model", "usage_series", asked_series, 20),
        Case("30 days by day and model, for the page", "usage_by_slot", by_slot, 50),
        Case("latency of 24 h", "usage_latency", f"{ALL}, {day}, NULL", 5),
        Case("a window of 5 h", "usage_of_accounts", f"{ALL}, '{{1}}', now() - interval '5 hours', now()", 1),
        Case("conversations, page 1", conversations, f"1, {LAST}, {PAGE}", 1),
        Case("conversations, the last page", conversations, f"1, '{deep[0]}', '{deep[1]}', {PAGE}", 1),
        Case("requests, first page", union(queries()["requests_newest"], 3), _requests(), 1),
        Case(
            "30 days by day and model, in India",
            "usage_series",
            asked_series.replace("Europe/Zurich", "Asia/Kolkata"),
            20,
        ),
        Case("the dearest conversations of 30 days", "dearest_conversations", f"{ALL}, {month}, 8", 50),
    ]


async def _opened(url: str, folder: Path, rounds: int) -> tuple[str, bool]:
    """The pages of usage and requests."""
    connection = await asyncpg.connect(url, timeout=60)
    try:
        await _windows(connection)
        talk = await small_talk(connection)
        middle = await connection.fetchval("SELECT id FROM requests WHERE train = 1 ORDER BY id OFFSET 100000 LIMIT 1")
        await connection.execute("ANALYZE window_observations, account_windows")
    finally:
        await connection.close()
    found = await visited(url, folder, _pages(talk.asked[-1].id, middle), rounds)
    said = f"Pages over it, {rounds} visits each; load {os.getloadavg()[0]:.1f}."
    return "\n".join([said, "", *table(found)]), any(one.missed for one in found)


def _pages(request: UUID, deep: UUID) -> Pages:
    """By name; ``deep`` is a request far down the list."""
    return {
        "overview": ("/overview", OTHER),
        "overview of 30 days by model, in India": ("/overview?range=30d&by=model&tz=Asia/Kolkata", OTHER),
        "overview of all time": ("/overview?range=all", OTHER),
        "windows": ("/windows", OTHER),
        "windows of an account": ("/windows/oauth-1", OTHER),
        "cost": ("/cost", OTHER),
        "cost of all time by model": ("/cost?range=all&by=model", OTHER),
        "prices": ("/prices", OTHER),
        "requests": ("/requests", LISTS),
        "requests, deep": (f"/requests?before={deep}", LISTS),
        "requests, one model of one train": ("/requests?trainId=atlas&model=claude-opus-5", LISTS),
        "a request": (f"/requests/{request}", OTHER),
        "API: /api/stats": ("/api/stats", OTHER),
        "API: /api/stats of all time": ("/api/stats?since=2000-01-01", OTHER),
        "API: /api/token-usage/daily": ("/api/token-usage/daily?tz=Europe/Zurich", OTHER),
        "API: /api/token-usage/current": ("/api/token-usage/current?accountId=oauth-1", OTHER),
        "API: /api/usage/requests/hourly": ("/api/usage/requests/hourly", OTHER),
        "API: /api/windows": ("/api/windows", OTHER),
        "API: /api/requests": ("/api/requests", LISTS),
        "API: /api/requests/{id}": (f"/api/requests/{request}", OTHER),
    }


async def _windows(connection: Connection) -> None:
    """A month of five-hour and seven-day windows of the subscription, seen every five minutes."""
    account = await connection.fetchval("SELECT account FROM accounts WHERE account_id = 'oauth-1'")
    now = datetime.now(UTC)
    for name, length in (("5h", timedelta(hours=5)), ("7d", timedelta(days=7))):
        begun = now - timedelta(days=DAYS)
        while begun < now:
            steps = int(min(length, now - begun) / timedelta(minutes=5))
            seen = [
                (begun + n * timedelta(minutes=5), round(0.9 * n * timedelta(minutes=5) / length, 3))
                for n in range(steps)
            ]
            if seen:
                await say(connection, account, name, seen, reset=begun + length)
            begun += length


def _requests() -> str:
    lowest, highest = "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
    return f"1, {highest}, {lowest}, {', '.join(['NULL'] * 13)}, 50, 2, 3"


async def _timed(connection: Connection, case: Case) -> tuple[float, float, set[str]]:
    """Milliseconds it took, those of CPU, and what it reads."""
    text = queries()[case.query].text if case.query in queries() else case.query
    lists = text is case.query
    async with connection.transaction():
        if lists:
            # As the pages plan them (plan_in_order).
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_sort = off")
        await connection.execute(f"PREPARE asked AS {text}")
        given = f"({case.arguments})" if case.arguments else ""
        plans = [
            json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE asked{given}"))[0]
            for _ in range(TIMES)
        ]
        server = await connection.fetchval("SELECT pg_backend_pid()")
        before = _cpu_ms(server)
        for _ in range(TIMES):
            await connection.fetch(f"EXECUTE asked{given}")
        spent = (_cpu_ms(server) - before) / TIMES
        await connection.execute("DEALLOCATE asked")
    return statistics.median(plan["Execution Time"] for plan in plans), spent, _tables(plans[0]["Plan"])


def _cpu_ms(process: int) -> float:
    """What a process has used so far (proc(5), schedstat: nanoseconds)."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e6


def _tables(node: dict[str, object]) -> set[str]:
    own = {str(node["Relation Name"])[:18]} if "Relation Name" in node else set()
    inner = node.get("Plans", [])
    return own.union(*(_tables(each) for each in inner)) if isinstance(inner, list) else own


async def _counts(connection: Connection) -> str:
    tables = ("requests", "conversations", "usage_hourly", "usage_daily", "latency_hourly", "usage_five_minutes")
    counts = [f"{await connection.fetchval(f'SELECT count(*) FROM {table}'):,} {table}" for table in tables]  # noqa: S608
    version = await connection.fetchval("SHOW server_version")
    return f"Postgres {version}: " + ", ".join(counts)


if __name__ == "__main__":
    sys.exit(main())
