"""How long to wait before the same work is tried again: 0.1 s, doubling to 10 s, with jitter, for ever."""

import random

FIRST = 0.1
LONGEST = 10.0


class Backoff:
    """Waiting times in seconds. ``reset`` after a success."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = FIRST

    def next(self) -> float:
        """The next wait: between half and all of the current step, so that many recorders do not march in step."""
        step, self._next = self._next, min(self._next * 2, LONGEST)
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - spread, not a secret

    def reset(self) -> None:
        """Begin again at the shortest wait."""
        self._next = FIRST
