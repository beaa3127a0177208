"""What the database may do to the recorder: refuse a row, go away, belong to another recorder or version."""

import asyncio
import json
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from core.tape import Decoder, Frame, Kind
from deploy.postgres import EmbeddedPostgres
from proxy.recorder import claim
from proxy.recorder.letters import SEGMENT
from proxy.recorder.line import Line
from proxy.recorder.service import services
from proxy.recorder.writing import FenceLostError
from sql.migrator import migrate
from tests.taping import Eventually, Taping, answered, asked, drained, now_ms, recording

Connection = "asyncpg.Connection[asyncpg.Record]"
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no' USING ERRCODE = '22023';
END $$"""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The folder of a tape."""
    return tmp_path / "tape" / "host-0"


async def refuse(connection: Connection, table: str, when: str) -> None:
    """From now on the database can never take rows of this kind."""
    await connection.execute(REFUSE)
    await connection.execute(
        f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse()"
    )


async def test_a_poison_row_is_put_aside_and_the_others_go_on(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Of nine calls of one batch one is refused: eight are whole, one is a dead letter with all its frames."""
    await refuse(connection, "requests", "NEW.answered_model = 'poison'")
    with Taping(node, now_ms()) as tape:
        for _ in range(4):
            tape.whole()
        bad = tape.whole(says=answered(model="poison"))
        for _ in range(4):
            tape.whole()
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM requests WHERE outcome = 'ok' AND parse_error IS NULL") == 8
    letter = await connection.fetchrow("SELECT * FROM dead_letters")
    assert letter is not None
    assert (letter["request_id"], letter["node"], letter["sqlstate"]) == (bad.start.request_id, "host-0", "22023")
    frames = [frame for frame in Decoder(SEGMENT).feed(letter["raw"]) if isinstance(frame, Frame)]
    assert [frame.kind for frame in frames] == [Kind.START, Kind.BODY, Kind.HEAD, Kind.CHUNK, Kind.END]
    assert frames[1].payload == asked()
    assert frames[3].payload == answered(model="poison")
    # It is still to be seen that there was a call, and how it ended.
    bare = await connection.fetchrow("SELECT * FROM requests WHERE id = $1", bad.start.request_id)
    assert bare is not None
    assert (bare["outcome"], bare["status_code"], bare["answered_model"]) == ("ok", 200, None)
    assert "dead letter" in bare["parse_error"]
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT sum(requests) FROM usage_hourly") == 9


async def test_a_row_that_is_refused_in_every_form_is_only_a_dead_letter(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Even its bare row is refused: the in-flight row goes away, the line goes on."""
    with Taping(node, now_ms()) as tape:
        bad = tape.begin()
        await tape.synced()
        await drained(database_url, tmp_path)
        await refuse(connection, "requests", f"NEW.id = '{bad.start.request_id}'")
        tape.end(bad)
        good = tape.whole()
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 1
    assert [row["id"] for row in await connection.fetch("SELECT id FROM requests")] == [good.start.request_id]


async def test_a_body_the_database_refuses_is_poison_too(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """What hangs on a row is refused with it: no row without its bodies."""
    await refuse(connection, "response_bodies", "NEW.size = 7")
    with Taping(node, now_ms()) as tape:
        tape.whole(says=b"refused")
        tape.whole()
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 1
    assert await connection.fetchval("SELECT count(*) FROM response_bodies") == 1


async def test_no_text_or_number_of_a_stranger_is_poison(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """NUL, lone surrogates, endless names, numbers beyond any column: readable in the columns, exact in the bodies."""
    hostile = "\x00a\ud800b" + "x" * 5000
    usage = {"input_tokens": 10**30, "output_tokens": 9**18, "cache_read_input_tokens": -5}
    content = [{"type": "text", "text": "nul \x00 end"}]
    message = {"id": "m", "type": "message", "model": "n\x00" + "y" * 5000, "content": content, "usage": usage}
    says = json.dumps(message | {"stop_reason": "end_turn"}).encode()
    asks = json.dumps({"model": hostile, "messages": [{"role": "user", "content": "\ud83d"}]}).encode()
    with Taping(node, now_ms()) as tape:
        tape.whole(asks=asks, says=says, headers=(("user-agent", hostile), ("x", "\ud800")))
        tape.whole(asks=b'\xef\xbb\xbf{"a":NaN}', says=b"[" * 100_000)
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0
    bodies = await connection.fetch("SELECT request_body(train, id) AS body, raw FROM response_bodies")
    assert sorted((row["body"], row["raw"]) for row in bodies) == sorted(
        [(asks, says), (b'\xef\xbb\xbf{"a":NaN}', b"[" * 100_000)]
    )
    await connection.fetch("SELECT * FROM api_requests")


async def test_months_that_are_missing_are_made(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """A row without a partition is no dead letter."""
    partitions = await connection.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits JOIN pg_class ON oid = inhparent"
        " WHERE relkind = 'p' AND relname = 'requests'"
    )
    with Taping(node, now_ms()) as tape:
        tape.whole()
    async with services(database_url, asyncio.Event()) as shared:
        for partition in partitions:
            await connection.execute(f"DROP TABLE {partition['name']}")
        line = Line(shared, node, await claim.take(shared.database, node.name))
        await line.drain()
    assert await connection.fetchval("SELECT count(*) FROM requests") == 1
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0


async def test_of_two_recorders_on_one_tape_only_the_later_one_writes(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Past the lock file the generation decides: the earlier one lets go, and every call counts once."""
    with Taping(node, now_ms()) as tape:
        tape.whole()
        await tape.synced()
        async with services(database_url, asyncio.Event()) as shared:
            first = Line(shared, node, await claim.take(shared.database, node.name))
            second = Line(shared, node, await claim.take(shared.database, node.name))
            with pytest.raises(FenceLostError):
                await first.drain()
            assert await connection.fetchval("SELECT count(*) FROM requests") == 0
            await second.drain()
    assert await connection.fetchval("SELECT sum(requests) FROM usage_hourly") == 1


async def test_recorders_share_tapes_and_adopt_orphans(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """A tape is read by one of two recorders; when that one stops the other takes it."""
    eventually = Eventually(connection)
    with Taping(node, now_ms()) as tape:
        async with recording(database_url, tmp_path):
            await eventually.says(1, "SELECT count(*) FROM tape_positions")
            first = await connection.fetchval("SELECT generation FROM tape_positions")
            async with recording(database_url, tmp_path) as second:
                tape.whole()
                await eventually.says(1, "SELECT count(*) FROM requests WHERE outcome = 'ok'")
                assert await connection.fetchval("SELECT generation FROM tape_positions") == first
                second.stop.set()
            tape.whole()
            await eventually.says(2, "SELECT count(*) FROM requests WHERE outcome = 'ok'")
        async with recording(database_url, tmp_path):
            tape.whole()
            await eventually.says(3, "SELECT count(*) FROM requests WHERE outcome = 'ok'")
    assert await connection.fetchval("SELECT generation FROM tape_positions") == first + 1


async def test_a_position_moves_only_with_the_last_train_of_a_reading(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """The second train cannot be written for a while: the first is, the position waits, nothing is counted twice."""
    with Taping(node, now_ms()) as tape:
        tape.whole(train="atlas")
        tape.whole(train="borealis")
        await tape.synced()
        await connection.execute("INSERT INTO trains (name) VALUES ('atlas'), ('borealis')")
        locker = await asyncpg.connect(database_url)
        transaction = locker.transaction()
        await transaction.start()
        await locker.execute("SELECT FROM trains WHERE name = 'borealis' FOR UPDATE")
        eventually = Eventually(connection)
        async with recording(database_url, tmp_path):
            await eventually.says(1, "SELECT count(*) FROM requests")
            assert await connection.fetchval("SELECT segment_offset FROM tape_positions") == 0
            await transaction.rollback()
            await locker.close()
            await eventually.says(2, "SELECT count(*) FROM requests")
            await eventually.says(True, "SELECT segment_offset > 0 FROM tape_positions")
    assert await connection.fetchval("SELECT sum(requests) FROM usage_hourly") == 2


async def test_a_restart_of_postgres_loses_and_doubles_nothing(
    short_folder: Path, postgres_programs: Path | None, tmp_path: Path, node: Path
) -> None:
    """The server is killed with -9 and comes back: the same recorder goes on by itself (faults.md, 1)."""
    server = EmbeddedPostgres(short_folder / "restart", programs=postgres_programs)
    url = server.start()
    try:
        await migrate(url)
        with Taping(node, now_ms()) as tape:
            async with recording(url, tmp_path):
                connection = await asyncpg.connect(url)
                tape.whole()
                await Eventually(connection).says(1, "SELECT count(*) FROM requests WHERE outcome = 'ok'")
                connection.terminate()
                assert server.pid is not None
                os.kill(server.pid, signal.SIGKILL)
                await asyncio.to_thread(server.wait, 10)
                for _ in range(20):
                    tape.whole()
                await tape.synced()
                url = await asyncio.to_thread(server.start)
                connection = await asyncpg.connect(url)
                await Eventually(connection).says(21, "SELECT count(*) FROM requests WHERE outcome = 'ok'")
                assert await connection.fetchval("SELECT sum(requests) FROM usage_hourly") == 21
                await connection.close()
    finally:
        await asyncio.to_thread(server.stop)


async def test_a_schema_of_another_version_is_not_written_to(
    database_url: str, connection: Connection, tmp_path: Path, node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recorder waits and says so once; when the schema is right again it goes on."""
    await connection.execute("INSERT INTO migrations (number, name, sha256) VALUES (9999, '9999_future', 'x')")
    with Taping(node, now_ms()) as tape:
        tape.whole()
        async with recording(database_url, tmp_path):
            said = ""
            while "SchemaMismatchError" not in said:
                await asyncio.sleep(0.01)
                said += capsys.readouterr().err
            assert await connection.fetchval("SELECT count(*) FROM requests") == 0
            await connection.execute("DELETE FROM migrations WHERE number = 9999")
            await Eventually(connection).says(1, "SELECT count(*) FROM requests WHERE outcome = 'ok'")
    assert (said + capsys.readouterr().err).count("SchemaMismatchError") == 1
