"""What adds up over steps: a stepped line from 0 to the whole."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from dashboard.charts import axis
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

MOST_POINTS = 200
_SVG = Markup('<svg class="plot curve" width="100%" height="{}" role="img" aria-label="{}">{}</svg>')
_PLANE = Markup(
    '<svg x="0" y="0" width="100%" height="{0}" viewBox="0 0 1000 {0}" preserveAspectRatio="none">'
    '<polygon class="under" points="0,{0} {1} 1000,{0}"/><polyline class="used" points="{1}"/></svg>'
)


def drawn(
    added: Sequence[float], words: Sequence[tuple[float, str]], write: Callable[[float], str], *, label: str
) -> Markup:
    """The drawing. ``added`` is what each step adds, ``words`` stand below by share of the width."""
    sums, whole = [0.0], 0.0
    for amount in added:
        whole += amount
        sums.append(whole)
    found = axis.scale(whole, height=axis.PLOT - 40)
    step = max(1, -(-len(sums) // (MOST_POINTS // 2)))
    kept = sorted({*range(0, len(sums), step), len(sums) - 1})
    points = " ".join(f"{place * 1000 / max(1, len(added)):.1f},{found.y(sums[place]):.1f}" for place in kept)
    plane = _PLANE.format(found.height, points)
    inside = Markup("").join([axis.lines(found, write), plane, axis.at(words, height=found.height)])
    return _SVG.format(found.height + axis.FOOT, spelled(safe(label)), inside)
