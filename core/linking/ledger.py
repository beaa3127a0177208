"""What linking reads of the recorded requests of one train: few look-ups, each batched and by exact key."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from uuid import UUID

from core.identity import Call, Facts
from core.launches import Pair
from core.linking.attempts import Failure, failure_of
from core.linking.keys import Kind, LinkKey, Want, announces
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
    def wants(self) -> Mapping[UUID, tuple[Want, ...]]:
        """What each of them waits for."""

    @property
    def claimed(self) -> Mapping[UUID, UUID | None]:
        """Failures that are claimed by another request than before, or by none."""


class Ledger(Protocol):
    """The recorded requests of one train. ``without`` names requests whose stored rows are out of date."""

    def best(self, probes: Sequence[Probe], without: Collection[UUID]) -> list[LinkKey | None]:
        """The best fitting fact of each probe."""

    def summaries(self, probes: Sequence[SummaryProbe], without: Collection[UUID]) -> list[LinkKey | None]:
        """The newest fitting summariser of each probe."""

    def waiting(self, rows: Sequence[LinkKey], wanted: Sequence[Want], without: Collection[UUID]) -> set[UUID]:
        """Who may be linked otherwise because of these facts: later requests that want them, or what is in ``wanted``.

        (There the request is the one that provides the key.) For a STATE also later requests of that key with more
        messages, whose own transcript it is. Who comes behind the next fact like one of these may be left out: whatever
        he looks for, he would take that one (``alike``). More is no harm.
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


