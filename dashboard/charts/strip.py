"""A whole and its parts as one lying bar."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from dashboard.charts.palette import Look
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

HEIGHT = 28
LETTERED = 0.04
"""Share of the whole from which on a part carries its letter."""
_SVG = Markup('<svg class="plot strip-bar" width="100%" height="{}" role="img" aria-label="{}">{}</svg>')
_PART = Markup(
    '<g class="column"><title>{}</title><rect fill="{}" x="{:.3f}%" y="2" width="{:.3f}%" height="24"/>{}</g>'
)
_EMPTY = Markup('<rect class="empty" x="0" y="2" width="100%" height="24" rx="3"/>')
_LETTER = Markup('<text class="letter" x="{:.3f}%" y="18" text-anchor="middle">{}</text>')


def drawn(
    parts: Sequence[tuple[str, Look, float]], write: Callable[[float], str], *, label: str, most: float = 0.0
) -> Markup:
    """The drawing; parts of nothing are left out. What lacks to ``most`` stays empty."""
    whole = max(most, sum(value for _, _, value in parts))
    made, x = [_EMPTY] if most else [], 0.0
    for name, look, value in parts:
        if value <= 0:
            continue
        width = 100 * value / whole
        letter = _LETTER.format(x + width / 2, look.letter) if value >= LETTERED * whole else ""
        made.append(_PART.format(f"{spelled(safe(name))}: {write(value)}", look.fill, x, width, letter))
        x += width
    return _SVG.format(HEIGHT, spelled(safe(label)), Markup("").join(made))
