"""Stream events become the one assistant message that the non-streaming API would have returned; nothing is dropped.

Unknown block types stay verbatim. Two keys of ours can appear in a block, beside what the API sends:
``_partial_json`` holds tool input that is not JSON (the stream broke off, or the model wrote it so), as text;
``_deltas`` holds deltas of types this version does not know, in order.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from core import usage
from core.bodies import check_nesting, well_formed

PARTIAL_JSON: Final = "_partial_json"
UNKNOWN_DELTAS: Final = "_deltas"

# The field a delta's fragments are joined in. Fragments are kept in lists: adding strings up would be quadratic.
_JOINED: Mapping[str, str] = {"text_delta": "text", "thinking_delta": "thinking"}
# Deltas whose fields replace the block's own, as the SDKs do.
_ASSIGNED = frozenset({"signature_delta", "compaction_delta"})
# What a delta says of a block whose start was lost.
_BLOCK_OF_DELTA: Mapping[str, dict[str, Any]] = {
    "text_delta": {"type": "text", "text": ""},
    "citations_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": ""},
    "signature_delta": {"type": "thinking", "thinking": ""},
    "input_json_delta": {"type": "tool_use", "input": {}},
    "compaction_delta": {"type": "compaction"},
}


class MessageBuilder:
    """``add`` takes the payloads of a stream's events in order; ``message`` gives what they amount to so far."""

    __slots__ = ("_blocks", "_by_index", "_message", "_next", "_seen", "_usage", "error", "stopped")

    def __init__(self) -> None:
        self._message: dict[str, Any] = {"type": "message", "role": "assistant", "content": []}
        self._usage: dict[str, Any] = {}
        self._blocks: list[_Block] = []
        self._by_index: dict[int, _Block] = {}
        self._next = 0
        self._seen = False
        self.error: dict[str, Any] | None = None
        """The last ``error`` event, whole."""
        self.stopped = False
        """Whether ``message_stop`` was seen."""

    def add(self, payload: Mapping[str, Any]) -> None:
        """Fold one event in. Events of unknown types change nothing; malformed ones never raise."""
        kind = payload.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            handler(self, payload)

    def message(self) -> dict[str, Any] | None:
        """The message so far; None before anything of it was seen. A partial stream gives a partial message."""
        if not self._seen:
            return None
        message = {**self._message, "content": [block.finish() for block in self._in_order()]}
        if self._usage:
            message["usage"] = self._usage
        return message

    def _in_order(self) -> list["_Block"]:
        # By index, and by arrival where two share one or it is no number.
        return sorted(self._blocks, key=lambda block: block.index)

    def _start(self, payload: Mapping[str, Any]) -> None:
        message = payload.get("message")
        if not isinstance(message, dict):
            return
        reported = message.get("usage")
        if isinstance(reported, dict):  # it is the first word on usage even where it arrives late
            self._usage = usage.merge(reported, self._usage)
        if self._seen:  # a second start must not wipe what is there
            message = {name: value for name, value in message.items() if name not in self._message}
        self._seen = True
        for index, block in enumerate(_list(message.get("content"))):
            if isinstance(block, dict):
                self._open(index, block)
        self._message |= {name: value for name, value in message.items() if name not in {"content", "usage"}}

    def _open(self, index: Any, start: dict[str, Any]) -> "_Block":
        self._seen = True
        place = index if type(index) is int else self._next
        self._next = max(self._next, place + 1)
        block = _Block(place, start)
        self._blocks.append(block)
        self._by_index[place] = block
        return block

    def _block_start(self, payload: Mapping[str, Any]) -> None:
        start = payload.get("content_block")
        if not isinstance(start, dict):
            return
        self._open(payload.get("index"), start)
        served_by = start.get("to")
        if start.get("type") == "fallback" and isinstance(served_by, dict) and served_by.get("model"):
            # The last hop names the model that answered; the non-streaming message bears that name (anthropic 2.10).
            self._message["model"] = served_by["model"]

    def _block_delta(self, payload: Mapping[str, Any]) -> None:
        delta = payload.get("delta")
        if not isinstance(delta, dict):
            return
        index = payload.get("index")
        if index is None and self._blocks:  # it can only mean the block that was opened last
            index = self._blocks[-1].index
        block = self._by_index.get(index) if type(index) is int else None
        if block is None:
            kind = delta.get("type")
            guess = _BLOCK_OF_DELTA.get(kind) if isinstance(kind, str) else None
            block = self._open(index, dict(guess or {"type": "unknown"}))
        block.add(delta)

    def _message_delta(self, payload: Mapping[str, Any]) -> None:
        self._seen = True
        reported = payload.get("usage")
        if isinstance(reported, dict):
            self._usage = usage.merge(self._usage, reported)
        delta = payload.get("delta")
        fields = {name: value for name, value in payload.items() if name not in {"type", "delta", "usage"}}
        fields |= delta if isinstance(delta, dict) else {}
        for name, value in fields.items():
            if name != "content" and (value is not None or name not in self._message):
                self._message[name] = value

    def _stop(self, _payload: Mapping[str, Any]) -> None:
        self.stopped = True

    def _error(self, payload: Mapping[str, Any]) -> None:
        self.error = dict(payload)


