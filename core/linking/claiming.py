"""Who is whose next attempt, told anew from the first request on of which something changed.

What is before it stays as it is, so neither its requests nor their failures are read, but for failures still open: a
group of ten thousand equal requests costs no more than its youngest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from core.linking.attempts import WINDOW_US, Failure, Rival, claims, failure_of, follows
from core.linking.keys import state_key
from core.linking.ledger import FailureProbe, Known, RivalProbe
from core.linking.link import Method
from core.linking.world import World


class Claim(NamedTuple):
    """What a request is the next attempt of now."""

    known: Known
    claims: UUID | None
    attempt_of: UUID | None


@dataclass(slots=True)
class Claimed:
    """What changed."""

    requests: list[Claim] = field(default_factory=list)
    failures: dict[UUID, UUID | None] = field(default_factory=dict)
    """Who claims each of these failures; None: nobody any more."""


def claim(world: World) -> Claimed:
    """Tell which requests are attempts of earlier ones, in every group that a decision changed something in."""
    stored = world.stored(world.relinked)
    groups: dict[bytes, list[Known]] = {}
    for known in world.relinked.values():
        if _matters(known, stored.get(known.call.id)):
            groups.setdefault(known.call.rivals, []).append(known)
    groups = {rivals: groups[rivals] for rivals in _failing(world, groups, stored)}
    if not groups:
        return Claimed()
    tails = _tails(world, groups)
    opened = _open(world, tails)
    taken = claims((_rival(known) for tail in tails.values() for known in tail), opened)
    return _changes(world, [known for tail in tails.values() for known in tail], taken)


def _matters(known: Known, stored: Known | None) -> bool:
    """Whether what changed of a request may change who is whose attempt."""
    return (
        stored is None or stored.call.failed_at_us != known.call.failed_at_us or _rival(stored)[1:] != _rival(known)[1:]
    )


def _rival(known: Known) -> Rival:
    evidence = known.link.evidence
    return Rival(known.call, evidence is None, evidence is not None and evidence.method is Method.MANUAL)


def _failing(world: World, groups: Mapping[bytes, list[Known]], stored: Mapping[UUID, Known]) -> set[bytes]:
    """The groups with a failure that any of their changed requests can have to do with."""
    found: set[bytes] = set()
    quiet: dict[bytes, int] = {}
    for rivals, members in groups.items():
        if any(_has_failed(one, stored.get(one.call.id)) for one in members):
            found.add(rivals)
        else:
            quiet[rivals] = min([one.call.started_us for one in members]) - WINDOW_US
    return found | (world.below.failing(quiet) if quiet else set())


def _has_failed(known: Known, before: Known | None) -> bool:
    failed = known.call.failed_at_us is not None or (before is not None and before.call.failed_at_us is not None)
    return failed or known.link.claims is not None


def _tails(world: World, groups: Mapping[bytes, list[Known]]) -> dict[bytes, list[Known]]:
    """Of each group everybody from the first changed one on."""
    first = {rivals: min(members, key=lambda one: one.call.id) for rivals, members in groups.items()}
    probes = [
        RivalProbe(state_key(call.lane, call.state, side=call.side_call is not None), call.lane, call.id)
        for call in (known.call for known in first.values())
    ]
    tails: dict[bytes, dict[UUID, Known]] = {rivals: {} for rivals in groups}
    for known in (*world.below.rivals(probes), *world.relinked.values()):
        rivals, request = known.call.rivals, known.call.id
        if rivals in tails and request >= first[rivals].call.id:
            tails[rivals][request] = world.relinked.get(request, known)
    return {rivals: [tail[request] for request in sorted(tail)] for rivals, tail in tails.items()}


def _open(world: World, tails: Mapping[bytes, list[Known]]) -> list[Failure]:
    """The failures before each tail that nobody before it claimed, as far as anybody of the tail may claim them."""
    probes = [probe for rivals, tail in tails.items() for probe in _probes(rivals, tail)]
    again = {
        known.link.claims
        for tail in tails.values()
        for known in tail
        if known.link.claims is not None and known.link.claims < tail[0].call.id
    }
    found = set(world.below.open_failures(probes))
    return [*found, *(one for known in world.known(again).values() if (one := failure_of(known.call)) is not None)]


def _probes(rivals: bytes, tail: list[Known]) -> Iterable[FailureProbe]:
    begin, end = (pick(known.call.started_us for known in tail) for pick in (min, max))
    for count in {follows(known.call) for known in tail}:
        # Each of the tail claims one at most, so of those before it starts no more are needed.
        yield FailureProbe(rivals, tail[0].call.id, count, begin - WINDOW_US, begin, end, len(tail))


def _changes(world: World, tail: list[Known], taken: Mapping[UUID, UUID]) -> Claimed:
    found = Claimed()
    firsts = {request: world.known([failure]).get(failure) for request, failure in taken.items()}
    attempt_of: dict[UUID, UUID | None] = {}
    for known in sorted(tail, key=lambda one: one.call.id):
        request, failure = known.call.id, taken.get(known.call.id)
        if failure is not None:
            before = firsts[request]
            of_failure = before.link.attempt_of if before is not None else None
            attempt_of[request] = attempt_of.get(failure, of_failure) or failure
        else:
            attempt_of[request] = None
        if (known.link.claims, known.link.attempt_of) != (failure, attempt_of[request]):
            found.requests.append(Claim(known, failure, attempt_of[request]))
    was = {known.link.claims: known.call.id for known in tail if known.link.claims is not None}
    now = {failure: request for request, failure in taken.items()}
    found.failures.update((one, now.get(one)) for one in was.keys() | now.keys() if was.get(one) != now.get(one))
    return found
