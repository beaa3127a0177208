"""What the API's headers say of usage windows, through the real proxy, tape, recorder and database, to the answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anthropic
import pytest

from tests.product import Product
from tests.scripted_anthropic import ORGANIZATION, RATE_LIMITS, Failure, ScriptedAnthropic

pytestmark = [pytest.mark.product, pytest.mark.asyncio(loop_scope="module")]

HOUR = timedelta(hours=1)
LOGIN = "sk-ant-oat01-" + "w" * 60
KEY = "sk-ant-api03-" + "w" * 40


@pytest.fixture
def limits(anthropic_api: ScriptedAnthropic) -> Iterator[dict[str, str]]:
    """The headers the API sends about limits; as before after the test."""
    yield anthropic_api.limits
    anthropic_api.limits.clear()
    anthropic_api.limits.update(RATE_LIMITS)


def unified(used: float, reset: datetime, status: str = "allowed") -> dict[str, str]:
    """The headers of an answer to a login."""
    seconds = str(int(reset.timestamp()))
    said = {"status": status, "reset": seconds, "representative-claim": "five_hour", "5h-status": status}
    said |= {"5h-utilization": str(used), "5h-reset": seconds, "7d-utilization": "0.31", "7d-status": "allowed"}
    of_all = {f"anthropic-ratelimit-unified-{name}": value for name, value in said.items()}
    return {"anthropic-organization-id": ORGANIZATION, **of_all}


async def ask(sdk: anthropic.AsyncAnthropic, text: str) -> None:
    """A call."""
    await sdk.messages.create(model="claude-haiku-5-5", max_tokens=9, messages=[{"role": "user", "content": text}])


async def account(product: Product, count: int) -> str:
    """The account that paid for the next calls, once they are recorded."""
    (paid,) = {row["account_id"] for row in await product.recorded(count)}
    return str(paid)


async def got(product: Product, path: str) -> Any:
    """An answer of the dashboard."""
    status, body = await product.get(path)
    assert status == 200, body
    return body


async def test_a_logins_windows(product: Product, anthropic_api: ScriptedAnthropic, limits: dict[str, str]) -> None:
    """Rising use, an end that moves, a refusal: reported to the last digit, and what we counted stands beside it."""
    now = datetime.now(UTC).replace(microsecond=0)
    limits.clear()
    async with anthropic.AsyncAnthropic(
        auth_token=LOGIN, api_key=None, base_url=product.proxy_url, max_retries=0
    ) as sdk:
        for used, reset in ((0.25, now + HOUR), (0.5, now + HOUR), (0.625, now + 4 * HOUR)):
            limits.update(unified(used, reset))
            await ask(sdk, f"How full? {used}")
        anthropic_api.fail.append(Failure(429, unified(1.0, now + 4 * HOUR, "rejected")))
        with pytest.raises(anthropic.RateLimitError):
            await ask(sdk, "Once more")
    who = await account(product, 4)
    found = await got(product, f"/api/windows/{who}")
    five, seven = found["windows"]
    assert (five["window"], five["source"], five["utilization"], five["status"]) == ("5h", "reported", 1.0, "rejected")
    assert datetime.fromisoformat(five["reset_at"]) == now + 4 * HOUR
    assert (seven["window"], seven["utilization"]) == ("7d", 0.31)
    assert (found["status"], found["representative_window"]) == ("rejected", "5h")
    ends = [tuple(datetime.fromisoformat(one[name]) for name in ("before", "after")) for one in found["moves"]]
    assert ends == [(now + HOUR, now + 4 * HOUR)]
    past = await got(product, f"/api/windows/{who}/history")
    assert {one["utilization"] for one in past["samples"]} <= {0.25, 0.5, 0.625, 1.0}
    assert [(one["peak"], one["exhausted"]) for one in past["windows"]] == [(1.0, True)]
    asked = [seen.usage for seen in anthropic_api.seen if dict(seen.headers).get("Authorization") == f"Bearer {LOGIN}"]
    counted = sum(one["input_tokens"] + one["output_tokens"] for one in asked if one)
    current = await got(product, f"/api/token-usage/current?accountId={who}")
    assert (current["source"], current["usage"]["percentage"]) == ("reported", 100.0)
    assert (current["usage"]["tokens_used"], current["requests"]["count"]) == (counted, 4)
    assert (current["usage"]["limit"], current["inferred"]["limit_basis"]) == (counted, "rejection")


async def test_an_api_keys_limits(product: Product, limits: dict[str, str]) -> None:
    """No window is made up: the per-minute limits as the last answer said them, and our own sums."""
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=product.proxy_url, max_retries=0) as sdk:
        await ask(sdk, "One")
        limits["anthropic-ratelimit-requests-remaining"] = "17"
        await ask(sdk, "Two")
    who = await account(product, 2)
    found = await got(product, f"/api/windows/{who}")
    assert (found["kind"], found["windows"]) == ("api_key", [])
    told = {one["name"]: (one["limit"], one["remaining"]) for one in found["rate_limits"]}
    assert told == {"requests": (4000, 17), "tokens": (400_000, 399_000)}
    assert found["inferred"]["sum"]["requests"] == 2
    everybody = await got(product, "/api/windows")
    assert who in {one["account_id"] for one in everybody["accounts"]}
