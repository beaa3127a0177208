"""The same of an installation in its first month: all there is lies in one partition, the others are empty."""

from tests.dashboard import test_api_plans as later

FILL = later.FILL.replace("interval '14 days'", "interval '0 days'")
"""28 days from the first of the month on."""


async def test_lists_and_counts_read_by_index(filled):
    """As of an older one. Planned with sorts, what a model answered was gathered and sorted as a whole."""
    await later.test_lists_and_counts_read_by_index(filled)
