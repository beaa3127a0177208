"""The parts of a conversation's view Cost that come by themselves: other models, its part of budgets, its sources."""

import csv
import io
import re
from decimal import Decimal

import pytest

from dashboard.render.figures import money
from tests import conversation_scenes
from tests.conversation_seeds import Talk, result, use
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.recordings import text

HOSTILE = "<img src=x onerror=alert(1)>\u202e"
HTMX = {"HX-Request": "true"}
BUDGET = (
    "INSERT INTO budgets (train, key_id, unit, amount, period, zone, hard, created_by)"
    " SELECT train, $1, $2, $3, 'month', 'UTC', false, 'x' FROM trains WHERE name = 'default'"
)


@pytest.fixture
async def talk(connection):
    """A conversation with everything in it."""
    return await conversation_scenes.fix_the_test(connection)


@pytest.fixture
def path(talk):
    """Its address."""
    return f"/conversations/{talk.conversation}"


async def lines(client, path):
    """A table by the name in its first column."""
    rows = csv.DictReader(io.StringIO((await (await client.get(path)).text()).lstrip("\ufeff")))
    return {next(iter(row.values())): row for row in rows}


async def cost_of(connection, talk):
    """What the requests cost together."""
    return await connection.fetchval("SELECT sum(cost_usd) FROM requests WHERE conversation_id = $1", talk.conversation)


async def test_on_other_models(client, connection, talk, path):
    """Each model that has a price, with what it would have cost; the same as a table; what is assumed is said."""
    cost = await cost_of(connection, talk)
    words = plain(await seen(client, path + "/cost/models"))
    assert f"It cost {money(cost)} on claude-opus-5-5" in words
    assert re.search(r"On claude-haiku-5-5 it would have cost \$0\.0\d \(9\d % less\)", words)
    assert "claude-opus-5-5 (as recorded)" in words
    assert "The same tokens, cache hits and cache lifetimes assumed" in words
    assert "how well it would have done the work, is unknown" in words
    assert "◔ estimated" in words
    found = await lines(client, path + "/cost/models.csv")
    tokens = await connection.fetchrow(
        "SELECT sum(input_tokens) AS i, sum(output_tokens) AS o, sum(cache_read_input_tokens) AS r,"
        " sum(cache_creation_input_tokens) AS w FROM requests WHERE conversation_id = $1",
        talk.conversation,
    )
    by_hand = tokens["i"] + tokens["o"] * 5 + tokens["r"] * Decimal("0.1") + tokens["w"] * Decimal("1.25")
    assert Decimal(found["claude-haiku-4-5"]["cost_usd"]) == by_hand / 1_000_000
    assert found["claude-haiku-4-5"]["too_long"] == "0"


async def test_what_would_not_fit(client, connection, talk, path):
    """A request longer than a model's context has no price there; such a model stands behind those that hold all."""
    await connection.execute("UPDATE requests SET cache_read_input_tokens = 300000 WHERE id = $1", talk.asked[0].id)
    words = plain(await seen(client, path + "/cost/models"))
    assert re.search(r"1 request would not fit into 200\.0 k; the longest has 30\d\.\d k", words)
    assert re.search(r"On claude-sonnet-5-5 it would have cost", words)
    found = await lines(client, path + "/cost/models.csv")
    assert next(iter(found)).startswith("claude-sonnet-5-5")
    assert found["claude-haiku-4-5"]["too_long"] == "1"


async def test_an_unknown_cost_is_no_comparison(client, connection, talk, path):
    """Where what it cost is not known nothing is compared, and no 0 stands for it."""
    await connection.execute(
        "UPDATE requests SET cost_usd = NULL, cost_reason = 'unknown model' WHERE conversation_id = $1"
        " AND cost_usd IS NOT NULL",
        talk.conversation,
    )
    words = plain(await seen(client, path + "/cost/models"))
    assert "What it cost is not known of" in words
    assert "no comparison" in words
    assert "$0.00" not in words
    assert "% less" not in words


async def test_its_part_of_budgets(client, connection, talk, path):
    """Of its train's budgets and of those of the keys it came with; of another key's none of it."""
    assert "No budget is set" in plain(await seen(client, path + "/cost/models"))
    await connection.execute(BUDGET, None, "usd", 10)
    await connection.execute(BUDGET, "key-of-another", "usd", 10)
    words = plain(await seen(client, path + "/cost/models"))
    cost = await connection.fetchval(
        "SELECT sum(cost_usd) FROM requests WHERE conversation_id = $1"
        " AND started_at >= date_trunc('month', now(), 'UTC')",
        talk.conversation,
    )
    assert f"this conversation {money(cost or 0)}" in words
    assert "key-of-another" not in words


