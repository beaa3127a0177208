"""Trees that are kept between views: given again while nothing has changed, never once anything did."""

import dataclasses

import pytest

from core.access import LOCAL_USER
from dashboard.conversations.detail import find_conversation
from dashboard.conversations.held import HeldTalks
from sql.rows.conversations import ConversationRequestRow
from tests import conversation_scenes as scenes
from tests.dashboard.test_pages_requests import HTML, Counting

READ = "requests_in_conversation"
OTHER = {
    "uuid": "gen_random_uuid()", "timestamp with time zone": "now()", "text": "'another'",
    "character varying(64)": "repeat('e', 64)", "boolean": "NOT coalesce({0}, false)",
    "jsonb": """'[{{"id": "toolu_other", "name": "Task", "input": {{}}}}]'""",
}  # fmt: skip
"""Another value of a type; of numbers one more."""
SPECIAL = {
    "outcome": ("outcome", "'stream_error'"),
    "request_type": ("request_type", "'quota'"),
    "launches": ("task_tool_invocation", OTHER["jsonb"].format()),
    "total_tokens": ("output_tokens", "output_tokens + 1"),
}
COLUMNS = [field.name for field in dataclasses.fields(ConversationRequestRow) if field.name != "id"]


@pytest.fixture
async def talk(connection):
    """A conversation of 41 requests."""
    return await scenes.fix_the_test(connection)


@pytest.fixture
async def read(database, talk):
    """Reads the conversation as pages do: its row, then its tree, which must be what the table says at that moment."""
    held = HeldTalks()

    async def reading():
        found = await find_conversation(database, LOCAL_USER, talk.conversation)
        given = (await held.read(database, found.row)).tree.rows
        key = (found.row.train, talk.conversation)
        assert given == await database.fetch(READ, ConversationRequestRow, *key, 1000)
        return given

    return reading


async def changed(connection, column):
    """Set one column of the first request to something else."""
    of_type = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'requests'::regclass"
    kind = await connection.fetchval(f"{of_type} AND attname = $1", column)
    column, value = SPECIAL.get(column, (column, OTHER.get(kind, "coalesce({0}, 0) + 1").format(column)))
    one = "(SELECT id FROM requests WHERE train = 1 AND outcome = 'ok' ORDER BY id LIMIT 1)"
    statement = f"UPDATE requests SET {column} = {value} WHERE id = {one}"  # noqa: S608  names are this module's own
    assert await connection.execute(statement) == "UPDATE 1"


async def test_a_change_of_any_column_is_seen_at_once(connection, read):
    """Whoever made it, and whether or not it says when: each column that a tree holds, one after the other."""
    for column in COLUMNS:
        before = [getattr(row, column) for row in await read()]
        await changed(connection, column)
        assert [getattr(row, column) for row in await read()] != before, column


async def test_what_comes_and_goes_is_seen_at_once(connection, read):
    """A request more, one less, one that another conversation takes over and gives back, all in turn."""
    newest = (await read())[-1].id
    await connection.execute("CREATE TABLE kept AS SELECT * FROM requests WHERE id = $1", newest)
    names = await connection.fetchval(
        "SELECT string_agg(attname, ', ') FROM pg_attribute"
        " WHERE attrelid = 'requests'::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped"
    )
    back = f"INSERT INTO requests ({names}) SELECT {names} FROM kept"  # noqa: S608  names are the table's own
    for statement, number in (
        ("DELETE FROM requests WHERE id = (SELECT id FROM kept)", 40),
        (back, 41),
        ("UPDATE requests SET conversation_id = gen_random_uuid() WHERE id = (SELECT id FROM kept)", 40),
        ("UPDATE requests SET conversation_id = k.conversation_id FROM kept AS k WHERE requests.id = k.id", 41),
        ("DELETE FROM requests WHERE conversation_id IS NOT NULL", 0),
        (back, 1),
    ):
        await connection.execute(statement)
        assert len(await read()) == number, statement


async def test_what_is_not_committed_is_not_seen_and_then_is(database, connection, read):
    """Another's open transaction changes nothing, one that was rolled back never did; a commit does at once."""
    before = await read()
    for end, seen in (("ROLLBACK", False), ("COMMIT", True)):
        await connection.execute("BEGIN")
        await connection.execute("UPDATE requests SET preview = 'on the way'")
        assert await read() == before
        await connection.execute(end)
        assert (await read() != before) is seen


async def test_a_change_between_the_two_queries_is_not_kept_as_the_older_state(database, connection, talk):
    """Read too early it is shown once, and read again by the next view."""
    held = HeldTalks()
    found = await find_conversation(database, LOCAL_USER, talk.conversation)
    await connection.execute("UPDATE requests SET preview = 'between'")
    assert (await held.read(database, found.row)).tree.rows[0].preview == "between"
    await connection.execute("UPDATE requests SET preview = 'later'")
    found = await find_conversation(database, LOCAL_USER, talk.conversation)
    assert (await held.read(database, found.row)).tree.rows[0].preview == "later"


async def test_what_did_not_change_is_read_once_for_all_its_pages(settings, database, serve, connection, talk):
    """Views, API and export share one tree; a change of another conversation does not touch it, one of its own does."""
    counting = Counting(database)
    client = await serve(settings, counting)
    at = f"/conversations/{talk.conversation}"
    paths = [at, f"{at}?view=graph", f"{at}?view=cost", f"{at}?view=raw", f"{at}/cost.csv", f"/api{at}"]
    for change, read in (
        ("SELECT 1", 1),
        ("UPDATE conversations SET title = 'x'", 0),
        ("UPDATE requests SET ttft_us = 1", 1),
    ):
        await scenes.small_talk(connection, number=counting.names.count(READ))
        await connection.execute(change)
        counting.names.clear()
        for path in paths:
            assert (await client.get(path, headers=HTML)).status == 200
        assert counting.names.count(READ) == read, change


async def test_no_more_is_kept_than_there_is_room_for(database, connection, talk):
    """What was looked at longest ago goes first; one that is longer than all the room is read each time."""
    counting, held = Counting(database), HeldTalks(most=43)
    small = [await scenes.small_talk(connection, number=number) for number in range(2)]

    async def reads(*talks):
        counting.names.clear()
        for each in talks:
            found = await find_conversation(database, LOCAL_USER, each.conversation)
            await held.read(counting, found.row)
        assert held.requests <= 43
        return counting.names.count(READ)

    assert await reads(talk, small[0], talk, small[0]) == 2
    assert await reads(small[1], small[0], small[1]) == 1
    assert await reads(talk) == 1
    assert await reads(talk, small[1]) == 0
    tight = HeldTalks(most=40)
    found = await find_conversation(database, LOCAL_USER, talk.conversation)
    assert len((await tight.read(database, found.row)).tree.rows) == 41
    assert tight.requests == 0
