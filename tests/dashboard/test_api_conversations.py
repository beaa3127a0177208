"""``/api/conversations`` and ``/api/sessions``: what was talked about, found, filtered, paged, followed."""

import json
from uuid import UUID

import pytest

from dashboard.conversations.answers import ConversationRequest
from tests import conversation_scenes as scenes
from tests.conversation_seeds import SESSION

UNKNOWN = "0199aaaa-0000-7000-8000-000000000000"


@pytest.fixture
async def talks(connection):
    """The usual conversations in this test's database, by name."""
    return await scenes.seed_scenes(connection)


async def asked(client, path, status=200):
    """The answer of a path."""
    answer = await client.get(path, allow_redirects=False)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def names(client, talks, query):
    """Which conversations a query lists, by their names here."""
    known = {str(number): name for name, number in talks.items()}
    listed = (await asked(client, f"/api/conversations?{query}"))["conversations"]
    return [known[each["conversation_id"]] for each in listed]


async def test_a_conversation_is_listed_with_what_it_adds_up_to(client, talks):
    """The shape of api.md: counts without attempts, branches, the latest request, tokens, cost, sessions, title."""
    [fix] = (await asked(client, "/api/conversations?has=compaction"))["conversations"]
    assert fix["conversation_id"] == str(talks["fix"])
    assert fix["title"] == "Fix the flaky login test, please. It fails on Fridays."
    assert (fix["trainId"], fix["account_id"], fix["session_ids"]) == ("default", "key-0123456789ab", [SESSION])
    assert (fix["message_count"], fix["attempt_count"], fix["error_count"], fix["in_flight"]) == (40, 1, 1, 1)
    assert (fix["has_subtasks"], fix["subtask_count"], fix["compaction_count"]) == (True, 3, 1)
    assert {branch["branch_id"] for branch in fix["branches"]} == {
        "main", "branch_20261120091500", "compact_101500", "subtask_1", "subtask_2", "subtask_3",
    }  # fmt: skip
    assert sum(branch["message_count"] for branch in fix["branches"]) == fix["message_count"]
    assert fix["latest_request"]["status_code"] is None
    tree = await asked(client, f"/api/conversations/{talks['fix']}")
    assert fix["latest_request"]["created_at"] == tree["requests"][-1]["created_at"] < fix["last_message_at"]
    assert fix["total_tokens"] == fix["input_tokens"] + fix["output_tokens"]
    cached = fix["cache_read_input_tokens"] + fix["cache_creation_input_tokens"]
    assert fix["total_input_tokens"] == fix["input_tokens"] + cached
    assert fix["cost_usd"] > 0


async def test_filters_hold_together(client, talks):
    """Train, account, words, times, what it has, session; side calls come with their session only when asked for."""
    assert await names(client, talks, "") == ["fix", "failed", "small"]
    assert await names(client, talks, "has=side_calls") == ["fix", "failed", "title", "small"]
    assert await names(client, talks, "trainId=atlas") == ["small"]
    assert await names(client, talks, "accountId=nobody") == []
    assert len(await names(client, talks, "accountId=key-0123456789ab")) == 3
    assert await names(client, talks, "q=LOGIN+test") == ["fix"]
    assert await names(client, talks, "q=%25") == []
    assert await names(client, talks, "has=branches,subtasks") == ["fix"]
    assert await names(client, talks, "has=errors&has=compaction") == ["fix"]
    assert await names(client, talks, "has=errors") == ["fix", "failed"]
    assert await names(client, talks, f"sessionId={SESSION}") == ["fix"]
    assert await names(client, talks, f"sessionId={SESSION}&has=side_calls") == ["fix", "title"]
    assert await names(client, talks, "dateTo=2020-01-01") == []
    assert await names(client, talks, "dateFrom=2020-01-01&dateTo=2100-01-01&trainId=atlas,default") == [
        "fix", "failed", "small",
    ]  # fmt: skip


