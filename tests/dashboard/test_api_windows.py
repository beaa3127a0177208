"""``/api/windows…`` and ``/api/token-usage/current``: what was said, who said it, and what we counted beside it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.access import LOCAL_USER, Principal
from dashboard.windows import reading
from dashboard.windows.accounts import view_of
from tests import recordings
from tests.observed import limit, number, say
from tests.recordings import Recorded, message, request_body, text

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ACCOUNT = "0f0f0f0f-0000-4000-8000-000000000001"


@pytest.fixture
def now() -> datetime:
    """The moment a test begins, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


async def call(connection: Any, now: datetime, age: timedelta, tokens: tuple[int, int], **fields: Any) -> UUID:
    """A recorded call of ACCOUNT, so long ago, that used so many tokens."""
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    columns = fields.pop("columns", {})
    made = Recorded(
        account=ACCOUNT,
        request=request_body("Go"),
        message=message(text("Gone"), usage=usage),
        columns=columns,
        **fields,
    )
    call.number += 1
    return await recordings.insert(connection, made, at=now - age, number=call.number)


call.number = 0


async def got(client: Any, path: str, **query: Any) -> Any:
    """The JSON of a path, which is there."""
    answer = await client.get(path, params={name: str(value) for name, value in query.items()})
    body = await answer.json()
    assert answer.status == 200, body
    return body


def moment(text: str | None) -> datetime | None:
    """A time of an answer."""
    return None if text is None else datetime.fromisoformat(text)


async def test_windows_as_they_were_reported(client: Any, connection: Any, now: datetime) -> None:
    """Each window by each source, short before long; its time, pace and what has no field of its own."""
    account = await number(connection, ACCOUNT)
    reset, week = now + 110 * MINUTE, now + 5 * DAY
    await say(connection, account, "7d", [(now, 0.62)], reset=week, surpassed_threshold="0.5")
    await say(connection, account, "5h", [(now - HOUR, 0.4), (now, 0.88)], reset=reset, status="allowed_warning")
    await say(connection, account, "7d_opus", [(now, 1.02)], reset=week)
    await say(connection, account, "5h", [(now - MINUTE, 0.86)], reset=reset, source="polled", status=None)
    await say(connection, account, "overage", [(now, None)], status="rejected")
    claims = {"representative_claim": "five_hour", "fallback_percentage": "0.5"}
    await say(connection, account, "unified", [(now, None)], reset=reset, status="allowed_warning", **claims)
    (found,) = (await got(client, "/api/windows"))["accounts"]
    assert (found["account_id"], found["kind"], found["status"]) == (ACCOUNT, "oauth", "allowed_warning")
    assert (found["representative_window"], found["fallback_percentage"]) == ("5h", 0.5)
    assert [(one["window"], one["source"], one["utilization"]) for one in found["windows"]] == [
        ("5h", "reported", 0.88),
        ("5h", "polled", 0.86),
        ("7d", "reported", 0.62),
        ("7d_opus", "reported", 1.02),
        ("overage", "reported", None),
    ]
    five, polled, seven, *_ = found["windows"]
    assert (moment(five["started_at"]), moment(five["reset_at"])) == (reset - 5 * HOUR, reset)
    assert (five["percentage"], five["status"], five["stale"], five["over"]) == (88.0, "allowed_warning", False, False)
    assert five["elapsed"] == pytest.approx(190 / 300, abs=0.01)
    assert five["pace"] == pytest.approx(0.88 / (190 / 300), abs=0.03)
    assert polled["peak"] == 0.86
    assert seven["more"] == {"surpassed-threshold": "0.5"}
    assert (found["inferred"]["limit"], found["inferred"]["sum"]["requests"]) == (None, 0)


async def test_an_api_key_has_limits_and_no_windows(client: Any, connection: Any, now: datetime) -> None:
    """What was said last of each, by model; no window is made up for it."""
    key = await number(connection, "key-0123456789ab", kind="api_key")
    await limit(connection, key, "claude-opus-5-5", "requests", 4000, 3998, now)
    await limit(connection, key, "claude-opus-5-5", "requests", 4000, 3999, now - MINUTE)
    await recordings.insert(connection, Recorded(request=request_body("Hi"), message=message(text("Ho"))))
    (found,) = (await got(client, "/api/windows"))["accounts"]
    assert (found["kind"], found["windows"], found["status"]) == ("api_key", [], None)
    (told,) = found["rate_limits"]
    assert (told["name"], told["model"], told["limit"], told["remaining"]) == (
        "requests",
        "claude-opus-5-5",
        4000,
        3998,
    )
    assert (found["inferred"]["sum"]["requests"], found["inferred"]["source"]) == (1, "inferred")


