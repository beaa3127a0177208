"""Fifty clients that stream through the proxy while things die, and note what each of them saw."""

import asyncio
import hashlib
import random
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

LEAVE_SHARE = 0.08


@dataclass
class Witness:
    """What one client saw of one call. ``end`` is clean, broken, left, refused (an error status) or unsent."""

    chaos_id: str
    end: str = "broken"
    size: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    status: int | None = None
    ended_at: float = 0.0
    """On the monotonic clock, as every time here."""
    _times: "array[float]" = field(default_factory=lambda: array("d"))
    _sizes: "array[int]" = field(default_factory=lambda: array("q"))

    def got(self, at: float, piece: bytes) -> None:
        """One more piece of the answer."""
        self.size += len(piece)
        self._times.append(at)
        self._sizes.append(self.size)

    def size_at(self, at: float) -> int:
        """How many bytes of the answer it had by then."""
        pieces = bisect_right(self._times, at)
        return self._sizes[pieces - 1] if pieces else 0


async def crowd(url: str, *, clients: int, seed: int, until: asyncio.Event) -> list[Witness]:
    """Run the clients until the event is set; what they saw, in the order the calls ended."""
    witnesses: list[Witness] = []
    timeout = aiohttp.ClientTimeout(total=60, connect=10)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(_one(session, url, random.Random(f"{seed}-{number}"), number, witnesses, until))
    return witnesses


async def _one(
    session: aiohttp.ClientSession,
    url: str,
    dice: random.Random,
    number: int,
    witnesses: list[Witness],
    until: asyncio.Event,
) -> None:
    count = 0
    while not until.is_set():
        count += 1
        witness = await call(session, url, f"{number}-{count}-{dice.getrandbits(48):x}", dice)
        witnesses.append(witness)
        if witness.end == "unsent":
            await asyncio.sleep(0.05 + dice.random() * 0.1)


async def call(session: aiohttp.ClientSession, url: str, chaos_id: str, dice: random.Random) -> Witness:
    """One streamed call; sometimes the client leaves in the middle."""
    text = f"chaos {chaos_id} " + "x" * dice.randrange(0, 4000)
    body = {
        "model": "claude-haiku-5-5",
        "max_tokens": 9,
        "stream": True,
        "messages": [{"role": "user", "content": text}],
    }
    leave_after = dice.randrange(1, 30) if dice.random() < LEAVE_SHARE else None
    witness, digest = Witness(chaos_id), hashlib.sha256()
    witness.end = await _witnessed(session, url, body, leave_after, witness, digest.update)
    witness.ended_at, witness.sha256 = time.monotonic(), digest.hexdigest()
    return witness


async def _witnessed(
    session: aiohttp.ClientSession,
    url: str,
    body: dict[str, object],
    leave_after: int | None,
    witness: Witness,
    update: Callable[[bytes], None],
) -> str:
    """How the call ended."""
    target = f"{url}/v1/messages?beta=true&chaos={witness.chaos_id}"
    try:
        async with session.post(target, json=body, headers={"x-api-key": "sk-ant-api03-chaos"}) as answer:
            witness.status = answer.status
            pieces = 0
            async for piece in answer.content.iter_any():
                update(piece)
                witness.got(time.monotonic(), piece)
                pieces += 1
                if pieces == leave_after:
                    answer.close()
                    return "left"
    except aiohttp.ClientConnectorError:
        return "unsent"
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        return "broken"
    return "clean" if witness.status == 200 else "refused"
