"""Which requests repeat an earlier one after its failure (conversations.md, retry)."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from core.identity import Call

WINDOW_US: Final = 600_000_000
"""How long after a failure a request can be its next attempt."""
_LAST: Final = UUID(int=(1 << 128) - 1)


class Rival(NamedTuple):
    """One of the requests with equal states."""

    call: Call
    is_root: bool
    """Whether its own transcript says of no parent."""
    corrected: bool = False
    """Whether a person said where it belongs: then it is nobody's attempt."""


class Failure(NamedTuple):
    """A call that failed, as far as a later one asks whether it is its next attempt."""

    rivals: bytes
    request: UUID
    failed_at_us: int
    retry_count: int | None


def failure_of(call: Call) -> Failure | None:
    """The failure that a call is, if it is one."""
    if call.failed_at_us is None:
        return None
    return Failure(call.rivals, call.id, call.failed_at_us, call.retry_count)


def follows(call: Call) -> int | None:
    """The count of the failures that a call may be the next attempt of; None: of any.

    SDKs count: a retry says which failure it follows.
    """
    return call.retry_count - 1 if call.session_id is None and call.retry_count else None


def claims(rivals: Iterable[Rival], open_before: Iterable[Failure] = ()) -> Mapping[UUID, UUID]:
    """Which failure each request claims as the one that it follows.

    In the order of ids each claims the nearest failure that nobody claimed; each failure is claimed once.
    ``open_before``: failures before all of these requests that nobody before them claimed.
    """
    failures: dict[bytes, _Open] = {}
    claimed: dict[UUID, UUID] = {}
    for failure in open_before:
        failures.setdefault(failure.rivals, _Open()).add(failure)
    for rival in sorted(rivals, key=lambda one: one.call.id):
        group = failures.setdefault(rival.call.rivals, _Open())
        found = group.take(rival.call) if _may_claim(rival) else None
        if found is not None:
            claimed[rival.call.id] = found
        own = failure_of(rival.call)
        if own is not None:
            group.add(own)
    return claimed


def _may_claim(rival: Rival) -> bool:
    # A first try of a new transcript is a new call.
    first_try = rival.call.session_id is None and rival.call.retry_count == 0 and rival.is_root
    return not rival.corrected and not first_try


class _Open:
    """The failures of equal requests that nobody claimed: by their counts, each list in the order of time."""

    def __init__(self) -> None:
        self._by_count: dict[int | None, list[tuple[int, UUID]]] = {}

    def add(self, failure: Failure) -> None:
        insort(self._by_count.setdefault(failure.retry_count, []), (failure.failed_at_us, failure.request))

    def take(self, call: Call) -> UUID | None:
        """The nearest failure that a call can be the next attempt of; nobody else has it then."""
        count = follows(call)
        lists = self._by_count.values() if count is None else [self._by_count.get(count, [])]
        nearest: tuple[tuple[int, UUID], list[tuple[int, UUID]]] | None = None
        for failures in lists:
            place = bisect_right(failures, (call.started_us, _LAST))
            if place and (nearest is None or failures[place - 1] > nearest[0]):
                nearest = failures[place - 1], failures
        if nearest is None or call.started_us - nearest[0][0] > WINDOW_US:
            return None
        nearest[1].remove(nearest[0])
        return nearest[0][1]
