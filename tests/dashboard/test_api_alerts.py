"""Alerts, rules, channels and feeds by the JSON API: the bounds of the pages, and answers as they are described."""

from datetime import UTC, datetime

import pytest

from core.access import Permission, Principal
from dashboard import access
from dashboard.sealing import unseal
from dashboard.secret import sealing_key
from tests.alert_seeds import told_things
from tests.dashboard.test_openapi import checker
from tests.dashboard.test_pages_alerts import HOOK, SECRET
from tests.usage_seeds import numbered


@pytest.fixture
def settings(settings):
    """The settings of the other tests, with a secret to seal with."""
    return settings.model_copy(update={"secret_key": SECRET})


async def asked(client, method, path, status=200, described="", **body):
    """What a route answers, checked against its description."""
    answer = await client.request(method, path, **({"json": body} if body else {}))
    found = await answer.json()
    assert answer.status == status, found
    checker(described or path.partition("?")[0], status, method.lower()).validate(found)
    return found


async def test_the_log(client, connection):
    """Every alert with what became of it, each try, and Slack's payload; by kind, state and train."""
    found = await told_things(connection, datetime.now(UTC))
    whole = await asked(client, "GET", "/api/alerts")
    assert [one["id"] for one in whole["alerts"]] == sorted((one["id"] for one in whole["alerts"]), reverse=True)
    window = (await asked(client, "GET", "/api/alerts?kind=window"))["alerts"][0]
    assert (window["id"], window["state"], window["words"]) == (found["window"], "sent", "sent to ops")
    assert [one["outcome"] for one in window["tries"]] == ["again", "again", "sent"]
    assert window["message"]["attachments"][0]["color"] == "danger"
    assert window["fields"]["Used"] == "95.4 %"
    failed = await asked(client, "GET", "/api/alerts?state=failed&trainId=atlas,nobody")
    assert [one["id"] for one in failed["alerts"]] == [found["unsure"]]
    older = await asked(client, "GET", f"/api/alerts?before={found['digest'] + 1}")
    assert ([one["id"] for one in older["alerts"]], older["next_cursor"]) == ([found["digest"]], None)
    for wrong in ("kind=x", "state=x", "before=0", "before=x", "colour=red"):
        assert (await client.get(f"/api/alerts?{wrong}")).status == 400


async def test_somebody_acknowledges_and_snoozes(client, connection):
    """An incident is acknowledged; it is snoozed for some hours; bounds are kept."""
    found = await told_things(connection, datetime.now(UTC))
    path = "/api/alerts/{id}/acknowledge"
    seen = await asked(client, "POST", path.replace("{id}", str(found["burst"])), described=path)
    assert (seen["acknowledged_by"], seen["state"]) == ("local user", "sent")
    path = "/api/alerts/{id}/snooze"
    snoozed = await asked(client, "POST", path.replace("{id}", str(found["burst"])), described=path, hours=2)
    assert (snoozed["kind"], snoozed["subject"], snoozed["snoozed_by"]) == ("burst", "train 1", "local user")
    for hours in (0, -1, 1e9, "soon"):
        await asked(client, "POST", path.replace("{id}", str(found["burst"])), 422, described=path, hours=hours)
    await asked(client, "POST", path.replace("{id}", "999999"), 404, described=path, hours=2)


async def test_a_rule_changes_only_where_it_is_named(client):
    """What a change does not name stays; what cannot be is refused with the field; a snooze is given in hours."""
    path = "/api/alerts/rules/{kind}"

    async def changed(kind, status=200, **given):
        found = await asked(client, "PATCH", path.replace("{kind}", kind), status, described=path, **given)
        return found if status != 200 else next(rule for rule in found["rules"] if rule["kind"] == kind)

    rule = await changed("window", thresholds=[95, 60, 60])
    assert (rule["thresholds"], rule["enabled"], rule["sentence"]) == (
        [60, 95], True, "a usage window of an account is used to 60 or 95 %",
    )  # fmt: skip
    rule = await changed("window", quiet_from="22:00", quiet_until="06:30", zone="Asia/Kolkata")
    assert (rule["thresholds"], rule["quiet_until"], rule["zone"]) == ([60, 95], "06:30:00", "Asia/Kolkata")
    rule = await changed("window", enabled=False, snoozed_hours=2)
    assert (rule["enabled"], rule["snoozed_until"] is not None) == (False, True)
    assert (await changed("window", snoozed_hours=0))["snoozed_until"] is None
    problem = await changed("window", 422, thresholds=[0])
    assert problem["error"]["details"] == [{"field": "thresholds", "message": "between 1 % and 100 %"}]
    await changed("window", 422, minimum_interval_seconds=700000)
    await changed("window", 422, quiet_from="22:00+02:00", quiet_until="06:00")
    await changed("window", 422, colour="red")
    await changed("nothing", 404, enabled=False)
    rules = {rule["kind"]: rule for rule in (await asked(client, "GET", "/api/alerts/rules"))["rules"]}
    assert rules["window"]["quiet_from"] == "22:00:00"
    assert rules["budget"]["changed_by"] is None