async def test_a_window_that_is_over_or_of_which_nothing_was_heard(client: Any, connection: Any, now: datetime) -> None:
    """Its last word is shown as that; after ten minutes it is stale."""
    account = await number(connection, ACCOUNT)
    await say(connection, account, "5h", [(now - 2 * HOUR, 0.9)], reset=now - HOUR)
    await say(connection, account, "7d", [(now - 11 * MINUTE, 0.3)], reset=now + DAY)
    five, seven = (await got(client, f"/api/windows/{ACCOUNT}"))["windows"]
    assert (five["over"], five["elapsed"]) == (True, 1.0)
    assert (seven["over"], seven["stale"]) == (False, True)
    assert (await got(client, "/api/token-usage/current", accountId=ACCOUNT))["source"] == "inferred"


async def test_an_account_without_an_id_is_a_mistake(client: Any) -> None:
    """400 and which parameter it is; a window that is no number of minutes too."""
    for query in ("", "?accountId=", "?accountId=a&window=x", "?accountId=a&window=0"):
        answer = await client.get(f"/api/token-usage/current{query}")
        assert answer.status == 400
        assert (await answer.json())["error"]["details"]


async def test_an_account_nobody_knows(client: Any) -> None:
    """It has used nothing; a page about it there is not."""
    found = await got(client, "/api/token-usage/current", accountId="nobody")
    assert (found["account_id"], found["window_minutes"], found["source"]) == ("nobody", 300, "inferred")
    assert found["usage"] == {"tokens_used": 0, "limit": None, "percentage": None, "reset_at": None}
    assert found["requests"] == {"count": 0, "by_type": {"inference": 0, "query_evaluation": 0, "quota": 0}}
    for path in ("/api/windows/nobody", "/api/windows/nobody/history", "/api/windows/forecast?accountId=nobody"):
        assert (await client.get(path)).status == 404


async def test_current_use_without_any_word_of_a_window(client: Any, connection: Any, now: datetime) -> None:
    """Our own sums of the last five hours; the window ends when its oldest request falls out; no limit is guessed."""
    oldest = now - 4 * HOUR
    await call(connection, now, timedelta(hours=5, minutes=6), (9999, 1))
    await call(connection, now, 4 * HOUR, (100, 10))
    await call(connection, now, HOUR, (200, 20), request_type="query_evaluation")
    await call(connection, now, MINUTE, (1, 1), request_type="quota")
    await call(connection, now, MINUTE, (0, 0), request_type=None)
    await recordings.insert(connection, Recorded(account="somebody-else", message=message(text("x"))), at=now)
    found = await got(client, "/api/token-usage/current", accountId=ACCOUNT)
    assert found["usage"]["tokens_used"] == 332
    assert (found["usage"]["limit"], found["usage"]["percentage"]) == (None, None)
    assert moment(found["usage"]["reset_at"]) == oldest + 5 * HOUR
    assert found["requests"] == {"count": 4, "by_type": {"inference": 1, "query_evaluation": 1, "quota": 1}}
    assert found["source"] == "inferred"
    start = moment(found["period"]["start"])
    assert start is not None
    assert now - 5 * HOUR - 5 * MINUTE < start <= now - 5 * HOUR + MINUTE
    hour = await got(client, "/api/token-usage/current", accountId=ACCOUNT, window=30)
    assert (hour["window_minutes"], hour["usage"]["tokens_used"]) == (30, 2)


async def test_a_limit_from_a_window_that_was_refused(client: Any, connection: Any, now: datetime) -> None:
    """The highest sum that ended in this window's rejection; neither a per-minute 429 nor one by 7 days is that."""
    account = await number(connection, ACCOUNT)
    for days, tokens in ((3, 700), (2, 1000)):
        at = days * DAY
        await call(connection, now, at + HOUR, (tokens - 100, 0))
        await call(connection, now, at, (0, 100))
        await call(connection, now, at - 10 * MINUTE, (5000, 0))  # after it was refused
        await call(connection, now, at + 6 * HOUR, (5000, 0))  # before the window
        await say(connection, account, "5h", [(now - at, 1.0)], reset=now - at + HOUR, status="rejected")
    await say(connection, account, "7d", [(now - DAY, 1.0)], reset=now, status="rejected")
    await call(connection, now, HOUR, (240, 10), status_code=429, outcome="upstream_error")
    found = await got(client, "/api/token-usage/current", accountId=ACCOUNT)
    assert found["usage"]["limit"] == 1000
    assert (found["usage"]["percentage"], found["source"]) == (25.0, "inferred")
    assert found["inferred"]["limit_basis"] == "rejection"
    assert found["inferred"]["estimated"] is True


