"""What linking reads of the recorded requests of one train: few look-ups, each batched and by exact key."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from uuid import UUID

from core.identity import Call, Facts
from core.launches import Pair
from core.linking.attempts import Failure
from core.linking.keys import Kind, LinkKey
from core.linking.link import Link

if TYPE_CHECKING:
    from core.linking.branches import Settled

NIL: Final = UUID(int=0)
"""Smaller than the id of any request."""


LAST: Final = UUID(int=(1 << 128) - 1)
"""No smaller than the id of any request."""


class Known(NamedTuple):
    """A recorded request without its transcript."""

    call: Call
    pairs: tuple[Pair, ...]
    link: Link


class Probe(NamedTuple):
    """One look-up: of the facts under a key, the best that fits; same lane goes first, then same client, latest id."""

    kind: Kind
    key: bytes
    before: UUID
    """Only requests with a smaller id."""
    lane: bytes
    client: str
    since: UUID = NIL
    """Only requests with this id or a larger one: a moment, as ids tell it."""
    fewer_than: int | None = None
    """Only requests with fewer messages."""
    unanswered: bool = False
    """Only requests whose answer is not whole, or without items."""
    first: bytes | None = None
    """Only transcripts that begin with this item."""

    def fits(self, row: LinkKey) -> bool:
        """Whether a fact under the key is one that is looked for."""
        return (
            self.since <= row.request < self.before
            and (self.fewer_than is None or row.messages < self.fewer_than)
            and not (self.unanswered and row.answered)
            and (self.first is None or row.first == self.first)
        )

    def rank(self, row: LinkKey) -> tuple[bool, bool, UUID]:
        """What goes first among facts that fit."""
        return (row.lane == self.lane, row.client == self.client, row.request)


def alike(row: LinkKey, other: LinkKey) -> bool:
    """Whether of two facts under one key every probe that fits both prefers the later request."""
    return (row.lane, row.client, row.messages, row.answered, row.first) == (
        other.lane, other.client, other.messages, other.answered, other.first,
    )  # fmt: skip


class Names(NamedTuple):
    """Which of these keys does anybody provide? Cheaper than a ``Probe`` of each, where nearly none is."""

    kind: Kind
    keys: Sequence[bytes]


class SummaryProbe(NamedTuple):
    """Look-up of the newest summariser that fits: of a lane, or of the whole train where ``lane`` is None."""

    lane: bytes | None
    before: UUID
    since: UUID = NIL
    """As in ``Probe``."""
    text: str | None = None
    """Only a summary that is contained in this."""
    least: int = 1
    """Only a summary of so many characters, where there is a text."""

    def fits(self, row: LinkKey) -> bool:
        """Whether a summariser is one that is looked for."""
        if not self.since <= row.request < self.before or (self.lane is not None and row.lane != self.lane):
            return False
        summary = row.text or ""
        return self.text is None or (len(summary) >= self.least and summary in self.text)


class RivalProbe(NamedTuple):
    """Look-up of the requests with one STATE key, from one on."""

    key: bytes
    lane: bytes
    begin: UUID
    """The first that counts."""


class FailureProbe(NamedTuple):
    """Look-up of failures that nobody claimed: all of a time, and some before it."""

    rivals: bytes
    before: UUID
    """Only requests with a smaller id."""
    retry_count: int | None
    """Only failures with this count; None: with any."""
    since_us: int
    """Only those that failed then or later."""
    begin_us: int
    """Of those that failed until then the latest only, as many as ``most``."""
    end_us: int
    """Only those that failed until then."""
    most: int


class Written(Protocol):
    """What a decision writes."""

    @property
    def links(self) -> Mapping[UUID, Link]:
        """Links, new and changed."""

    @property
    def facts(self) -> Mapping[UUID, Facts]:
        """Of every request that was decided."""

    @property
    def keys(self) -> Mapping[UUID, tuple[LinkKey, ...]]:
        """What each of them provides."""

    @property
    def wants(self) -> Mapping[UUID, tuple[bytes, ...]]:
        """The keys that each of them waits for."""

    @property
    def claimed(self) -> Mapping[UUID, UUID | None]:
        """Failures that are claimed by another request than before, or by none."""


class Ledger(Protocol):
    """The recorded requests of one train. ``without`` names requests whose stored rows are out of date."""

    def best(self, probes: Sequence[Probe], without: Collection[UUID]) -> list[LinkKey | None]:
        """The best fitting fact of each probe."""

    def provided(self, names: Sequence[Names]) -> list[set[bytes]]:
        """Of each list the keys that anybody provides; more is no harm."""

    def summaries(self, probes: Sequence[SummaryProbe], without: Collection[UUID]) -> list[LinkKey | None]:
        """The newest fitting summariser of each probe."""

    def waiting(self, rows: Sequence[LinkKey], named: Collection[UUID], without: Collection[UUID]) -> set[UUID]:
        """Who may be linked otherwise because of these facts: later requests that want them, or a request of ``named``.

        (Which a correction names.) For a STATE also later requests of that key with more messages, whose own transcript
        it is. Who comes behind the next fact like one of these may be left out: whatever he looks for, he would take
        that one (``alike``). More is no harm.
        """

    def failing(self, since_us: Mapping[bytes, int]) -> set[bytes]:
        """In which groups of rivals a request failed at that moment or later."""

    def open_failures(self, probes: Sequence[FailureProbe]) -> list[Failure]:
        """The failures of all probes that nobody claimed; more is no harm."""

    def rivals(self, probes: Sequence[RivalProbe]) -> list[Known]:
        """The requests of all probes."""

    def attempts(self, ids: Collection[UUID]) -> list[Known]:
        """The later attempts of these requests."""

    def launched(self, scopes: Collection[bytes]) -> set[bytes]:
        """Which of these families have a LAUNCH."""

    def family(self, scopes: Collection[bytes]) -> list[Known]:
        """The requests that provide FAMILY for these scopes."""

    def known(self, ids: Collection[UUID]) -> list[Known]:
        """These requests, as far as they are recorded."""

    def facts(self, ids: Collection[UUID]) -> list[Facts]:
        """What these requests' stored bytes say."""

    def keys(self, ids: Collection[UUID]) -> list[LinkKey]:
        """What these requests provide by now."""

    def parents(self, ids: Collection[UUID], without: Collection[UUID]) -> set[UUID]:
        """Which of these requests are a parent of anybody; later attempts, and ``without``, do not count."""

    def settled(self, conversation: UUID) -> "Settled | None":
        """What is settled of a conversation, where somebody keeps account of that."""

    def conversations(self, ids: Collection[UUID]) -> list[Known]:
        """All requests of these conversations."""

    def corrections(self, ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
        """What people said of these requests: the right parent, or None for "it has none"."""
