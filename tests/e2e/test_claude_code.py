"""Real Claude Code, headless, through the whole product; its own JSON result is the independent oracle."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.claude_code import run_headless
from tests.product import Product
from tests.scripted_anthropic import ScriptedAnthropic

pytestmark = [pytest.mark.product, pytest.mark.claude, pytest.mark.asyncio(loop_scope="module")]

TOKENS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


async def drive(product: Product, folder: Path, scene: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Claude Code's own result, and our rows of its session."""
    result = await run_headless(product.proxy_url, folder, f"SCN_{scene} go")
    rows = await product.rows(sessionId=result["session_id"], settled=True)
    return result, [row for row in rows if row["path"] == "/v1/messages"]


def total(rows: list[dict[str, Any]]) -> dict[str, int]:
    """The sum of our rows, in the API's names."""
    return {name: sum(row[name] or 0 for row in rows) for name in TOKENS}


def claimed(result: dict[str, Any]) -> dict[str, int]:
    """What Claude Code says it used, all models together, sub-agents included."""
    names = ("inputTokens", "outputTokens", "cacheCreationInputTokens", "cacheReadInputTokens")
    used = result["modelUsage"].values()
    return {ours: sum(model[theirs] for model in used) for ours, theirs in zip(TOKENS, names, strict=True)}


@pytest.mark.parametrize(("scene", "calls"), [("TEXT", 1), ("BASH", 3), ("TASK2", 6)])
async def test_our_rows_agree_with_claude_codes_own_result(
    scene: str, calls: int, product: Product, anthropic_api: ScriptedAnthropic, tmp_path: Path
) -> None:
    """Text, a tool loop, two parallel sub-agents: each call is a row; tokens and dollars as Claude Code says."""
    before = len(anthropic_api.seen)
    result, rows = await drive(product, tmp_path, scene)
    assert result["is_error"] is False
    assert len(rows) == calls
    assert total(rows) == claimed(result)
    ours = sum(row["cost_usd"] for row in rows)
    assert ours == pytest.approx(result["total_cost_usd"], abs=1e-9)
    assert {row["outcome"] for row in rows} == {"ok"}
    assert {row["client"] for row in rows} == {"claude-code"}
    sent = [seen for seen in anthropic_api.seen[before:] if seen.method == "POST" and "count_tokens" not in seen.target]
    bodies = sorted(await asyncio.gather(*(product.raw(row["id"], "request") for row in rows)))
    assert bodies == sorted(seen.body for seen in sent if seen.target.startswith("/v1/messages?"))


async def test_sub_agents_bear_their_ids(product: Product, tmp_path: Path) -> None:
    """The two parallel sub-agents of TASK2 are told apart by their agent ids."""
    _, rows = await drive(product, tmp_path, "TASK2")
    agents = [row["agent_id"] for row in rows]
    assert agents.count(None) == 2
    assert len({agent for agent in agents if agent}) == 2


async def test_an_overloaded_answer_is_seen_as_it_is(
    product: Product, anthropic_api: ScriptedAnthropic, tmp_path: Path
) -> None:
    """Claude Code retries a 529 by itself; both attempts are rows."""
    from tests.scripted_anthropic import Failure

    anthropic_api.fail = [Failure(529, {"retry-after": "0"})]
    result, rows = await drive(product, tmp_path, "TEXT")
    assert result["is_error"] is False, json.dumps(result)
    assert [row["status_code"] for row in rows] == [529, 200]
