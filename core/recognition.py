"""What clients send beside the talk itself, recognised by the words they send: data, by client version.

Sampled from Claude Code 1.0.128, 2.0.76, 2.1.20, 2.1.100, 2.1.200 and 2.1.328 (captures, and the programs' own texts).
Words are never taken away from these lists: old recordings are linked again by the same code.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

CONTINUATIONS: Final = ("This session is being continued from a previous conversation that ran out of context",)
"""How a transcript begins whose past was replaced by a summary."""

COMPACTION: Final = "compaction"
"""The block with which the API itself replaces the past."""

_SUMMARISER_PROMPTS: Final = (
    "CRITICAL: Respond with TEXT ONLY",  # 2.1: manual as a last message, automatic as a block of the last one
    "Your task is to create a detailed summary of the conversation so far",  # 1.0, 2.0
)
_SUMMARISER_SYSTEM: Final = "tasked with summarizing conversations"  # 1.0, 2.0

_SIDE_SYSTEMS: Final = (
    ("title", "You are naming a coding session"),  # 2.1.328
    ("title", "Generate a concise, sentence-case title"),  # 2.1
    ("title", "Summarize this coding conversation in under 50 characters"),  # 1.0
    ("topic", "Analyze if this message indicates a new conversation topic"),  # 1.0, 2.0
    ("paths", "Extract any file paths that this command reads or modifies"),  # 1.0, 2.0, 2.1.20
    ("search", "You run a web search for another Claude model"),  # 2.1.328
    ("search", "You are an assistant for performing a web search tool use"),  # 1.0 to 2.1
)
_SIDE_WORDS: Final = tuple(words for _, words in _SIDE_SYSTEMS)

_HEAD: Final = 200
"""Characters of a system text that are looked at."""

LAUNCHERS: Final = frozenset({"Agent", "Task"})
"""The tools that start a sub-agent; ``Task`` until 2.1.20."""


def is_continuation(kind: str, text: str | None) -> bool:
    """Whether a transcript that begins with such an item continues a compacted one."""
    return kind == COMPACTION or (text is not None and text.startswith(CONTINUATIONS))


class Purpose(NamedTuple):
    """What a request is for, as far as its system prompt says."""

    side_call: str | None
    """The kind of side call; None where it may belong to a conversation."""
    summariser: bool
    """Whether it asks for the summary that will stand for its transcript."""


def purpose(system: Sequence[str]) -> Purpose:
    """What the texts of a system prompt say."""
    return Purpose(_side_system(system), any(_SUMMARISER_SYSTEM in text for text in system))


def is_summariser(last_user_text: str | None, system: Purpose) -> bool:
    """Whether a request asks for the summary that will stand for its transcript."""
    return system.summariser or (last_user_text is not None and last_user_text.startswith(_SUMMARISER_PROMPTS))


def side_call(last_user_text: str | None, system: Purpose, max_tokens: Any, tools: int) -> str | None:
    """The kind of side call a request of a session is; None where it belongs to a conversation."""
    if last_user_text == "quota" and max_tokens == 1:
        return "quota"
    return "warmup" if last_user_text == "Warmup" and not tools else system.side_call


def _side_system(system: Sequence[str]) -> str | None:
    heads = [text[:_HEAD].lstrip() for text in system]
    side = next((head for head in heads if head.startswith(_SIDE_WORDS)), None)
    return None if side is None else next(kind for kind, words in _SIDE_SYSTEMS if side.startswith(words))
