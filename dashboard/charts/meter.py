"""One share as a bar. How it is known is drawn too: solid as reported, striped as polled, hatched where estimated."""

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

Source = Literal["reported", "polled", "estimated", "measured"]
HEIGHT = 16
WARN, ALERT = 0.8, 0.95
_SVG = Markup(
    '<svg class="meter m-{} tone-{}" width="100%" height="{}" role="img" aria-label="{}"><title>{}</title>{}</svg>'
)
_TRACK = Markup('<rect class="track" x="0" y="2" width="100%" height="12" rx="3"/>')
_FILL = Markup(
    '<rect class="fill" x="0" y="2" width="{0:.3f}%" height="12" rx="3"/>'
    '<rect class="over" x="0" y="2" width="{0:.3f}%" height="12" rx="3"/>'
)
_PACE = Markup('<line class="pace" x1="{0:.3f}%" x2="{0:.3f}%" y1="0" y2="16"/>')
_STEP = Markup('<line class="step" x1="{0:.3f}%" x2="{0:.3f}%" y1="2" y2="14"/>')
_BEYOND = Markup('<path class="beyond" d="M-9 3l5 5-5 5M-15 3l5 5-5 5"/>')


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: 0 to 1 and beyond, None where unknown. ``elapsed`` marks how much of the time has gone."""

    used: float | None
    source: Source
    elapsed: float | None = None
    steps: tuple[float, ...] = ()


def tone(used: float | None, warn: float = WARN, alert: float = ALERT) -> str:
    """ok, warning or error; unknown is quiet."""
    if used is None:
        return "unknown"
    return "error" if used >= alert else "warning" if used >= warn else "ok"


def drawn(share: Share, *, label: str, warn: float = WARN, alert: float = ALERT) -> Markup:
    """The bar. ``label`` says in words what it shows."""
    parts = [_TRACK]
    if share.used is not None:
        parts.append(_FILL.format(100 * min(1.0, max(0.0, share.used))))
    parts += [_STEP.format(100 * step) for step in share.steps]
    if share.elapsed is not None:
        parts.append(_PACE.format(100 * min(1.0, max(0.0, share.elapsed))))
    if share.used is not None and share.used > 1:
        parts.append(Markup('<svg x="100%" overflow="visible">{}</svg>').format(_BEYOND))
    words = spelled(safe(label))
    return _SVG.format(share.source, tone(share.used, warn, alert), HEIGHT, words, words, Markup("").join(parts))