async def test_a_limit_from_the_reported_share(client: Any, connection: Any, now: datetime) -> None:
    """Without a rejection: our sum of the running window against what was reported; the bar stays that."""
    account = await number(connection, ACCOUNT)
    reset = now + 2 * HOUR
    await call(connection, now, timedelta(hours=3, minutes=6), (5000, 0))  # before the window
    await call(connection, now, 2 * HOUR, (300, 0))
    await call(connection, now, HOUR, (90, 10))
    await say(connection, account, "5h", [(now, 0.4)], reset=reset)
    found = await got(client, "/api/token-usage/current", accountId=ACCOUNT)
    assert (found["source"], found["usage"]["percentage"]) == ("reported", 40.0)
    assert moment(found["usage"]["reset_at"]) == reset
    assert (found["usage"]["limit"], found["inferred"]["limit_basis"]) == (1000, "reported")
    assert found["usage"]["tokens_used"] == 5400
    assert found["inferred"]["utilization"] == 5.4
    assert moment(found["inferred"]["reset_at"]) == now + 2 * HOUR - 6 * MINUTE


async def test_what_was_polled_goes_after_what_was_reported(client: Any, connection: Any, now: datetime) -> None:
    """It is used where nothing is reported of a running window, under its own name."""
    account = await number(connection, ACCOUNT)
    await say(connection, account, "5h", [(now - 6 * HOUR, 0.9)], reset=now - 2 * HOUR)
    await say(connection, account, "5h", [(now - MINUTE, 0.29)], reset=now + HOUR, source="polled", status=None)
    found = await got(client, "/api/token-usage/current", accountId=ACCOUNT)
    assert (found["source"], found["usage"]["percentage"]) == ("polled", 29.0)
    await say(connection, account, "5h", [(now, 0.31)], reset=now + HOUR)
    found = await got(client, "/api/token-usage/current", accountId=ACCOUNT)
    assert (found["source"], found["usage"]["percentage"]) == ("reported", 31.0)
    week = await got(client, "/api/token-usage/current", accountId=ACCOUNT, window=10_080)
    assert week["source"] == "inferred"


async def test_a_reset_that_moved(client: Any, connection: Any, now: datetime) -> None:
    """The event says when, from where and to where; it is one window, and the past ones are counted without it."""
    account = await number(connection, ACCOUNT)
    before, after = now + HOUR, now + 4 * HOUR
    await say(connection, account, "5h", [(now - 2 * HOUR, 0.2), (now - HOUR, 0.5)], reset=before)
    await say(connection, account, "5h", [(now - 30 * MINUTE, 0.5), (now, 0.6)], reset=after)
    for days, peak, status in ((1, 1.0, "rejected"), (2, 0.5, "allowed")):
        end = now - days * DAY
        await say(connection, account, "5h", [(end - 4 * HOUR, 0.1), (end - HOUR, peak)], reset=end, status=status)
    moved = {"at": now - 30 * MINUTE, "before": before, "after": after}
    shown = (await got(client, f"/api/windows/{ACCOUNT}"))["moves"]
    assert [{name: moment(value) for name, value in one.items()} for one in shown] == [moved]
    past = await got(client, f"/api/windows/{ACCOUNT}/history", days=7)
    assert (past["count"], past["exhausted"], past["mean_peak"]) == (2, 1, 0.75)
    assert [(one["peak"], one["exhausted"], one["over"], len(one["moves"])) for one in past["windows"]] == [
        (0.5, False, True, 0),
        (1.0, True, True, 0),
        (0.6, False, False, 1),
    ]
    assert [one["utilization"] for one in past["samples"]] == [0.1, 0.5, 0.1, 1.0, 0.2, 0.5, 0.5, 0.6]
    assert (await got(client, f"/api/windows/{ACCOUNT}/history", days=1, source="polled"))["samples"] == []


