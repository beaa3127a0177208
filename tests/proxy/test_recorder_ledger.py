"""The ledger in the database answers as the one in memory: whatever traffic, whatever order, the same forest."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.identity import Facts
from core.ids import uuid7
from core.linking import evidence
from core.models import Outcome
from core.rollup import Figures
from proxy.recorder import linking, wants
from proxy.recorder.facts_memory import FactsMemory
from proxy.recorder.linking import Newcomer
from proxy.recorder.notes_memory import NotesMemory
from proxy.recorder.service import forget_wants
from proxy.recorder.wants import Shelves
from sql.database import Database, Transaction
from sql.rows.linking import LinkBegin
from tests.forests import NO_FIGURES, Connection, check
from tests.talks import Traffic, Wire, assistant, user

TRAIN = 7


@dataclass
class Recorder:
    """Writes facts as the recorder does, without a tape and without rows of requests."""

    database: Database
    memory: FactsMemory
    seen: set[UUID]
    said: Mapping[UUID, UUID | None]
    # So few that most of a conversation is settled.
    notes: NotesMemory = field(default_factory=lambda: NotesMemory(behind=2))
    linkings: int = 0
    shelves: Shelves = field(default_factory=Shelves)

    async def record(self, portion: Sequence[Facts]) -> None:
        """One transaction; of a call that comes twice the later frame counts."""
        latest = {facts.call.id: facts for facts in portion}
        begun = [
            LinkBegin(request, request in self.seen, request in self.seen, request in self.said, self.said.get(request))
            for request in latest
            if request in self.seen or request in self.said
        ]
        for facts in latest.values():
            self.memory.keep(TRAIN, facts)
        # Now and then somebody else has written in between.
        self.linkings += 1 if len(portion) % 5 else 2
        self.notes.open(TRAIN, self.linkings)
        async with self.database.transaction() as transaction:
            await self.begin(transaction)
            made = await linking.link(
                transaction, TRAIN, [Newcomer(facts, figures(facts)) for facts in latest.values()], begun,
                lambda ids: self.memory.load(transaction, TRAIN, ids), self.notes,
            )  # fmt: skip
            await linking.write(transaction, TRAIN, made, shelves=self.shelves)
            await self.watch(transaction)
        self.notes.close(TRAIN, self.linkings, made.conversations)
        self.seen |= latest.keys()

    async def begin(self, transaction: Transaction) -> None:
        """For tests whose transactions begin as the recorder's do."""

    async def watch(self, transaction: Transaction) -> None:
        """For tests that look at what a transaction did."""


def figures(facts: Facts) -> Figures:
    """Some figures that can be added up."""
    digit = facts.call.id.int % 97
    return replace(
        NO_FIGURES, outcome=Outcome.OK if facts.complete else None, input_tokens=digit, model=f"m{digit % 3}"
    )


def frames(traffic: Traffic, steps: int, dice: random.Random) -> list[Facts]:
    """The start and the end of every call, in any order but that starts come before ends."""
    calls = traffic.play(steps)
    order = [call for call in calls for _ in range(2)]
    dice.shuffle(order)
    begun: set[int] = set()
    result = []
    for call in order:
        result.append(call.facts if id(call) in begun else call.running)
        begun.add(id(call))
    return result


def portions(given: Sequence[Facts], dice: random.Random) -> list[list[Facts]]:
    """Cut into what is recorded at once."""
    cut, at = [], 0
    while at < len(given):
        size = dice.choice([1, 1, 2, 5, 30])
        cut.append(list(given[at : at + size]))
        at += size
    return cut


async def emptied(connection: Connection) -> None:
    """Nothing is recorded."""
    await connection.execute(
        "TRUNCATE request_notes, link_keys, wants, failures, conversations, branches, conversation_aliases,"
        " link_corrections"
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25))
async def test_any_traffic_in_any_order_gives_the_forest(
    database: Database, connection: Connection, seed: int, steps: int
) -> None:
    """Starts and ends permuted, in portions: links, conversations, branches and aliases are the forest's."""
    await emptied(connection)
    dice = random.Random(seed)
    traffic = Traffic(seed)
    given = frames(traffic, steps, dice)
    recorder = Recorder(database, FactsMemory(), set(), {})
    for portion in portions(given, dice):
        await recorder.record(portion)
    await check(connection, [call.facts for call in traffic.wire.calls])


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 2**32), behind=st.integers(1, 4))
async def test_calls_that_end_nearly_in_order_give_the_forest(
    database: Database, connection: Connection, seed: int, behind: int
) -> None:
    """Long conversations of which the oldest requests are settled; some calls come after that, and turn it over."""
    await emptied(connection)
    dice = random.Random(seed)
    traffic = Traffic(seed)
    calls = [call.facts for call in traffic.play(30)]
    late = sorted(range(len(calls)), key=lambda place: place + dice.choice([0, 0, 0, 1, 2, 9]) * dice.random())
    recorder = Recorder(database, FactsMemory(), set(), {}, NotesMemory(behind=behind))
    while late:
        size = dice.choice([1, 2, 3, 4])
        await recorder.record([calls[place] for place in late[:size]])
        late = late[size:]
    await check(connection, calls)


