"""What the cache saved, by hand; what has no single price is named, never counted as nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.savings import Cached, changes, only_price, saved
from tests.core.test_pricing import NOVEMBER, PRICES, M, day

OPUS, BANDS = "claude-opus-5-5", "claude-haiku-5-5"


def cached(read=0, short=0, long=0, model=OPUS, at=NOVEMBER):
    """Tokens of a model."""
    return Cached(at, model, read, short, long)


@pytest.mark.parametrize(
    ("given", "reads", "writes"),
    [
        # opus 5.5: input 4, write 5 and 8, read .2.
        ([cached(read=M)], "3.8", "0"),
        ([cached(short=M)], "0", "1"),
        ([cached(long=M)], "0", "4"),
        ([cached(10_000, 2000, 1000)], "0.038", "0.006"),
        ([cached(read=M), cached(read=M, model="claude-opus-5")], "8.3", "0"),
        # sonnet 5.5 reads cost .20 and from 7 October .10.
        (
            [cached(read=M, model="claude-sonnet-5-5", at=day(at)) for at in ("2026-10-06", "2026-10-07")],
            "3.7",
            "0",
        ),
        ([cached()], "0", "0"),
        ([], "0", "0"),
    ],
)
def test_by_hand(given, reads, writes):
    """Reads are cheaper than fresh input, writes dearer; what is left of it is saved."""
    found = saved(given, PRICES)
    assert (found.by_reads, found.spent_on_writes) == (Decimal(reads), Decimal(writes))
    assert found.net == Decimal(reads) - Decimal(writes)
    assert found.unknown == ()


def test_unknown_is_not_nothing():
    """A model without a price, or with prices by the length of prompts, is named; alone it leaves nothing to tell."""
    some = saved([cached(read=M), cached(read=M, model="claude-new"), cached(read=1, model=BANDS)], PRICES)
    assert (some.net, some.unknown) == (Decimal("3.8"), ("claude-new", BANDS))
    assert saved([cached(read=M, model="claude-new")], PRICES).net is None
    assert saved([cached(model="claude-new")], PRICES).net == 0
    assert only_price(BANDS, NOVEMBER, PRICES) is None


def test_writes_may_cost_more_than_reads_save():
    """Then it is below 0."""
    assert saved([cached(read=1000, long=M)], PRICES).net < 0


def test_when_prices_change():
    """Every moment inside at which a price begins or ends, once, in order."""
    found = changes(PRICES, datetime(2026, 9, 1, tzinfo=UTC), NOVEMBER)
    assert found == [day("2026-09-28"), day("2026-10-07")]
    assert changes(PRICES, NOVEMBER, NOVEMBER) == []
