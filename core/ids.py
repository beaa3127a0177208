"""Request ids: UUIDv7 (RFC 9562 §5.7), made by the proxy, ordered by the moment the call was accepted.

The clock and the random bytes are arguments: this module has neither.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

VERSION = 0x7 << 76
VARIANT = 0x2 << 62
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MS = (1 << 48) - 1
_DAY_MS = 86_400_000


def uuid7(ms: int, random: bytes) -> UUID:
    """The UUIDv7 of a unix time in milliseconds, filled up with ten random bytes."""
    if not 0 <= ms <= MAX_MS:
        raise ValueError("a UUIDv7 holds 48 bits of unix milliseconds")
    if len(random) != 10:
        raise ValueError("a UUIDv7 takes ten random bytes")
    bits = int.from_bytes(random, "big")
    return UUID(int=ms << 80 | VERSION | (bits >> 62 & 0xFFF) << 64 | VARIANT | bits & (1 << 62) - 1)


def uuid7_ms(value: UUID) -> int:
    """The unix time in milliseconds inside a UUIDv7."""
    return value.int >> 80


def uuid7_month(value: UUID) -> int:
    """The month in UTC of a UUIDv7 as a number, 202611; raises where no calendar reaches (year 10000)."""
    return _month(uuid7_ms(value) // _DAY_MS)


@lru_cache(maxsize=64)  # calls come in their order
def _month(day: int) -> int:
    date = EPOCH + timedelta(days=day)
    return date.year * 100 + date.month


class IdSequence:
    """Ids that grow strictly within one process, even when the clock stands still or steps back (RFC 9562 §6.2).

    ``next`` takes the wall clock in milliseconds and ten random bytes.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self, ms: int, random: bytes) -> UUID:
        """A new id, larger than every id this sequence gave before."""
        candidate = uuid7(ms, random).int
        if candidate <= self._last:
            # Count on inside the last millisecond; 74 random bits leave room enough never to run over.
            candidate = _successor(self._last)
        self._last = candidate
        return UUID(int=candidate)


def _successor(value: int) -> int:
    low = value & (1 << 62) - 1
    if low < (1 << 62) - 1:
        return value + 1
    ms, high = value >> 80, value >> 64 & 0xFFF
    if high < 0xFFF:
        return ms << 80 | VERSION | high + 1 << 64 | VARIANT
    return ms + 1 << 80 | VERSION | VARIANT
