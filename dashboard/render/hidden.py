"""Text as it is: escaped, with every character that would hide itself or reorder its neighbours shown as a chip."""

import re
import unicodedata

from markupsafe import Markup, escape

# Controls but tab and newline, soft hyphen, fillers, zero width, bidi, separators, BOM, tags, lone surrogates.
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f\ud800-\udfff"
)
# A zero-width joiner is what holds an emoji together; anywhere else it hides.
_RUN = re.compile(f"(?:[{_HIDDEN}]|(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d)+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CHIP = Markup('<span class="chip-hidden" title="{title}">{label}</span>')
_REFERENCE = Markup("&#{};")
NAMED_IN_A_CHIP = 3


def visible(text: str) -> Markup:
    """The text, escaped, with hidden characters as chips. A carriage return before a newline is dropped."""
    text = text.replace("\r\n", "\n")
    if _is_plain(text) or _RUN.search(text) is None:
        return escape(text)
    out, position = [], 0
    for run in _RUN.finditer(text):
        out += [escape(text[position : run.start()]), _chip(run.group())]
        position = run.end()
    return Markup("").join([*out, escape(text[position:])])


def spelled(text: str) -> str:
    """The text with hidden characters as ``⟨U+202E⟩``: for titles and options, which hold no markup."""
    return (
        text
        if _is_plain(text)
        else _RUN.sub(lambda run: "".join(f"⟨{_code(character)}⟩" for character in run.group()), text)
    )


def exact(text: str) -> Markup:
    """The text for an attribute that is sent back: escaped, hidden characters as references, so that none is drawn."""
    out, position = [], 0
    for run in _RUN.finditer(text):
        out += [escape(text[position : run.start()]), *(_REFERENCE.format(ord(character)) for character in run.group())]
        position = run.end()
    return Markup("").join([*out, escape(text[position:])])


def sendable(text: str) -> str:
    """The text without lone surrogates (U+FFFD in their place), so that it can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def _is_plain(text: str) -> bool:
    """Whether it is ASCII without controls but tabs and newlines: nearly all texts, found fifty times faster."""
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


def _chip(run: str) -> Markup:
    kinds = list(dict.fromkeys(run))
    if len(kinds) == 1:
        label = _code(run[0]) + (f" ×{len(run)}" if len(run) > 1 else "")
        return _CHIP.format(title=_name(run[0]), label=label)
    rest = f" … {len(run)} hidden" if len(run) > NAMED_IN_A_CHIP else ""
    label = " ".join(_code(character) for character in run[:NAMED_IN_A_CHIP]) + rest
    return _CHIP.format(title=", ".join(_name(kind) for kind in kinds[:12]), label=label)


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _name(character: str) -> str:
    return f"{_code(character)} {unicodedata.name(character, 'control character')}"