@pytest.mark.parametrize("seed", range(4))
async def test_long_transcripts_in_any_order_give_the_forest(
    database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Of which it is first asked which of their keys are there at all, and whose wants lie on shelves."""
    monkeypatch.setattr(evidence, "_AT_FIRST", 1)
    monkeypatch.setattr(evidence, "_AT_A_TIME", 1)
    monkeypatch.setattr(wants, "MOST", 0)
    dice = random.Random(seed)
    traffic = Traffic(seed)
    given = frames(traffic, 40, dice)
    recorder = Recorder(database, FactsMemory(), set(), {}, shelves=Shelves(most=40))  # some have none
    for portion in portions(given, dice):
        await recorder.record(portion)
    await check(connection, [call.facts for call in traffic.wire.calls])


def test_so_many_requests_of_an_hour_have_shelves() -> None:
    """Of each train; a late one of the hour before has none, and with the next hour there is room again."""
    shelves, hour = Shelves(most=2), 3_600_000
    ids = [uuid7(hour * at + 5, bytes(10)) for at in (7, 7, 7, 6, 8, 7, 8, 8)]
    assert [shelves.take(1, one) for one in ids] == [True, True, False, False, True, False, True, False]
    assert shelves.take(2, ids[0])


@pytest.mark.parametrize("seed", range(3))
async def test_corrections_beat_evidence_and_are_found_in_any_order(
    database: Database, connection: Connection, seed: int
) -> None:
    """A person's word on a parent counts, also where the parent is recorded later."""
    dice = random.Random(seed)
    traffic = Traffic(seed)
    given = frames(traffic, 30, dice)
    ids = sorted({facts.call.id for facts in given})
    said = {
        request: dice.choice([None, *ids[:place]]) for place, request in enumerate(ids) if place and dice.random() < 0.2
    }
    for request, parent in said.items():
        await connection.execute(
            "INSERT INTO link_corrections (train, request, parent) VALUES ($1, $2, $3)", TRAIN, request, parent
        )
    recorder = Recorder(database, FactsMemory(), set(), said)
    for portion in portions(given, dice):
        await recorder.record(portion)
    await check(connection, [call.facts for call in traffic.wire.calls], said)


async def test_a_correction_cannot_close_a_circle(connection: Connection) -> None:
    """The database takes no parent that is later than its child."""
    early, late = UUID(int=1), UUID(int=2)
    await connection.execute("INSERT INTO link_corrections (train, request, parent) VALUES (1, $1, $2)", late, early)
    with pytest.raises(Exception, match="link_corrections_check"):
        await connection.execute(
            "INSERT INTO link_corrections (train, request, parent) VALUES (1, $1, $2)", early, late
        )


async def test_wants_are_forgotten_after_thirty_days(database: Database, connection: Connection) -> None:
    """Of requests that began before that; a rebuild is the truth then."""
    await connection.execute("INSERT INTO trains (name) VALUES ('atlas')")
    await connection.execute(
        "INSERT INTO wants SELECT train, sha256('k'), uuid7_floor(now() - make_interval(days => d))"
        " FROM trains, unnest(ARRAY[1, 29, 31, 90]) AS d"
    )
    await forget_wants(database)
    assert await connection.fetchval("SELECT count(*) FROM wants") == 2


async def test_notes_of_another_version_stop_nothing(database: Database, connection: Connection) -> None:
    """Until somebody rebuilds, a request whose note cannot be read is as if it were not there; others are linked."""
    traffic = Traffic(3)
    first, second = [call.facts for call in traffic.play(30)][:15], [call.facts for call in traffic.wire.calls][15:]
    recorder = Recorder(database, FactsMemory(), set(), {})
    await recorder.record(first)
    await connection.execute("UPDATE request_notes SET record = '\\x91ff'")
    recorder = Recorder(database, FactsMemory(), recorder.seen, {})
    await recorder.record(second)
    assert await connection.fetchval("SELECT count(*) FROM request_notes") == len(first) + len(second)


async def test_an_alias_whose_request_is_gone_goes_on_leading_where_its_conversation_went(
    database: Database, connection: Connection
) -> None:
    """Three roots join one after the other; the first of the joined was dropped by retention in between."""
    await emptied(connection)
    wire = Wire()
    told = [user("One.")]
    for number in range(3):
        wire.call(list(told), [f"Answer {number}."], session="s")
        told += [assistant(f"Answer {number}."), user(f"Word {number}.")]
    first, second, third = (call.facts for call in wire.calls)
    recorder = Recorder(database, FactsMemory(), set(), {})
    await recorder.record([third])
    await recorder.record([second])
    assert await aliases(connection) == {third.call.id: second.call.id}
    await connection.execute("DELETE FROM request_notes WHERE request = $1", third.call.id)
    await connection.execute("DELETE FROM link_keys WHERE request = $1", third.call.id)
    await connection.execute("DELETE FROM wants WHERE request = $1", third.call.id)
    recorder.notes = NotesMemory()
    await recorder.record([first])
    assert await aliases(connection) == {third.call.id: first.call.id, second.call.id: first.call.id}


async def aliases(connection: Connection) -> dict[UUID, UUID]:
    """Where the ids that conversations had lead to."""
    rows = await connection.fetch("SELECT alias, conversation_id FROM conversation_aliases")
    return {row["alias"]: row["conversation_id"] for row in rows}
