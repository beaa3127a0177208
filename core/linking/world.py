"""The ledger as it will be once the decision in hand is written: what is decided lies over what is recorded."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from core.identity import Facts
from core.linking.branches import Settled
from core.linking.keys import LinkKey
from core.linking.ledger import Known, Ledger, Names, Probe, SummaryProbe
from core.linking.memory_ledger import MemoryLedger


class World:
    """A ledger and, over it, the rows that are not written yet. A request with new rows has none of its old ones."""

    def __init__(self, ledger: Ledger) -> None:
        self.below = ledger
        self.over = MemoryLedger()
        self._rewritten: set[UUID] = set()
        """Whose keys are replaced."""
        self._relinked: dict[UUID, Known] = {}
        self._loaded: dict[UUID, Known | None] = {}

    @property
    def relinked(self) -> Mapping[UUID, Known]:
        """What was decided so far."""
        return self._relinked

    def put_keys(self, facts: Facts, rows: tuple[LinkKey, ...]) -> None:
        """Replace what a request provides."""
        self.over.put_facts(facts)
        self.over.put_keys(facts.call.id, rows)
        self._rewritten.add(facts.call.id)

    def put_link(self, known: Known) -> None:
        """Replace what is known of a request."""
        self.over.put_link(known)
        self._relinked[known.call.id] = known

    def best(self, probes: Sequence[Probe]) -> list[LinkKey | None]:
        """The best fitting fact of each probe."""
        below, over = self.below.best(probes, self._rewritten), self.over.best(probes)
        return [_better(probe, one, other) for probe, one, other in zip(probes, below, over, strict=True)]

    def provided(self, names: Sequence[Names]) -> list[set[bytes]]:
        """Of each list the keys that anybody provides, or did before this decision."""
        below, over = self.below.provided(names), self.over.provided(names)
        return [one | other for one, other in zip(below, over, strict=True)]

    def summaries(self, probes: Sequence[SummaryProbe]) -> list[LinkKey | None]:
        """The newest fitting summariser of each probe."""
        below, over = self.below.summaries(probes, self._rewritten), self.over.summaries(probes)
        return [
            max((row for row in rows if row is not None), key=lambda row: row.request, default=None)
            for rows in zip(below, over, strict=True)
        ]

    def waiting(self, rows: Sequence[LinkKey], named: Collection[UUID]) -> set[UUID]:
        """Who may be linked otherwise because of these facts, or because one of these requests is recorded."""
        return self.below.waiting(rows, named, self._rewritten) | self.over.waiting(rows, named)

    def attempts(self, ids: Collection[UUID]) -> list[Known]:
        """The later attempts of these requests, as far as nothing was decided of them."""
        return [known for known in self.below.attempts(ids) if known.call.id not in self._relinked] if ids else []

    def launched(self, scopes: Collection[bytes]) -> set[bytes]:
        """Which of these families have a LAUNCH; one that is about to lose its last is still given."""
        return self.below.launched(scopes) | self.over.launched(scopes)

    def family(self, scopes: Collection[bytes]) -> list[Known]:
        """The requests of these families."""
        return self._overlaid(self.below.family(scopes), self.over.family(scopes))

    def known(self, ids: Collection[UUID]) -> dict[UUID, Known]:
        """These requests, as far as they are recorded or decided."""
        stored = self.stored([one for one in ids if one not in self._relinked])
        return stored | {one: self._relinked[one] for one in ids if one in self._relinked}

    def stored(self, ids: Collection[UUID]) -> dict[UUID, Known]:
        """These requests as they are recorded."""
        missing = [one for one in ids if one not in self._loaded]
        if missing:
            self._loaded.update(dict.fromkeys(missing))
            self._loaded.update((known.call.id, known) for known in self.below.known(missing))
        found = ((one, self._loaded[one]) for one in ids)
        return {one: known for one, known in found if known is not None}

    def facts(self, ids: Collection[UUID]) -> list[Facts]:
        """What these requests' stored bytes say."""
        over = self.over.facts(ids)
        have = {facts.call.id for facts in over}
        missing = [one for one in ids if one not in have]
        return over + (self.below.facts(missing) if missing else [])

    def keys(self, ids: Collection[UUID]) -> list[LinkKey]:
        """What these requests provide by now."""
        below = [one for one in ids if one not in self._rewritten]
        return self.over.keys(ids) + (self.below.keys(below) if below else [])

    def parents(self, ids: Collection[UUID]) -> set[UUID]:
        """Which of these requests are a parent of somebody that nothing was decided of."""
        return self.below.parents(ids, self._relinked.keys()) if ids else set()

    def settled(self, conversation: UUID) -> Settled | None:
        """What is settled of a conversation, where somebody keeps account of that."""
        found = self.below.settled(conversation)
        if found is not None:
            self._loaded.update((known.call.id, known) for known in found.behind)
        return found

    def conversations(self, ids: Collection[UUID]) -> dict[UUID, Known]:
        """All requests of these conversations, as they were recorded, with what was decided since."""
        return self._overlaid_by_id(self.below.conversations(ids))

    def _overlaid(self, below: Iterable[Known], over: Iterable[Known]) -> list[Known]:
        found = self._overlaid_by_id(known for known in below if known.call.id not in self._rewritten)
        found.update((known.call.id, known) for known in over)
        return list(found.values())

    def _overlaid_by_id(self, below: Iterable[Known]) -> dict[UUID, Known]:
        found = {}
        for known in below:
            self._loaded[known.call.id] = known
            found[known.call.id] = self._relinked.get(known.call.id, known)
        return found


def _better(probe: Probe, one: LinkKey | None, other: LinkKey | None) -> LinkKey | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=probe.rank)
