"""The check of what a killed proxy may take with it: what it could not have written yet, and no more."""

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.check import UNWRITTEN_EVENTS, check
from tests.chaos.clients import Witness
from tests.chaos.stalls import Stalls, read_stalls
from tests.chaos.upstream import answer

CALL = "1-1-abc"
EVENTS = answer(CALL)
PACE = 0.01


def broken(events: int) -> Witness:
    """A client that got an event every 10 ms until its proxy was killed, 10 ms after the last."""
    witness = Witness(CALL, "broken", status=200)
    for number, event in enumerate(EVENTS[:events], start=1):
        witness.got(number * PACE, event)
    witness.ended_at = (events + 1) * PACE
    return witness


def row(events: int, outcome: str = "proxy_crash") -> dict[str, Any]:
    """A record with so many events of the answer."""
    return {"chaos_id": CALL, "outcome": outcome, "status_code": 200, "raw": b"".join(EVENTS[:events])}


def forgotten(tmp_path: Path, witness: Witness, recorded: dict[str, Any], *rounds: tuple[float, float]) -> bool:
    """Whether the record is found to lack what the client got."""
    log = tmp_path / "upstream.log"
    log.write_text(f'{{"what": "seen", "id": "{CALL}"}}\n')
    return check(log, [witness], [recorded], Stalls(rounds)).forgotten == [CALL]


def test_a_killed_proxy_may_forget_what_it_could_not_have_written(tmp_path: Path) -> None:
    """A few events where nothing held its tape up; else as many as came while it was held up, and a few."""
    assert not forgotten(tmp_path, broken(12), row(12 - UNWRITTEN_EVENTS))
    assert forgotten(tmp_path, broken(12), row(12 - UNWRITTEN_EVENTS - 1))
    held_up = (0.085, 0.130)  # the last 45 ms: what came at 90, 100, 110 and 120 ms
    assert not forgotten(tmp_path, broken(12), row(12 - UNWRITTEN_EVENTS - 4), held_up)
    assert forgotten(tmp_path, broken(12), row(12 - UNWRITTEN_EVENTS - 5), held_up)


@pytest.mark.parametrize("stall", [(-9.0, -8.0), (5.0, 6.0)])
def test_what_held_others_up_at_another_time_is_no_excuse(tmp_path: Path, stall: tuple[float, float]) -> None:
    """Long before the kill, or after it."""
    assert forgotten(tmp_path, broken(12), row(4), stall)


def test_a_proxy_that_lived_forgets_nothing(tmp_path: Path) -> None:
    """Whatever its disk did: it wrote when it could."""
    assert forgotten(tmp_path, broken(12), row(11, "upstream_reset"), (0.0, 0.13))
    assert not forgotten(tmp_path, broken(12), row(12, "upstream_reset"))


def test_stalls_are_read_as_far_as_they_were_noted(tmp_path: Path) -> None:
    """A process killed in the middle of a line."""
    log = tmp_path / "stalls.log"
    assert read_stalls(log) == Stalls()
    log.write_text("[1.5, 1.75]\n[2.0, 2.")
    assert read_stalls(log) == Stalls(((1.5, 1.75),))
