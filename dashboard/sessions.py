"""Browser sessions of a dashboard that needs a key: random ids, kept here as hashes, gone when the process ends."""

import hashlib
import secrets
from collections.abc import Callable

IDLE_SECONDS = 8 * 3600.0
LONGEST_SECONDS = 24 * 3600.0
MOST = 1000
"""Sessions kept at once; beyond it the one that was idle longest goes."""


class Sessions:
    """Who signed in with the key. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[bytes, tuple[float, float]] = {}

    def open(self) -> str:
        """A new session; the id goes into the cookie and is not kept."""
        session_id = secrets.token_urlsafe(32)
        now = self._clock()
        self._seen = {key: times for key, times in self._seen.items() if _fresh(times, now)}
        while len(self._seen) >= MOST:
            del self._seen[min(self._seen, key=lambda key: self._seen[key][1])]
        self._seen[_hash(session_id)] = (now, now)
        return session_id

    def holds(self, session_id: str) -> bool:
        """Whether this session is open; asking keeps it so."""
        key, now = _hash(session_id), self._clock()
        times = self._seen.get(key)
        if times is None or not _fresh(times, now):
            self._seen.pop(key, None)
            return False
        self._seen[key] = (times[0], now)
        return True

    def close(self, session_id: str) -> None:
        """End a session; one that is not open is no error."""
        self._seen.pop(_hash(session_id), None)


def _hash(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()


def _fresh(times: tuple[float, float], now: float) -> bool:
    opened, seen = times
    return now - opened < LONGEST_SECONDS and now - seen < IDLE_SECONDS
