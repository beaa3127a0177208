"""How much a comparison may take and show."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dashboard.render.secrets import Mask

SECONDS = 1.0
"""What aligning may take; each step in between is bounded by its size."""
MOST_LINES = 3_000
"""Lines of one comparison that are shown."""
MOST_CHANGES = 200
"""Changed parts of one section that are shown."""
MOST_LINES_OF_A_PART = 600


@dataclass(slots=True)
class Budget:
    """What is left of time and lines. ``clock`` gives seconds."""

    clock: Callable[[], float]
    until: float = 0.0
    lines: int = MOST_LINES
    late: bool = False
    """Whether time is up: nothing is aligned any more."""
    coarse: bool = False
    """Whether something was too large to be aligned: it is shown as gone and new."""
    mask: Mask = field(default_factory=Mask)

    def __post_init__(self) -> None:
        self.until = self.clock() + SECONDS

    def in_time(self) -> bool:
        """Whether there is time for one more step; notes it where there is none."""
        self.late = self.late or self.clock() > self.until
        return not self.late
