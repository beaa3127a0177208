"""When what happened in one call, on the monotonic clock."""

import time
from collections.abc import Iterator

from core.models import Timings
from proxy.upstream_connection import now_us


class Clock:
    """Moments of one call, µs of CLOCK_MONOTONIC; 0 is never."""

    __slots__ = (
        *("connected_us", "first_us", "head_us", "last_us", "released_us", "reused", "sent_us", "start_us"),
        "wall_us",
    )

    def __init__(self) -> None:
        self.start_us = now_us()
        self.wall_us = time.time_ns() // 1000
        self.connected_us = 0
        self.sent_us = 0
        self.head_us = 0
        self.released_us = 0
        self.first_us = 0
        self.last_us = 0
        self.reused: bool | None = None

    def timings(self) -> Timings:
        """The moments since the accept, for the record."""
        since = self._since
        return Timings(
            connected_us=since(self.connected_us),
            request_sent_us=since(self.sent_us),
            head_us=since(self.head_us),
            first_byte_us=since(self.first_us),
            last_byte_us=since(self.last_us),
            end_us=now_us() - self.start_us,
            tape_wait_us=max(0, self.released_us - self.head_us) if self.head_us else 0,
            connection_reused=self.reused,
        )

    def _since(self, moment: int) -> int | None:
        return moment - self.start_us if moment else None

    def observations(self) -> Iterator[tuple[str, float]]:
        """What the histograms of ``proxy.counters`` get, in seconds."""
        yield "duration", (now_us() - self.start_us) / 1e6
        if self.first_us:
            yield "ttft", (self.first_us - self.start_us) / 1e6
        if self.released_us and self.connected_us:
            own = self.released_us - self.head_us
            # A new connection's time is the network's, not ours.
            own += self.connected_us - self.start_us if self.reused else 0
            yield "overhead", max(0, own) / 1e6
