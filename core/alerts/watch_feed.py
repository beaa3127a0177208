"""The conversation feed: one message for each turn that a user of a train takes, when its answer is whole.

Told is what a person wrote and got: no sub-agents, no side calls (titles, quotas), no summaries, no counting of tokens.
Two turns have no words of their own: one that a client's reminder begins (a task in the background ended), and one that
goes on behind an automatic compaction, whose words are in the summary only. What they end with is told, too.
The key of a turn is its conversation and the state of the transcript at its last call: a retry, a second try of the
answer and a recording that is read again are the same turn.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from core.alerts.kinds import KINDS, Kind, Tone
from core.alerts.told import Alert, Told
from core.alerts.watch_words import LOOKED_AT, plain
from core.identity import Facts
from core.linking.link import Link
from core.models import Recording, RequestType
from core.normal_form import ASSISTANT, USER, Item
from core.transcript import is_message_call
from core.valueclass import valueclass

TITLE: Final = 100
TEXT_LINES: Final = 6
TEXT: Final = 700
"""Characters of the user's text and of the answer."""
TOOLS: Final = 20
"""Calls of tools that have a line of their own."""
ARGUMENT: Final = 120
_GOES_ON: Final = frozenset({None, "tool_use", "pause_turn"})
"""Reasons to stop after which the same turn goes on."""
LATER: Final = "A later answer to the same words: a task in the background ended, or the like."
COMPACTED: Final = "What was asked stands before the compaction of this conversation."
_TELLING: Final = ("command", "file_path", "path", "notebook_path", "pattern", "url", "query", "description", "prompt")
"""The arguments that say most of a call, the best first."""


@valueclass(frozen=True, slots=True)
class Turn:
    """A call that may end a turn: what was recorded, what linking knows of it and decided."""

    train: int
    name: str
    """The train's."""
    request: UUID
    recording: Recording | None
    facts: Facts | None
    link: Link | None
    ended_at: datetime


def turn(given: Turn) -> Alert | None:
    """The message of the turn that a call ends; None where it ends none."""
    recording, facts, link = given.recording, given.facts, given.link
    if recording is None or facts is None or link is None or not _is_told(recording, facts, link):
        return None
    place = _begins(facts)
    if place is None and not facts.call.continuation:
        return None
    asked = "" if place is None else facts.items[place].text or ""
    conversation = link.conversation_id
    told = Told(
        title=f"{given.name}: {_first(asked, TITLE) if asked else 'answered after a compaction'}",
        cause=_cause(facts, asked),
        fields=(("Train", given.name), ("Model", plain(recording.answered_model or recording.model or "", 100) or "–")),
        lines=tuple(_lines(asked, facts.items[(place or 0) + 1 :], recording.message)),
        path=f"/conversations/{conversation}?at={given.request}",
        page="The conversation",
    )
    matters = KINDS[Kind.FEED].matters_for
    return Alert(
        Kind.FEED,
        str(conversation),
        f"{Kind.FEED}:{given.train}:{conversation}:{facts.call.state.hex()}",
        Tone.INFO,
        told,
        train=given.train,
        expires_at=None if matters is None else given.ended_at + matters,
    )


def _is_told(recording: Recording, facts: Facts, link: Link) -> bool:
    call, start = facts.call, recording.start
    if not facts.complete or recording.stop_reason in _GOES_ON or recording.request_type is RequestType.QUOTA:
        return False
    if call.side_call is not None or call.summariser or not is_message_call(start.method, start.target):
        return False
    return not (link.is_subtask or call.agent_id or call.parent_agent_id)


def _begins(facts: Facts) -> int | None:
    """Which item the turn begins with: the user's last words. None where these are the summary of a past."""
    for place in range(len(facts.items) - 1, -1, -1):
        item = facts.items[place]
        if item.role == USER and item.text is not None:
            return None if place == 0 and facts.call.continuation else place
    return None


def _cause(facts: Facts, asked: str) -> str:
    """Why there are no new words, where there are none."""
    if not asked:
        return COMPACTED
    # Reminders are no items: behind the words stands an answer already. One that the caller began itself is none.
    prefilled = any(keep < len(facts.items) for keep, _ in facts.said)
    return LATER if facts.items[-1].role == ASSISTANT and not prefilled else ""


def _lines(asked: str, behind: Sequence[Item], message: Mapping[str, Any] | None) -> Iterator[str]:
    if asked:
        yield "User: " + _beginning(asked)
    uses = [line for item in behind if item.role == ASSISTANT and item.kind == "tool_use" for line in (_use(item),)]
    yield from uses[:TOOLS]
    if len(uses) > TOOLS:
        yield f"→ and {len(uses) - TOOLS} more calls of tools"
    answer = _beginning("\n\n".join(_texts(message)))
    if answer:
        yield "Answer: " + answer


def _use(item: Item) -> str:
    """``→ Bash: ls -la``: the tool and its most telling argument."""
    try:
        said = orjson.loads(item.data)
    except orjson.JSONDecodeError:
        said = {}
    name = said.get("name")
    shown = plain(name, 80) if isinstance(name, str) else "a tool"
    argument = _argument(said.get("input"))
    return f"→ {shown}: {argument}" if argument else f"→ {shown}"


def _argument(given: Any) -> str:
    if not isinstance(given, dict):
        return ""
    texts = [given[name] for name in (*_TELLING, *given) if isinstance(given.get(name), str)]
    return next((line for text in texts if (line := _first(text, ARGUMENT))), "")


def _first(text: str, longest: int) -> str:
    """The first line that says anything."""
    # Masked before it is cut into lines: some secrets have several.
    lines = plain(text, LOOKED_AT).splitlines()
    return plain(next((line.strip() for line in lines if line.strip()), ""), longest)


def _beginning(text: str) -> str:
    """The first lines of a text."""
    lines = [line.rstrip() for line in plain(text, LOOKED_AT).strip().splitlines()]
    shown = "\n".join(lines[:TEXT_LINES])
    return plain(shown + ("\n…" if len(lines) > TEXT_LINES else ""), TEXT)


def _texts(message: Mapping[str, Any] | None) -> Iterator[str]:
    content = message.get("content") if message is not None else None
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
            yield block["text"]
