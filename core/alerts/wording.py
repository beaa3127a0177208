"""Text as Slack may get it: without secrets and hidden characters, escaped, and cut so that it stays within a limit."""

import re
from typing import Final

from core.redact import find_secrets

SECRET: Final = "[secret]"  # noqa: S105  stands where one was
CUT: Final = "…"
REPLACEMENT: Final = "\ufffd"

# Controls but tab and newline, soft hyphen, fillers, zero width, bidi, separators, BOM, tags, lone surrogates.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f\ud800-\udfff]"
    # A zero-width joiner is what holds an emoji together; anywhere else it hides.
    "|(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d"
)
_ESCAPED: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def harmless(text: str) -> str:
    """The text with what hides or reorders it made visible as U+FFFD, and with ``[secret]`` for each secret in it."""
    text = _HIDDEN.sub(REPLACEMENT, text.replace("\r\n", "\n"))
    # What was hidden is visible first: a secret with a character of no width in it is one no more.
    for start, end in reversed(find_secrets(text)):
        text = text[:start] + SECRET + text[end:]
    return text


def line(text: str) -> str:
    """The same in one line, with single spaces."""
    return " ".join(text.split())


def escaped(text: str, limit: int) -> str:
    """At most ``limit`` characters that Slack reads as this text: ``& < >`` escaped, and never cut within an escape.

    A character beyond the basic plane counts as two, as UTF-16 has it: nobody says how Slack counts.
    """
    weights = [_weight(character) for character in text[: limit + 1]]
    if len(text) <= limit and sum(weights) <= limit:
        return _escape(text)
    kept, room = 0, limit - len(CUT)
    for weight in weights:
        room -= weight
        if room < 0:
            break
        kept += 1
    return _escape(text[:kept]) + CUT


def _weight(character: str) -> int:
    return len(_ESCAPED.get(character, character)) + (character > "\uffff")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