_HANDLERS: Mapping[str, Callable[[MessageBuilder, Mapping[str, Any]], None]] = {
    "message_start": MessageBuilder._start,  # noqa: SLF001 # the class's own dispatch table
    "content_block_start": MessageBuilder._block_start,  # noqa: SLF001
    "content_block_delta": MessageBuilder._block_delta,  # noqa: SLF001
    "message_delta": MessageBuilder._message_delta,  # noqa: SLF001
    "message_stop": MessageBuilder._stop,  # noqa: SLF001
    "error": MessageBuilder._error,  # noqa: SLF001
}


class _Block:
    """One content block: what its start said, and the fragments that followed."""

    __slots__ = ("_citations", "_fields", "_input", "_joined", "_unknown", "index")

    def __init__(self, index: int, start: Mapping[str, Any]) -> None:
        self.index = index
        self._fields = dict(start)
        self._joined: dict[str, list[str]] = {}
        self._input: list[str] = []
        self._citations: list[Any] = []
        self._unknown: list[dict[str, Any]] = []

    def add(self, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        field = _JOINED.get(kind) if isinstance(kind, str) else None
        if field is not None and isinstance(delta.get(field), str):
            self._joined.setdefault(field, []).append(delta[field])
        elif kind == "input_json_delta" and isinstance(delta.get("partial_json"), str):
            self._input.append(delta["partial_json"])
        elif kind == "citations_delta" and "citation" in delta:
            self._citations.append(delta["citation"])
        elif kind in _ASSIGNED if isinstance(kind, str) else False:
            self._assign(delta)
        else:
            self._unknown.append(delta)

    def _assign(self, delta: Mapping[str, Any]) -> None:
        for name, value in delta.items():
            if name != "type" and (value is not None or name not in self._fields):
                self._fields[name] = value

    def finish(self) -> dict[str, Any]:
        block = dict(self._fields)
        for field, pieces in self._joined.items():
            before = block.get(field)
            block[field] = (before if isinstance(before, str) else "") + "".join(pieces)
        if self._citations:
            block["citations"] = _list(block.get("citations")) + self._citations
        block |= _tool_input("".join(self._input))
        if self._unknown:
            block[UNKNOWN_DELTAS] = list(self._unknown)
        return block


def _tool_input(text: str) -> dict[str, Any]:
    if not text:  # a tool without arguments keeps the {} of its start
        return {}
    text = well_formed(text)
    try:
        value = orjson.loads(text)
        check_nesting(value, text.count("{") + text.count("["))
    except ValueError:
        return {PARTIAL_JSON: text}
    return {"input": value}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []
