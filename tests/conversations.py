"""Long conversations as Claude Code sends them: every turn resends all turns before, the last messages written anew.

The words are Python's own library: source code, as in real ones.
"""

import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

MARKED = 1
"""Messages at the end that carry ``cache_control``, and so stand in block form."""


@cache
def library() -> str:
    """Some megabytes of source code."""
    folder = Path(sysconfig.get_path("stdlib"))
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.py")))


class Words:
    """Text that is never given twice, from ``start`` on."""

    def __init__(self, start: int = 0) -> None:
        self._at = start

    def take(self, size: int) -> str:
        """The next so many characters."""
        begin, self._at = self._at, self._at + size
        found = library()[begin : self._at]
        assert len(found) == size, "the library is not that long"
        return found


def conversation(turns: int, size: int, *, start: int = 0, system: int = 3000, tools: int = 0) -> Iterator[bytes]:
    """The bodies of a conversation that grows by ``size`` bytes a turn: what a tool gave, and what was answered."""
    words = Words(start)
    fixed = {
        "system": [{"type": "text", "text": words.take(system), "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": f"tool_{n}", "description": words.take(2000)} for n in range(tools // 2000)],
        "metadata": {"user_id": f"user_account__session_{start}"},
        "max_tokens": 32000,
        "stream": True,
    }
    messages: list[dict[str, Any]] = []
    for turn in range(turns):
        last = f"toolu_{start:08}{turn - 1:08}"
        if not turn:
            messages.append({"role": "user", "content": words.take(size * 3 // 4)})
        else:
            result = {"tool_use_id": last, "type": "tool_result", "content": words.take(size * 3 // 4)}
            messages.append({"role": "user", "content": [result]})
        yield orjson.dumps({"model": "claude-opus-5-5", "messages": _marked(messages), **fixed})
        use = {"type": "tool_use", "id": f"toolu_{start:08}{turn:08}", "name": "Read", "input": {"file": f"/{turn}.py"}}
        answer = [{"type": "text", "text": words.take(size - size * 3 // 4 - 300)}, use]
        messages.append({"role": "assistant", "content": answer})


def _marked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As it is sent: the last messages in block form, with ``cache_control`` on their last block."""
    return [*messages[:-MARKED], *map(_with_mark, messages[-MARKED:])]


def _with_mark(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    marked = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
    return {**message, "content": [*blocks[:-1], marked]}
