"""What a turn repeats of the turn before it in its lane (a session, one of its agents): a head and a tail.

Never the whole body before: the last messages are written anew, with ``cache_control`` moved on or a block array turned
into a string. So the head ends some messages before the last; the tail is what follows the messages. Where both are
found again only the middle is parsed, and the hashes go on from where the head ended. All of this is a hint: a body
that repeats nothing is divided from its beginning, with the same result.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable
from hashlib import sha256
from typing import Final

from core import pieces, seams
from core.asked import LAST
from core.lane import Lane, Match
from core.models import Start
from core.pieces import KEY, RUN, WHOLE, Division
from core.seams import Seams
from core.valueclass import replace

MEMORY: Final = 256 << 20
LARGEST: Final = 16 << 20
"""Bytes of a body beyond which its lane is not remembered."""
SIDE_BY_SIDE: Final = 8
"""Lanes under one name: old clients do not say which sub-agent speaks, and a session has side calls."""
BEGINNING: Final = 1024
"""Bytes by which bodies without a session are told apart."""
_OPENING: Final = b'{"messages":['


class Lanes:
    """The lanes seen last, up to so many bytes of memory."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._size = 0
        self._lanes: OrderedDict[Hashable, tuple[Lane, ...]] = OrderedDict()
        self.continued = 0
        """How many bodies went on where an earlier one of their lane had ended."""

    def divide(self, name: Hashable, body: bytes) -> Division:
        """A body divided, by what its lane's last one was where it repeats that. No bytes make it raise."""
        match = self.match(name, body)
        self.keep(match)
        return match.division

    def match(self, name: Hashable, body: bytes) -> Match:
        """The same, and what the lane knows of the body. Nothing is remembered yet."""
        if len(body) <= WHOLE:
            return Match(name, body, pieces.divide(body))
        lanes = self._lanes.get(name, ())
        before = max((lane for lane in lanes if body.startswith(lane.head)), key=_head_size, default=None)
        return _match(name, body, before)

    def keep(self, match: Match) -> None:
        """Remember a body for the next turn of its lane."""
        if match.after is not None and match.after.size <= LARGEST:
            others = [lane for lane in self._lanes.get(match.name, ()) if lane is not match.before]
            self._remember(match.name, (match.after, *others[: SIDE_BY_SIDE - 1]))
        self.continued += not match.division.complete

    def _remember(self, name: Hashable, lanes: tuple[Lane, ...]) -> None:
        self._size += _size(lanes) - _size(self._lanes.pop(name, ()))
        self._lanes[name] = lanes
        while self._size > self._memory:
            _, oldest = self._lanes.popitem(last=False)
            self._size -= _size(oldest)


def name_of(start: Start, body: bytes) -> Hashable:
    """What the turns of one conversation have in common as far as the headers say; else how its body begins."""
    given = {name.lower(): value for name, value in start.headers}
    session = given.get("x-claude-code-session-id")
    who = given.get("x-claude-code-agent-id") if session else body[:BEGINNING]
    return start.train, start.credential_hmac, session, who


def _head_size(lane: Lane) -> int:
    return len(lane.head)


def _size(lanes: tuple[Lane, ...]) -> int:
    return sum(lane.size for lane in lanes)


def _match(name: Hashable, body: bytes, lane: Lane | None) -> Match:
    """A body that begins with its lane's head, or that nothing is known of."""
    if lane is not None:
        found = _continued(body, lane)
        if found is not None:
            division, after = _go_on(body, lane, found, {})
            return Match(name, body, division, lane, found, after)
    found = seams.find(body)
    if found is None:
        return Match(name, body, pieces.divide(body))
    begin = found.starts[0] if found.starts else found.end
    fresh: dict[bytes, bytes] = {}
    keys = pieces.cut(body, seams.cuts_around(body, 0, begin, found.tools), fresh)
    first = Lane(body[:begin], begin, keys, b"", sha256(body[:begin]), b"", b"")
    division, after = _go_on(body, first, found, fresh)
    return Match(name, body, replace(division, complete=True), None, found, after if found.parsed else None)


def _continued(body: bytes, lane: Lane) -> Seams | None:
    """The seams of what follows the head."""
    at = len(lane.head)
    end = len(body) - len(lane.tail)
    if at <= end and body.endswith(lane.tail):
        starts = seams.resume(body, at, end)
        if starts is not None:
            return Seams(starts, end)
    begin = seams.behind_comma(body, at)
    if begin is None:
        return None
    # Parsed as if the head were only the opening.
    found = seams.find(_OPENING + body[begin:])
    if found is None or not found.starts or not found.parsed:
        return None
    shift = begin - len(_OPENING)
    starts = [at, *(start + shift for start in found.starts[1:])]
    tools = None if found.tools is None else (found.tools[0] + shift, found.tools[1] + shift)
    return Seams(starts, found.end + shift, tools)


def _go_on(body: bytes, lane: Lane, found: Seams, fresh: dict[bytes, bytes]) -> tuple[Division, Lane]:
    """Divide what follows the lane's head; and what the lane is after that."""
    places = seams.cuts(body, found, lane.open_at)
    keys = lane.keys + pieces.cut(body, places, fresh)
    listed, nodes = pieces.fold(keys, lane.nodes, fresh)
    tail, tail_keys = lane.tail, lane.tail_keys
    if not tail or len(body) - len(tail) != found.end or not body.endswith(tail):
        tail = body[found.end :]
        tail_keys = pieces.cut(body, seams.cuts_around(body, found.end, len(body), found.tools), fresh)

    end = found.starts[-LAST] if len(found.starts) > LAST else len(lane.head)
    head_digest = lane.digest.copy()
    head_digest.update(memoryview(body)[len(lane.head) : end])
    digest = head_digest.copy()
    digest.update(memoryview(body)[end:])

    # The cut at the end of the messages is not the next turn's.
    open_piece = max(bisect_right(places, end, 0, len(places) - 1) - 1, 0)
    closed = keys[: len(lane.keys) + open_piece * KEY]
    after = Lane(
        head=body[:end],
        open_at=places[open_piece],
        keys=closed,
        nodes=nodes[: len(closed) // RUN * KEY],
        digest=head_digest,
        tail=tail,
        tail_keys=tail_keys,
    )
    return Division(len(body), digest.digest(), listed + tail_keys, len(keys) // KEY, fresh, complete=False), after
