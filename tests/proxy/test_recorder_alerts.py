"""What the recorder raises itself, from a real tape into a real Postgres: in the transaction that causes it, once."""

import json
from pathlib import Path

import pytest

from core.alerts.told import Told
from tests.proxy.test_recorder_faults import refuse
from tests.proxy.test_recorder_linking import REWIND
from tests.taping import Eventually, Taping, answered, drained, now_ms, recording

Connection = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The folder of a tape."""
    return tmp_path / "tape" / "host-0"


async def alerts(connection: Connection, kind: str) -> list[tuple[str, str, Told]]:
    """Train, subject and words of the alerts of a kind, in the order they were raised."""
    rows = await connection.fetch(
        "SELECT t.name, a.subject, a.told FROM alerts AS a LEFT JOIN trains AS t USING (train) WHERE a.kind = $1"
        " ORDER BY a.alert",
        kind,
    )
    return [(row["name"], row["subject"], Told.model_validate_json(row["told"])) for row in rows]


async def test_a_model_without_a_price_is_told_once_a_train(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Not for each call, not after a restart, not when the tape is read again; for another train it is news."""
    with Taping(node, now_ms()) as tape:
        tape.whole(says=answered(model="claude-opus-99"))
        tape.whole(says=answered(model="claude-opus-99"))
        tape.whole(says=answered())
        tape.whole(says=answered(model="claude-opus-99"), train="atlas")
        await tape.synced()
        await drained(database_url, tmp_path)
        tape.whole(says=answered(model="claude-opus-99"))
    await drained(database_url, tmp_path)
    await connection.execute(REWIND)
    await drained(database_url, tmp_path)
    found = await alerts(connection, "unknown_model")
    assert [(train, subject) for train, subject, _ in found] == [
        ("default", "default/claude-opus-99"),
        ("atlas", "atlas/claude-opus-99"),
    ]
    assert found[0][2].title == "Model without a price: claude-opus-99"
    assert ("Train", "default") in found[0][2].fields


async def test_a_model_that_was_over_is_told_again(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Its price was known for a while and then taken back: the next call is a new incident."""
    async with recording(database_url, tmp_path):
        with Taping(node, now_ms()) as tape:
            tape.whole(says=answered(model="claude-opus-99"))
            await Eventually(connection).says(1, "SELECT count(*) FROM alerts")
            await connection.execute("UPDATE alerts SET recovered_at = now()")
            await connection.execute("UPDATE installation SET price_changes = price_changes + 1")
            tape.whole(says=answered(model="claude-opus-99"))
            await Eventually(connection).says(2, "SELECT count(*) FROM alerts")


async def test_a_failed_transaction_raises_nothing_and_forgets_nothing(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """The batch is refused after its alert was raised, and written in halves: then it is raised."""
    await refuse(connection, "response_bodies", "NEW.size = 7")
    with Taping(node, now_ms()) as tape:
        tape.whole(says=answered(model="claude-opus-99"))
        tape.whole(says=b"refused")
    await drained(database_url, tmp_path)
    assert len(await alerts(connection, "unknown_model")) == 1


async def test_no_name_of_a_stranger_breaks_or_tells_a_secret(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """A model called by a NUL, half a character, a key or an endless word costs its call nothing."""
    key = "sk-ant-api03-" + "a1B2" * 20
    with Taping(node, now_ms()) as tape:
        for name in ("n\x00\ud800" + "y" * 5000, f"model {key}"):
            says = json.loads(answered()) | {"model": name}
            tape.whole(says=json.dumps(says).encode())
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0
    assert await connection.fetchval("SELECT count(*) FROM requests WHERE outcome = 'ok'") == 2
    found = await alerts(connection, "unknown_model")
    assert {told.title for _, _, told in found} == {
        "Model without a price: n\ufffd\ufffd" + "y" * 156 + "…",
        "Model without a price: model [masked]",
    }
    assert await connection.fetchval("SELECT count(*) FROM alerts WHERE alerts::text LIKE '%a1B2%'") == 0


async def test_calls_put_aside_are_one_incident_an_hour(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Raised with the letter, whatever the number of letters, and never with a word of the call."""
    await refuse(connection, "requests", "NEW.answered_model = 'poison'")
    with Taping(node, now_ms()) as tape:
        for _ in range(3):
            tape.whole(says=answered("hush", model="poison"), train="atlas")
        tape.whole()
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 3
    [(train, _, told)] = await alerts(connection, "dead_letters")
    assert train is None
    assert {("Train", "atlas"), ("Postgres says", "22023")} <= set(told.fields)
    assert "hush" not in told.model_dump_json()


async def test_the_recorder_says_how_full_its_tape_is(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """With its position, and while nothing is recorded with its heartbeat."""
    async with recording(database_url, tmp_path, tape_max_bytes=123 << 20):
        with Taping(node, now_ms()) as tape:
            tape.whole()
            await Eventually(connection).says(123 << 20, "SELECT tape_max_bytes FROM tape_positions")
            assert 0 < await connection.fetchval("SELECT tape_bytes FROM tape_positions") < 1 << 20
            await connection.execute("UPDATE tape_positions SET tape_bytes = NULL, tape_max_bytes = NULL")
            await Eventually(connection).says(123 << 20, "SELECT tape_max_bytes FROM tape_positions")
