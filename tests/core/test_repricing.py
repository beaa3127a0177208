"""What a conversation would have cost on another model: by hand, request by request; what does not fit is counted."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prices import PriceList
from core.pricing import Cost, cost
from core.repricing import LATER, NO_LIMIT, Asked, Repriced, alike, gathered, length, on, reprice
from core.valueclass import replace
from tests.core.test_pricing import PRICES, SERVED, M, day, entry, searches, used

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HAIKU = "claude-haiku-4-5"


def again(*usages, model=HAIKU, at=NOW, paid="1", prices: PriceList = PRICES) -> Repriced:
    """These requests, each of which cost a dollar, on a model."""
    given = [Asked(at, whole(usage), paid and Decimal(paid)) for usage in usages]
    return reprice(gathered(given, prices), [model], prices, NOW)


def whole(usage):
    """A usage as it comes out of the database: raw only where there are iterations."""
    kept = (usage.raw or {}).get("iterations")
    return replace(usage, raw=None if kept is None else {"iterations": kept})


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
    found = alike(PRICES, NOW, gathered(plain, PRICES))
    assert sorted(name for names in found for name in names) == sorted(
        name for name in PRICES.prices if PRICES.find(name, NOW, 0)
    )
    assert ("claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6") in found
    fast = [Asked(NOW, used(1, 1, speed="fast"), None)]
    assert ("claude-opus-5", "claude-opus-4-8") in alike(PRICES, NOW, gathered(fast, PRICES))
    for names in found:
        costs = {again(used(5000, 400, read=900, w5=10, w1=20), model=name).usd for name in names}
        assert len(costs) == 1


def test_the_pieces_of_a_message():
    """Only what is needed of the raw usage is kept; the length is that of prompt and answer."""
    usage = used(10, 20, read=30, w5=4, iterations=[SERVED, "no entry"])
    assert on(usage, HAIKU).raw == {"iterations": [{**SERVED, "model": HAIKU}, "no entry"]}
    assert on(used(1, 1), HAIKU).raw is None
    assert length(usage) == 64


TOKENS = st.sampled_from([0, 1, 99_999, 100_000, 100_001, 199_990, 200_001, 900_000])
USAGES = st.builds(
    used,
    TOKENS | st.none(),
    st.sampled_from([0, 10, 11]),
    read=TOKENS,
    w5=st.sampled_from([0, 7]),
    w1=st.sampled_from([0, 5]),
    total=st.sampled_from([None, 12, 20]),
    complete=st.booleans(),
    speed=st.sampled_from([None, "standard", "fast"]),
    inference_geo=st.sampled_from([None, "us"]),
    service_tier=st.sampled_from([None, "batch", "priority"]),
)
DAYS = st.sampled_from(["2026-08-31", "2026-09-01", "2026-10-06", "2026-10-07", "2026-11-20"])


@given(st.lists(st.tuples(DAYS, USAGES, st.sampled_from([None, "0.5"])), max_size=12))
def test_groups_cost_what_their_members_cost(given_requests):
    """However they are gathered, each request is priced as if it were alone."""
    asked = [Asked(day(at), whole(usage), paid and Decimal(paid)) for at, usage, paid in given_requests]
    groups = gathered(asked, PRICES)
    assert sum(group.requests for group in groups) == len(asked)
    for model in ("claude-haiku-5-5", "claude-opus-5", "claude-sonnet-5-5", "claude-fable-5-1"):
        limit, bills = PRICES.context_limit(model), []
        fitting = [one for one in asked if length(one.usage) <= limit]
        for one in fitting:
            then, today = (cost(one.usage, model, at, PRICES) for at in (one.at, NOW))
            bills.append(then if isinstance(then, Cost) else today)
        found = reprice(groups, [model], PRICES, NOW)
        priced = [bill.usd for bill in bills if isinstance(bill, Cost)]
        assert (found.requests, found.too_long) == (len(priced), len(asked) - len(fitting))
        assert found.usd == (sum(priced, Decimal(0)) if priced else None)
        assert found.unpriced == len(fitting) - len(priced)


def test_a_long_conversation_is_few_groups():
    """A thousand requests of a day are as many groups as there are bands and contexts they pass."""
    asked = [Asked(NOW, whole(used(10, 5, read=1000 * number, w5=900)), Decimal(1)) for number in range(1000)]
    assert len(gathered(asked, PRICES)) == 3