async def test_pages_and_cursors_give_every_row_once(client, talks):
    """Numbers and cursors walk the same list; the last page has no cursor; totals stand on each page."""
    whole = await names(client, talks, "has=side_calls")
    numbered = [await names(client, talks, f"has=side_calls&per_page=1&page={page}") for page in range(1, 6)]
    assert numbered == [[name] for name in whole] + [[]]
    walked, cursor = [], ""
    while cursor is not None:
        page = await asked(client, f"/api/conversations?has=side_calls&limit=3&before={cursor}")
        walked += [each["conversation_id"] for each in page["conversations"]]
        cursor = page["pagination"]["next_cursor"]
        assert page["pagination"]["total"] == 4
    assert walked == [str(talks[name]) for name in whole]


@pytest.mark.parametrize(
    "query",
    ["page=0", "has=everything", "before=x", "before=1-x", "page=2&before=1-" + UNKNOWN, "dateFrom=soon", "x=1"],
)
async def test_what_cannot_be_is_refused(client, query):
    """400 with the parameter's name, whatever it holds."""
    assert (await asked(client, f"/api/conversations?{query}", 400))["error"]["type"] == "invalid_request_error"


async def test_a_conversation_comes_with_its_tree(client, talks):
    """Every request in start order; edges, evidence, attempts and launches as they are stored."""
    tree = await asked(client, f"/api/conversations/{talks['fix']}")
    requests = tree["requests"]
    assert [each["id"] for each in requests] == sorted(each["id"] for each in requests)
    assert len(requests) == tree["message_count"] + tree["attempt_count"] == 41
    assert tree["requests_omitted"] == 0
    first, failed, again = requests[:3]
    assert (first["parent_request_id"], first["link_method"], first["branch_id"]) == (None, None, "main")
    assert (failed["parent_request_id"], failed["outcome"], failed["attempt_of"]) == (
        first["id"],
        "upstream_error",
        None,
    )
    assert (again["parent_request_id"], again["attempt_of"]) == (first["id"], failed["id"])
    assert failed["current_message_hash"] == again["current_message_hash"]
    assert failed["parent_message_hash"] == first["current_message_hash"]
    assert [launch["purpose"] for launch in again["launches"]] == ["Find token refresh", "Read the calendar"]
    helpers = [each for each in requests if each["link_method"] == "subagent"]
    assert {each["branch_id"]: each["parent_task_request_id"] for each in helpers} == {
        "subtask_1": again["id"], "subtask_2": again["id"], "subtask_3": helpers[1]["id"],
    }  # fmt: skip


async def test_each_request_of_a_tree_is_what_its_model_says(client, talks):
    """They are written without a model of each: field for field, and letter for letter, what the model would write."""
    for name in talks:
        for each in (await asked(client, f"/api/conversations/{talks[name]}"))["requests"]:
            assert ConversationRequest.model_validate(each).model_dump(mode="json", by_alias=True) == each


async def test_the_id_of_a_joined_conversation_leads_to_the_other(client, connection, talks):
    """308 for API, export and page, the query kept; an alias of another train than its conversation leads nowhere."""
    alias = UUID(int=talks["fix"].int + 5)
    train = await connection.fetchval("SELECT train FROM trains WHERE name = 'default'")
    await connection.execute("INSERT INTO conversation_aliases VALUES ($1, $2, $3)", train, alias, talks["fix"])
    for before, behind in (
        ("/api/conversations/", ""),
        ("/api/conversations/", "/export?format=json"),
        ("/conversations/", "?view=graph"),
    ):
        answer = await client.get(f"{before}{alias}{behind}", allow_redirects=False)
        assert answer.status == 308
        assert answer.headers["Location"] == f"{before}{talks['fix']}{behind}"
    for listed in ("/api/requests", "/requests.json", "/api/requests/histogram"):
        assert await asked(client, f"{listed}?conversationId={alias}") == await asked(
            client, f"{listed}?conversationId={talks['fix']}"
        )
    assert (await asked(client, f"/api/requests?conversationId={alias}"))["pagination"]["total"] == 41
    for nothing in (UNKNOWN, "nothing", "%00"):
        await asked(client, f"/api/conversations/{nothing}", 404)


