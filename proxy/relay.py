"""What all calls of a worker share."""

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from core.ids import IdSequence
from core.settings import Settings
from proxy.counters import Counters
from proxy.headers import HeaderKeeper
from proxy.tape_writer import TapeWriter
from proxy.upstream import Upstream

if TYPE_CHECKING:
    from proxy.forward import Call


@dataclass
class Relay:
    """The parts of one worker."""

    settings: Settings
    tape: TapeWriter
    upstream: Upstream
    counters: Counters
    hmac_key: bytes
    boot_id: str
    keeper: HeaderKeeper = field(init=False)
    ids: IdSequence = field(default_factory=IdSequence)
    calls: "set[Call]" = field(default_factory=set)
    clear: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever the last call ends."""

    _random: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        self.keeper = HeaderKeeper(self.hmac_key)

    def new_id(self) -> UUID:
        """A request id of now. Randomness is fetched for a hundred ids at a time."""
        if not self._random:
            self._random = os.urandom(1000)
        random, self._random = self._random[:10], self._random[10:]
        return self.ids.next(time.time_ns() // 1_000_000, random)
