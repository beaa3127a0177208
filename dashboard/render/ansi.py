"""Terminal output as a terminal shows it: SGR colours become classes, every other escape stays a visible chip."""

import re

from markupsafe import Markup

from dashboard.render.hidden import visible

_SGR = re.compile(r"\x1b\[([0-9;]{0,40})m")
_SPAN = Markup('<span class="{}">{}</span>')
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STYLES = {1: "a-bold", 2: "a-faint", 3: "a-italic", 4: "a-underline", 9: "a-struck"}
_ENDED_BY = {22: {"a-bold", "a-faint"}, 23: {"a-italic"}, 24: {"a-underline"}, 29: {"a-struck"}}
_EXTENDED = {38, 48}
"""256 and true colours: their parameters are skipped, the text stays in the reader's own colour."""


def coloured(text: str) -> Markup:
    """The text, escaped, with its colours as spans of classes; nothing but SGR sequences is taken out."""
    if "\x1b[" not in text:
        return visible(text)
    out, position, active = [], 0, frozenset[str]()
    for found in _SGR.finditer(text):
        out.append(_styled(text[position : found.start()], active))
        active, position = _after(active, found[1]), found.end()
    return Markup("").join([*out, _styled(text[position:], active)])


def _styled(text: str, active: frozenset[str]) -> Markup:
    return _SPAN.format(" ".join(sorted(active)), visible(text)) if active and text else visible(text)


def _after(active: frozenset[str], parameters: str) -> frozenset[str]:
    codes = [int(code) if code else 0 for code in parameters.split(";")]
    while codes:
        code = codes.pop(0)
        if code in _EXTENDED:
            del codes[: 2 if codes[:1] == [5] else 4]
        else:
            active = _applied(active, code)
    return active


def _applied(active: frozenset[str], code: int) -> frozenset[str]:
    if code == 0:
        return frozenset()
    if code in _STYLES:
        return active | {_STYLES[code]}
    if code in _ENDED_BY:
        return active - _ENDED_BY[code]
    foreground = {name for name in active if name.startswith("a-fg-")}
    if 30 <= code <= 37 or 90 <= code <= 97:
        return active - foreground | {f"a-fg-{_COLOURS[code % 10]}"}
    return active - foreground if code == 39 else active
