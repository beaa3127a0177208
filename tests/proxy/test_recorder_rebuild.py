"""What a rebuild derives from stored bytes is what was derived when they were recorded."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from core.settings import read
from proxy.recorder import rebuild
from proxy.recorder.notes import pack
from sql.database import Database
from sql.rows.rebuild import RebuildRun
from tests.captured import Line
from tests.core.test_linking_captures import EXPECTED
from tests.forests import Connection, Played, check, check_rows, notes
from tests.proxy.test_recorder_linking import everything, told
from tests.taping import Taping, drained, now_ms

TABLES = (
    "request_notes, link_keys, wants, failures, conversations, branches, conversation_aliases, sessions, tool_calls,"
    " tool_results"
)
STORIES = [files for files in EXPECTED if len(files) > 2 or "nested" in files[0] or "sdk" in files[0]]


async def recorded(url: str, folder: Path, files: tuple[str, ...], seed: int = 0) -> list[Line]:
    """A story off two tapes, its calls in any order."""
    dice = random.Random(seed)
    lines, calls = told(files)
    dice.shuffle(calls)
    for slot in range(2):
        with Taping(folder / "tape" / f"host-{slot}", now_ms()) as tape:
            for call in calls[slot::2]:
                played = Played(tape, call)
                played.begin()
                played.end()
        await drained(url, folder)
    return lines


async def rebuilt(url: str, **given: object) -> None:
    """What ``footplate rebuild`` does."""
    settings = read({"DATABASE_URL": url}, Path("/nonexistent"))
    await rebuild.run(settings, **({"train": None, "since": None} | given))


@pytest.mark.parametrize("files", STORIES, ids=lambda files: files[0])
async def test_a_rebuild_of_nothing_but_bytes_gives_what_was_recorded(
    database_url: str, connection: Connection, tmp_path: Path, files: tuple[str, ...]
) -> None:
    """All that was derived is thrown away and derived again: equal, column by column; a second time too."""
    lines = await recorded(database_url, tmp_path, files)
    before = await everything(connection)
    await connection.execute(f"TRUNCATE {TABLES}")
    await connection.execute(
        "UPDATE requests SET conversation_id = NULL, branch_id = NULL, parent_request_id = NULL, link_method = NULL,"
        " current_message_hash = NULL, parent_message_hash = NULL, is_subtask = false, parent_task_request_id = NULL,"
        " task_tool_invocation = NULL, attempt_of = NULL, side_call = NULL, identity_version = NULL, item_count = NULL"
    )
    for _ in range(2):
        await rebuilt(database_url)
        assert await everything(connection) == before
    await check(connection, [line.facts for line in lines if line.facts])
    await check_rows(connection)


async def test_a_rebuild_mends_what_is_wrong(database_url: str, connection: Connection, tmp_path: Path) -> None:
    """Links, roll-ups and counts that somebody spoilt are as recorded afterwards; what was added is gone."""
    lines = await recorded(database_url, tmp_path, STORIES[0])
    before = await everything(connection)
    for note in list((await notes(connection)).values())[::2]:
        wrong = note.relinked(note.link.__class__(note.id, note.id, None, None, "main"))
        await connection.execute(
            "UPDATE request_notes SET record = $2, parent = NULL WHERE request = $1", note.id, pack(wrong)
        )
    await connection.execute("UPDATE requests SET branch_id = 'wrong', conversation_id = id, link_method = 'turn'")
    await connection.execute("UPDATE conversations SET message_count = 99")
    await connection.execute("UPDATE sessions SET request_count = 99")
    await connection.execute(
        "INSERT INTO branches SELECT train, conversation_id, 'wrong', NULL, first_request, now(), 1 FROM branches"
        " WHERE branch_id = 'main'"
    )
    await rebuilt(database_url, train="default")
    after = await everything(connection)
    assert {table: after[table] ^ before[table] for table in after if after[table] != before[table]} == {}
    await check(connection, [line.facts for line in lines if line.facts])


async def test_a_rebuild_that_was_broken_off_goes_on(
    database_url: str, database: Database, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after a portion, it neither begins anew nor leaves anything out; what is recorded meanwhile stays."""
    lines = await recorded(database_url, tmp_path, STORIES[0])
    before = await everything(connection)
    monkeypatch.setattr(rebuild, "CALLS", 3)
    kept = rebuild.Rebuild._rebuild
    portions: list[int] = []

    async def failing(self: rebuild.Rebuild, ids: list[object]) -> None:
        portions.append(len(ids))
        if len(portions) == 2:
            raise KeyboardInterrupt
        await kept(self, ids)  # ids of requests

    monkeypatch.setattr(rebuild.Rebuild, "_rebuild", failing)
    one = RebuildRun(await connection.fetchval("SELECT train FROM trains"), "default", datetime.now(UTC))
    with pytest.raises(KeyboardInterrupt):
        await rebuild.Rebuild(database, one).run(None)
    assert await connection.fetchval("SELECT count(*) FROM request_notes") <= 3
    done, total = await connection.fetchrow("SELECT rebuilt, total FROM rebuilds WHERE finished_at IS NULL")
    assert (done, total) == (3, await connection.fetchval("SELECT count(*) FROM requests"))
    await rebuild.Rebuild(database, one).run(None)
    assert sum(portions) - 3 == await connection.fetchval("SELECT count(*) FROM requests")
    assert await everything(connection) == before
    await check(connection, [line.facts for line in lines if line.facts])


