"""How late the event loop is: the longest delay since the last sweep, also of a stall that ended long before it."""


class LoopLag:
    """Told each time somebody wakes; moments are seconds on the loop's clock."""

    __slots__ = ("_interval", "_longest", "_swept")

    def __init__(self, now: float, interval: float) -> None:
        self._interval = interval
        self._longest = 0.0
        self._swept = now

    def woke(self, due: float, now: float) -> float | None:
        """Who was due then woke now. The longest delay since the last sweep, where the next is due; else None."""
        self._longest = max(self._longest, now - due)
        if now - self._swept < self._interval:
            return None
        longest, self._longest, self._swept = self._longest, 0.0, now
        return longest
