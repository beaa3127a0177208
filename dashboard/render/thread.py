"""A window of a conversation as people read it: what was said, and each tool call with its result in one card."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from markupsafe import Markup

from core import recognition
from core.conversation_tree import Fork
from core.normal_form import ASSISTANT, USER
from core.recognition import Purpose
from dashboard.conversations.talk import TalkTree
from dashboard.conversations.thread import Stored, Window
from dashboard.render import blocks, figures, headline, links, transcript
from dashboard.render.blocks import Block, Context
from dashboard.render.secrets import Mask
from dashboard.render.transcript import Piece, Transcript
from sql.rows.conversations import ConversationRequestRow, ToolCallRow

SYSTEM = "system"
PICTURES = "/requests/{}/images/"
WHOLE_SHOWN = 60
"""Blocks of a transcript that is new as a whole; those before are a link away."""
LONGEST_RESULT = 6_000
KEPT = 2_400
"""Characters of a longer tool result that stay at either end."""
MOST_MARKUP = 1_500_000
FRAME = 300
_CUT = "\n⋯ {} left out here ⋯\n"
_NOTE = Markup('<p class="note">{}</p>')


@dataclass(slots=True)
class Card:
    """A block, or a tool call together with what came back."""

    block: Block
    results: list[Block] = field(default_factory=list)
    role: str = ASSISTANT
    """Who said it."""
    tool_id: str | None = None
    duration_us: int | None = None
    branch: str | None = None
    """The sub-agent it launched."""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one side said without a word of the other in between, under the name of who said it."""

    label: str
    cards: Sequence[Card]
    by_model: bool = False


@dataclass(slots=True)
class Turn:
    """A request of the window: what it added and what was answered. ``number`` counts in the conversation from 1."""

    row: ConversationRequestRow
    number: int
    prompt: bool
    fork: Fork | None
    why: str
    asked: list[Card] = field(default_factory=list)
    reminders: list[Block] = field(default_factory=list)
    answer: list[Card] = field(default_factory=list)
    earlier: int = 0
    """Blocks of its transcript that are not shown."""
    note: str | None = None
    ending: str | None = None
    before_tokens: int | None = None
    """Input tokens before a compaction."""

    @property
    def runs(self) -> list[Run]:
        """What it added, told apart by who said it: a transcript that is new as a whole holds answers too."""
        found = (list(cards) for _, cards in groupby(self.asked, key=attrgetter("role")))
        return [Run(self._label(cards), cards, cards[0].role == ASSISTANT) for cards in found]

    def _label(self, cards: Sequence[Card]) -> str:
        role = cards[0].role
        if role != USER:
            return "Assistant" if role == ASSISTANT else role
        # Results alone: nobody said anything, and the calls stand on an earlier page.
        if all(card.block.kind == "tool-result" for card in cards):
            return "Tool results"
        return "To the sub-agent" if self.row.is_subtask else "User"


@dataclass(frozen=True, slots=True)
class Thread:
    """The turns of a window, and how many secrets were masked in them."""

    turns: list[Turn]
    masked: int


Draw = Callable[[Any, str, Context], Iterator[Block]]


def drawn(
    window: Window,
    stored: Stored,
    launches: Mapping[tuple[Any, str], str],
    draw: Draw = blocks.rendered,
    pictures: str = PICTURES,
) -> Thread:
    """The turns of a window. Never raises on any recorded bytes.

    ``draw`` makes the blocks of one content block; ``pictures`` is the address of those of request ``{}``, empty where
    none are shown.
    """
    return _Drawing(window, stored, launches, draw, pictures).thread()


