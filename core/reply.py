"""An answer as its client may send it back in the next transcript, and when a call without one had failed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from core.answer import stopped_blocks
from core.labels import label
from core.message import PARTIAL_JSON
from core.models import Outcome, Recording
from core.normal_form import ASSISTANT, USER, Item, Normaliser, clean, text_item
from core.recognition import COMPACTION
from core.valueclass import valueclass

Block = dict[str, Any]
_OPEN: Final = "<summary>"
_CLOSE: Final = "</summary>"
_SPOKEN: Final = (USER, ASSISTANT)


@valueclass(frozen=True, slots=True)
class Reply:
    """What became of a call: its answer, whole or in part."""

    message: Mapping[str, Any] | None = None
    complete: bool = False
    failed_at_us: int | None = None
    """When its client could know that it failed, unix µs."""
    cut: frozenset[int] = frozenset()
    """Which blocks of a broken-off message lack their end."""

    @property
    def message_id(self) -> str | None:
        """The id of the answer, as a thread names it."""
        return label(self.message.get("id")) if self.message is not None else None

    def blocks(self) -> list[Block]:
        """The blocks of the answer without a tool_use that was cut: no client runs or repeats that."""
        content = self.message.get("content") if self.message is not None else None
        if not isinstance(content, list):
            return []
        return [
            block
            for index, block in enumerate(content)
            if isinstance(block, dict)
            and (block.get("type") != "tool_use" or (index not in self.cut and PARTIAL_JSON not in block))
        ]


class Said(NamedTuple):
    """An answer as items, put behind the first ``keep`` items of its request."""

    keep: int
    items: tuple[Item, ...]


def reply_of(recording: Recording) -> Reply:
    """What became of a recorded call."""
    message, head = recording.message, recording.head
    told = message is not None and message.get("stop_reason") is not None and recording.error_type is None
    # A client that hangs up after the last event has its answer.
    if recording.outcome is Outcome.OK or (told and head is not None and head.status < 400):
        return Reply(message, complete=True)
    cut: frozenset[int] = frozenset()
    content = message.get("content") if message is not None else None
    if isinstance(content, list) and any(isinstance(part, dict) and part.get("type") == "tool_use" for part in content):
        stream = recording.response_body if recording.response_decoded is None else recording.response_decoded
        cut = frozenset(range(len(content))) - stopped_blocks(stream)
    return Reply(message, failed_at_us=_failed_at_us(recording), cut=cut)


def _failed_at_us(recording: Recording) -> int:
    """When the status line of an error, else the last byte, went to the client; else when the call was closed."""
    timings, head = recording.end.timings, recording.head
    if head is not None and head.status >= 400:
        after = timings.head_us
    else:
        after = recording.chunks[-1].at_us if recording.chunks else None
    return recording.start.at_us + (timings.end_us if after is None else after)


def said(asked: tuple[Item, ...], prefill: str | None, blocks: list[Block], normaliser: Normaliser) -> tuple[Said, ...]:
    """The ways a client may send an answer back: plain, its first text joined to the prefill, its texts joined.

    ``prefill`` is the text of the assistant turn that the request ended with. Empty for an answer without items.
    """
    items = tuple(normaliser.content(ASSISTANT, blocks))
    if not items:
        return ()
    plain = Said(len(asked), items)
    if prefill is None and len(blocks) == 1:
        return (plain,)
    ways = {plain: None}
    texts = [block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str)]
    only_texts = all(item.text is not None for item in items)
    if only_texts and len(texts) > 1:
        ways[Said(len(asked), _texts("".join(texts)))] = None
    # A prefill of white space alone is no item: then the last item is another's.
    if prefill is not None and items[0].text is not None and asked and asked[-1].text == clean(prefill):
        ways[Said(len(asked) - 1, _texts(prefill + texts[0]) + items[1:])] = None
        if only_texts:
            ways[Said(len(asked) - 1, _texts(prefill + "".join(texts)))] = None
    return tuple(way for way in ways if way.items)


def _texts(text: str) -> tuple[Item, ...]:
    item = text_item(ASSISTANT, text)
    return () if item is None else (item,)


def prefill_of(messages: Sequence[Any]) -> str | None:
    """The text of the assistant turn that a request ends with; None where it ends otherwise.

    System messages do not count, here as in the normal form.
    """
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") in _SPOKEN:
            return _last_text(message.get("content")) if message["role"] == ASSISTANT else None
    return None


def _last_text(content: Any) -> str | None:
    if isinstance(content, list):
        content = content[-1].get("text") if content and isinstance(content[-1], dict) else None
    return content if isinstance(content, str) else None


def fold(text: str) -> str:
    """Text with each run of white space as one space."""
    return " ".join(text.split())


def summary_of(blocks: list[Block], *, summariser: bool) -> str | None:
    """What a continuation of this answer will contain, folded; None where the answer stands for no transcript."""
    compacted = [block.get("content") for block in blocks if block.get("type") == COMPACTION]
    if compacted:
        return fold(compacted[-1]) if isinstance(compacted[-1], str) else ""
    return fold(_body("".join(_answer_texts(blocks)))) if summariser else None


def _answer_texts(blocks: list[Block]) -> Iterator[str]:
    return (block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str))


def _body(text: str) -> str:
    start = text.find(_OPEN)
    return text if start < 0 else text[start + len(_OPEN) :].partition(_CLOSE)[0]