async def test_a_channel_without_its_secret(client, connection, settings):
    """A secret goes in and comes out nowhere; a channel is renamed, switched, tried and deleted."""
    await numbered(connection, "atlas", None)
    made = await asked(client, "POST", "/api/channels", name="ops", kind="webhook", secret=HOOK, train_id="atlas")
    assert (made["masked"], made["trainId"], made["on"]) == ("https://hooks.slack.com/…ry12", "atlas", True)
    sealed = await connection.fetchval("SELECT sealed FROM channels")
    assert unseal(sealed, f"channels|{made['id']}|sealed", sealing_key(settings)) == HOOK
    path, described = f"/api/channels/{made['id']}", "/api/channels/{id}"
    changed = await asked(client, "PATCH", path, described=described, name="builds", on=False)
    assert (changed["name"], changed["on"], changed["off_reason"]) == ("builds", False, "switched off by local user")
    tried = await asked(client, "POST", f"{path}/test", described=f"{described}/test")
    listed = await asked(client, "GET", "/api/channels")
    assert [one["last_test"] for one in listed["channels"]] == [tried["alert"]]
    assert "canary" not in str(listed)
    assert (await asked(client, "PATCH", path, described=described, on=True))["off_reason"] is None
    await asked(client, "DELETE", path, described=described)
    await asked(client, "DELETE", path, 404, described=described)


@pytest.mark.parametrize(
    ("given", "status"),
    [({"secret": "https://evil.example/canaryCanary"}, 422), ({"secret": "canaryCanary"}, 422), ({"secret": 7}, 422),
     ({"train_id": "nobody"}, 404), ({"account_id": "nobody"}, 404), ({"train_id": "a", "account_id": "b"}, 422),
     ({"kind": "bot"}, 422), ({"destination": "C0123456789"}, 422), ({"colour": "red"}, 422)],
)  # fmt: skip
async def test_a_bad_channel_is_refused(client, connection, capsys, given, status):
    """With the field, and without the secret in answer or log."""
    body = {"name": "ops", "kind": "webhook", "secret": HOOK} | given
    found = await asked(client, "POST", "/api/channels", status, **body)
    assert "canary" not in str(found)
    assert "canary" not in "".join(capsys.readouterr())
    assert await connection.fetchval("SELECT count(*) FROM channels") == 0


async def test_names_stay_different(client, connection):
    """A name, or a place, that is taken is refused; the environment's channel cannot be deleted."""
    await told_things(connection, datetime.now(UTC))
    await asked(client, "POST", "/api/channels", 409, name="more", kind="webhook", secret=HOOK)
    await asked(client, "POST", "/api/channels", 409, name="ops", kind="webhook", secret=HOOK, train_id="cargo")
    channel = await connection.fetchval("SELECT channel FROM channels WHERE name = 'ops'")
    path = "/api/channels/{id}"
    await asked(client, "PATCH", f"/api/channels/{channel}", 409, described=path, name="atlas-bot")
    await connection.execute("UPDATE channels SET origin = 'environment', sealed = NULL WHERE channel = $1", channel)
    await asked(client, "DELETE", f"/api/channels/{channel}", 409, described=path)


async def test_feeds(client, connection):
    """What a train is to hear is set as a whole."""
    await numbered(connection, "atlas", None)
    path = "/api/alerts/feeds/{train}"
    await asked(client, "PUT", "/api/alerts/feeds/atlas", described=path, feed=True, digest=True, digest_at="07:30")
    [feed] = (await asked(client, "GET", "/api/alerts/feeds"))["feeds"]
    assert (feed["trainId"], feed["feed"], feed["digest_at"], feed["zone"]) == ("atlas", True, "07:30:00", "UTC")
    await asked(client, "PUT", "/api/alerts/feeds/nobody", 404, described=path, feed=True)
    await asked(client, "PUT", "/api/alerts/feeds/atlas%00", 404, described=path, feed=True)
    await asked(client, "PUT", "/api/alerts/feeds/atlas", 422, described=path, feed=True, zone="Mars")
    await asked(client, "PUT", "/api/alerts/feeds/atlas", 422, described=path, digest_at="07:30+02:00")


async def test_a_reader_changes_nothing_and_reads_no_users(settings, database, connection, serve, monkeypatch):
    """Who may not read conversations gets null for users' words; who does not administer changes nothing."""
    found = await told_things(connection, datetime.now(UTC))
    reader = Principal("reader", frozenset({Permission.PUBLIC, Permission.READ_STATISTICS}), frozenset({"atlas"}))
    monkeypatch.setattr(access, "LOCAL_USER", reader)
    client = await serve(settings, database)
    turns = (await asked(client, "GET", "/api/alerts?kind=feed"))["alerts"]
    assert found["turn"] in [one["id"] for one in turns]
    assert all(one["title"] is None and one["message"] is None and one["fields"] == {} for one in turns)
    await connection.execute(
        "UPDATE alerts SET train = (SELECT train FROM trains WHERE name = 'atlas') WHERE kind = 'digest'"
    )
    [digest] = (await asked(client, "GET", "/api/alerts?kind=digest"))["alerts"]
    assert (digest["id"], digest["title"], digest["message"]) == (found["digest"], None, None)
    assert [one["name"] for one in (await asked(client, "GET", "/api/channels"))["channels"]] == ["ops", "atlas-bot"]
    for method, path in (("PATCH", "/api/alerts/rules/window"), ("POST", "/api/channels"),
                         ("DELETE", f"/api/channels/{found['bot']}"), ("POST", f"/api/channels/{found['bot']}/test"),
                         ("PATCH", f"/api/channels/{found['bot']}"), ("POST", f"/api/alerts/{found['turn']}/snooze"),
                         ("POST", f"/api/alerts/{found['turn']}/acknowledge"),
                         ("PUT", "/api/alerts/feeds/atlas")):  # fmt: skip
        assert (await client.request(method, path, json={})).status == 403, path