class _Drawing:
    def __init__(
        self, window: Window, stored: Stored, launches: Mapping[tuple[Any, str], str], draw: Draw, pictures: str
    ) -> None:
        self._draw = draw
        self._pictures = pictures
        self._window = window
        self._tree: TalkTree = window.tree
        self._stored = stored
        self._launches = launches
        self._mask = Mask()
        self._room = MOST_MARKUP
        self._open: dict[str, Card] = {}
        """Calls that a later request may bring the result of."""
        self._read: dict[int, Transcript | None] = {}

    def thread(self) -> Thread:
        turns = [self._turn(place) for place in self._window.places]
        return Thread(turns, self._mask.hidden)

    def _turn(self, place: int) -> Turn:
        tree, row = self._tree, self._tree.rows[place]
        parent = tree.parents[place]
        reason = links.why(row.link_method, attempt=row.attempt_of is not None, has_parent=parent is not None)
        turn = Turn(row, place + 1, tree.is_prompt(place), tree.fork(place), reason)
        if row.link_method == "compaction" and parent is not None:
            turn.before_tokens = tree.rows[parent].total_input_tokens
        self._ask(turn, place)
        self._answer(turn)
        return turn

    def _ask(self, turn: Turn, place: int) -> None:
        source = self._window.sources[place]
        held = self._transcript(source)
        if held is None:
            running = turn.row.outcome is None
            turn.note = "Its messages are shown when it has ended." if running else "No request body can be shown."
            return
        pieces = self._added(turn, place, held)
        if pieces is None:
            turn.note = "What it added can not be told from its neighbours; its own page shows it."
            return
        source_id = self._tree.rows[source].id
        for piece in pieces:
            context = Context(piece.role, self._pictures.format(source_id), self._mask, held.calls)
            self._place(turn, piece, context)

    def _added(self, turn: Turn, place: int, held: Transcript) -> Sequence[Piece] | None:
        """The blocks that a request added; None where that can not be told."""
        tree, row = self._tree, turn.row
        parent = tree.parents[place]
        counted = held.items == tree.rows[self._window.sources[place]].item_count
        own = self._window.sources[place] == place
        if not own and not counted:
            return None
        upto = None if own else row.item_count
        if row.attempt_of is not None and parent is not None:
            return ()
        if parent is None or row.link_method in (None, "compaction", "subagent", "thread"):
            whole = held.between(-1, upto)
            turn.earlier = max(0, len(whole) - WHOLE_SHOWN)
            return whole[turn.earlier :]
        before = tree.rows[parent].item_count
        if not counted or before is None or not tree.carries(place):
            return transcript.behind_last_answer(held.between(-1, upto))
        added = held.between(before, upto)
        answered = self._stored.messages.get(tree.rows[parent].id) is not None
        return transcript.without_answer(added) if answered else added

    def _place(self, turn: Turn, piece: Piece, context: Context) -> None:
        block = piece.block
        result_of = block.get("tool_use_id") if isinstance(block, dict) else None
        card = self._open.get(result_of) if isinstance(result_of, str) else None
        for made in self._blocks(block, piece.place, context):
            if card is not None:
                card.results.append(made)
                card.failed = card.failed or made.error
            elif made.kind == "reminder" or piece.role == SYSTEM:
                # Claude Code tells the model of its surroundings in messages of the role ``system``.
                turn.reminders.append(made)
            else:
                turn.asked.append(self._said(piece, made))

    def _said(self, piece: Piece, made: Block) -> Card:
        card = Card(_folded(piece, made), role=piece.role, failed=made.error)
        tool_id = piece.block.get("id") if piece.role == ASSISTANT and made.kind == "tool-use" else None
        if isinstance(tool_id, str):
            card.tool_id = tool_id
            self._open[tool_id] = card
        return card

    def _answer(self, turn: Turn) -> None:
        row = turn.row
        if row.outcome != "ok":
            ending = headline.Ending(
                row.outcome,
                row.status_code,
                row.error_type,
                row.stop_reason,
                None,
                row.duration_us,
                row.ttft_us,
                None,
                None,
                sizes_known=False,
            )
            turn.ending = headline.sentence(ending)
        message = self._stored.messages.get(row.id)
        content = message.get("content") if isinstance(message, dict) else None
        calls = {call.tool_use_id: call for call in self._stored.calls.get(row.id, ())}
        context = Context(ASSISTANT, self._pictures.format(row.id), self._mask)
        for position, block in enumerate(content if isinstance(content, list) else ()):
            for made in self._blocks(block, f"r.{position}", context):
                turn.answer.append(self._card(row, block, made, calls))

    def _card(self, row: ConversationRequestRow, block: Any, made: Block, calls: Mapping[str, ToolCallRow]) -> Card:
        tool_id = block.get("id") if made.kind == "tool-use" and isinstance(block, dict) else None
        if not isinstance(tool_id, str):
            return Card(made)
        call = calls.get(tool_id)
        card = Card(made, tool_id=tool_id, duration_us=call.duration_us if call is not None else None)
        card.branch = self._launches.get((row.id, tool_id))
        self._open[tool_id] = card
        return card

    def _blocks(self, block: Any, place: str, context: Context) -> Iterator[Block]:
        if self._room <= 0:
            yield Block("other", "not drawn: this page is full", _NOTE.format("The request's own page shows it."))
            return
        for made in self._draw(_shortened(block), place, context):
            self._room -= len(made.body) + FRAME
            yield made

    def _transcript(self, source: int) -> Transcript | None:
        if source not in self._read:
            body = self._stored.bodies.get(self._tree.rows[source].id)
            self._read[source] = transcript.read(body) if body else None
        return self._read[source]


def _folded(piece: Piece, made: Block) -> Block:
    """The block, folded where it holds the pages of instructions with which a client asks for a summary by itself."""
    text = piece.block.get("text") if isinstance(piece.block, dict) else piece.block
    if made.kind != "text" or piece.role != USER or not isinstance(text, str):
        return made
    if not recognition.is_summariser(text.strip(), Purpose(None, summariser=False)):
        return made
    size = figures.plural(len(text), "character")
    return replace(made, kind="summary-request", title="Asks for a summary", note=size, folded=True)


def _shortened(block: Any) -> Any:
    """A tool result without the middle of its long texts; how much is missing stands in its place."""
    if not isinstance(block, dict) or block.get("type") not in ("tool_result", "mcp_tool_result"):
        return block
    content = block.get("content")
    if isinstance(content, str):
        return {**block, "content": _cut(content)}
    if isinstance(content, list):
        return {**block, "content": [_short_part(part) for part in content]}
    return block


def _short_part(part: Any) -> Any:
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return {**part, "text": _cut(part["text"])}
    return _cut(part) if isinstance(part, str) else part


def _cut(text: str) -> str:
    left = len(text) - 2 * KEPT
    if len(text) <= LONGEST_RESULT:
        return text
    return text[:KEPT] + _CUT.format(figures.plural(left, "character")) + text[-KEPT:]
