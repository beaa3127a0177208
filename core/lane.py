"""One lane: what was seen last in it, and how much of its next body that spares parsing."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

from core import asked, seams
from core.asked import NOTHING, Asked, Head, Shell
from core.bodies import SMALL
from core.pieces import Division
from core.seams import Seams
from core.valueclass import replace, valueclass

if TYPE_CHECKING:
    from hashlib import _Hash


class Known(NamedTuple):
    """What was read of a lane's last body, all of it outside of what the next turn may write differently."""

    opening: int
    """Where the first message begins."""
    shell: Shell
    head: Head
    at: int
    """Where the message behind that head begins."""
    between: tuple[int, ...]
    """Where messages begin from there to the end of the lane's head."""


@valueclass(frozen=True, slots=True)
class Lane:
    """What was seen last in a lane: where its body is cut, and the hashes so far.

    ``open_at``: where the piece begins that is open at the head's end; ``keys``: of the pieces before it; ``nodes``:
    the lowest list nodes over them; ``digest``: after the head; ``tail_keys``: of the pieces of the tail.
    """

    head: bytes
    open_at: int
    keys: bytes
    nodes: bytes
    digest: "_Hash"
    tail: bytes
    tail_keys: bytes
    known: Known | None = None

    @property
    def size(self) -> int:
        """Bytes of memory, nearly. What was read is some three times as large as its text."""
        read = 0 if self.known is None else 3 * self.known.at
        return len(self.head) + len(self.tail) + len(self.keys) + len(self.nodes) + read + 1024


@valueclass(frozen=True, slots=True)
class Match:
    """A body and what its lane knows of it."""

    name: Hashable
    body: bytes
    division: Division
    before: Lane | None = None
    """The lane whose head it begins with."""
    found: Seams | None = None
    """Where the messages are behind that head; None where the body was not looked into."""
    after: Lane | None = None
    """What the lane is after this body."""

    @property
    def unread(self) -> int:
        """Bytes that have to be parsed to read the body."""
        known = None if self.before is None else self.before.known
        if known is None or self.found is None:
            return len(self.body)
        return self.found.end - known.at + (0 if self._same_tail else len(self.body) - self.found.end)

    @property
    def _same_tail(self) -> bool:
        """Whether what follows the messages is as in the lane's last body."""
        if self.before is None or self.after is None:
            return False
        return self.before.tail is self.after.tail

    def read(self) -> tuple[Asked, "Match"]:
        """What the body asks, and the match with what was read of it. No bytes make it raise."""
        made = self._read() if self.after is not None and len(self.body) <= SMALL else None
        return (asked.read(self.body), self) if made is None else made

    def _read(self) -> tuple[Asked, "Match"] | None:
        begun = self._begun(None if self.before is None else self.before.known)
        if begun is None:
            return None
        known, starts, end = begun
        said = self._go_on(known, end) if known.head.messages else asked.begin(known.shell, self.body)
        if said is None or said.head.messages - known.head.messages + len(said.messages) != len(starts):
            return None
        return said, self._with(known, said.head, starts)

    def _go_on(self, known: Known, end: int) -> Asked | None:
        begin = seams.behind_comma(self.body, known.at) if known.at < end else end
        return None if begin is None else asked.go_on(known.shell, memoryview(self.body)[begin:end], known.head)

    def learn(self, head: Head) -> "Match":
        """The match with a head that was read elsewhere, from the whole of the body."""
        begun = self._begun(None) if head.messages and self.after is not None else None
        return self if begun is None or head.messages >= len(begun[1]) else self._with(begun[0], head, begun[1])

    def _begun(self, known: Known | None) -> tuple[Known, list[int], int] | None:
        """What is known before the messages are parsed, where those begin that have to be, and where they end."""
        if known is not None and self.found is not None:
            around = known.shell if self._same_tail else self._shell(known.opening, self.found.end)
            starts = [*known.between, *self.found.starts]
            return None if around is None else (known._replace(shell=around), starts, self.found.end)
        found = self.found if self.before is None else seams.find(self.body)
        if found is None or not found.parsed:
            return None
        opening = found.starts[0] if found.starts else found.end
        around = self._shell(opening, found.end)
        return None if around is None else (Known(opening, around, NOTHING, opening, ()), found.starts, found.end)

    def _shell(self, opening: int, end: int) -> Shell | None:
        return asked.shell(self.body[:opening], self.division.sha256, self.body[end:])

    def _with(self, known: Known, head: Head, starts: list[int]) -> "Match":
        """The match when a head was read that goes on from what was known; ``starts`` are those behind that."""
        if self.after is None:
            return self
        starts = starts[head.messages - known.head.messages :]
        end = len(self.after.head)
        at = starts[0] if starts else known.at
        after = known._replace(head=head, at=at, between=tuple(start for start in starts if start < end))
        return replace(self, after=replace(self.after, known=after if at <= end else None))
