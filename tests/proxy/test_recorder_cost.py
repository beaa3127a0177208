"""What requests cost, from a real tape into a real Postgres: rows, roll-ups, batches, and pricing again."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core import pricing
from core.models import Outcome
from core.settings import read
from proxy.recorder import reprice
from proxy.recorder.reprice import Period, Reprice
from sql.database import Database
from tests.proxy.test_recorder_linking import REWIND
from tests.recordings import sse
from tests.taping import JSON, STREAM, Taping, answered, asked, drained, now_ms
from tests.usage_recount import check_usage

Connection = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The folder of a tape."""
    return tmp_path / "tape" / "host-0"


async def costs(connection: Connection) -> list[tuple[Any, ...]]:
    """What requests cost, in the order of their starts."""
    rows = await connection.fetch(
        "SELECT cost_usd, price_id, cost_estimated, cost_reason FROM requests ORDER BY started_at, id"
    )
    return [tuple(row) for row in rows]


def streamed(**usage: Any) -> bytes:
    """The stream of a message with this usage."""
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "well"}], "usage": usage,
    }  # fmt: skip
    return sse(message)


async def test_each_request_has_its_cost_or_says_why_not(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Whole and broken answers, errors, unknown models, calls that cost nothing: cost, price, estimate and reason."""
    stream = streamed(input_tokens=100, output_tokens=10)
    with Taping(node, now_ms()) as tape:
        tape.whole(says=answered(tokens=(100, 7)))
        tape.whole(says=answered(model="claude-opus-99"))
        cut = tape.begin()
        tape.ask(cut, asked(stream=True))
        tape.head(cut, headers=STREAM)
        tape.chunk(cut, stream[: stream.index(b"event: message_delta")])
        tape.end(cut, Outcome.CLIENT_CANCELLED)
        mute = tape.begin()
        tape.ask(mute, asked(stream=True))
        tape.head(mute, headers=STREAM)
        tape.end(mute, Outcome.CLIENT_CANCELLED)
        refused = tape.begin()
        tape.ask(refused, asked())
        tape.head(refused, status=529)
        tape.chunk(refused, b'{"type": "error", "error": {"type": "overloaded_error", "message": "no"}}')
        tape.end(refused)
        tape.whole(method="GET", target="/v1/models", asks=b"", says=b'{"data": []}')
    await drained(database_url, tmp_path)
    found = await costs(connection)
    assert found[0] == (Decimal("0.00054"), "claude-opus-5-5", False, None)  # 100*4 + 7*20
    assert found[1] == (None, None, None, pricing.UNKNOWN_MODEL)
    assert found[2][1:] == ("claude-opus-5-5", True, pricing.BROKEN_OFF)
    assert found[3] == (None, None, None, pricing.NO_USAGE)
    assert found[4:] == [(None, None, None, None)] * 2
    await check_usage(connection)


def results(*messages: tuple[str, int, int], errors: int = 0) -> bytes:
    """The results of a batch as the API gives them: models with their tokens, and what went wrong."""
    lines = [
        {"custom_id": f"c{n}", "result": {"type": "succeeded", "message": json.loads(answered(model=m, tokens=(i, o)))}}
        for n, (m, i, o) in enumerate(messages)
    ]
    lines += [{"custom_id": f"e{n}", "result": {"type": "errored", "error": {}}} for n in range(errors)]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def fetched(tape: Taping, body: bytes, *, batch: str = "msgbatch_1", cut: int | None = None, **fields: Any) -> None:
    """A call that fetched the results of a batch, whole or cut."""
    call = tape.begin(method="GET", target=f"/v1/messages/batches/{batch}/results", **fields)
    tape.head(call, headers=(("content-type", "application/x-jsonl"), *JSON[1:]))
    tape.chunk(call, body[:cut])
    tape.end(call, Outcome.OK if cut is None else Outcome.CLIENT_CANCELLED)


TWO_MODELS = results(
    ("claude-opus-5-5", 1000, 100), ("claude-haiku-4-5", 500, 10), ("claude-opus-5-5", 10, 1), errors=2
)
BATCH = """SELECT model, requests, input_tokens, output_tokens, cost_usd FROM usage_hourly
    WHERE train = (SELECT train FROM trains WHERE name = $1) ORDER BY model"""


async def test_a_batch_costs_half_and_counts_once(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Each model its own; fetched again, in part before, and read again from the tape, nothing is added."""
    with Taping(node, now_ms()) as tape:
        fetched(tape, TWO_MODELS, cut=len(TWO_MODELS) - 9)
        await tape.synced()
        await drained(database_url, tmp_path)
        assert await costs(connection) == [(None, None, None, pricing.NOT_WHOLE)]
        fetched(tape, TWO_MODELS)
        fetched(tape, TWO_MODELS)
    await drained(database_url, tmp_path)
    half = Decimal("0.003030") + Decimal("0.000275")  # (1010*4 + 101*20)/2 and (500*1 + 10*5)/2
    assert await costs(connection) == [
        (None, None, None, None),  # what it brought is known now
        (half, "claude-opus-5-5+claude-haiku-4-5", False, None),
        (None, None, None, None),
    ]
    booked = [
        ("", 3, 0, 0, Decimal(0)),
        ("claude-haiku-4-5", 0, 500, 10, Decimal("0.000275")),
        ("claude-opus-5-5", 0, 1010, 101, Decimal("0.00303")),
    ]
    assert [tuple(row) for row in await connection.fetch(BATCH, "default")] == booked
    row = await connection.fetchrow("SELECT input_tokens, usage_complete, batch_id FROM requests WHERE batch_id <> ''")
    assert tuple(row or ()) == (1510, True, "msgbatch_1")
    await check_usage(connection)
    await connection.execute(REWIND)
    await drained(database_url, tmp_path)
    assert [tuple(row) for row in await connection.fetch(BATCH, "default")] == booked
    with Taping(node, now_ms()) as tape:
        fetched(tape, TWO_MODELS)
        fetched(tape, TWO_MODELS, train="atlas")
        fetched(tape, results(("claude-opus-99", 5, 5), ("claude-opus-5-5", 10, 0)), batch="msgbatch_2", train="atlas")
    await drained(database_url, tmp_path)
    assert [tuple(row) for row in await connection.fetch(BATCH, "default")] == [("", 4, 0, 0, Decimal(0)), *booked[1:]]
    assert (await costs(connection))[-1] == (Decimal("0.00002"), "claude-opus-5-5", True, pricing.UNKNOWN_MODEL)
    await check_usage(connection)


async def priced_again(url: str, **given: Any) -> None:
    """What ``footplate reprice`` does."""
    settings = read({"DATABASE_URL": url}, Path("/nonexistent"))
    await reprice.run(settings, **({"train": None, "period": Period(), "dry_run": False} | given))


OWN = """WITH own AS (
    INSERT INTO prices (model, valid_from, input, output, cache_write_5m, cache_write_1h, cache_read, created_by)
    VALUES ($1, $2, 1, 2, 3, 4, 5, 'test'))
UPDATE installation SET price_changes = price_changes + 1"""


async def recorded(url: str, folder: Path, node: Path) -> None:
    """Calls of two trains, some at a price, a conversation, a batch."""
    with Taping(node, now_ms()) as tape:
        for n in range(12):
            tape.whole(train="atlas" if n % 3 else "default", says=answered(f"{n}", tokens=(100 + n, 7)))
            tape.whole(says=answered(model="our-model", tokens=(10, 1)))
        fetched(tape, TWO_MODELS)
        fetched(tape, results(("our-model", 10, 10)), batch="msgbatch_2")
    await drained(url, folder)


async def test_pricing_again_prices_as_recording_does(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """After an own price came, old requests cost what new ones do, in roll-ups and conversations too; and back."""
    await recorded(database_url, tmp_path, node)
    before = await costs(connection)
    await connection.execute(OWN, "our-model", None)
    await priced_again(database_url, dry_run=True)
    assert await costs(connection) == before
    await priced_again(database_url)
    after = await costs(connection)
    own = (Decimal("0.000012"), "own/1", False, None)  # 10*1 + 1*2
    assert [now for was, now in zip(before, after, strict=True) if was != now] == [own] * 12 + [
        (Decimal("0.000015"), "own/1", False, None)  # (10*1 + 10*2)/2
    ]
    await check_usage(connection)
    with Taping(node, now_ms()) as tape:
        tape.whole(says=answered(model="our-model", tokens=(10, 1)))
    await drained(database_url, tmp_path)
    assert (await costs(connection))[-1] == own
    await connection.execute("UPDATE prices SET deleted_at = now(), deleted_by = 'test'")
    await connection.execute("UPDATE installation SET price_changes = price_changes + 1")
    await priced_again(database_url)
    assert await costs(connection) == [*before, (None, None, None, pricing.UNKNOWN_MODEL)]
    await check_usage(connection)


async def test_a_period_of_one_train(database_url: str, connection: Connection, tmp_path: Path, node: Path) -> None:
    """Only requests of the train and the period change; the bounds are those of their ids."""
    await recorded(database_url, tmp_path, node)
    await connection.execute(OWN, "claude-opus-5-5", None)
    rows = await connection.fetch(
        "SELECT id, started_at FROM requests JOIN trains USING (train) WHERE name = 'atlas' ORDER BY id"
    )
    since, until = rows[2]["started_at"], rows[5]["started_at"]
    floor = datetime.fromtimestamp(int(since.timestamp() * 1000) / 1000, UTC)
    await priced_again(database_url, train="atlas", period=Period(floor, until))
    changed = await connection.fetch("SELECT id FROM requests WHERE price_id = 'own/1' ORDER BY id")
    assert [row["id"] for row in changed] == [row["id"] for row in rows[2:5]]
    await check_usage(connection)
    late = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(Exception, match="--until"):
        await priced_again(database_url, period=Period(late, late))


async def test_what_was_broken_off_goes_on(
    database_url: str,
    database: Database,
    connection: Connection,
    tmp_path: Path,
    node: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed after two portions it goes on behind them; prices that changed meanwhile make it begin anew."""
    await recorded(database_url, tmp_path, node)
    await connection.execute(OWN, "our-model", None)
    monkeypatch.setattr(reprice, "CALLS", 4)
    train = await connection.fetchval("SELECT train FROM trains WHERE name = 'default'")
    kept, portions = Reprice._reprice, list[int]()

    async def failing(self: Reprice, rows: Any) -> Any:
        portions.append(len(rows))
        if len(portions) == 3:
            raise KeyboardInterrupt
        return await kept(self, rows)

    monkeypatch.setattr(Reprice, "_reprice", failing)
    with pytest.raises(KeyboardInterrupt):
        await Reprice(database, train, Period()).run()
    await check_usage(connection)
    ledger = await Reprice(database, train, Period()).run()
    total = await connection.fetchval("SELECT count(*) FROM requests WHERE train = $1", train)
    assert ledger.count == total == sum(portions) - portions[2]
    assert await connection.fetchval("SELECT repriced FROM reprices WHERE train = $1", train) == total
    await check_usage(connection)
    await connection.execute(OWN, "our-model", None)
    portions.clear()
    portions += [0] * 10
    await Reprice(database, train, Period()).run()
    assert sum(portions) == total
