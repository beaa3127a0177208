"""What comes off the tape stands in the database as one forest, whatever came first and whoever recorded it."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import orjson
import pytest

from core.exchange import Taped
from tests.captured import FOLDER, Line, story, taped
from tests.core.test_linking_captures import EXPECTED, expected, said
from tests.forests import Connection, Played, check, check_rows, stored_links
from tests.taping import Eventually, Taping, answered, asked, drained, now_ms, recording

REWIND = "UPDATE tape_positions SET segment = '00000000-0000-0000-0000-000000000000', segment_offset = 0"
STORIES = [pytest.param(files, id=f"{files[0]}..{files[-1]}") for files in EXPECTED]
HOUR_MS = 3_600_000


def tapes(files: Sequence[str], begin_ms: int) -> list[Taped]:
    """The calls of ``tests.captured.story`` as they were taped."""
    calls: list[Taped] = []
    for file in files:
        captures = [orjson.loads(line) for line in (FOLDER / f"{file}.jsonl").read_bytes().splitlines()]
        calls += [
            taped(capture, begin_ms + round(capture["at"] * 1000), len(calls) + number)
            for number, capture in enumerate(captures)
        ]
        begin_ms += round(captures[-1]["at"] * 1000) + 60_000
    return calls


def told(files: Sequence[str]) -> tuple[list[Line], list[Taped]]:
    """A story that happened an hour ago: what linking knows of its calls, and their tape."""
    begin_ms = now_ms() - HOUR_MS
    return story(*files, begin_ms=begin_ms), tapes(files, begin_ms)


def play(tape: Taping, calls: Sequence[Taped]) -> None:
    """Put calls onto a tape one after the other, each whole."""
    for call in calls:
        played = Played(tape, call)
        played.begin()
        played.end()


@pytest.mark.parametrize("files", STORIES)
async def test_a_captured_story_is_recorded_as_the_tree_that_it_was(
    database_url: str, connection: Connection, tmp_path: Path, files: Sequence[str]
) -> None:
    """Tape, recorder, rows: parent, evidence, branch, sub-agent and attempt as written down by hand."""
    lines, calls = told(files)
    with Taping(tmp_path / "tape" / "host-0", now_ms()) as tape:
        play(tape, calls)
    await drained(database_url, tmp_path)
    assert said(lines, await stored_links(connection)) == expected(files, EXPECTED[files], lines)
    await check(connection, [line.facts for line in lines if line.facts])
    await check_rows(connection)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("files", STORIES)
async def test_two_recorders_of_many_tapes_record_the_same_tree(
    database_url: str, connection: Connection, tmp_path: Path, files: Sequence[str], seed: int
) -> None:
    """Calls spread over the tapes of two machines, ended in any order, recorded at once: the same forest."""
    dice = random.Random(seed)
    lines, calls = told(files)
    hosts = [tmp_path / "a", tmp_path / "b"]
    with ExitStack() as tapes_of:
        async with AsyncExitStack() as recorders:
            nodes = [
                tapes_of.enter_context(Taping(host / "tape" / f"{host.name}-{slot}", now_ms()))
                for host in hosts
                for slot in range(2)
            ]
            played = [Played(dice.choice(nodes), call) for call in calls]
            dice.shuffle(played)
            for host in hosts:
                await recorders.enter_async_context(recording(database_url, host))
            for call in played:
                call.begin()
            dice.shuffle(played)
            for call in played:
                call.end()
                if dice.random() < 0.2:
                    await dice.choice(nodes).synced()
            await Eventually(connection).says(len(calls), "SELECT count(*) FROM requests WHERE outcome IS NOT NULL")
    await check(connection, [line.facts for line in lines if line.facts])
    await check_rows(connection)


async def test_what_is_read_again_changes_nothing(database_url: str, connection: Connection, tmp_path: Path) -> None:
    """A recorder that was killed after its commit, or lost its position, records the same once more: as it was."""
    lines, calls = told(("cc21-nested", "cc21-task2"))
    with Taping(tmp_path / "tape" / "host-0", now_ms()) as tape:
        play(tape, calls)
        await tape.synced()
        await drained(database_url, tmp_path)
        before = await everything(connection)
        await connection.execute(REWIND)
        await drained(database_url, tmp_path)
        assert await everything(connection) == before
    await check(connection, [line.facts for line in lines if line.facts])


async def test_what_is_read_again_after_its_month_was_dropped_is_linked_as_before(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    """Rows go with their month, what linking knows of them does not: they are no news, and no dead letters."""
    lines, calls = told(("cc21-nested", "cc21-task2"))
    with Taping(tmp_path / "tape" / "host-0", now_ms()) as tape:
        play(tape, calls)
        await tape.synced()
        await drained(database_url, tmp_path)
        before = await everything(connection)
        await connection.execute("DELETE FROM requests")
        await connection.execute(REWIND)
        await drained(database_url, tmp_path)
        after = await everything(connection)
    kept = ("request_notes", "link_keys", "wants", "failures")
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0
    await check(connection, [line.facts for line in lines if line.facts])


async def everything(connection: Connection) -> dict[str, set[str]]:
    """All rows of what linking writes."""
    tables = "requests request_notes link_keys wants failures conversations branches sessions tool_calls tool_results"
    tables += " usage_hourly usage_daily latency_hourly key_usage"
    return {
        table: {row["line"] for row in await connection.fetch(f"SELECT t::text AS line FROM {table} AS t")}  # noqa: S608 - our own names
        for table in tables.split()
    }


async def test_two_hundred_identical_openings_stay_apart(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    """200 sessions say the same words at once and are answered differently: 200 conversations of two turns each."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(Taping(tmp_path / "tape" / f"host-{slot}", now_ms())) for slot in range(2)]
        async with recording(database_url, tmp_path):
            for turn in range(2):
                calls = []
                for number in range(200):
                    words = [{"role": "user", "content": "hi"}]
                    if turn:
                        words += [
                            {"role": "assistant", "content": f"hello {number}"},
                            {"role": "user", "content": "go on"},
                        ]
                    tape = nodes[(number + turn) % 2]
                    nodes[0].now_ms = nodes[1].now_ms = max(node.now_ms for node in nodes)
                    call = tape.begin(headers=(("x-claude-code-session-id", f"session-{number % 100}"),))
                    tape.ask(call, asked(messages=words))
                    calls.append((tape, call, number))
                random.Random(turn).shuffle(calls)
                for tape, call, number in calls:
                    tape.head(call)
                    tape.chunk(call, answered(f"hello {number}" if not turn else "well"))
                    tape.end(call)
            await Eventually(connection).says(400, "SELECT count(*) FROM requests WHERE outcome IS NOT NULL")
    rows = await connection.fetch("SELECT message_count, branch_count FROM conversations")
    assert [tuple(row) for row in rows] == [(2, 1)] * 200
    swapped = await connection.fetchval(
        "SELECT count(*) FROM requests AS r JOIN requests AS p ON p.id = r.parent_request_id"
        " WHERE p.session_id <> r.session_id"
    )
    assert swapped == 0
    await check_rows(connection)
