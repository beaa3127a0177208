"""What the recorder raises itself, from a real tape into a real Postgres: in the transaction that causes it, once."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.alerts.told import Told
from core.alerts.watch_feed import COMPACTED, LATER
from core.models import Outcome
from tests.forests import Played
from tests.proxy.test_recorder_faults import refuse
from tests.proxy.test_recorder_linking import REWIND, tapes
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
    bare = await connection.fetchval("SELECT min(id::text) FROM requests WHERE parse_error LIKE '%dead letter%'")
    assert told.path == f"/requests/{bare}"


async def test_the_recorder_says_how_full_its_tape_is(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """With its position, and while nothing is recorded with its heartbeat."""
    said = "SELECT tape_max_bytes = 123 << 20 AND tape_bytes BETWEEN 1 AND 1 << 20 FROM tape_positions"
    async with recording(database_url, tmp_path, tape_max_bytes=123 << 20):
        with Taping(node, now_ms()) as tape:
            tape.whole()
            await tape.synced()
            await Eventually(connection).says(True, said)
            await connection.execute("UPDATE tape_positions SET tape_bytes = NULL, tape_max_bytes = NULL")
            await Eventually(connection).says(True, said)


async def feed(connection: Connection, *trains: str) -> None:
    """These trains are told of turn by turn, whenever a turn was."""
    await connection.execute("INSERT INTO trains (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", [*trains])
    await connection.execute(
        "INSERT INTO train_feeds (train, feed, feed_since, zone, changed_by)"
        " SELECT train, true, '-infinity', 'UTC', 'ada' FROM trains WHERE name = ANY ($1)"
        " ON CONFLICT (train) DO UPDATE SET feed = excluded.feed",
        [*trains],
    )


USE = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls -la\nrm x", "description": "List"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "total 0"}


def says(*blocks: object, stop: str = "end_turn") -> bytes:
    """An answer of these blocks; a text stands for its block."""
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    return json.dumps(json.loads(answered()) | {"content": content, "stop_reason": stop}).encode()


def user(*contents: object) -> bytes:
    """A request whose messages alternate."""
    messages = [{"role": "assistant" if n % 2 else "user", "content": said} for n, said in enumerate(contents)]
    return json.dumps({"model": "claude-opus-5-5", "max_tokens": 10, "messages": messages}).encode()


async def test_a_turn_is_told_when_its_answer_is_whole(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Not while tools are called, not of a train that did not ask for it, not again by a second try or a reading."""
    await feed(connection, "atlas")
    key = "sk-ant-api03-" + "a1B2" * 20
    begun = f"Look into the folder\nwith {key}"
    with Taping(node, now_ms()) as tape:
        tape.whole(train="atlas", asks=user(begun), says=says("I look.", USE, stop="tool_use"))
        ending = user(begun, [{"type": "text", "text": "I look."}, USE], [RESULT])
        last = tape.whole(train="atlas", asks=ending, says=says("It is empty."))
        tape.whole(train="atlas", asks=ending, says=says("It is quite empty."))
        tape.whole(train="other", asks=user("Hush"), says=says("Yes"))
        tape.whole(train="atlas", target="/v1/messages/count_tokens", asks=user("Count"), says=b'{"input_tokens": 7}')
        cut = tape.begin(train="atlas")
        tape.ask(cut, user("Broken"))
        tape.end(cut, Outcome.UPSTREAM_RESET)
    await drained(database_url, tmp_path)
    await connection.execute(REWIND)
    await drained(database_url, tmp_path)
    [(train, subject, told)] = await alerts(connection, "feed")
    conversation = await connection.fetchval(
        "SELECT conversation_id FROM requests WHERE id = $1", last.start.request_id
    )
    assert (train, subject) == ("atlas", str(conversation))
    assert told.title == "atlas: Look into the folder"
    assert told.path == f"/conversations/{conversation}?at={last.start.request_id}"
    assert told.lines == ("User: Look into the folder\nwith [masked]", "→ Bash: ls -la", "Answer: It is empty.")


