"""The short form of the kill loop; ``python -m tests.chaos`` is the long one."""

import pytest

from tests.chaos.run import Plan, chaos
from tests.product import data_folder


@pytest.mark.chaos
async def test_nothing_is_lost_duplicated_or_falsely_complete_while_things_die() -> None:
    """Kill -9 of Postgres, proxy and recorder, leaving clients and a resetting upstream, under 50 streams."""
    with data_folder() as data:
        verdict, killed = await chaos(Plan(), data.parent)
    assert verdict.passed, f"{verdict} after {dict(killed)}"
    assert verdict.clean > 50
    assert killed.total() == Plan.kills