async def test_a_forecast(client: Any, connection: Any, now: datetime) -> None:
    """A tenth in twenty minutes, four tenths left: eighty minutes; below three samples there is none."""
    account = await number(connection, ACCOUNT)
    rising = [(now - n * 4 * MINUTE, 0.6 - 0.02 * n) for n in range(5, -1, -1)]
    await say(connection, account, "5h", rising, reset=now + 3 * HOUR)
    await say(connection, account, "7d", [(now - 5 * MINUTE, 0.3), (now, 0.31)], reset=now + DAY)
    found = await got(client, "/api/windows/forecast")
    five, seven = found["accounts"][0]["outlooks"]
    assert (five["window"], five["burn"]["per_hour"]) == ("5h", pytest.approx(0.3))
    exhausted = moment(five["forecast"]["exhausted_at"])
    assert exhausted is not None
    assert abs(exhausted - (now + 80 * MINUTE)) < timedelta(seconds=30)
    assert moment(five["forecast"]["earliest"]) <= exhausted
    assert (seven["burn"], seven["forecast"], seven["calibration"]) == (None, None, None)
    assert found["pool"]["accounts"] == 1
    assert moment(found["pool"]["dry_at"]) == exhausted
    assert moment(found["pool"]["next_relief"]) == now + 3 * HOUR
    one = await got(client, f"/api/windows/{ACCOUNT}")
    assert [told["window"] for told in one["outlooks"]] == ["5h", "7d"]


async def test_how_good_forecasts_were(client: Any, connection: Any, now: datetime) -> None:
    """Past windows that went evenly to their end were forecast right; it is told where it is asked for."""
    account = await number(connection, ACCOUNT)
    for n in range(8, -1, -1):
        start = now - HOUR - n * 5 * HOUR
        went = [(start + k * 4 * MINUTE, k / 60) for k in range(75) if start + k * 4 * MINUTE <= now]
        await say(connection, account, "5h", went, reset=start + 5 * HOUR)
    asked = await got(client, "/api/windows/forecast", accountId=ACCOUNT, calibration="true")
    told = asked["accounts"][0]["outlooks"][0]["calibration"]
    assert told["windows"] >= 7
    assert told["right"] == told["windows"]
    assert (await client.get("/api/windows/forecast?calibration=true")).status == 400


async def test_what_one_per_cent_costs(client: Any, connection: Any, now: datetime) -> None:
    """Ten dollars for five per cent each half hour: two dollars a per cent, by a good fit."""
    account = await number(connection, ACCOUNT)
    begin = now.replace(minute=0, second=0) - 10 * HOUR
    for half in range(20):
        at = begin + half * 30 * MINUTE
        await call(connection, at, timedelta(0), (1000, 10), columns={"cost_usd": 10})
        window = half // 10
        used = 0.05 * (half % 10 + 1)
        reset = begin + (window + 1) * 5 * HOUR
        if at + MINUTE <= now:
            await say(connection, account, "5h", [(at + MINUTE, used)], reset=reset)
    await say(connection, account, "5h", [(now, 0.05)], reset=now + 4 * HOUR)
    (told,) = (await got(client, f"/api/windows/{ACCOUNT}"))["outlooks"]
    assert told["worth"]["usd_per_percent"] == pytest.approx(2, rel=0.1)
    assert 0 <= told["worth"]["r_squared"] <= 1


async def test_who_and_what_used_it(client: Any, connection: Any, now: datetime) -> None:
    """Trains and models by cost since the window began; sub-agents and conversations from the latest requests."""
    account = await number(connection, ACCOUNT)
    await say(connection, account, "5h", [(now, 0.5)], reset=now + 2 * HOUR)
    talk = await call(connection, now, HOUR, (100, 0), columns={"cost_usd": 3})
    train = await connection.fetchval("SELECT train FROM requests WHERE id = $1", talk)
    await connection.execute(
        """INSERT INTO conversations (train, conversation_id, title, first_at, last_at, latest_request)
        VALUES ($1, $2, 'About steam sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789', $3, $3, $2)""",
        train,
        talk,
        now - HOUR,
    )
    of_it = {"conversation_id": talk}
    await call(connection, now, 50 * MINUTE, (100, 100), columns={"cost_usd": 3, "is_subtask": True, **of_it})
    await call(connection, now, 40 * MINUTE, (100, 0), train="atlas", answered_model="m", columns={"cost_usd": 2})
    await call(connection, now, 4 * HOUR, (1_000_000, 0), columns={"cost_usd": 90})  # before the window
    await connection.execute("UPDATE requests SET conversation_id = $1 WHERE id = $1", talk)
    use = (await got(client, f"/api/windows/{ACCOUNT}"))["use"]
    assert [(one["name"], one["share"]) for one in use["trains"]] == [("default", 0.75), ("atlas", 0.25)]
    assert [(one["name"], one["estimated_cost"]) for one in use["models"]] == [("claude-opus-5-5", 6.0), ("m", 2.0)]
    assert (use["sum"]["requests"], use["told_requests"], use["subagent_share"]) == (3, 3, 0.5)
    (one,) = use["conversations"]
    assert (one["conversation_id"], one["trainId"], one["requests"], one["total_tokens"], one["estimated_cost"]) == (
        str(talk),
        "default",
        2,
        300,
        6.0,
    )
    assert one["title"].startswith("About steam")
    assert "abcdefghijklmnop" not in one["title"]


