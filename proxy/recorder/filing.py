"""Under which id a call is filed: its own, unless a wrong clock put that outside the installation's time.

Partitions exist from the installation's first day, so an id of 1970 or of next year has no place. It is filed under
the server's time, the proxy's id kept beside it. A replay finds the row again by that (``record_before``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.ids import uuid7, uuid7_ms

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when ids are filed as they are, unix milliseconds; ``now_ms`` is the server's time."""

    from_ms: int
    to_ms: int
    now_ms: int

    @classmethod
    def around(cls, installed_at: datetime, now: datetime) -> "Span":
        """One day before the installation to one day from now."""
        now_ms = int(now.timestamp() * 1000)
        return cls(int(installed_at.timestamp() * 1000) - DAY_MS, now_ms + DAY_MS, now_ms)


def filed_id(request_id: UUID, span: Span, refiled: Mapping[UUID, UUID]) -> UUID:
    """The id to file under; ``refiled`` holds the ids that were given before."""
    if request_id in refiled:
        return refiled[request_id]
    if span.from_ms <= uuid7_ms(request_id) <= span.to_ms:
        return request_id
    # Its own low bits are as good as random ones, and two wrong ids cannot meet.
    return uuid7(span.now_ms, request_id.bytes[6:])
