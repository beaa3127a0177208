"""Fifty clients that stream through the proxy while things die, and note what each of them saw."""

import asyncio
import hashlib
import random
from dataclasses import dataclass

import aiohttp

LEAVE_SHARE = 0.08


@dataclass
class Witness:
    """What one client saw of one call. ``end`` is clean, broken, left, refused (an error status) or unsent."""

    chaos_id: str
    end: str
    size: int = 0
    sha256: str = ""
    status: int | None = None


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
    digest, size = hashlib.sha256(), 0
    status = None
    try:
        async with session.post(
            f"{url}/v1/messages?beta=true&chaos={chaos_id}", json=body, headers={"x-api-key": "sk-ant-api03-chaos"}
        ) as answer:
            status = answer.status
            pieces = 0
            async for piece in answer.content.iter_any():
                digest.update(piece)
                size += len(piece)
                pieces += 1
                if pieces == leave_after:
                    answer.close()
                    return Witness(chaos_id, "left", size, digest.hexdigest(), status)
    except aiohttp.ClientConnectorError:
        return Witness(chaos_id, "unsent")
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        return Witness(chaos_id, "broken", size, digest.hexdigest(), status)
    return Witness(chaos_id, "clean" if status == 200 else "refused", size, digest.hexdigest(), status)
