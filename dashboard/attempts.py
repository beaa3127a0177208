"""Failed sign-ins by address: a guesser waits. Kept in memory, bounded, forgotten when the process ends.

Behind a reverse proxy all callers have its address: then a guesser makes all wait who are not signed in yet, for a
minute at most, and sessions that are open go on.
"""

from collections import OrderedDict
from collections.abc import Callable

MOST_FAILURES = 10
SECONDS = 60.0
"""So many failures in so many seconds are let through from one address."""
MOST_ADDRESSES = 10_000


class Attempts:
    """Counts failures. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """How many seconds this address has to wait until it may try again; 0 for now."""
        recent = self._recent(address)
        return max(0.0, recent[-MOST_FAILURES] + SECONDS - self._clock()) if len(recent) >= MOST_FAILURES else 0.0

    def failed(self, address: str) -> None:
        """Note a failure; the address that failed longest ago is forgotten first."""
        self._failed[address] = [*self._recent(address)[-MOST_FAILURES + 1 :], self._clock()]
        self._failed.move_to_end(address)
        while len(self._failed) > MOST_ADDRESSES:
            self._failed.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - SECONDS
        return [moment for moment in self._failed.get(address, ()) if moment > since]