async def test_a_feed_that_is_switched_off_for_all_puts_nothing_into_the_outbox(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Words that nobody is to be told are not kept there either."""
    await feed(connection, "default")
    await connection.execute(
        "INSERT INTO alert_rules (kind, enabled, thresholds, minimum_interval, zone, changed_by)"
        " VALUES ('feed', false, '{}', '0', 'UTC', 'ada')"
    )
    with Taping(node, now_ms()) as tape:
        tape.whole(asks=user("hush"), says=says("yes"))
    await drained(database_url, tmp_path)
    assert await alerts(connection, "feed") == []


@pytest.mark.parametrize("switched", ["feed", "rule"])
async def test_what_ended_before_the_feed_was_switched_on_is_not_told(
    database_url: str, connection: Connection, tmp_path: Path, node: Path, switched: str
) -> None:
    """However late it is recorded; a turn that ended afterwards is told."""
    await feed(connection, "default")
    since = datetime.now(UTC)
    if switched == "feed":
        await connection.execute("UPDATE train_feeds SET feed_since = $1", since)
    else:
        await connection.execute(
            "INSERT INTO alert_rules (kind, enabled, thresholds, minimum_interval, zone, changed_by, enabled_since)"
            " VALUES ('feed', true, '{}', '0', 'UTC', 'ada', $1)",
            since,
        )
    with Taping(node, now_ms() - 60_000) as tape:
        tape.whole(asks=user("before"), says=says("yes"))
    await drained(database_url, tmp_path)
    with Taping(node, now_ms() + 60_000) as tape:
        tape.whole(asks=user("behind"), says=says("yes"))
    await drained(database_url, tmp_path)
    assert [told.title for _, _, told in await alerts(connection, "feed")] == ["default: behind"]


async def test_the_same_words_again_are_another_turn(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """Twice "go on" in one conversation is told twice."""
    await feed(connection, "default")
    with Taping(node, now_ms()) as tape:
        tape.whole(asks=user("go on"), says=says("one"))
        tape.whole(asks=user("go on", "one", "go on"), says=says("two"))
    await drained(database_url, tmp_path)
    assert [told.lines[-1] for _, _, told in await alerts(connection, "feed")] == ["Answer: one", "Answer: two"]


async def test_nothing_a_stranger_says_breaks_the_feed(
    database_url: str, connection: Connection, tmp_path: Path, node: Path
) -> None:
    """NUL, half characters, endless words, tools without a name: told or not, every call is recorded."""
    await feed(connection, "default")
    odd = [{"type": "tool_use", "id": n, "name": n, "input": n} for n in (None, 7, "\x00", ["x"], {"command": 3})]
    with Taping(node, now_ms()) as tape:
        tape.whole(asks=user("\x00" + "y" * 99_999, odd, [RESULT]), says=says("\x00 z", *odd))
        tape.whole(asks=user("\ud83d lone"), says=says("\ud800"))
        tape.whole(asks=user("", [], []), says=says())
        tape.whole(asks=b"[]", says=b"[]")
    await drained(database_url, tmp_path)
    assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0
    assert await connection.fetchval("SELECT count(*) FROM requests WHERE outcome IS NOT NULL") == 4
    [(_, _, told)] = await alerts(connection, "feed")
    assert told.lines[-1] == "Answer: \ufffd z"


TOLD = (
    "cc21-resume-a",
    "cc21-resume-b-continue",
    "cc21-compact",
    "cc21-compact-after",
    "cc21-nested",
    "cc21-tui-oauth",
    "cc21-background",
    "cc21-autocompact",
)
WRITTEN = [
    "BG go", "BG go (later)", "NEST go", "NEST go (later)", "SAME go", "SAME go (later)", "SCN_BASH please go",
    "SCN_NEST go", "SCN_TEXT after compact", "SCN_TEXT second", "SCN_TEXT second turn", "SCN_TOOLS first turn",
    "after compact", "and then", "answered after a compaction (before)", "first words", "forked",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
async def test_real_clients_turns_are_told_once_whatever_ends_first(
    database_url: str, connection: Connection, tmp_path: Path, node: Path, seed: int
) -> None:
    """Claude Code's sub-agents, titles and quota probes are not: as many messages as a person wrote or was answered."""
    await feed(connection, "default")
    calls = tapes(TOLD, now_ms() - 60_000)
    random.Random(seed).shuffle(calls)
    with Taping(node, now_ms()) as tape:
        for n, call in enumerate(calls):
            played = Played(tape, call)
            played.begin()
            played.end()
            if n % 5 == 0:
                await tape.synced()
                await drained(database_url, tmp_path)
    await drained(database_url, tmp_path)
    said = {"": "", LATER: " (later)", COMPACTED: " (before)"}
    told = [one.title.removeprefix("default: ") + said[one.cause] for _, _, one in await alerts(connection, "feed")]
    assert sorted(told) == WRITTEN
