"""Plain text of any length: short whole, long folded with its size, huge cut with the count of the rest."""

from markupsafe import Markup

from dashboard.render import figures
from dashboard.render.ansi import coloured

LINES_SHOWN = 40
KEPT_LINES = 12
SHORT = 6_000
"""Characters shown without folding."""
MOST_CHARACTERS = 200_000
"""Characters that enter a page at all."""

_PRE = Markup('<pre class="text">{}</pre>')
_FOLDED = Markup('<details class="fold"><summary>⋯ {} more, {} · show</summary><pre class="text">{}</pre></details>')
_CUT = Markup(
    '<p class="cut">▲ The first {} of {} characters are shown. <span>The rest is in the raw download.</span></p>'
)


def shown(text: str) -> Markup:
    """The text in ``<pre>``; over 40 lines the head and the tail stay open and the middle folds."""
    kept = text[:MOST_CHARACTERS]
    cut = Markup("") if kept is text else _CUT.format(figures.count(len(kept)), figures.count(len(text)))
    lines = kept.split("\n")
    if len(lines) > LINES_SHOWN:
        return _head_and_tail(lines) + cut
    if len(kept) <= SHORT:
        return _PRE.format(coloured(kept)) + cut
    rest = kept[SHORT // 2 :]
    folded = _FOLDED.format(figures.plural(len(rest), "character"), _octets(rest), coloured(rest))
    return _PRE.format(coloured(kept[: SHORT // 2])) + folded + cut


def _head_and_tail(lines: list[str]) -> Markup:
    head, middle, tail = lines[:KEPT_LINES], lines[KEPT_LINES:-KEPT_LINES], lines[-KEPT_LINES:]
    inside = "\n".join(middle)
    return Markup("").join(
        (
            _fold_if_long("\n".join(head)),
            _FOLDED.format(figures.plural(len(middle), "line"), _octets(inside), coloured(inside)),
            _fold_if_long("\n".join(tail)),
        )
    )


def _fold_if_long(text: str) -> Markup:
    if len(text) <= SHORT:
        return _PRE.format(coloured(text))
    rest = text[SHORT // 2 :]
    return _PRE.format(coloured(text[: SHORT // 2])) + _FOLDED.format(
        figures.plural(len(rest), "character"), _octets(rest), coloured(rest)
    )


def _octets(text: str) -> str:
    return figures.size(len(text.encode("utf-8", "surrogatepass")))