async def test_an_account_that_was_merged(client: Any, connection: Any, now: datetime) -> None:
    """All numbers its calls were filed under are one account, also by its old name; the last word is the newest."""
    account = await number(connection, ACCOUNT)
    before = await number(connection, "oauth-0123456789ab", merged_into=account)
    await say(connection, account, "5h", [(now - HOUR, 0.1)], reset=now + HOUR)
    await say(connection, before, "5h", [(now, 0.2)], reset=now + HOUR)
    await call(connection, now, HOUR, (10, 0))
    await call(connection, now, HOUR, (1, 0), columns={"account": before})
    for name in (ACCOUNT, "oauth-0123456789ab"):
        found = await got(client, f"/api/windows/{name}")
        assert found["account_id"] == ACCOUNT
        assert [(one["window"], one["utilization"]) for one in found["windows"]] == [("5h", 0.2)]
        assert found["inferred"]["sum"]["total_tokens"] == 11
    assert len((await got(client, "/api/windows"))["accounts"]) == 1


async def test_who_may_not_see_all_trains(database: Any, connection: Any, now: datetime) -> None:
    """Accounts his trains used, sums of his trains only, and no limit: it would be told from others' figures."""
    account = await number(connection, ACCOUNT)
    await say(connection, account, "5h", [(now, 0.5)], reset=now + HOUR)
    await call(connection, now, HOUR, (100, 0), train="atlas")
    await call(connection, now, HOUR, (900, 0), train="secret")
    await number(connection, "other")
    await recordings.insert(connection, Recorded(account="other", train="secret", message=message(text("x"))), at=now)
    him = Principal("he", LOCAL_USER.permissions, frozenset({"atlas"}))
    (found,) = await reading.all_accounts(database, him, now)
    assert found.account.account_id == ACCOUNT
    assert found.estimate.sum.total_tokens == 100
    assert (found.estimate.limit, found.estimate.utilization) == (None, None)
    assert [row.utilization for row in found.said.values()] == [0.5]
    view = await view_of(database, him)
    use = await reading.use_since(database, view, found, None, now)
    assert [view.trains[train] for train in use.trains] == ["atlas"]
    assert len(await reading.all_accounts(database, LOCAL_USER, now)) == 2
    nobody = Principal("nobody", LOCAL_USER.permissions, frozenset())
    assert await reading.all_accounts(database, nobody, now) == []


async def test_the_metric(client: Any, connection: Any, now: datetime) -> None:
    """Running windows by account, window and source; one that is over is not there, an estimate only with a limit."""
    account = await number(connection, ACCOUNT)
    await say(connection, account, "5h", [(now, 0.4)], reset=now + 2 * HOUR)
    await say(connection, account, "7d", [(now - DAY, 0.9)], reset=now - HOUR)
    await say(connection, account, "5h", [(now, 0.41)], reset=now + 2 * HOUR, source="polled")
    await call(connection, now, HOUR, (400, 0))
    families = {one.name: one for one in text_string_to_metric_families(await (await client.get("/metrics")).text())}
    samples = families["footplate_window_utilization"].samples
    assert {(one.labels["account"], one.labels["window"], one.labels["source"]): one.value for one in samples} == {
        (ACCOUNT, "5h", "reported"): 0.4,
        (ACCOUNT, "5h", "polled"): 0.41,
        (ACCOUNT, "5h", "inferred"): 0.4,
    }


async def test_an_account_that_no_database_can_name(client: Any) -> None:
    """A NUL or half an emoji in the address is an account nobody knows; in the query it is a mistake."""
    for name in ("%00", "a%00b", "%ED%A0%80", "%FF", "..", "%2F", "a" * 5000):
        for path in (f"/api/windows/{name}", f"/api/windows/{name}/history"):
            assert (await client.get(path)).status in {400, 404}
    for query in ("accountId=%00", "accountId=%ED%A0%80"):
        assert (await client.get(f"/api/token-usage/current?{query}")).status in {200, 400}
    for query in ("window=%00", "window=5H", "source=inferred", "days=0", "days=91", "days=x"):
        assert (await client.get(f"/api/windows/nobody/history?{query}")).status == 400
