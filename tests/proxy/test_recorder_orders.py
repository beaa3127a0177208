"""Whatever the order of frames and readings, also repeated: each call once, its bytes exact, counted once."""

import random
from pathlib import Path

import asyncpg
import pytest

from core.models import Outcome
from tests.taping import HMAC, Call, Taping, answered, asked, drained, now_ms

REWIND = "UPDATE tape_positions SET segment = '00000000-0000-0000-0000-000000000000', segment_offset = 0"


class Player:
    """Plays random calls onto one tape, some of which are never ended."""

    def __init__(self, tape: Taping, dice: random.Random) -> None:
        self.tape = tape
        self.dice = dice
        self.open: list[Call] = []
        self.outcomes: dict[str, str] = {}

    def step(self) -> None:
        """One more frame of some call."""
        if not self.open or self.dice.random() < 0.2:
            self._begin()
            return
        call = self.dice.choice(self.open)
        asks, says = self.bodies(call)
        if call.sequence == 1:
            self.tape.ask(call, asks)
        elif call.sequence == 2:
            self.tape.head(call)
        elif call.received < len(says):
            self.tape.chunk(call, says[call.received : call.received + self.dice.randint(1, 200)])
        else:
            self.tape.end(call)
            self.open.remove(call)
            self.outcomes[str(call.start.request_id)] = "ok"

    def bodies(self, call: Call) -> tuple[bytes, bytes]:
        """What this call asks and is answered."""
        name = str(call.start.request_id)
        return asked(metadata={"user_id": name}), answered(name, tokens=(len(name), call.start.at_us % 100))

    def _begin(self) -> None:
        train = self.dice.choice(("atlas", "borealis"))
        call = self.tape.begin(train=train, credential_kind="api_key", credential_hmac=HMAC)
        self.open.append(call)
        self.outcomes[str(call.start.request_id)] = Outcome.PROXY_CRASH


@pytest.mark.parametrize("seed", range(4))
async def test_every_call_once(
    database_url: str, connection: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path, seed: int
) -> None:
    """Recorders come and go at random moments, proxies crash, tapes are read again from their beginning."""
    dice = random.Random(seed)
    outcomes: dict[str, str] = {}
    for _ in range(3):
        with Taping(tmp_path / "tape" / "host-0", now_ms()) as tape:
            player = Player(tape, dice)
            for _ in range(dice.randint(40, 120)):
                player.step()
                if dice.random() < 0.04:
                    await tape.synced()
                    await drained(database_url, tmp_path)
                if dice.random() < 0.02:
                    await connection.execute(REWIND)
            outcomes |= player.outcomes
    await drained(database_url, tmp_path)
    rows = await connection.fetch("SELECT id::text, outcome FROM requests")
    assert {row["id"]: row["outcome"] for row in rows} == outcomes
    wrong = await connection.fetchval(
        "SELECT count(*) FROM response_bodies AS b JOIN requests AS r USING (train, id) WHERE r.outcome = 'ok'"
        " AND (position(id::text IN convert_from(raw, 'UTF8')) = 0 OR sha256(raw) <> b.sha256 OR length(raw) <> size)"
    )
    assert wrong == 0
    counted = await connection.fetchrow(
        "SELECT sum(requests)::int AS requests, sum(ok)::int AS ok, sum(output_tokens)::int AS tokens FROM usage_hourly"
    )
    summed = await connection.fetchrow("SELECT sum(output_tokens)::int AS tokens FROM requests")
    assert counted is not None
    assert summed is not None
    assert (counted["requests"], counted["ok"]) == (len(outcomes), list(outcomes.values()).count("ok"))
    assert counted["tokens"] == summed["tokens"]
