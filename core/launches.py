"""Sub-agents as their launcher sees them: ``Agent`` and ``Task`` blocks, and what their results say."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from core.chain import digest
from core.normal_form import clean, result_text
from core.recognition import LAUNCHERS

# What Claude Code appends to the result of a launch, from 2.0.76 on; the sub-agent's own words stand before it.
_AGENT: Final = re.compile(r"\bagentId: ([0-9A-Za-z_-]{1,64})")
_MAX_PAIRS: Final = 64


class Launch(NamedTuple):
    """One sub-agent that an answer asks for."""

    tool_id: str
    prompt: bytes
    """16 bytes that name the prompt in normal form."""


class Pair(NamedTuple):
    """Which launch an agent came from, as the launch's result states it."""

    agent_id: str
    tool_id: str


def prompt_key(text: str) -> bytes:
    """The name of a prompt, or of the first words of a transcript."""
    return digest(b"prompt", clean(text).encode(errors="replace"))


def launch_blocks(blocks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The blocks of an answer that start sub-agents, in their order."""
    return [block for block in blocks if block.get("type") == "tool_use" and _is_launch(block)]


def _is_launch(block: Mapping[str, Any]) -> bool:
    name, given = block.get("name"), block.get("input")
    if not (isinstance(name, str) and name in LAUNCHERS and isinstance(block.get("id"), str)):
        return False
    return isinstance(given, dict) and isinstance(given.get("prompt"), str)


def launches(blocks: Iterable[Mapping[str, Any]]) -> tuple[Launch, ...]:
    """The launches of an answer, in the order of their blocks."""
    return tuple([Launch(block["id"], prompt_key(block["input"]["prompt"])) for block in launch_blocks(blocks)])


def invocations(blocks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``task_tool_invocation`` of an answer: id, name and input of each launch."""
    return [{"id": block["id"], "name": block["name"], "input": block["input"]} for block in launch_blocks(blocks)]


def pairs(messages: Sequence[Any], *, whole: bool) -> tuple[Pair, ...]:
    """The pairs that the end of a transcript states: those that no earlier request of it has stated.

    In a whole transcript only the result of a launch can state one; a thread continuation does not show the launch.
    """
    found: dict[Pair, None] = {}
    at = len(messages)
    while at and _role(messages[at - 1]) != "assistant":
        at -= 1
    brought = [block for block in _blocks(messages[at:]) if block.get("type") == "tool_result"]
    if not brought:
        return ()
    launched = {block["id"] for block in launch_blocks(_blocks(messages[_run_start(messages, at) : at]))}
    for block in brought:
        tool_id = block.get("tool_use_id")
        if not isinstance(tool_id, str) or (whole and tool_id not in launched):
            continue
        said = _AGENT.findall(result_text(block.get("content")))
        if said and len(found) < _MAX_PAIRS:
            found[Pair(said[-1], tool_id)] = None
    return tuple(found)


def _run_start(messages: Sequence[Any], end: int) -> int:
    """Where the run of assistant messages that ends at ``end`` begins."""
    while end and _role(messages[end - 1]) != "user":
        end -= 1
    return end


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _blocks(messages: Iterable[Any]) -> list[dict[str, Any]]:
    contents = [message.get("content") for message in messages if isinstance(message, dict)]
    return [block for content in contents if isinstance(content, list) for block in content if isinstance(block, dict)]
