"""What the cost of a conversation is made of: for which words of its prompts and answers it was paid. Pure.

The body of the last request of a stretch holds what all of it sent (``thread``), so few bodies tell of all requests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.carrying import Paid, Stretch, paid, shared, stretch
from core.composition import Kind, Source, blocks
from core.prices import PriceList
from dashboard.conversations.repriced import asked
from dashboard.conversations.talk import TalkTree
from dashboard.recordings.bodies import MOST_SHOWN_BYTES
from dashboard.render.figures import plural
from sql.rows.conversation_cost import ConversationUsageRow

MOST_BYTES = 24 * 1024 * 1024
MOST_BODIES = 40
"""Bodies that are looked into, those of the dearest stretches first."""
OUTPUT = 3
"""The place of the output among the classes; before it stand read, write and fresh."""
NOTHING = (0.0, 0.0, 0.0, 0.0)
_WORDS: Mapping[Kind, str] = {
    Kind.SYSTEM: "System prompt",
    Kind.TOOLS: "Tools",
    Kind.USER: "User's words",
    Kind.REMINDERS: "Reminders of the client",
    Kind.RESULTS: "Results",
    Kind.MEDIA: "Pictures and documents",
    Kind.ASSISTANT: "Assistant's words, sent again",
    Kind.CALLS: "Tool calls, sent again",
    Kind.THINKING: "Thinking, sent again",
    Kind.OTHER: "Other blocks",
}
THINKING = "Output: thinking"
ANSWERS = "Output: words and tool calls"
WRITTEN = "Output"
SEARCHES = "Web searches"
UNTOLD = "Prompts that were not looked into"


@dataclass
class Told:
    """USD by source and class (read, write, fresh, output); how much of it could be told apart."""

    usd: dict[str, tuple[float, ...]] = field(default_factory=dict)
    requests: int = 0
    untold: int = 0
    """Requests whose prompt could not be looked into; what it cost stands together."""
    unpriced: int = 0
    """Requests whose cost is unknown, or whose model has no price any more: they are not in it."""
    bodies: int = 0

    def add(self, name: str, parts: Sequence[float]) -> None:
        """Add to a source."""
        before = self.usd.get(name, NOTHING)
        self.usd[name] = tuple(one + more for one, more in zip(before, parts, strict=True))

    @property
    def ranked(self) -> list[tuple[str, tuple[float, ...]]]:
        """The sources, the dearest first."""
        return sorted(self.usd.items(), key=lambda pair: (-sum(pair[1]), pair[0]))


def called(source: Source) -> str:
    """A source in words."""
    words = _WORDS[source.kind]
    if source.kind is Kind.TOOLS:
        return f"{words} of {source.name}" if source.name else f"{words}, built in"
    return f"{words} of {source.name or 'unnamed tools'}" if source.kind is Kind.RESULTS else words


def readers(tree: TalkTree) -> dict[int, int]:
    """For each request the one whose body holds its prompt: the last that carries it on, else itself."""
    found: dict[int, int] = {}
    for place in range(len(tree.rows) - 1, -1, -1):
        row, parent = tree.rows[place], tree.parents[place]
        if row.item_count is None or (row.request_bytes or 0) > MOST_SHOWN_BYTES:
            continue
        if row.outcome is not None:
            found.setdefault(place, place)
        if parent is not None and place in found and tree.carries(place):
            found.setdefault(parent, found[place])
    return found


def wanted(tree: TalkTree, reader: Mapping[int, int]) -> list[UUID]:
    """The bodies to be read: those that tell of the most money, within ``MOST_BYTES`` and ``MOST_BODIES``."""
    worth: dict[int, float] = {}
    for place, source in reader.items():
        worth[source] = worth.get(source, 0.0) + float(tree.rows[place].cost_usd or 0)
    found, octets = [], 0
    for source in sorted(worth, key=lambda one: (-worth[one], one))[:MOST_BODIES]:
        row = tree.rows[source]
        if worth[source] and octets + (row.request_bytes or 0) <= MOST_BYTES:
            octets += row.request_bytes or 0
            found.append(row.id)
    return found


def told(
    tree: TalkTree, rows: Sequence[ConversationUsageRow], bodies: Mapping[UUID, bytes | None], prices: PriceList
) -> Told:
    """The cost shared out. Off the loop: a body of a megabyte takes some milliseconds."""
    reader, made = readers(tree), _stretches(bodies)
    found = Told(bodies=len(made))
    for row in rows:
        place = tree.place(row.id)
        one = _paid(row, prices)
        if one is None or place is None:
            found.unpriced += 1
            continue
        found.requests += 1
        _add_answer(found, row, one)
        known = made.get(tree.rows[reader[place]].id) if place in reader else None
        parts = None if known is None else shared(known, tree.rows[place].item_count or 0, one.tokens, one.prompt)
        if parts is None:
            found.untold += 1
            found.add(UNTOLD, (*one.prompt, 0.0))
            continue
        for source, usd in parts.items():
            found.add(called(source), (*usd, 0.0))
    return found


def _paid(row: ConversationUsageRow, prices: PriceList) -> Paid | None:
    if row.cost_usd is None or row.model is None:
        return None
    return paid(asked(row).usage, row.model, row.started_at, row.cost_usd, prices)


def _stretches(bodies: Mapping[UUID, bytes | None]) -> dict[UUID, Stretch]:
    found = {}
    for name, body in bodies.items():
        parts = blocks(body) if body else None
        if parts:
            found[name] = stretch(parts)
    return found


def _add_answer(found: Told, row: ConversationUsageRow, one: Paid) -> None:
    """What was written; thinking apart where the API told how much of it that was."""
    if one.searches:
        found.add(SEARCHES, (0.0, 0.0, 0.0, one.searches))
    if row.thinking_tokens is None or not row.output_tokens:
        found.add(WRITTEN, (0.0, 0.0, 0.0, one.output))
        return
    share = min(1.0, row.thinking_tokens / row.output_tokens)
    found.add(THINKING, (0.0, 0.0, 0.0, one.output * share))
    found.add(ANSWERS, (0.0, 0.0, 0.0, one.output * (1 - share)))


def remarks(found: Told) -> list[str]:
    """What is not told apart, and why."""
    said = []
    if found.untold:
        why = "their bodies are not stored, too large, or among too many"
        said.append(f"The prompts of {plural(found.untold, 'request')} were not looked into: {why}.")
    if found.unpriced:
        said.append(f"Without {plural(found.unpriced, 'request')} that no price is known for.")
    return said
