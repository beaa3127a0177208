"""A ledger in memory: what ``forest`` works on, and the rows that a decision has not written yet."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING
from uuid import UUID

from core.identity import Facts
from core.linking.attempts import Failure, failure_of
from core.linking.keys import Kind, LinkKey, announces, request_key
from core.linking.ledger import LAST, FailureProbe, Known, Names, Probe, RivalProbe, SummaryProbe, Written, alike

if TYPE_CHECKING:
    from core.linking.branches import Settled


@dataclass(slots=True)
class MemoryLedger:
    """A ledger in memory: what ``forest`` works on, and the rows that a decision has not written yet."""

    said: dict[UUID, UUID | None] = field(default_factory=dict)
    """Corrections."""
    _known: dict[UUID, Known] = field(default_factory=dict)
    _facts: dict[UUID, Facts] = field(default_factory=dict)
    _keys: dict[UUID, tuple[LinkKey, ...]] = field(default_factory=dict)
    _wants: dict[UUID, tuple[bytes, ...]] = field(default_factory=dict)
    _by_key: dict[tuple[Kind, bytes], list[tuple[UUID, LinkKey]]] = field(default_factory=lambda: defaultdict(list))
    _by_want: dict[bytes, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    _summaries: list[tuple[UUID, LinkKey]] = field(default_factory=list)
    _claimed: dict[UUID, UUID | None] = field(default_factory=dict)

    # Writing

    def put_facts(self, facts: Facts) -> None:
        """Keep the facts of a request; they replace what was known of it."""
        self._facts[facts.call.id] = facts

    def put_link(self, known: Known) -> None:
        """Keep what was decided of a request."""
        self._known[known.call.id] = known

    def put_keys(self, request: UUID, rows: tuple[LinkKey, ...]) -> None:
        """Keep what a request provides, instead of what it provided."""
        before = self._keys.get(request, ())
        same = 0  # most often only the last differ
        while same < min(len(before), len(rows)) and before[same] == rows[same]:
            same += 1
        for row in before[same:]:
            self._by_key[row.kind, row.key].remove((request, row))
            if row.kind is Kind.SUMMARY:
                self._summaries.remove((request, row))
        for row in rows[same:]:
            _insert(self._by_key[row.kind, row.key], row)
            if row.kind is Kind.SUMMARY:
                _insert(self._summaries, row)
        self._keys[request] = rows

    def put_wants(self, request: UUID, keys: tuple[bytes, ...]) -> None:
        """Keep what a request waits for, instead of what it waited for."""
        for key in self._wants.get(request, ()):
            self._by_want[key].discard(request)
        for key in keys:
            self._by_want[key].add(request)
        self._wants[request] = keys

    def write(self, decision: Written) -> None:
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
            self._known.pop(request)
            self._facts.pop(request)

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

    def provided(self, names: Sequence[Names]) -> list[set[bytes]]:
        """As in ``Ledger``."""
        return [{key for key in of.keys if self._by_key.get((of.kind, key))} for of in names]

    def summaries(self, probes: Sequence[SummaryProbe], without: Collection[UUID] = ()) -> list[LinkKey | None]:
        """As in ``Ledger``."""
        return [
            next((row for one, row in reversed(self._summaries) if one not in without and probe.fits(row)), None)
            for probe in probes
        ]

    def waiting(self, rows: Sequence[LinkKey], named: Collection[UUID], without: Collection[UUID] = ()) -> set[UUID]:
        """As in ``Ledger``."""
        found: set[UUID] = set()
        for request in named if self._by_want else ():
            found.update(one for one in self._by_want.get(request_key(request), ()) if one > request)
        for row in rows:
            keys = [key for key in announces(row) if self._by_want.get(key)] if self._by_want else []
            if not keys and row.kind is not Kind.STATE:
                continue
            others = self._by_key.get((row.kind, row.key), ())
            if not keys and (len(others) == 1 and others[0][0] == row.request):  # nobody else, as nearly always
                continue
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
        children = (one for one in self._known.values() if one.link.attempt_of is None and one.call.id not in without)
        parents = (one.link.parent_request_id for one in children)
        return {parent for parent in parents if parent is not None and parent in ids}

    def settled(self, conversation: UUID) -> "Settled | None":
        """As in ``Ledger``: nobody does, and all is painted anew."""
        del conversation
        return None

    def conversations(self, ids: Collection[UUID]) -> list[Known]:
        """As in ``Ledger``."""
        return [known for known in self._known.values() if known.link.conversation_id in ids]

    def corrections(self, ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
        """As in ``Ledger``."""
        return {request: self.said[request] for request in ids if request in self.said}


def _insert(rows: list[tuple[UUID, LinkKey]], row: LinkKey) -> None:
    """Add a row to those of one key, which are in the order of their requests."""
    if not rows or rows[-1][0] <= row.request:
        rows.append((row.request, row))
    else:
        insort(rows, (row.request, row), key=itemgetter(0))