async def test_an_export_has_every_request_with_its_answer(client, talks):
    """Lines or one list of the same objects; the exact bodies are where each says."""
    answer = await client.get(f"/api/conversations/{talks['fix']}/export")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    lines = [json.loads(line) for line in (await answer.text()).splitlines()]
    assert len(lines) == 41
    assert lines[0]["answer"]["content"][0]["type"] == "thinking"
    assert lines[1]["answer"] is None
    assert (await client.get(lines[0]["request_body_raw"])).status == 200
    assert json.loads(await (await client.get(f"/api/conversations/{talks['fix']}/export?format=json")).text()) == lines


async def test_sessions_name_their_conversations(client, talks):
    """Client, times, counts; conversations first, side calls behind them; one by its id; unknown ones are 404."""
    page = await asked(client, "/api/sessions")
    assert [each["session_id"][-1] for each in page["sessions"]] == ["a", "b"] or page["pagination"]["total"] == 2
    session = await asked(client, f"/api/sessions/{SESSION}")
    assert (session["client"], session["client_version"], session["trainId"]) == ("claude-code", "2.1.328", "default")
    assert [each["side_call"] for each in session["conversations"]] == [None, "title"]
    assert session["conversations"][0]["conversation_id"] == str(talks["fix"])
    assert not session["conversations_omitted"]
    assert (await asked(client, "/api/sessions?client=nobody"))["sessions"] == []
    first = await asked(client, "/api/sessions?limit=1")
    rest = await asked(client, f"/api/sessions?limit=1&before={first['pagination']['next_cursor']}")
    assert {each["sessions"][0]["session_id"] for each in (first, rest)} == {
        each["session_id"] for each in page["sessions"]
    }
    await asked(client, "/api/sessions/nobody", 404)
    await asked(client, "/api/sessions/%00", 404)


async def test_a_rebuild_on_its_way_is_said(client, connection, talks):
    """By the API and on the pages of its train, with how far it has come; afterwards no longer."""
    await connection.execute(
        "INSERT INTO rebuilds (train, since, reached, rebuilt, total, deriver_version, identity_version)"
        " SELECT train, $1, $1, 43, 100, 1, 1 FROM trains WHERE name = 'default'", UUID(int=0),
    )  # fmt: skip
    for path in ("/api/conversations", f"/api/conversations/{talks['fix']}"):
        [one] = (await asked(client, path))["rebuilding"]
        assert (one["trainId"], one["requests"], one["total_requests"], one["percent"]) == ("default", 43, 100, 43)
    assert (await asked(client, f"/api/conversations/{talks['small']}"))["rebuilding"] == []
    for path in ("/conversations", f"/conversations/{talks['fix']}", "/sessions"):
        assert "being rebuilt: 43 %" in await (await client.get(path)).text()
    await connection.execute("UPDATE rebuilds SET finished_at = now()")
    assert (await asked(client, "/api/conversations"))["rebuilding"] == []
    assert "being rebuilt" not in await (await client.get("/conversations")).text()


async def test_calls_that_run_are_shown_with_their_session(client, connection, talks):
    """Counted with each conversation of it, seen as running where it was last active; not after two hours."""
    await connection.execute("UPDATE requests SET started_at = now() WHERE outcome IS NULL")
    [fix] = (await asked(client, "/api/conversations?has=compaction"))["conversations"]
    assert fix["in_flight"] == 1
    [title] = [each for each in (await asked(client, "/api/conversations?has=side_calls"))["conversations"]
               if each["side_call"]]  # fmt: skip
    assert title["in_flight"] == 0
    assert "1 call of its session is running" in await (await client.get(f"/conversations/{talks['fix']}")).text()
    await connection.execute("DELETE FROM requests WHERE outcome IS NULL")
    assert "is running" not in await (await client.get(f"/conversations/{talks['fix']}")).text()
    assert (await asked(client, f"/api/conversations/{talks['fix']}"))["in_flight"] == 0