async def test_a_rebuild_that_was_broken_off_leaves_out_the_trains_it_had_done(
    database_url: str, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the second of three trains, it goes on with that one; once it is through, the next one does all."""
    await recorded(database_url, tmp_path, ("cc21-tools",))
    await connection.execute("INSERT INTO trains (name) VALUES ('second'), ('third')")
    trains = [row["train"] for row in await connection.fetch("SELECT train FROM trains ORDER BY train")]
    done: list[int] = []
    killed = True
    kept = rebuild.Rebuild._finish

    async def failing(self: rebuild.Rebuild, since: UUID) -> None:
        done.append(self._train)
        if killed and done == trains[:2]:
            raise ConnectionError
        await kept(self, since)

    monkeypatch.setattr(rebuild.Rebuild, "_finish", failing)
    with pytest.raises(ConnectionError):
        await rebuilt(database_url)
    killed = False
    for expected in (trains[1:], trains):
        done.clear()
        await rebuilt(database_url)
        assert done == expected


async def test_a_rebuild_since_a_moment_leaves_the_rest_alone(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    """Only the later half is derived again; together they are what they were."""
    lines = await recorded(database_url, tmp_path, STORIES[0])
    before = await everything(connection)
    moment = await connection.fetchval("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY started_at) FROM requests")
    await rebuilt(database_url, since=moment + timedelta(milliseconds=1))
    assert await everything(connection) == before
    rebuilt_number = await connection.fetchval("SELECT rebuilt FROM rebuilds")
    assert 0 < rebuilt_number < len(lines)


async def test_what_a_person_said_survives_a_rebuild(database_url: str, connection: Connection, tmp_path: Path) -> None:
    """A correction is followed by the next rebuild, and by every later one."""
    lines = await recorded(database_url, tmp_path, ("cc21-tools",))
    facts = [line.facts for line in lines if line.facts]
    child = next(note for note in (await notes(connection)).values() if note.link.parent_request_id is not None)
    await connection.execute(
        "INSERT INTO link_corrections (train, request, parent) SELECT train, $1, NULL FROM trains", child.id
    )
    for _ in range(2):
        await rebuilt(database_url)
        await check(connection, facts, {child.id: None})
        await check_rows(connection)


async def test_what_an_older_program_linked_is_marked_and_rebuilt(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    """A recorder that starts says so once, whatever the last rebuild was; after a rebuild there is nothing to say."""
    lines = await recorded(database_url, tmp_path, STORIES[0])
    before = await everything(connection)
    assert await connection.fetchval("SELECT count(*) FROM rebuilds") == 0
    older = "UPDATE request_notes SET record = set_byte(record, 1, 0)"
    for _ in range(2):
        await connection.execute(older)
        for _ in range(2):
            await drained(database_url, tmp_path)
            row = await connection.fetchrow("SELECT rebuilt, total, finished_at FROM rebuilds")
            assert tuple(row) == (0, await connection.fetchval("SELECT count(*) FROM requests"), None)
        await rebuilt(database_url)
        await drained(database_url, tmp_path)
        assert await connection.fetchval("SELECT finished_at IS NOT NULL FROM rebuilds")
        assert await everything(connection) == before
    await check(connection, [line.facts for line in lines if line.facts])
