"""The maths of windows, against tables worked out by hand and properties that hold for all numbers."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.windows.burn import Burn, burn
from core.windows.calibration import calibration
from core.windows.dice import Dice
from core.windows.forecast import STEP, Forecast, forecast
from core.windows.inferred import Limit, limit
from core.windows.past import Move, Seen, Summary, Window, summary, windows
from core.windows.sample import Increment, Sample, increments, of_one_window
from core.windows.span import elapsed, pace
from core.windows.worth import worth

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
FIVE_HOURS = timedelta(hours=5)


def at(minutes: float) -> datetime:
    """So many minutes after nine."""
    return NINE + timedelta(minutes=minutes)


def told(*pairs: tuple[float, float], reset: float | None = 300) -> list[Sample]:
    """Samples of (minute, utilisation)."""
    return [Sample(at(minute), used, None if reset is None else at(reset)) for minute, used in pairs]


@pytest.mark.parametrize(
    ("samples", "now", "per_hour", "minutes"),
    [
        # A tenth in half an hour.
        (told((0, 0.1), (10, 0.12), (20, 0.15), (30, 0.2)), 30, 0.2, 30),
        # An idle quarter of an hour: neither its time nor what came in it counts.
        (told((0, 0.1), (5, 0.12), (20, 0.3), (25, 0.32)), 25, 0.24, 10),
        # Samples of more than an hour ago are over.
        (told((-90, 0.0), (0, 0.5), (6, 0.51), (12, 0.52)), 30, 0.1, 12),
        # A new window began: what was before says nothing of it.
        (told((0, 0.9), (5, 0.95), (10, 0.01), (15, 0.02), (20, 0.03)), 20, 0.12, 10),
        # Answers overtake one another.
        (told((0, 0.10), (6, 0.12), (7, 0.11), (12, 0.12)), 12, 0.1, 12),
        # Nothing was used.
        (told((0, 0.3), (5, 0.3), (10, 0.3)), 10, 0.0, 10),
        # What lies ahead of now does not count.
        (told((0, 0.1), (5, 0.1), (10, 0.1), (15, 0.9)), 10, 0.0, 10),
    ],
)
def test_burn_by_hand(samples: list[Sample], now: float, per_hour: float, minutes: float) -> None:
    """Share of the window per hour of work."""
    found = burn(samples, at(now))
    assert found is not None
    assert found.per_hour == pytest.approx(per_hour)
    assert found.active == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "samples",
    [
        [],
        told((0, 0.1), (5, 0.2)),
        told((0, 0.1), (0.1, 0.2), (0.2, 0.3)),  # three, within seconds
        told((0, 0.1), (15, 0.2), (30, 0.3)),  # three, with nothing but gaps between
        told((0, 0.1), (5, 0.2), (10, 0.0), (15, 0.1)),  # two in the new window
    ],
)
def test_too_little_for_a_rate(samples: list[Sample]) -> None:
    """Fewer than three samples of the running window, or no work between them: no rate."""
    assert burn(samples, at(30)) is None


HALF_AN_HOUR = Burn(0.2, 4, timedelta(minutes=30))
EVEN = [Increment(at(-5 * n), 0.2 / 12) for n in range(24, 0, -1)]
"""A fifth an hour, evenly, for two hours."""


def test_forecast_by_hand() -> None:
    """Four tenths left at two tenths an hour: two hours, and the past, which was even, says nothing else."""
    made = forecast(NINE, 0.6, at(300), HALF_AN_HOUR, EVEN)
    assert made is not None
    assert made.exhausted_at == at(120)
    assert made.probability == 1
    assert made.earliest is not None
    assert made.latest is not None
    assert abs(made.earliest - at(120)) < timedelta(seconds=1) > abs(made.latest - at(120))


@pytest.mark.parametrize(
    ("used", "reset", "rate", "expected"),
    [
        (0.6, 60, HALF_AN_HOUR, Forecast(None, None, None, 0.0)),  # the reset comes first
        (1.2, 60, HALF_AN_HOUR, Forecast(NINE, NINE, NINE, 1.0)),  # it is used up
        (0.6, 0, HALF_AN_HOUR, None),  # the window is over
        (0.6, 60, None, None),  # the rate is unknown
    ],
)
def test_ends_of_a_forecast(used: float, reset: float, rate: Burn | None, expected: Forecast | None) -> None:
    """Before the reset or not at all; nothing where there is nothing to say."""
    assert forecast(NINE, used, at(reset), rate, EVEN) == expected


def test_without_a_past_there_is_the_plain_forecast() -> None:
    """No range is invented."""
    assert forecast(NINE, 0.6, at(300), HALF_AN_HOUR, []) == Forecast(at(120), at(120), at(120), 1.0)


def test_an_uneven_past_gives_a_range() -> None:
    """Work in bursts: the range opens to both sides, as far as never, and the plain forecast lies in it."""
    bursts = [Increment(at(-5 * n), 0.2 if n % 12 == 0 else 0.0) for n in range(24 * 12, 0, -1)]
    made = forecast(NINE, 0.6, at(150), HALF_AN_HOUR, bursts)
    assert made is not None
    assert made.exhausted_at == at(120)
    assert made.earliest is not None
    assert made.earliest < at(120)
    assert made.latest is None
    assert 0.1 < made.probability < 0.9


shares = st.floats(0, 1.5)
amounts = st.lists(st.floats(0, 0.2), max_size=60)


@settings(max_examples=40)
@given(shares, st.integers(1, 600), st.floats(0, 5), amounts, st.integers())
def test_a_forecast_is_repeatable_and_in_order(
    used: float, reset: int, per_hour: float, given_amounts: list[float], seed: int
) -> None:
    """The same seed gives the same; earliest, plain and latest follow one another and lie between now and the reset."""
    past = [Increment(at(-5 * (len(given_amounts) - n)), one) for n, one in enumerate(given_amounts)]
    rate = Burn(per_hour, 5, timedelta(minutes=20))
    made = forecast(NINE, used, at(reset), rate, past, seed=seed)
    assert made == forecast(NINE, used, at(reset), rate, past, seed=seed)
    assert made is not None
    ends = [end or at(reset) for end in (made.earliest, made.exhausted_at, made.latest)]
    assert NINE <= ends[0] <= ends[1] <= ends[2] <= at(reset)
    assert 0 <= made.probability <= 1


@settings(max_examples=40)
@given(st.floats(0.1, 0.8), st.floats(0.01, 0.1), amounts)
def test_more_used_is_used_up_sooner(used: float, more: float, given_amounts: list[float]) -> None:
    """With the same lots a fuller window never lasts longer."""
    past = [Increment(at(-5 * (len(given_amounts) - n)), one) for n, one in enumerate(given_amounts)]
    one, other = (forecast(NINE, share, at(300), HALF_AN_HOUR, past) for share in (used, used + more))
    assert one is not None
    assert other is not None
    assert (other.earliest or at(300)) <= (one.earliest or at(300))


@given(
    st.lists(st.tuples(st.integers(0, 900), st.floats(0, 1.2)), max_size=40, unique_by=lambda pair: pair[0]),
    st.sampled_from([STEP, timedelta(hours=1)]),
)
def test_increments_add_up(pairs: list[tuple[int, float]], step: timedelta) -> None:
    """One for each step without a gap, none negative, and together what the windows gained."""
    samples = told(*sorted(pairs), reset=None)
    made = increments(samples, step)
    assert all(after.at - before.at == step for before, after in pairwise(made))
    assert all(one.amount >= 0 for one in made)
    if len(samples) > 1:
        assert made[0].at <= samples[0].at
        assert made[-1].at <= samples[-1].at < made[-1].at + step


def test_increments_by_hand() -> None:
    """Idle steps are there and empty; a new window starts at nothing."""
    samples = [*told((1, 0.1), (2, 0.15), (11, 0.2), (13, 0.4)), *told((301, 0.05), reset=600)]
    made = [round(one.amount, 6) for one in increments(samples, STEP)]
    assert made == [0.05, 0, 0.25, *[0] * 57, 0.05]


def test_samples_of_the_running_window() -> None:
    """From the last reset that passed on, or the last fall."""
    samples = [*told((0, 0.5), (299, 0.9)), *told((301, 0.9), (310, 0.95), reset=600)]
    assert of_one_window(samples) == samples[2:]
    assert of_one_window(samples[:2]) == samples[:2]
    assert of_one_window([]) == []


@given(st.integers(), st.integers(1, 1000))
def test_dice_stay_below(seed: int, most: int) -> None:
    """Every throw is one of the sides, and both outer ones come up."""
    dice = Dice(seed)
    thrown = [dice.below(most) for _ in range(50)]
    assert all(0 <= one < most for one in thrown)
    assert {Dice(n).below(2) for n in range(50)} == {0, 1}


@pytest.mark.parametrize(
    ("minutes", "share", "used", "expected"),
    [(0, 0.0, 0.5, None), (189, 0.63, 0.88, 0.88 / 0.63), (150, 0.5, 0.5, 1.0), (400, 1.0, 0.7, 0.7),
     (-60, 0.0, 0.1, None), (150, 0.5, None, None)],
)  # fmt: skip
def test_pace_by_hand(minutes: float, share: float, used: float | None, expected: float | None) -> None:
    """Utilisation against the share of time that is over; at the very beginning it says nothing."""
    gone = elapsed(at(300), FIVE_HOURS, at(minutes))
    assert gone == pytest.approx(share)
    assert pace(used, gone) == (None if expected is None else pytest.approx(expected))
    assert elapsed(None, FIVE_HOURS, NINE) is None
    assert elapsed(at(300), None, NINE) is None


def test_a_reset_that_moved() -> None:
    """11:00 becomes 15:00 while the window runs: one window, with the move and when it was first seen."""
    seen = [
        Seen(at(120), at(0), at(60), 0.5),
        Seen(at(360), at(61), at(300), 0.9, at(290)),
        Seen(at(362), at(200), at(310), 0.95),  # the same end, rounded otherwise
        Seen(at(700), at(400), at(500), 0.2),  # the next window
    ]
    assert windows(seen) == [
        Window(at(362), at(0), at(310), 0.95, at(290), (Move(at(61), at(120), at(360)),)),
        Window(at(700), at(400), at(500), 0.2, None),
    ]
    assert summary(windows(seen), at(600)) == Summary(1, 1, 0.95)
    assert summary(windows(seen), at(700)) == Summary(2, 1, pytest.approx(0.575))
    assert summary([], NINE) == Summary(0, 0, None)


@given(st.permutations(range(12)))
def test_past_windows_in_any_order(order: list[int]) -> None:
    """The order in which rows come does not matter; windows that do not touch stay apart."""
    seen = [Seen(at(300 * n + 300), at(300 * n + 1), at(300 * n + 200), n / 12) for n in range(12)]
    found = windows([seen[n] for n in order])
    assert found == windows(seen)
    assert len(found) == 12
    assert not any(window.moves for window in found)


def test_what_a_per_cent_costs() -> None:
    """Ten per cent for 8.40 dollars, exactly; with noise the fit says how good it is; without a relation nothing."""
    exact = [(0.84 * n, n / 100) for n in range(1, 13)]
    found = worth(exact)
    assert found is not None
    assert (found.usd_per_percent, found.r_squared, found.steps) == (pytest.approx(0.84), pytest.approx(1), 12)
    noisy = worth([(cost, added + (0.01 if n % 2 else -0.01)) for n, (cost, added) in enumerate(exact)])
    assert noisy is not None
    assert 0.5 < noisy.r_squared < 1
    assert worth(exact[:7]) is None
    assert worth([(0.0, n / 100) for n in range(20)]) is None
    assert worth([(1.0, 0.0)] * 20) is None


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1.5)), max_size=60))
def test_the_fit_never_raises(steps: list[tuple[float, float]]) -> None:
    """Whatever the figures: a positive price and an R² between 0 and 1, or nothing."""
    found = worth(steps)
    assert found is None or (found.usd_per_percent > 0 and 0 <= found.r_squared <= 1)


@pytest.mark.parametrize(
    ("rejected", "tokens", "used", "expected"),
    [
        ([], None, None, None),
        ([800, 1000], 500, 0.9, Limit(1000, "rejection")),
        ([0], 500, 0.25, Limit(2000, "reported")),
        ([], 500, 0.04, None),
        ([], 0, 0.5, None),
        ([], 500, 1.25, Limit(400, "reported")),
    ],
)
def test_the_limit_by_hand(rejected: list[int], tokens: int | None, used: float | None, expected: Limit | None) -> None:
    """The highest sum that was refused; else what the reported share of our sum says; else unknown."""
    assert limit(rejected, tokens, used) == expected


def test_calibration_asks_the_past() -> None:
    """Windows that always went evenly are forecast right each time; one that stood still half-way is not."""
    even: list[Sample] = []
    seen: list[Window] = []
    for n in range(6):
        begins = n * 300
        even += [
            Sample(at(begins + minute), minute / 240, at(begins + 300))
            for minute in range(1, 300, 4)
            if n < 5 or minute < 151
        ]
        seen.append(Window(at(begins + 300), at(begins + 1), at(begins + 299), 1.2 if n < 5 else 0.6, None))
    found = calibration(seen, even, FIVE_HOURS, STEP, seed=1)
    assert found is not None
    assert (found.right, found.windows) == (5, 6)
    assert found.brier == pytest.approx(1 / 6, abs=0.02)
    assert calibration([], even, FIVE_HOURS, STEP, seed=1) is None
