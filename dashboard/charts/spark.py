"""A line without axes, beside its figure. It is a hint, so it is hidden from readers that cannot see it."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 120, 28
MOST = 62
_SVG = Markup('<svg class="trend" viewBox="0 0 120 28" preserveAspectRatio="none" aria-hidden="true">{}</svg>')
_RUN = Markup('<path class="under" d="M{0:.1f} 28L{1}L{2:.1f} 28Z"/><polyline points="{1}"/>')
_DOT = Markup('<path class="dot" d="M{:.1f} {:.1f}h.01"/>')


def drawn(values: Sequence[float | None]) -> Markup:
    """The line; what is unknown leaves a gap, and a single point is a dot."""
    shown = values[-MOST:]
    known = [value for value in shown if value is not None]
    most = max(known, default=0) or 1
    step = WIDTH / max(1, len(shown) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(shown):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place * step, HEIGHT - 2 - max(0.0, value) / most * (HEIGHT - 5)))
    return _SVG.format(Markup("").join(_run(run) for run in runs if run))


def _run(run: list[tuple[float, float]]) -> Markup:
    if len(run) == 1:
        return _DOT.format(*run[0])
    return _RUN.format(run[0][0], " ".join(f"{x:.1f},{y:.1f}" for x, y in run), run[-1][0])
