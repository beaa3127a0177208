"""Whether a job fits into a window: the answer by hand, and that more money never makes it better."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.windows.forecast import Forecast
from core.windows.room import Doubt, Other, Room, Verdict, needed, room
from core.windows.worth import Worth

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOSE = Worth(0.5, 0.9, 12)


def ends(chance: float) -> Forecast:
    """A forecast that the window is used up before its reset with this chance."""
    return Forecast(NOON if chance > 0.5 else None, None, None, chance)


def asked(
    usd: float = 5, used: float = 0.4, fit: Worth = CLOSE, chance: float = 0.0, *others: Other, old: bool = False
) -> Room:
    """The answer for a job of so much."""
    return room(needed(usd, fit), used, fit, (ends(0), ends(chance)), others, old=old)


def other(used: float, *, refuses: bool = False, of_all: bool = True) -> Other:
    """The window of seven days."""
    return Other("7d", used, refuses, of_all)


@pytest.mark.parametrize(
    ("found", "verdict", "doubts"),
    [
        # $5 at $0.50 a per cent is a tenth of the window.
        (asked(), Verdict.YES, ()),
        (asked(used=0.9), Verdict.YES, ()),
        (asked(used=0.901), Verdict.NO, (Doubt.TOO_LITTLE,)),
        (asked(usd=0.01, used=1.0), Verdict.NO, (Doubt.TOO_LITTLE,)),
        (asked(used=1.3), Verdict.NO, (Doubt.TOO_LITTLE,)),
        # It fits now, but what others take as well runs it dry in more than one of five runs.
        (asked(chance=0.2), Verdict.YES, ()),
        (asked(chance=0.3), Verdict.TIGHT, (Doubt.OTHERS,)),
        (asked(fit=Worth(0.5, 0.3, 12)), Verdict.TIGHT, (Doubt.LOOSE_FIT,)),
        (asked(old=True), Verdict.TIGHT, (Doubt.OLD,)),
        # Other windows: used up refuses, one model's only may; less left than the job takes here is a doubt.
        (asked(5, 0.4, CLOSE, 0.0, other(0.5)), Verdict.YES, ()),
        (asked(5, 0.4, CLOSE, 0.0, other(0.95)), Verdict.TIGHT, (Doubt.SHORT_ELSEWHERE,)),
        (asked(5, 0.4, CLOSE, 0.0, other(1.0)), Verdict.NO, (Doubt.SPENT_ELSEWHERE,)),
        (asked(5, 0.4, CLOSE, 0.0, other(0.2, refuses=True)), Verdict.NO, (Doubt.SPENT_ELSEWHERE,)),
        (asked(5, 0.4, CLOSE, 0.0, other(1.0, of_all=False)), Verdict.TIGHT, (Doubt.SHORT_ELSEWHERE,)),
    ],
)
def test_by_hand(found: Room, verdict: Verdict, doubts: tuple[Doubt, ...]) -> None:
    """The answer and every reason for it."""
    assert (found.verdict, found.doubts) == (verdict, doubts)


def test_what_it_says_of_itself() -> None:
    """Shares of the window, and the chances of both forecasts."""
    found = room(needed(5, CLOSE), 0.4, CLOSE, (ends(0.1), ends(0.7)), [other(0.95), other(0.1)], old=False)
    assert (found.needed, found.left) == pytest.approx((0.1, 0.6))
    assert (found.before, found.after, found.dry_at) == (0.1, 0.7, NOON)
    assert found.short == (other(0.95),)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0, 1.2), st.floats(0, 1))
def test_more_money_is_never_better(usd: float, more: float, used: float, chance: float) -> None:
    """A dearer job has no better answer, all else the same."""
    order = list(Verdict)
    assert order.index(asked(usd, used, CLOSE, chance).verdict) <= order.index(
        asked(usd + more, used, CLOSE, chance).verdict
    )
