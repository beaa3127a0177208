"""One decision: what newcomers change in the forest, given the ledger of what is recorded."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from core.identity import Call, Facts
from core.linking.branches import MAIN
from core.linking.claiming import claim
from core.linking.evidence import Finding, Question, search
from core.linking.keys import (
    Kind,
    LinkKey,
    announces,
    family_keys,
    own_scope,
    plain_keys,
    wants,
)
from core.linking.ledger import Known, Ledger, Names, Probe, SummaryProbe
from core.linking.link import Evidence, Link, Method, Past
from core.linking.placing import place
from core.linking.subagents import Member, launches_of
from core.linking.world import World
from core.valueclass import replace, valueclass


@valueclass(frozen=True, slots=True)
class Decision:
    """What has to be written. Rows of a request replace those it had."""

    links: Mapping[UUID, Link]
    """New and changed ones."""
    facts: Mapping[UUID, Facts]
    """Of every request that was decided (again)."""
    keys: Mapping[UUID, tuple[LinkKey, ...]]
    """What each of these provides now."""
    wants: Mapping[UUID, tuple[bytes, ...]]
    """The keys that each of these waits for now."""
    aliases: Mapping[UUID, UUID | None]
    """Conversations that joined another, with its id; with None those that stand for themselves again."""
    claimed: Mapping[UUID, UUID | None]
    """Failures that are claimed by another request than before, or by none."""


def decide(newcomers: Iterable[Facts], ledger: Ledger) -> Decision:
    """Link requests that are new, or of which more is known than before (their end, a correction).

    The result is what ``forest`` says of all requests, restricted to what changed.
    """
    deciding = _Deciding(ledger)
    deciding.gather({facts.call.id: facts for facts in newcomers})
    deciding.claim_attempts()
    deciding.assign_launches()
    deciding.settle_edges()
    return deciding.decision()


class _Deciding:
    """What is decided so far; the steps are called in the order in which they stand here."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._world = World(ledger)
        self._keys: dict[UUID, tuple[LinkKey, ...]] = {}
        self._wants: dict[UUID, tuple[bytes, ...]] = {}
        self._facts: dict[UUID, Facts] = {}
        self._claimed: Mapping[UUID, UUID | None] = {}
        self._plain: dict[tuple[UUID, Past | None], tuple[LinkKey, ...]] = {}
        """What requests provide whatever their parents are."""
        self._scopes: set[bytes] = set()
        """The families that may have to be told apart anew."""

    # Evidence: each request by itself

    def gather(self, newcomers: dict[UUID, Facts]) -> None:
        """Find the evidence of newcomers, of whoever waited for what they provide, and so on until nothing changes."""
        before = self._world.stored(newcomers)
        rows = self._world.keys(before) if before else []
        self._world.known(_parents(before.values()))  # in one look-up
        self._scopes.update(row.key for row in rows if row.kind is Kind.FAMILY)
        for request, facts in newcomers.items():
            old = before.get(request)
            call = facts.call
            link = Link(request, request, None, None, MAIN, side_call=call.side_call) if old is None else old.link
            self._world.put_link(Known(call, facts.pairs, link))
            rows += self._put_keys(facts, link.evidence, link.past)
        waiting = self._world.waiting(rows, newcomers)
        dirty = newcomers | self._read(waiting - newcomers.keys())
        while dirty:
            changed = self._search(dirty, newcomers)
            dirty = self._read(self._world.waiting(changed, ())) if changed else {}

    def _read(self, ids: Collection[UUID]) -> dict[UUID, Facts]:
        return {facts.call.id: facts for facts in self._world.facts(ids)} if ids else {}

    def _put_keys(self, facts: Facts, evidence: Evidence | None, past: Past | None) -> tuple[LinkKey, ...]:
        plain = self._plain.get((facts.call.id, past))
        if plain is None:
            plain = self._plain[facts.call.id, past] = plain_keys(facts, past)
        rows = plain + family_keys(facts, evidence, forks=self._forks(facts.call, evidence))
        self._world.put_keys(facts, rows)
        self._keys[facts.call.id] = rows
        self._facts[facts.call.id] = facts
        return rows

    def _forks(self, call: Call, evidence: Evidence | None) -> bool:
        """Whether a request leaves its parent for an agent of its own."""
        if evidence is None or evidence.parent is None or call.agent_id is None:
            return False
        parent = self._world.known([evidence.parent]).get(evidence.parent)
        if parent is None:  # retention took it away
            return False
        return parent.call.agent_id != call.agent_id and parent.call.session_id == call.session_id

    def _search(self, dirty: Mapping[UUID, Facts], newcomers: Collection[UUID]) -> list[LinkKey]:
        """Find the evidence of these requests; the facts that it adds or takes away and others may wait for."""
        corrections = self._ledger.corrections(dirty)
        valid = self._valid(corrections)
        findings = _converse(self._world, dirty, valid)
        found = (one.evidence for one in findings.values())
        self._world.known({one.parent for one in found if one is not None and one.parent is not None})  # in one look-up
        before = self._provided(dirty)
        recorded = self._world.known(dirty)
        changed: list[LinkKey] = []
        for request, (evidence, past, runs) in findings.items():
            facts, known, was = dirty[request], recorded[request], before[request]
            moved, link = evidence != known.link.evidence, known.link
            if moved or past != link.past:
                link = replace(link, evidence=evidence, past=past, launch=None if moved else link.launch)
            if link is not known.link or request not in newcomers:
                self._world.put_link(Known(facts.call, facts.pairs, link))
            same = evidence is None and link is known.link and request in newcomers
            now = was if same else self._put_keys(facts, evidence, past)
            if now != was:
                changed += (row for row in {*was} ^ {*now} if announces(row))
            if moved or request in newcomers:
                rows = now if request in newcomers else (*was, *now)
                self._scopes.update(row.key for row in rows if row.kind is Kind.FAMILY)
            self._wants[request] = wants(facts, evidence, corrections.get(request), runs)
            self._world.over.put_wants(request, self._wants[request])
        return changed

    def _provided(self, ids: Collection[UUID]) -> dict[UUID, tuple[LinkKey, ...]]:
        """What these requests provide by now."""
        found = {request: self._keys.get(request, ()) for request in ids}
        missing = [request for request in ids if request not in self._keys]
        for row in self._world.keys(missing) if missing else ():
            found[row.request] += (row,)
        return found

    def _valid(self, corrections: Mapping[UUID, UUID | None]) -> dict[UUID, UUID | None]:
        """The corrections that can be followed: the parent is recorded, earlier, and no side call."""
        parents = self._world.known({parent for parent in corrections.values() if parent is not None})
        return {
            request: parent
            for request, parent in corrections.items()
            if parent is None or (parent in parents and parent < request and parents[parent].call.side_call is None)
        }

    # Groups: attempts of one call, sub-agents of one session

    def claim_attempts(self) -> None:
        """Tell which requests are attempts of earlier ones, in every group that something changed in."""
        claimed = claim(self._world)
        self._claimed = claimed.failures
        for known, failure, attempt_of in claimed.requests:
            if known.link.attempt_of == attempt_of:
                self._relink(known, claims=failure)
                continue
            self._relink(known, claims=failure, attempt_of=attempt_of, launch=None)
            self._scopes.update(_own_scope(known.call))

    def _relink(self, known: Known, **changes: Any) -> None:
        self._world.put_link(known._replace(link=replace(known.link, **changes)))

    def assign_launches(self) -> None:
        """Tell which launch each sub-agent came from, in every family that something changed in."""
        scopes = self._world.launched(self._scopes) if self._scopes else set()
        if not scopes:
            return
        members = []
        family = self._world.family(scopes)
        self._world.known(_parents(family))  # in one look-up
        for known in family:
            link = known.link
            first = link.attempt_of is None
            begins = first and link.evidence is None and known.call.side_call is None
            members.append(Member(known, begins, first and self._forks(known.call, link.evidence)))
        launches = launches_of(members, scopes)
        for member in members:
            known = member.known
            launch = launches.get(known.call.id)
            if known.link.launch != launch and own_scope(known.call) in scopes and known.link.attempt_of is None:
                self._relink(known, launch=launch)

    def settle_edges(self) -> None:
        """Make edges of evidence, attempts and launches; an attempt shares those of the first."""
        self._world.known(_parents(self._world.relinked.values()))  # in one look-up
        for known in list(self._world.relinked.values()):
            if known.link.attempt_of is None:
                parent, method = known.link.evidence[:2] if known.link.evidence is not None else (None, None)
                if known.link.evidence is None and known.link.launch is not None:
                    parent, method = known.link.launch.request, Method.SUBAGENT
                if (parent, method) != (known.link.parent_request_id, known.link.link_method):
                    self._relink(known, parent_request_id=parent, link_method=method)
        stored = self._world.stored(self._world.relinked)
        moved = [one for one, known in stored.items() if _edge(known.link) != _edge(self._world.relinked[one].link)]
        for known in self._world.attempts(moved):
            self._world.put_link(known)
        for known in list(self._world.relinked.values()):
            if known.link.attempt_of is not None:
                first = self._world.known([known.link.attempt_of]).get(known.link.attempt_of, known).link
                shared = {"parent_request_id": first.parent_request_id, "link_method": first.link_method}
                self._relink(known, launch=first.launch, **shared)

    def decision(self) -> Decision:
        """Everything that changed, with branches and sub-agents named."""
        links = place(self._world)
        stored = self._world.stored(links)
        aliases: dict[UUID, UUID | None] = {}
        for request, known in stored.items():
            now, was_root = links[request].conversation_id, known.link.conversation_id == request
            if was_root != (now == request):
                aliases[request] = None if now == request else now
        return Decision(links, self._facts, self._keys, self._wants, aliases, self._claimed)