@pytest.mark.parametrize("part", ["models", "sources"])
async def test_a_part_of_a_page_and_a_page(settings, database, talk, path, serve, part):
    """Htmx is given the part alone, everybody else a page, in few queries; an unknown conversation is not found."""
    counting = Counting(database)
    client = await serve(settings, counting)
    view = await seen(client, path + "?view=cost")
    assert f'hx-get="{path}/cost/{part}"' in view
    counting.names.clear()
    body = await (await client.get(f"{path}/cost/{part}", headers=HTMX)).text()
    assert "<html" not in body
    assert len(counting.names) <= MOST_QUERIES, counting.names
    whole = await seen(client, f"{path}/cost/{part}")
    assert "<html" in whole
    assert "Provenance(" not in whole
    await seen(client, f"/conversations/{talk.asked[1].id}/cost/{part}", status=404)


async def test_what_it_was_paid_for(client, connection, talk, path):
    """Every dollar has a source and a class; each tool's results are a source; what is an estimate is called one."""
    found = await lines(client, path + "/cost/sources.csv")
    cost = float(await cost_of(connection, talk))
    assert sum(float(row["cost_usd"]) for row in found.values()) == pytest.approx(cost)
    assert sum(float(row["share"]) for row in found.values()) == pytest.approx(1)
    classes = ("read_from_the_cache_usd", "written_to_the_cache_usd", "fresh_input_usd", "output_usd")
    for row in found.values():
        assert sum(float(row[name]) for name in classes) == pytest.approx(float(row["cost_usd"]))
    assert {"System prompt", "User's words", "Results of Bash", "Results of Read", "Tool calls, sent again"} <= set(
        found
    )
    assert float(found["Output"]["output_usd"]) == pytest.approx(float(found["Output"]["cost_usd"]))
    assert "Prompts that were not looked into" not in found
    words = plain(await seen(client, path + "/cost/sources"))
    assert "◔ estimated" in words
    assert re.search(r"made up \d+ % of \$", words)


async def test_output_and_thinking_apart(client, connection, talk, path):
    """Where the API told how much of the output was thinking, that stands apart, to its share."""
    await connection.execute(
        "UPDATE requests SET output_tokens = 100, thinking_tokens = 25 WHERE conversation_id = $1", talk.conversation
    )
    found = await lines(client, path + "/cost/sources.csv")
    thought, words = (float(found[name]["cost_usd"]) for name in ("Output: thinking", "Output: words and tool calls"))
    assert thought / (thought + words) == pytest.approx(0.25)
    assert "Output" not in found


async def test_what_was_not_looked_into(client, connection, talk, path):
    """Without bodies the prompts are one line of their own, never nothing; what has no price is counted and said."""
    await connection.execute("DELETE FROM request_bodies")
    await connection.execute(
        "UPDATE requests SET cost_usd = NULL, cost_reason = 'unknown model' WHERE id = $1", talk.asked[2].id
    )
    found = await lines(client, path + "/cost/sources.csv")
    assert set(found) == {"Prompts that were not looked into", "Output"}
    assert sum(float(row["cost_usd"]) for row in found.values()) == pytest.approx(
        float(await cost_of(connection, talk))
    )
    words = plain(await seen(client, path + "/cost/sources"))
    assert re.search(r"The prompts of \d+ requests were not looked into", words)
    assert "Without 1 request that no price is known for" in words
    await connection.execute("UPDATE requests SET cost_usd = NULL, cost_reason = 'unknown model'")
    assert "nothing to share out" in plain(await seen(client, path + "/cost/sources"))


async def test_hostile_names_of_tools(client, connection):
    """A tool's name is a word, whatever it says."""
    talk = Talk(connection)
    first = await talk.ask(None, text("go"), answer=[use("t1", HOSTILE, path="x")])
    await talk.ask(first, result("t1", "y" * 3000), answer=[text("done")])
    await talk.file()
    page = await seen(client, f"/conversations/{talk.conversation}/cost/sources")
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "\u202e" not in page
