"""What the requests page asks beside its list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model that was seen."""

    model: str


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """Whether there is anything to show."""

    recorded: bool