def _edge(link: Link) -> tuple[object, ...]:
    """What the attempts of a request share."""
    return (link.parent_request_id, link.link_method, link.launch)


def _parents(known: Iterable[Known]) -> set[UUID]:
    """Whose place or agent these requests' own depend on."""
    parents = {one.link.attempt_of for one in known}
    parents |= {one.link.evidence.parent for one in known if one.link.evidence is not None}
    return {parent for parent in parents if parent is not None}


def _own_scope(call: Call) -> tuple[bytes, ...]:
    scope = own_scope(call) if call.side_call is None else None
    return () if scope is None else (scope,)


def _converse(
    world: World, dirty: Mapping[UUID, Facts], corrections: Mapping[UUID, UUID | None]
) -> dict[UUID, Finding]:
    """Run the searches of many requests side by side, so that each round is one look-up of each sort at most."""
    searches = {
        request: search(facts, request in corrections, corrections.get(request)) for request, facts in dirty.items()
    }
    asked: dict[UUID, Question] = {}
    found: dict[UUID, Finding] = {}
    answers: dict[UUID, list[Any] | None] = dict.fromkeys(searches)
    while answers:
        asked.clear()
        for request, answer in answers.items():
            try:
                asked[request] = searches[request].send(answer)
            except StopIteration as end:
                found[request] = end.value
        answers = _look_up(world, asked)
    return found


def _look_up(world: World, asked: Mapping[UUID, Question]) -> dict[UUID, list[Any] | None]:
    answers: dict[UUID, list[Any] | None] = {}
    look_ups: list[tuple[type, Callable[[list[Any]], list[Any]]]] = [
        (Probe, world.best), (SummaryProbe, world.summaries), (Names, world.provided),
    ]  # fmt: skip
    for sort, look_up in look_ups:
        of_sort = {request: of for request, of in asked.items() if isinstance(of[0], sort)}
        if of_sort:
            found = iter(look_up([one for of in of_sort.values() for one in of]))
            answers.update((request, list(islice(found, len(of)))) for request, of in of_sort.items())
    return answers
