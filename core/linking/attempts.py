"""Which requests repeat an earlier one after its failure (conversations.md, retry)."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from core.identity import Call

WINDOW_US: Final = 600_000_000
"""How long after a failure a request can be its next attempt."""


class Rival(NamedTuple):
    """One of the requests with equal states."""

    call: Call
    is_root: bool
    """Whether its own transcript says of no parent."""
    corrected: bool = False
    """Whether a person said where it belongs: then it is nobody's attempt."""


def first_attempts(rivals: Iterable[Rival]) -> Mapping[UUID, UUID]:
    """The first attempt of each request that is a later one.

    In the order of ids each request claims the nearest failure that nobody claimed; each failure is claimed once.
    """
    open_failures: dict[bytes, list[Call]] = {}
    first: dict[UUID, UUID] = {}
    for rival in sorted(rivals, key=lambda one: one.call.id):
        call = rival.call
        failures = open_failures.setdefault(call.rivals, [])
        claimed = None if rival.corrected else _nearest(rival, failures)
        if claimed is not None:
            failures.remove(claimed)
            first[call.id] = first.get(claimed.id, claimed.id)
        if call.failed_at_us is not None:
            failures.append(call)
    return first


def _nearest(rival: Rival, failures: list[Call]) -> Call | None:
    fitting = [failure for failure in failures if _may_claim(rival, failure)]
    return max(fitting, key=lambda failure: (failure.failed_at_us, failure.id), default=None)


def _may_claim(rival: Rival, failure: Call) -> bool:
    call = rival.call
    if failure.failed_at_us is None or not 0 <= call.started_us - failure.failed_at_us <= WINDOW_US:
        return False
    if call.session_id is not None or call.retry_count is None:
        return True
    # SDKs count: a retry says which failure it follows, and a first try of a new transcript is a new call.
    return failure.retry_count == call.retry_count - 1 if call.retry_count else not rival.is_root
