"""The short form of the kill loop; ``python -m tests.chaos`` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.run import Plan, chaos


@pytest.mark.chaos
async def test_nothing_is_lost_duplicated_or_falsely_complete_while_things_die(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Kill -9 of Postgres, proxy and recorder, leaving clients and a resetting upstream, under 50 streams."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    verdict, killed = await chaos(Plan(), folder)
    assert verdict.passed, f"{verdict} after {dict(killed)}"
    assert verdict.clean > 50
    assert killed.total() == Plan.kills
