"""A day of traffic through the tape and the recorder, and what became of it against the audit."""

import json
import random
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from core.models import Outcome
from tests.taping import Taping, asked, drained, now_ms
from tests.traffic.audit import Book, audit
from tests.traffic.upstream import Api, Exchange
from tests.usage_recount import TOKENS, check_usage

DAY_MS = 86_400_000
TRAINS = ("atlas", "borealis", "default")
NEAR = Fraction(1, 10**9)
COLUMNS = ", ".join(f"sum({name})::bigint AS {name}" for name in TOKENS)
HOURLY = f"SELECT model, {COLUMNS}, sum(cost_usd) AS cost_usd FROM usage_hourly GROUP BY model"  # noqa: S608


async def play(url: str, folder: Path, number: int, seed: int) -> Book:
    """Tape so many calls over the last hours, record them; the audit of the upstream's log."""
    api, log = Api(random.Random(seed)), folder / "upstream.jsonl"
    dice = random.Random(seed + 1)
    start = now_ms() - DAY_MS + 3_600_000
    step = (DAY_MS - 3_600_000) // (2 * number)
    with log.open("w") as lines:
        exchanges = iter(api.exchanges(number))
        for slot in range(2):
            with Taping(folder / "tape" / f"host-{slot}", start + slot * number * step) as tape:
                for n in range(number // 2):
                    if n % 500 == 0:
                        await tape.synced()
                    exchange = next(exchanges)
                    # Batches count once a train, so each stays in its own.
                    train = "default" if exchange.method == "GET" else dice.choice(TRAINS)
                    tape.now_ms += step
                    _tape(tape, exchange, train)
                    lines.write(json.dumps(exchange.log) + "\n")
    await drained(url, folder)
    return audit(log.read_text().splitlines())


def _tape(tape: Taping, exchange: Exchange, train: str) -> None:
    call = tape.begin(method=exchange.method, target=exchange.target, train=train)
    tape.ask(call, asked(stream="event-stream" in exchange.content_type) if exchange.method == "POST" else b"")
    tape.head(call, exchange.status, (("content-type", exchange.content_type), ("request-id", "req_1")))
    tape.chunk(call, exchange.sent)
    tape.end(call, Outcome.OK if exchange.whole else Outcome.CLIENT_CANCELLED)


async def compare(connection: Any, book: Book) -> Mapping[str, Any]:
    """Raises AssertionError where a token, or more than 1e-9 dollars, is another; the sums of all."""
    rows = await connection.fetch(HOURLY)
    ours = {row["model"]: [row[name] for name in TOKENS] for row in rows}
    theirs = {model: sums[:8] for model, sums in book.models.items()}
    booked = {model: sums for model, sums in ours.items() if model in theirs or any(sums)}
    assert booked == theirs
    for row in rows:
        usd = book.models[row["model"]][8]
        assert abs(Fraction(row["cost_usd"]) - usd) <= NEAR, (row["model"], row["cost_usd"], float(usd))
    whole = await connection.fetchval("SELECT sum(cost_usd) FROM requests")
    exact = sum((sums[8] for sums in book.models.values()), Fraction(0))
    assert abs(Fraction(whole) - exact) <= NEAR, (whole, float(exact))
    assert await connection.fetchval("SELECT sum(unpriced) FROM usage_hourly") == book.unpriced
    await check_usage(connection)
    tokens = [sum(sums[place] for sums in theirs.values()) for place in range(8)]
    return {"usd": Decimal(whole), "unpriced": book.unpriced, **dict(zip(TOKENS, tokens, strict=True))}
