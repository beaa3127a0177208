"""How much of a body reached the record: under ``serve`` a full tape takes only what says how a call went."""

from enum import Enum, auto

from core.models import Outcome

DAMAGED = "frames lost to damage on the tape"
"""Stands in the note of a call of which the reader found frames missing that the writer had not counted as lost."""


class Kept(Enum):
    """All of a body, a part of it (with holes, or without its end), or nothing of one that there was."""

    WHOLE = auto()
    PARTIAL = auto()
    NOTHING = auto()


def kept(crossed: int | None, stored: int | None, lost_frames: int, outcome: str | None) -> Kept:
    """How much is stored of a body of which ``crossed`` bytes went through the proxy.

    A call without an end frame is counted by what is on the tape: there lost frames alone tell that something lacks.
    What the proxy refuses for its size is counted but goes nowhere, so nothing of it is lost.
    """
    if stored == crossed and not lost_frames:  # as nearly always
        return Kept.WHOLE
    crashed = outcome == Outcome.PROXY_CRASH and lost_frames > 0
    fewer = (stored or 0) < (crossed or 0) and (lost_frames > 0 or (stored and outcome != Outcome.REJECTED))
    if not fewer and not (crashed and stored):
        return Kept.WHOLE
    return Kept.PARTIAL if stored else Kept.NOTHING


class Cause(Enum):
    """Why frames of a call are missing."""

    FULL = "full"
    DAMAGED = "damaged"
    EITHER = "full or damaged"


def cause(note: str | None, outcome: str | None) -> Cause:
    """Why the frames that a call lost are missing, as its note says; one without its end frame leaves it open."""
    if outcome == Outcome.PROXY_CRASH:
        return Cause.EITHER
    return Cause.DAMAGED if DAMAGED in (note or "") else Cause.FULL