@dataclass(slots=True)
class MemoryLedger:
    """A ledger in memory: what ``forest`` works on, and the rows that a decision has not written yet."""

    said: dict[UUID, UUID | None] = field(default_factory=dict)
    """Corrections."""
    _known: dict[UUID, Known] = field(default_factory=dict)
    _facts: dict[UUID, Facts] = field(default_factory=dict)
    _keys: dict[UUID, tuple[LinkKey, ...]] = field(default_factory=dict)
    _wants: dict[UUID, tuple[Want, ...]] = field(default_factory=dict)
    _by_key: dict[tuple[Kind, bytes], list[tuple[UUID, LinkKey]]] = field(default_factory=lambda: defaultdict(list))
    _by_want: dict[bytes, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    _summaries: list[tuple[UUID, LinkKey]] = field(default_factory=list)
    _by_conversation: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    _claimed: dict[UUID, UUID | None] = field(default_factory=dict)
    _by_parent: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))

    # Writing

    def put_facts(self, facts: Facts) -> None:
        """Keep the facts of a request; they replace what was known of it."""
        self._facts[facts.call.id] = facts

    def put_link(self, known: Known) -> None:
        """Keep what was decided of a request."""
        request = known.call.id
        before = self._known.get(request)
        if before is not None:
            self._by_conversation[before.link.conversation_id].discard(request)
            if before.link.parent_request_id is not None:
                self._by_parent[before.link.parent_request_id].discard(request)
        self._known[request] = known
        self._by_conversation[known.link.conversation_id].add(request)
        if known.link.parent_request_id is not None:
            self._by_parent[known.link.parent_request_id].add(request)

    def put_keys(self, request: UUID, rows: tuple[LinkKey, ...]) -> None:
        """Keep what a request provides, instead of what it provided."""
        before = self._keys.get(request, ())
        same = 0  # most often only the last differ
        while same < min(len(before), len(rows)) and before[same] == rows[same]:
            same += 1
        for row in before[same:]:
            for rows_of in self._lists(row):
                rows_of.remove((request, row))
        for row in rows[same:]:
            for rows_of in self._lists(row):
                insort(rows_of, (request, row), key=lambda entry: entry[0])
        self._keys[request] = rows

    def put_wants(self, request: UUID, rows: tuple[Want, ...]) -> None:
        """Keep what a request waits for, instead of what it waited for."""
        for want in self._wants.get(request, ()):
            self._by_want[want.key].discard(request)
        for want in rows:
            self._by_want[want.key].add(request)
        self._wants[request] = rows

    def _lists(self, row: LinkKey) -> list[list[tuple[UUID, LinkKey]]]:
        lists = [self._by_key[row.kind, row.key]]
        return [*lists, self._summaries] if row.kind is Kind.SUMMARY else lists

    def write(self, decision: "Written") -> None:
        """Keep a decision: what a recorder does in one transaction."""
        for request, facts in decision.facts.items():
            self.put_facts(facts)
            link = decision.links.get(request) or self._known[request].link
            self.put_link(Known(facts.call, facts.pairs, link))
        for request in decision.links.keys() - decision.facts.keys():
            self.put_link(self._known[request]._replace(link=decision.links[request]))
        for request, rows in decision.keys.items():
            self.put_keys(request, rows)
        for request, waits in decision.wants.items():
            self.put_wants(request, waits)
        self._claimed.update(decision.claimed)

    def forget(self, ids: Collection[UUID]) -> None:
        """Drop requests, as retention does."""
        for request in ids:
            self.put_keys(request, ())
            self.put_wants(request, ())
            link = self._known.pop(request).link
            self._facts.pop(request)
            self._by_conversation[link.conversation_id].discard(request)
            if link.parent_request_id is not None:
                self._by_parent[link.parent_request_id].discard(request)

    # Reading

    def best(self, probes: Sequence[Probe], without: Collection[UUID] = ()) -> list[LinkKey | None]:
        """As in ``Ledger``."""
        return [self._best(probe, without) for probe in probes]

    def _best(self, probe: Probe, without: Collection[UUID]) -> LinkKey | None:
        found, rank = None, None
        for request, row in reversed(self._by_key.get((probe.kind, probe.key), ())):
            if request in without or not probe.fits(row):
                continue
            mine = probe.rank(row)
            if rank is None or mine > rank:
                found, rank = row, mine
            if mine[0] and mine[1]:
                break  # from here on ids only get smaller
        return found

    def summaries(self, probes: Sequence[SummaryProbe], without: Collection[UUID] = ()) -> list[LinkKey | None]:
        """As in ``Ledger``."""
        return [
            next((row for one, row in reversed(self._summaries) if one not in without and probe.fits(row)), None)
            for probe in probes
        ]

    def waiting(self, rows: Sequence[LinkKey], wanted: Sequence[Want], without: Collection[UUID] = ()) -> set[UUID]:
        """As in ``Ledger``."""
        found = {request for want in wanted for request in self._by_want.get(want.key, ()) if request > want.request}
        for row in rows:
            keys = [key for key in announces(row) if self._by_want.get(key)]
            others = self._by_key.get((row.kind, row.key), ()) if row.kind is Kind.STATE or keys else ()
            last = self._next(row, others, without)
            for key in keys:
                found.update(one for one in self._by_want[key] if row.request < one <= last)
            if row.kind is Kind.STATE:
                found.update(
                    one for one, other in others if row.request < one <= last and other.messages > row.messages
                )
        return found

    def _next(self, row: LinkKey, others: Sequence[tuple[UUID, LinkKey]], without: Collection[UUID]) -> UUID:
        """The next request with a fact like this one; behind it nobody would take this one."""
        if row.kind is Kind.SUMMARY:  # what counts there is which of them a transcript contains
            return LAST
        later = islice(others, bisect_right(others, row.request, key=itemgetter(0)), None)
        return next((one for one, other in later if one not in without and alike(row, other)), LAST)

    def failing(self, since_us: Mapping[bytes, int]) -> set[bytes]:
        """As in ``Ledger``."""
        return {one.rivals for one in self._failures(since_us) if one.failed_at_us >= since_us[one.rivals]}

    def open_failures(self, probes: Sequence[FailureProbe]) -> list[Failure]:
        """As in ``Ledger``."""
        rivals = {probe.rivals: probe.before for probe in probes}
        return [
            one
            for one in self._failures(rivals)
            if one.request < rivals[one.rivals] and self._claimed.get(one.request) is None
        ]

    def _failures(self, rivals: Collection[bytes]) -> list[Failure]:
        failures = (failure_of(known.call) for known in self._known.values())
        return [one for one in failures if one is not None and one.rivals in rivals]

    def rivals(self, probes: Sequence[RivalProbe]) -> list[Known]:
        """As in ``Ledger``."""
        return self.known(
            {
                request
                for probe in probes
                for request, _ in self._by_key.get((Kind.STATE, probe.key), ())
                if request >= probe.begin
            }
        )

    def attempts(self, ids: Collection[UUID]) -> list[Known]:
        """As in ``Ledger``."""
        return [known for known in self._known.values() if known.link.attempt_of in ids]

    def launched(self, scopes: Collection[bytes]) -> set[bytes]:
        """As in ``Ledger``."""
        return {scope for scope in scopes if self._by_key.get((Kind.LAUNCH, scope))}

    def family(self, scopes: Collection[bytes]) -> list[Known]:
        """As in ``Ledger``."""
        return self._providers(Kind.FAMILY, scopes)

    def _providers(self, kind: Kind, keys: Iterable[bytes]) -> list[Known]:
        ids = {request for key in keys for request, _ in self._by_key.get((kind, key), ())}
        return self.known(ids)

    def known(self, ids: Collection[UUID]) -> list[Known]:
        """As in ``Ledger``."""
        return [self._known[request] for request in ids if request in self._known]

    def facts(self, ids: Collection[UUID]) -> list[Facts]:
        """As in ``Ledger``."""
        return [self._facts[request] for request in ids if request in self._facts]

    def keys(self, ids: Collection[UUID]) -> list[LinkKey]:
        """As in ``Ledger``."""
        return [row for request in ids for row in self._keys.get(request, ())]

    def parents(self, ids: Collection[UUID], without: Collection[UUID] = ()) -> set[UUID]:
        """As in ``Ledger``."""
        children = {parent: self.known(self._by_parent.get(parent, ())) for parent in ids}
        return {
            parent
            for parent, of in children.items()
            if any(one.link.attempt_of is None and one.call.id not in without for one in of)
        }

    def settled(self, conversation: UUID) -> "Settled | None":
        """As in ``Ledger``: nobody does, and all is painted anew."""
        del conversation
        return None

    def conversations(self, ids: Collection[UUID]) -> list[Known]:
        """As in ``Ledger``."""
        return self.known({request for conversation in ids for request in self._by_conversation.get(conversation, ())})

    def corrections(self, ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
        """As in ``Ledger``."""
        return {request: self.said[request] for request in ids if request in self.said}
