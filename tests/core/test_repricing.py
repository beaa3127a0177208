"""What a conversation would have cost on another model: by hand, request by request; what does not fit is counted."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.prices import PriceList
from core.repricing import LATER, NO_LIMIT, Asked, Repriced, alike, length, on, reprice
from tests.core.test_pricing import PRICES, SERVED, M, day, entry, searches, used

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HAIKU = "claude-haiku-4-5"


def again(*usages, model=HAIKU, at=NOW, paid="1", prices: PriceList = PRICES) -> Repriced:
    """These requests, each of which cost a dollar, on a model."""
    return reprice([Asked(at, usage, paid and Decimal(paid)) for usage in usages], [model], prices, NOW)


@pytest.mark.parametrize(
    ("usage", "model", "usd"),
    [
        # Each class at its own rate: 1, 5, .1, 1.25, 2 for haiku 4.5.
        (used(10_000, 1000, read=20_000, w5=3000, w1=4000), HAIKU, "0.02875"),  # .01+.005+.002+.00375+.008
        # The band is that of this request's own prompt.
        (used(100_000, 0), "claude-haiku-5-5", "0.01"),
        (used(100_001, 0), "claude-haiku-5-5", "0.0500005"),
        # Batch, region and searches go with it.
        (used(M // 10, 0, service_tier="batch"), HAIKU, "0.05"),
        (used(100, 0, inference_geo="us", speed="fast"), "claude-opus-5", "0.0011"),
        (used(100, 0, inference_geo="us"), "claude-opus-5-5", "0.00044"),
        (used(0, 0, **searches(3)), HAIKU, "0.03"),
        # A fallback's two pieces and an advisor's are done by this model alone.
        (used(1, 1, iterations=[SERVED, entry("advisor_message", 100, 10, "claude-opus-5")]), HAIKU, "0.00465"),
    ],
)
def test_by_hand(usage, model, usd):
    """The same tokens at the other model's rates."""
    found = again(usage, model=model)
    assert (found.requests, found.unpriced, found.too_long) == (1, 0, 0)
    assert found.usd == Decimal(usd)


def test_what_does_not_fit_costs_nothing_there():
    """A prompt with what is read from the cache, and the answer, are longer than the context: counted, not summed."""
    edge, over = used(100_000, 10_000, read=90_000), used(100_000, 10_001, read=90_000)
    found = again(edge, over, used(1000, 0))
    assert (found.requests, found.too_long, found.longest, found.limit) == (2, 1, 200_001, 200_000)
    assert found.usd == Decimal("0.1") + Decimal("0.05") + Decimal("0.009") + Decimal("0.001")
    assert found.paid == 2
    none = again(over)
    assert (none.usd, none.paid, none.requests, none.too_long) == (None, None, 0, 1)
    assert again(over, model="claude-opus-5-5").too_long == 0


def test_what_is_unknown_stays_so():
    """No tokens, no price; an unknown cost of one is no comparison; a day before the price takes today's."""
    found = again(used(1000, 0), used(None, None))
    assert (found.requests, found.unpriced, found.usd) == (1, 1, Decimal("0.001"))
    assert again(used(1000, 0), paid=None).paid is None
    early = again(used(1000, 0), model="claude-fable-5-1", at=day("2026-08-01"))
    assert (early.usd, early.reasons) == (Decimal("0.01"), (LATER,))
    assert again(used(1000, 0), model="claude-unheard-of").unpriced == 1
    assert NO_LIMIT in again(used(1000, 0), model="claude-unheard-of").reasons


def test_the_same_model_costs_the_same():
    """On the model that did it the cost is the recorded one."""
    usage = used(412, 171, read=20_480, w5=1234, w1=99)
    # 412*4 + 171*20 + 20480*.2 + 1234*5 + 99*8
    found = again(usage, model="claude-opus-5-5", paid="0.016126")
    assert found.usd == found.paid


def test_models_that_are_priced_alike():
    """Every model with a price now, once; those of one price together unless region or speed tells them apart."""
    plain = [Asked(NOW, used(1, 1), None)]
    found = alike(PRICES, NOW, plain)
    assert sorted(name for names in found for name in names) == sorted(
        name for name in PRICES.prices if PRICES.find(name, NOW, 0)
    )
    assert ("claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6") in found
    fast = [Asked(NOW, used(1, 1, speed="fast"), None)]
    assert ("claude-opus-5", "claude-opus-4-8") in alike(PRICES, NOW, fast)
    for names in found:
        costs = {again(used(5000, 400, read=900, w5=10, w1=20), model=name).usd for name in names}
        assert len(costs) == 1


def test_the_pieces_of_a_message():
    """Only what is needed of the raw usage is kept; the length is that of prompt and answer."""
    usage = used(10, 20, read=30, w5=4, iterations=[SERVED, "no entry"])
    assert on(usage, HAIKU).raw == {"iterations": [{**SERVED, "model": HAIKU}, "no entry"]}
    assert on(used(1, 1), HAIKU).raw is None
    assert length(usage) == 64
