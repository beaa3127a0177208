"""What requests cost, against a table computed by hand; what nobody knows stays unknown."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import core
from core import pricing, usage
from core.models import Usage
from core.prices import parse
from core.pricing import Cost, Unpriced, bill, cost, sold

PRICES = parse((Path(core.__file__).parent / "prices.toml").read_bytes())
NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)
M = 1_000_000


def used(i=0, o=0, *, read=0, w5=0, w1=0, total=None, complete=True, **more):
    """A usage object: input, output, cache reads, cache writes by lifetime and (else their sum) in total."""
    said = {
        "input_tokens": i,
        "output_tokens": o,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": w5 + w1 if total is None else total,
        "cache_creation": {"ephemeral_5m_input_tokens": w5, "ephemeral_1h_input_tokens": w1},
        **more,
    }
    return usage.read(said, complete=complete)


def searches(number, **more):
    """What server tools were used."""
    return {"server_tool_use": {"web_search_requests": number, **more}}


def entry(kind, i, o, model=None, **more):
    """One of a message's iterations."""
    counts = {"input_tokens": i, "output_tokens": o, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"type": kind, **counts, **({"model": model} if model else {}), **more}


def day(text):
    """Midnight UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SERVED = entry("fallback_message", 2000, 500, "claude-opus-5")
RUN = searches(0, code_execution_requests=1)

# (name, model, usage, USD by hand, at). Rates are USD a million tokens.
EXACT = [
    ("fable 5.1, each class", "claude-fable-5-1", used(M, M, read=M, w5=M, w1=M), "92.75"),  # 10+50+.25+12.5+20
    ("fable 5, each class", "claude-fable-5", used(M, M, read=M, w5=M, w1=M), "93.5"),  # 10+50+1+12.5+20
    ("mythos 5.1 as fable 5.1", "claude-mythos-5-1", used(1000, 200, read=4000), "0.021"),  # .01+.01+.001
    ("mythos 5 as fable 5", "claude-mythos-5", used(1000, 200, read=4000), "0.024"),  # .01+.01+.004
    ("mythos preview", "claude-mythos-preview", used(1, 1), "0.00006"),  # (10+50)/1e6
    ("opus 5.5, each class", "claude-opus-5-5", used(M, M, read=M, w5=M, w1=M), "37.2"),  # 4+20+.2+5+8
    ("opus 5, each class", "claude-opus-5", used(M, M, read=M, w5=M, w1=M), "46.75"),  # 5+25+.5+6.25+10
    ("opus 4.8", "claude-opus-4-8", used(412, 171), "0.006335"),  # 412*5=2060, 171*25=4275
    ("opus 4.7", "claude-opus-4-7", used(7, 3, read=20480), "0.01035"),  # 35+75+10240
    ("opus 4.6", "claude-opus-4-6", used(0, 0, w5=1234), "0.0077125"),  # 1234*6.25=7712.5
    ("opus 4.5 with its date", "claude-opus-4-5-20251101", used(0, 0, w1=1234), "0.01234"),  # 1234*10
    ("opus 4.1 with its date", "claude-opus-4-1-20250805", used(M, M, read=M, w5=M, w1=M), "140.25"),  # +75+1.5+18.75
    ("opus 4 with its date", "claude-opus-4-20250514", used(10, 10), "0.0009"),  # 150+750
    ("3 opus", "claude-3-opus-20240229", used(1, 0), "0.000015"),
    ("sonnet 5, each class", "claude-sonnet-5", used(M, M, read=M, w5=M, w1=M), "18.7"),  # 2+10+.2+2.5+4
    ("sonnet 4.6, each class", "claude-sonnet-4-6", used(M, M, read=M, w5=M, w1=M), "28.05"),  # 3+15+.3+3.75+6
    ("sonnet 4.5", "claude-sonnet-4-5-20250929", used(3, 2, read=1), "0.0000393"),  # 9+30+.3
    ("sonnet 4", "claude-sonnet-4-20250514", used(3, 2, w5=1), "0.00004275"),  # 9+30+3.75
    ("3.7 sonnet", "claude-3-7-sonnet-20250219", used(3, 2, w1=1), "0.000045"),  # 9+30+6
    ("3.5 sonnet", "claude-3-5-sonnet-20241022", used(100, 100), "0.0018"),  # 300+1500
    ("haiku 4.5, each class", "claude-haiku-4-5-20251001", used(M, M, read=M, w5=M, w1=M), "9.35"),  # 1+5+.1+1.25+2
    ("3.5 haiku, each class", "claude-3-5-haiku-20241022", used(M, M, read=M, w5=M, w1=M), "7.48"),  # .8+4+.08+1+1.6
    ("3 haiku, each class", "claude-3-haiku-20240307", used(M, M, read=M, w5=M, w1=M), "2.33"),  # .25+1.25+.03+.3+.5
    ("haiku 5.5, prompt of 100K", "claude-haiku-5-5", used(100_000, 10), "0.010005"),  # 100000*.1=10000, 10*.5=5
    ("haiku 5.5, one token more", "claude-haiku-5-5", used(100_001, 10), "0.0500255"),  # 100001*.5=50000.5, 10*2.5=25
    # the prompt counts what was read and written: 60000+30000+10000 = 100000: 6000 + 300 + 1250 + 5
    ("haiku 5.5, cache in the prompt", "claude-haiku-5-5", used(60_000, 10, read=30_000, w5=10_000), "0.007555"),
    # 60000+40001 > 100000, written for 5 minutes: 60000*.5=30000, 40001*.625=25000.625, 10*2.5=25
    ("haiku 5.5, cache over the band", "claude-haiku-5-5", used(60_000, 10, w5=40_001), "0.055025625"),
    ("the million window in the name", "claude-opus-4-6[1m]", used(200, 0), "0.001"),
    ("geo us", "claude-opus-5-5", used(1000, 100, read=50, inference_geo="us"), "0.006611"),  # (4000+2000+10)*1.1
    ("geo us on writes", "claude-sonnet-4-6", used(0, 0, w5=8, w1=8, inference_geo="us"), "0.0000858"),  # (30+48)*1.1
    ("geo us, model before 4.6", "claude-opus-4-5", used(1000, 100, inference_geo="us"), "0.0075"),  # 5000+2500
    ("geo elsewhere", "claude-opus-5-5", used(1000, 100, inference_geo="not_available"), "0.006"),
    ("fast on opus 5", "claude-opus-5", used(1000, 100, speed="fast"), "0.015"),  # (5000+2500)*2
    ("fast on opus 4.8, geo us", "claude-opus-4-8", used(1000, 100, speed="fast", inference_geo="us"), "0.0165"),
    ("speed standard", "claude-opus-5", used(1000, 100, speed="standard"), "0.0075"),
    ("batch", "claude-opus-5", used(1000, 100, service_tier="batch"), "0.00375"),
    ("batch and geo", "claude-opus-5", used(1000, 100, service_tier="batch", inference_geo="us"), "0.004125"),
    ("no fast mode in a batch", "claude-opus-5", used(1000, 100, service_tier="batch", speed="fast"), "0.00375"),
    ("web search", "claude-opus-5", used(1000, 100, **searches(3)), "0.0375"),  # .0075 + 3*.01
    ("web search is not halved", "claude-opus-5", used(1000, 100, service_tier="batch", **searches(1)), "0.01375"),
    ("web fetches cost nothing", "claude-opus-5", used(1000, 100, **searches(0, web_fetch_requests=9)), "0.0075"),
    ("thinking is in output", "claude-opus-5", used(0, 9, output_tokens_details={"thinking_tokens": 8}), "0.000225"),
    ("a prompt only", "claude-haiku-4-5", used(17, 0), "0.000017"),
    ("nothing at all", "claude-opus-5", used(0, 0), "0"),
    # iterations: the attempt that was declined before output is free; 500*25 + 2000*5 of opus 5
    (
        "fallback that served",
        "claude-opus-5",
        used(2000, 500, iterations=[entry("message", 2000, 0, "claude-fable-5"), SERVED]),
        "0.0225",
    ),
    # fable said 10 tokens first: 2000*10+10*50 = 20500, then 2000*5+500*25 = 22500
    (
        "fallback after some output",
        "claude-opus-5",
        used(2000, 500, iterations=[entry("message", 2000, 10, "claude-fable-5"), SERVED]),
        "0.043",
    ),
    # two were declined, haiku served: 1000*1 + 10*5
    (
        "second fallback served",
        "claude-haiku-4-5",
        used(1000, 10, iterations=[
            entry("message", 1000, 0, "claude-fable-5"),
            entry("message", 1000, 0, "claude-opus-5"),
            entry("fallback_message", 1000, 10, "claude-haiku-4-5"),
        ]),
        "0.00105",
    ),
    # the compaction names no model: (3000*2 + 200*10) + (500*2 + 40*10) of sonnet 5
    (
        "compaction",
        "claude-sonnet-5",
        used(500, 40, iterations=[entry("compaction", 3000, 200), entry("message", 500, 40)]),
        "0.0094",
    ),
    # sonnet 100*2+10*10 = 300, opus 1000*4+50*20 = 5000, sonnet 200*2+20*10 = 600
    (
        "advisor",
        "claude-sonnet-5",
        used(300, 30, iterations=[
            entry("message", 100, 10, "claude-sonnet-5"),
            entry("advisor_message", 1000, 50, "claude-opus-5-5"),
            entry("message", 200, 20, "claude-sonnet-5"),
        ]),
        "0.0059",
    ),
    # each iteration has its own band: 100000*.1 + 100001*.5 + 2*10*… = 10000 + 5 + 50000.5 + 25
    (
        "bands of iterations",
        "claude-haiku-5-5",
        used(200_001, 20, iterations=[entry("message", 100_000, 10), entry("message", 100_001, 10)]),
        "0.0600305",
    ),
    # 10*4 (1h: 8) and 10*5: writes of an iteration at its own lifetimes, then batch: (100*4+5*20 + 10*8)*.5
    (
        "cache writes of an iteration",
        "claude-opus-5-5",
        used(100, 5, service_tier="batch", iterations=[entry(
            "message", 100, 5, cache_creation_input_tokens=10,
            cache_creation={"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 10},
        )]),
        "0.00029",
    ),
    ("a prompt without output", "claude-opus-5", used(9, 0, iterations=[entry("message", 9, 0)]), "0.000045"),
    ("no iterations", "claude-opus-5", used(9, 1, iterations=[]), "0.00007"),
]  # fmt: skip

# The same with the reason why it is an estimate.
ESTIMATES = [
    ("broken off", "claude-opus-5", used(1000, 1, complete=False), "0.005025", pricing.BROKEN_OFF),
    # 60 told as 40 + 20, in the end 120: 120*(40*6.25 + 20*10)/60 = 900
    ("writes grew", "claude-opus-5", used(0, 0, w5=40, w1=20, total=120), "0.0009", pricing.CACHE_SPLIT),
    # 100 * (1*6.25 + 2*10)/3 = 875
    ("thirds", "claude-opus-5", used(0, 0, w5=1, w1=2, total=100), "0.000875", pricing.CACHE_SPLIT),
    ("writes without lifetimes", "claude-opus-5", used(0, 0, total=100), "0.000625", pricing.CACHE_SPLIT),
    (
        "an iteration that does not tell lives as the message",  # half and half: 10 * (5 + 8)/2 = 65, and 100*4 + 5*20
        "claude-opus-5-5",
        used(100, 5, w5=3, w1=3, iterations=[entry("message", 100, 5, cache_creation_input_tokens=10)]),
        "0.000565",
        pricing.CACHE_SPLIT,
    ),
    ("unconfirmed read", "claude-sonnet-5-5", used(10, 1, read=1000), "0.00013", pricing.UNCONFIRMED),  # 20+10+100
    # 100001*.5 + 10*1.00 + 1*2.5 = 50000.5 + 10 + 2.5
    ("unconfirmed write", "claude-haiku-5-5", used(100_001, 1, w1=10), "0.050013", pricing.UNCONFIRMED),
    ("code execution", "claude-opus-5", used(2, 0, **RUN), "0.00001", pricing.CODE_EXECUTION),
    ("priority", "claude-opus-5", used(2, 0, service_tier="priority"), "0.00001", pricing.TIER),
    ("fast where there is no fast mode", "claude-opus-5-5", used(5, 0, speed="fast"), "0.00002", pricing.SPEED),
    ("iterations that cannot be read", "claude-opus-5", used(2, 0, iterations=[1, 2]), "0.00001", pricing.ITERATIONS),
]  # fmt: skip

# Each side of a date.
DATED = [
    ("claude-sonnet-5-5", "2026-09-28", used(0, 0, read=M), "0.2", "claude-sonnet-5-5@2026-09-28"),
    ("claude-sonnet-5-5", "2026-10-06T23:59:59", used(0, 0, read=M), "0.2", "claude-sonnet-5-5@2026-09-28"),
    ("claude-sonnet-5-5", "2026-10-07", used(0, 0, read=M), "0.1", "claude-sonnet-5-5@2026-10-07"),
    ("claude-fable-5-1", "2026-09-01", used(1, 0), "0.00001", "claude-fable-5-1@2026-09-01"),
    ("claude-haiku-5-5", "2026-10-07", used(1, 0), "0.0000001", "claude-haiku-5-5@2026-10-07:0-100000"),
    ("claude-opus-5-5-20260901", "2020-01-01", used(1, 0), "0.000004", "claude-opus-5-5"),
]

UNKNOWN = [
    ("nobody's model", "claude-opus-6", NOVEMBER, used(1, 1), pricing.UNKNOWN_MODEL),
    ("a longer name is another model", "claude-opus-5-5-5", NOVEMBER, used(1, 1), pricing.UNKNOWN_MODEL),
    ("a date has eight digits", "claude-opus-5-2026", NOVEMBER, used(1, 1), pricing.UNKNOWN_MODEL),
    ("a part of a name", "opus-5", NOVEMBER, used(1, 1), pricing.UNKNOWN_MODEL),
    ("another provider's name", "anthropic.claude-opus-5-v1:0", NOVEMBER, used(1, 1), pricing.UNKNOWN_MODEL),
    ("no model", None, NOVEMBER, used(1, 1), pricing.NO_MODEL),
    ("before it was sold", "claude-fable-5-1", day("2026-08-31"), used(1, 1), pricing.NO_PRICE_THEN),
    ("before it was sold, haiku", "claude-haiku-5-5", day("2026-10-06"), used(1, 1), pricing.NO_PRICE_THEN),
    ("no output reported", "claude-opus-5", NOVEMBER, used(1, None), pricing.NO_TOKENS),
    ("no input reported", "claude-opus-5", NOVEMBER, used(None, 1), pricing.NO_TOKENS),
    (
        "one iteration of an unknown model",
        "claude-opus-5",
        NOVEMBER,
        used(1, 1, iterations=[entry("message", 1, 1, "claude-opus-9"), SERVED]),
        pricing.UNKNOWN_MODEL,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "said", "usd"), EXACT, ids=[case[0] for case in EXACT])
def test_exact(name, model, said, usd):
    """What was computed by hand, to the last digit, and no estimate."""
    found = cost(said, model, NOVEMBER, PRICES)
    assert isinstance(found, Cost)
    assert (found.usd, found.estimated, found.reason) == (Decimal(usd), False, None)


@pytest.mark.parametrize(("name", "model", "said", "usd", "reason"), ESTIMATES, ids=[case[0] for case in ESTIMATES])
def test_estimates(name, model, said, usd, reason):
    """What rests on a guess is computed and says so."""
    assert cost(said, model, NOVEMBER, PRICES) == Cost(Decimal(usd), cost_id(model), estimated=True, reason=reason)


def cost_id(model):
    """The price that a model has in November for a prompt as in the table."""
    return {
        "claude-sonnet-5-5": "claude-sonnet-5-5@2026-10-07",
        "claude-haiku-5-5": "claude-haiku-5-5@2026-10-07:100001-",
    }.get(model, model)


@pytest.mark.parametrize(("model", "at", "said", "usd", "price"), DATED)
def test_a_price_is_the_one_valid_at_the_start(model, at, said, usd, price):
    """From its first moment on, up to but without its last; the id says which it was."""
    found = cost(said, model, day(at), PRICES)
    assert isinstance(found, Cost)
    assert (found.usd, found.price_id) == (Decimal(usd), price)


@pytest.mark.parametrize(("name", "model", "at", "said", "reason"), UNKNOWN, ids=[case[0] for case in UNKNOWN])
def test_an_unknown_is_never_zero(name, model, at, said, reason):
    """Neither 0 nor the price of a model with a similar name."""
    assert cost(said, model, at, PRICES) == Unpriced(reason)


def test_two_prices_in_one_request_are_both_named():
    """Iterations of several models: the id names each price once."""
    said = used(
        1, 1, iterations=[entry("message", 1, 1, "claude-opus-5"), entry("message", 1, 1, "claude-haiku-4-5")] * 2
    )
    found = cost(said, "claude-opus-5", NOVEMBER, PRICES)
    assert isinstance(found, Cost)
    assert found.price_id == "claude-opus-5+claude-haiku-4-5"


def test_only_what_was_sold_has_a_bill():
    """Counting tokens and errors cost nothing; an answer whose usage never came is unknown."""
    assert bill(Usage(), "claude-opus-5", NOVEMBER, PRICES, sold=False) is None
    assert bill(Usage(), "claude-opus-5", NOVEMBER, PRICES, sold=True) == Unpriced(pricing.NO_USAGE)
    assert sold("POST", "/v1/messages?beta=true", 200)
    for method, target, status in (
        ("POST", "/v1/messages", 529),
        ("POST", "/v1/messages", None),
        ("POST", "/v1/messages/count_tokens", 200),
        ("GET", "/v1/models", 200),
    ):
        assert not sold(method, target, status)


counts = st.integers(0, 10**12)


@given(counts, counts, counts, counts, counts, st.sampled_from([None, "us"]), st.sampled_from([None, "batch"]))
def test_the_cost_of_a_sum_is_the_sum_of_costs(i, o, read, w5, w1, geo, tier):
    """Exact decimals: as long as no band is crossed, splitting a request changes not the least digit."""
    more = {"inference_geo": geo, "service_tier": tier}
    whole = cost(used(i, o, read=read, w5=w5, w1=w1, **more), "claude-opus-5-5", NOVEMBER, PRICES)
    parts = (used(i, **more), used(0, o, **more), used(read=read, **more), used(w5=w5, **more), used(w1=w1, **more))
    assert isinstance(whole, Cost)
    costs = [cost(part, "claude-opus-5-5", NOVEMBER, PRICES) for part in parts]
    assert whole.usd == sum(one.usd for one in costs if isinstance(one, Cost))
    assert not whole.estimated
