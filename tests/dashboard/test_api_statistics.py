"""``/api/stats``, ``/api/train-ids``, ``/metrics`` and ``/health`` against what was recorded."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.ids import uuid7
from core.settings import Settings
from sql.database import Database
from tests import recordings
from tests.recordings import Recorded


async def test_statistics_of_a_day(client, connection, seeded):
    """The last 24 hours by default: counted as api.md defines it, equal to the rows themselves."""
    body = await (await client.get("/api/stats")).json()
    done = [make() for make in recordings.SEEDS.values() if make().outcome is not None]
    ok = [call for call in done if call.outcome == "ok"]
    cancelled = [call for call in done if call.outcome == "client_cancelled"]
    tokens = await connection.fetchval(
        "SELECT sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) FROM requests"
    )
    assert body["total_requests"] == len(done)
    assert body["total_tokens"] == tokens
    assert body["active_trains"] == 2
    assert body["success_rate"] == pytest.approx(100 * len(ok) / (len(done) - len(cancelled)))
    assert body["average_latency"] == 2500.0
    assert body["total_subtasks"] == 0


async def test_statistics_of_a_period_and_a_train(client, connection, seeded):
    """``since`` reaches back, ``trainId`` narrows; sums are by whole hours and the period says so."""
    await recordings.insert(connection, Recorded(train="atlas", age=timedelta(hours=30)))
    day = await (await client.get("/api/stats?trainId=atlas")).json()
    since = datetime.now(UTC) - timedelta(hours=31)
    longer = await (await client.get("/api/stats", params={"trainId": "atlas", "since": since.isoformat()})).json()
    assert (day["total_requests"], longer["total_requests"]) == (1, 2)
    start = datetime.fromisoformat(longer["period"]["start"])
    assert (start.minute % 5, start.second) == (0, 0)
    assert start <= since < start + timedelta(minutes=5)


async def test_sub_agents_count_where_they_were_launched(client, connection, seeded):
    """Of a conversation that goes on for days only those of the period, whenever it was last active."""
    now = datetime.now(UTC)
    slot = int(now.timestamp()) // 300
    await recordings.insert_row(
        connection,
        "conversations",
        {
            "train": await connection.fetchval("SELECT train FROM trains WHERE name = 'atlas'"),
            "conversation_id": (latest := uuid7(int(now.timestamp() * 1000), bytes(10))),
            "first_at": now - timedelta(hours=50),
            "last_at": now,
            "subtask_count": 10,
            "subtask_slots": {str(slot): 2, str(slot - 30 * 12): 7, str(slot - 50 * 12): 1},
            "latest_request": latest,
        },
    )
    for hours, launched in ((24, 2), (30, 9), (50, 10)):
        since = (now - timedelta(hours=hours)).isoformat()
        for trains, expected in (("atlas", launched), ("default", 0)):
            body = await (await client.get("/api/stats", params={"trainId": trains, "since": since})).json()
            assert body["total_subtasks"] == expected
    assert (await (await client.get("/api/stats")).json())["total_subtasks"] == 2


async def test_nothing_recorded_is_zero(client):
    """Without data there are zeros, not nulls, and no train."""
    body = await (await client.get("/api/stats")).json()
    assert {body[name] for name in body if name != "period"} == {0}
    assert await (await client.get("/api/train-ids")).json() == {"train_ids": [], "trains": []}


async def test_a_period_that_has_not_begun(client):
    """A start in the future is a mistake and is said to be one."""
    assert (await client.get("/api/stats?since=2999-01-01")).status == 400


async def test_trains(client, seeded):
    """Trains by name, with how much each was used."""
    body = await (await client.get("/api/train-ids")).json()
    assert body["train_ids"] == ["atlas", "default"]
    done = [make() for make in recordings.SEEDS.values() if make().outcome is not None and make().train == "default"]
    assert body["trains"][1]["total_requests"] == len(done)
    assert body["trains"][0]["trainId"] == "atlas"


async def test_metrics(client, connection, seeded):
    """The text parses, sums equal the roll-up, tapes and dead letters are told, and no label names a call."""
    await connection.execute(
        """INSERT INTO tape_positions (node, segment, segment_offset, lag_bytes, oldest_unrecorded_at)
        VALUES ('host-0', gen_random_uuid(), 0, 4096, now() - interval '1 minute')"""
    )
    await connection.execute(
        """INSERT INTO dead_letters (request_id, node, train_name, error, raw)
        VALUES (gen_random_uuid(), 'host-0', 'default', 'x', '')"""
    )
    answer = await client.get("/metrics")
    assert answer.content_type == "text/plain"
    families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
    value = {name: sum(sample.value for sample in family.samples) for name, family in families.items()}
    assert value["footplate_requests"] == await connection.fetchval("SELECT sum(requests) FROM usage_hourly")
    assert value["footplate_tokens"] == await connection.fetchval(
        """SELECT sum(input_tokens + output_tokens + cache_creation_input_tokens + cache_read_input_tokens)
        FROM usage_hourly"""
    )
    assert (value["footplate_database_up"], value["footplate_dead_letters"]) == (1, 1)
    assert value["footplate_recorder_lag_bytes"] == 4096
    assert value["footplate_recorder_lag_seconds"] == pytest.approx(60, abs=30)
    labels = {label for family in families.values() for sample in family.samples for label in sample.labels}
    assert labels == {"train", "model", "request_type", "outcome", "kind", "node"}


async def test_health(client, settings: Settings, serve):
    """Health says whether the database answers; live says only that the process runs."""
    for path in ("/health", "/health/ready", "/health?from=balancer"):
        answer = await client.get(path)
        body = await answer.json()
        assert (answer.status, body["status"], body["database"]) == (200, "ok", "connected")
        assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    away = await serve(settings, Database.create("postgresql://127.0.0.1:1/none", application="test"))
    answer = await away.get("/health")
    body = await answer.json()
    assert (answer.status, body["status"], body["database"]) == (503, "error", "disconnected")
    assert (await away.get("/health/live")).status == 200
