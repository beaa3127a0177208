"""The list of prices: complete, checked when it is read, and an installation's own prices go before it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import core
from core.errors import BadSettingError
from core.prices import RATES, parse

RAW = (Path(core.__file__).parent / "prices.toml").read_bytes()
PRICES = parse(RAW)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
ALL = [price for prices in PRICES.prices.values() for price in prices]


def test_every_price_is_whole():
    """Five rates each, ids that name one price only, and a window for every model."""
    assert len({price.id for price in ALL}) == len(ALL)
    for price in ALL:
        assert all(getattr(price, rate) > 0 for rate in RATES), price.id
        assert price.input < price.cache_write_5m < price.cache_write_1h, price.id
        assert price.cache_read < price.input < price.output, price.id
        assert PRICES.context_limit(price.model) in {200_000, 1_000_000}


def test_modifiers_are_of_models_that_have_a_price():
    """A name that is spelt wrong would never be found."""
    for modifier in (*PRICES.geo.values(), *PRICES.speed.values()):
        assert modifier.models <= PRICES.prices.keys()


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-opus-5-5", 1_000_000),
        ("claude-opus-4-6-20260101", 1_000_000),
        ("claude-opus-4-5-20251101", 200_000),
        ("claude-sonnet-4-6", 1_000_000),
        ("claude-sonnet-4-5", 200_000),
        ("claude-sonnet-4-5[1m]", 1_000_000),
        ("claude-haiku-5-5", 200_000),
        ("claude-mythos-preview", 1_000_000),
        ("claude-nobody", None),
    ],
)
def test_windows_for_gauges(model, limit):
    """How much fits; None where nobody knows."""
    assert PRICES.context_limit(model) == limit


def test_an_own_price_goes_before_the_list():
    """The newest own price that fits; where none does, the list's; for a name the list does not know, too."""
    listed = PRICES.find("claude-opus-5", NOW, 10)
    assert listed is not None
    older = replace(listed, id="own/1", input=Decimal(1))
    newer = replace(listed, id="own/2", input=Decimal(2), min_prompt=1000)
    other = replace(listed, id="own/3", model="our-model")
    fast = replace(listed, id="own/4", speed="fast")
    own = PRICES.with_own([older, newer, other, fast])
    for model, prompt, speed, found in (
        ("claude-opus-5", 10, "standard", older),
        ("claude-opus-5-20260601", 1000, "standard", newer),
        ("claude-opus-5", 10, "fast", fast),
        ("our-model", 10, "standard", other),
        ("our-model-5", 10, "standard", None),
    ):
        assert own.find(model, NOW, prompt, speed) == found
    assert own.with_own([]).find("claude-opus-5", NOW, 10) == listed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"input = 10\n", b"input = -1\n", "price.0.input"),
        (b"input = 10\n", b"inputs = 10\n", "price.0"),
        (b"input = 10\n", b"input = nan\n", "price.0.input"),
        (b"input = 10\n", b"input = \n", "prices:"),
        (b"valid_to = 2026-10-07", b"valid_to = 2026-10-08", "both the price of the same request"),
        (b"valid_to = 2026-10-07", b"valid_to = 2026-09-28", "ends before it begins"),
        (b"min_prompt = 100_001", b"min_prompt = 100_000", "both the price of the same request"),
        (b'unconfirmed = ["cache_read"]', b'unconfirmed = ["reads"]', "unconfirmed"),
        (b"# List", b"\xff\xfe", "prices:"),
    ],
)
def test_a_list_that_cannot_be_right_is_refused(old, new, said):
    """One line that says where."""
    assert old in RAW
    with pytest.raises(BadSettingError, match=said) as caught:
        parse(RAW.replace(old, new, 1))
    assert "\n" not in str(caught.value)
