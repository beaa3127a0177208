"""A request body as pieces, each stored once in a train's month, and a list of their keys.

The list folds: a full run of 32 keys is a piece too (a list node, its bytes are the keys), and so is a full run of 32
nodes. So a conversation of a thousand turns repeats some twenty keys a turn, not thousands. How many keys are in the
folded part says, read in base 32, how many nodes of each level the list begins with.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import pairwise
from typing import Final

from core import seams
from core.valueclass import valueclass

KEY: Final = 16
"""Bytes of a key: the first half of the SHA-256 of a piece, the second of a list node's, so that none is the other."""
RUN_BITS: Final = 5
RUN: Final = KEY << RUN_BITS
"""Bytes of a list node: 32 keys."""
LEVELS: Final = 3
"""Levels of list nodes; the highest stand for 32,768 pieces each."""
WHOLE: Final = 3072
"""Bytes up to which a body is stored as it is: a list and its rows would hardly be smaller."""


@valueclass(frozen=True, slots=True)
class Division:
    """How a body is stored.

    ``keys``: list nodes by falling level, then pieces; None where the body is stored whole. ``folded``: how many pieces
    the list nodes and the pieces right behind them stand for; what follows is not folded. ``fresh``: bytes by key, of
    all pieces and nodes, or of those that an earlier body of its lane has not brought (``complete`` says which).
    """

    size: int
    sha256: bytes
    keys: bytes | None
    folded: int
    fresh: Mapping[bytes, bytes]
    complete: bool = True

    def levels(self) -> Iterator[tuple[bytes, int]]:
        """The keys of the list, each with its level: 0 is a piece."""
        keys, at = self.keys or b"", 0
        for level in range(LEVELS, 0, -1):
            # What the higher levels stand for is whole runs of this one.
            count = self.folded >> RUN_BITS * level
            if level < LEVELS:
                count &= (1 << RUN_BITS) - 1
            for _ in range(count):
                yield keys[at : at + KEY], level
                at += KEY
        for rest in range(at, len(keys), KEY):
            yield keys[rest : rest + KEY], 0


def key_of(piece: bytes) -> bytes:
    """The key of a piece within its train and month."""
    return sha256(piece).digest()[:KEY]


def key_of_node(node: bytes) -> bytes:
    """The key of a list node within its train and month."""
    return sha256(node).digest()[KEY:]


def divide(body: bytes) -> Division:
    """A body divided without knowing any other. No bytes make it raise."""
    found = seams.find(body) if len(body) > WHOLE else None
    if found is None:
        return whole(body)
    before = seams.cuts_around(body, 0, found.starts[0] if found.starts else found.end, found.tools)
    messages = seams.cuts(body, found, before.pop())
    behind = seams.cuts_around(body, found.end, len(body), found.tools)
    fresh: dict[bytes, bytes] = {}
    keys = cut(body, [*before, *messages], fresh)
    rest = cut(body, behind, fresh)
    listed, _ = fold(keys, b"", fresh)
    return Division(len(body), sha256(body).digest(), listed + rest, len(keys) // KEY, fresh)


def whole(body: bytes) -> Division:
    """A body that is not looked into: as it is, or as one piece, which a second attempt does not store again."""
    digest = sha256(body).digest()
    if len(body) <= WHOLE:
        return Division(len(body), digest, None, 0, {})
    return Division(len(body), digest, digest[:KEY], 1, {digest[:KEY]: body})


def cut(body: bytes, places: list[int], fresh: dict[bytes, bytes]) -> bytes:
    """The keys of the slices between places; the slices go to ``fresh``."""
    pieces = [body[begin:end] for begin, end in pairwise(places)]
    keys = [sha256(piece).digest()[:KEY] for piece in pieces]
    fresh.update(zip(keys, pieces, strict=True))
    return b"".join(keys)


def fold(keys: bytes, nodes: bytes, fresh: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """The list of these keys, and the lowest nodes in it; ``nodes`` are those known from a list it goes on with.

    New nodes go to ``fresh``.
    """
    lowest = nodes + _runs(keys, len(nodes) * (RUN // KEY), fresh)
    folded = keys[len(lowest) * (RUN // KEY) :]
    level = lowest
    for _ in range(LEVELS - 1):
        higher = _runs(level, 0, fresh)
        folded = level[len(higher) * (RUN // KEY) :] + folded
        level = higher
    return level + folded, lowest


def _runs(keys: bytes, begin: int, fresh: dict[bytes, bytes]) -> bytes:
    nodes = [keys[at : at + RUN] for at in range(begin, len(keys) // RUN * RUN, RUN)]
    named = {key_of_node(node): node for node in nodes}
    fresh |= named
    # Two equal runs are one node, twice in the list.
    return b"".join(named) if len(named) == len(nodes) else b"".join(map(key_of_node, nodes))


def children(node: bytes) -> Iterator[bytes]:
    """The keys in a list node."""
    return (node[at : at + KEY] for at in range(0, len(node), KEY))


def join(division: Division, piece_of: Mapping[bytes, bytes]) -> bytes:
    """The body again. Raises KeyError where a piece or node is missing. ``sql``'s ``request_body`` does the same."""
    keys = [key for key, _ in division.levels()]
    for level in range(LEVELS, 0, -1):
        nodes = division.folded >> RUN_BITS * level
        keys[:nodes] = [key for node in keys[:nodes] for key in children(piece_of[node])]
    return b"".join(piece_of[key] for key in keys)
