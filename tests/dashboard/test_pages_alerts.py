"""The pages of alerts: what is open, the log with its messages, rules, channels and feeds, by forms and for whom."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from core.access import Permission, Principal
from dashboard import access
from dashboard.sealing import unseal
from dashboard.secret import sealing_key
from tests import alert_seeds
from tests.alert_seeds import Raised, told_things
from tests.dashboard.test_pages_cost import plain
from tests.dashboard.test_pages_prices import HTML, post
from tests.dashboard.test_pages_requests import MOST_QUERIES, Counting, seen
from tests.usage_seeds import numbered

SECRET = "correct-horse-battery-staple-of-the-dashboard-4711"
HOOK = "https://hooks.slack.com/services/T0001/B0002/canaryCanaryCanary12"
TOKEN = "xoxb-1111-2222-canaryCanaryCanaryCanary"
WEBHOOK = {"kind": "webhook", "name": "ops", "secret": HOOK, "place": ""}
PAGES = ("/alerts", "/alerts/log", "/alerts/rules", "/alerts/channels", "/alerts/feeds")


@pytest.fixture
def settings(settings):
    """The settings of the other tests, with a secret to seal with."""
    return settings.model_copy(update={"secret_key": SECRET})


async def test_an_empty_installation_says_what_to_do(client):
    """Each page says what would be there and what the next step is."""
    words = plain(await seen(client, "/alerts"))
    assert "Nothing is told yet: there is no channel" in words
    assert "SLACK_WEBHOOK_URL" in words
    assert "Nothing is open" in words
    assert "Nothing was told yet" in plain(await seen(client, "/alerts/log"))
    assert "There is no channel: nothing is told" in plain(await seen(client, "/alerts/channels"))
    assert "No train tells more than incidents" in plain(await seen(client, "/alerts/feeds"))
    assert "Told when a usage window of an account is used to 75 or 95 %" in plain(await seen(client, "/alerts/rules"))


async def test_what_is_open_and_what_was_told(client, connection):
    """An incident stands once, since when it runs, with what became of its message and a link to its exact page."""
    await told_things(connection, datetime.now(UTC))
    page = await seen(client, "/alerts")
    words = plain(page)
    assert "4 things, the newest first" in words
    assert page.count('class="incident ') == 4
    assert "atlas: 14 of 31 calls failed" in words
    assert 'href="/requests?outcome=failed&amp;trainId=atlas"' in page
    assert "snoozed until" in words
    assert "sent to atlas-bot" in words
    assert "Nothing is sent to borealis-old. Slack says no_service" in words
    assert "The recorder is 3 minutes behind" not in words  # it is over, and not among the last


async def test_the_navigation_counts_what_nobody_saw(client, connection):
    """Open things, without those that were acknowledged or snoozed; nothing where nothing is open."""
    assert plain(await seen(client, "/nav/alerts")).strip() == ""
    found = await told_things(connection, datetime.now(UTC))
    assert plain(await seen(client, "/nav/alerts")).split() == [",", "open", "and", "not", "seen:", "■", "3"]
    await post(client, f"/alerts/{found['burst']}/acknowledge")
    assert plain(await seen(client, "/nav/alerts")).split()[-2:] == ["▲", "2"]


@pytest.mark.parametrize(
    ("state", "words"),
    [("sent", "sent to ops"), ("waiting", "waits until"), ("summed", "summed up in another message"),
     ("dropped", "not sent: snoozed by ada"), ("failed", "unsure whether Slack has it"),
     ("failed", "failed: no channel could take it")],
)  # fmt: skip
async def test_the_log_says_what_became_of_each(client, connection, state, words):
    """Filtered by state, each row says it in words; other states are not there. Whatever the hour of the day."""
    await told_things(connection, datetime.now(UTC))
    await connection.execute("UPDATE alert_rules SET quiet_from = NULL, quiet_until = NULL")
    text = plain(await seen(client, f"/alerts/log?state={state}"))
    assert words in text
    assert ("not sent: snoozed" in text) == (state == "dropped")


async def test_the_log_of_a_train(client, connection):
    """Its alerts and no other's; what is asked for stays chosen, and is kept by the links to older ones."""
    await told_things(connection, datetime.now(UTC))
    page = await seen(client, "/alerts/log?trainId=borealis")
    words = plain(page.split('<ol class="logged')[1])
    assert "claude-nova-1 has no price" in words
    assert "14 of 31" not in words
    assert "<option selected>borealis</option>" in page
    assert "No such message" in plain(await seen(client, "/alerts/log?trainId=nobody"))


async def test_the_log_shows_each_try_and_the_message(client, connection):
    """Every time Slack was asked, and the message with its fields and its link to our own page."""
    await told_things(connection, datetime.now(UTC))
    page = await seen(client, "/alerts/log?kind=window")
    words = plain(page)
    assert "Slack was asked 3 times" in words
    assert "▲ to be asked again 503 Slack is not available" in words
    assert "● took it 200 ok" in words
    assert "Pace 1.4 × what the window allows" in words
    assert re.search(r'<p class="words title-link"><a href="/windows/account-1f2e3d4c">Open the window</a>', page)
    assert '<div class="said bar error">' in page


async def test_the_log_goes_on_by_keyset(client, connection):
    """Every alert stands on exactly one page of the log, the newest first."""
    now = datetime.now(UTC)
    for number in range(65):
        told = alert_seeds.Told(title=f"thing {number:03d}")
        await alert_seeds.alert(
            connection, now, Raised(alert_seeds.Kind.DIGEST, alert_seeds.Tone.INFO, told, 100 - number)
        )
    path, found = "/alerts/log", []
    while path:
        page = await seen(client, path)
        found += re.findall(r'class="what">.*?(thing \d{3})', page)
        older = re.search(r'href="(/alerts/log\?[^"]*before=\d+)" rel="next"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert found == [f"thing {number:03d}" for number in reversed(range(65))]
    assert "This is the end of the log, which is kept for 90 days." in page


async def test_hostile_words_stay_words(client, connection):
    """What was recorded is drawn as text: no markup, no link that leads away, hidden characters shown."""
    await told_things(connection, datetime.now(UTC))
    for path in (*PAGES, "/alerts/log?kind=feed"):
        page = await seen(client, path)
        assert "<script>alert" not in page, path
        assert all(re.match(r"[/#](?![/\\])", link) for link in re.findall(r'href="([^"]*)"', page)), path
        assert "\u202e" not in page, path


async def test_somebody_acknowledges_and_snoozes(client, connection):
    """What waits is dropped with the reason; a snooze is seen, and taken back."""
    now = datetime.now(UTC)
    found = await told_things(connection, now)
    answer = await post(client, f"/alerts/{found['model']}/acknowledge")
    assert (answer.status, answer.headers["Location"]) == (303, "/alerts#open")
    row = await connection.fetchrow("SELECT * FROM alerts WHERE alert = $1", found["model"])
    assert (row["state"], row["reason"]) == ("dropped", "acknowledged by local user before it was sent")
    assert "seen by local user" in plain(await seen(client, "/alerts"))
    answer = await post(client, f"/alerts/{found['burst']}/snooze", hours="24")
    assert answer.status == 303
    until = await connection.fetchval("SELECT until FROM alert_snoozes WHERE kind = 'burst'")
    assert timedelta(hours=23) < until - now < timedelta(hours=25)
    await post(client, f"/alerts/{found['burst']}/snooze", hours="0")
    assert await connection.fetchval("SELECT count(*) FROM alert_snoozes WHERE kind = 'burst'") == 0
    assert (await post(client, f"/alerts/{found['burst']}/snooze", hours="7")).status == 422
    assert (await post(client, f"/alerts/{found['digest']}/acknowledge")).status == 409
    for gone in ("999999", "x", "9" * 30):
        assert (await post(client, f"/alerts/{gone}/acknowledge")).status == 404


async def test_a_rule_is_changed_and_given_back(client, connection):
    """Thresholds, interval and quiet hours by a form; on and off by a switch; back to the default by a button."""
    given = {"thresholds": "60, 90 95%", "minutes": "30", "quiet_from": "20:00", "quiet_until": "07:00",
             "zone": "Europe/Zurich"}  # fmt: skip
    answer = await post(client, "/alerts/rules/window", **given)
    assert (answer.status, answer.headers["Location"]) == (303, "/alerts/rules#rule-window")
    words = plain(await seen(client, "/alerts/rules"))
    assert "used to 60, 90 or 95 %" in words
    assert "at most one message every 30 minutes on a channel · quiet from 20:00 to 07:00, Europe/Zurich" in words
    await post(client, "/alerts/rules/window", enabled="no")
    await post(client, "/alerts/rules/window", snoozed_hours="2")
    row = await connection.fetchrow("SELECT * FROM alert_rules")
    assert (row["enabled"], row["thresholds"], row["changed_by"]) == (False, [60, 90, 95], "local user")
    assert "snoozed until" in plain(await seen(client, "/alerts/rules"))
    await post(client, "/alerts/rules/window", reset="yes")
    assert await connection.fetchval("SELECT count(*) FROM alert_rules") == 0


@pytest.mark.parametrize(
    ("kind", "given", "word"),
    [("window", {"thresholds": "0"}, "between 1 % and 100 %"), ("window", {"thresholds": "75 many"}, "number"),
     ("window", {"thresholds": "nan"}, "between 1 % and 100 %"), ("window", {"thresholds": "1 2 3 4 5 6"}, "5"),
     ("lag", {"thresholds": "60 90"}, "name one threshold"), ("lag", {"thresholds": ""}, "name one threshold"),
     ("feed", {"thresholds": "3"}, "no threshold"), ("lag", {"minutes": "99999"}, "604800"),
     ("lag", {"minutes": "soon"}, "integer"), ("lag", {"quiet_from": "20:00"}, "name both"),
     ("lag", {"quiet_from": "20:00", "quiet_until": "20:00"}, "switch the rule off"),
     ("lag", {"quiet_from": "25:00", "quiet_until": "20:00"}, "quiet from"), ("lag", {"zone": "Mars"}, "zone")],
)  # fmt: skip
async def test_a_bad_rule_is_refused_in_words(client, connection, kind, given, word):
    """What is wrong is said beside the rule, what was filled in stays, nothing is changed."""
    answer = await post(client, f"/alerts/rules/{kind}", **given)
    page = await answer.text()
    assert answer.status == 422
    assert "The rule was not changed" in page
    assert word in plain(page)
    assert await connection.fetchval("SELECT count(*) FROM alert_rules") == 0
    assert (await post(client, "/alerts/rules/test", enabled="no")).status == 404


async def test_a_webhook_is_added_sealed_and_never_shown_again(client, connection, settings):
    """Its address is in the database only sealed for its own row, and on no page; it is tried, switched and deleted."""
    answer = await post(client, "/alerts/channels", **WEBHOOK)
    assert answer.status == 303
    row = await connection.fetchrow("SELECT * FROM channels")
    assert answer.headers["Location"] == f"/alerts/channels#channel-{row['channel']}"
    assert unseal(row["sealed"], f"channels|{row['channel']}|sealed", sealing_key(settings)) == HOOK
    assert "canary" not in str(dict(row) | {"sealed": row["sealed"].hex()})
    page = await seen(client, "/alerts/channels")
    assert "canary" not in page
    assert "webhook for the whole installation · https://hooks.slack.com/…ry12" in plain(page)
    await post(client, f"/alerts/channels/{row['channel']}/off")
    assert "switched off by local user" in plain(await seen(client, "/alerts/channels"))
    await post(client, f"/alerts/channels/{row['channel']}/on")
    assert await connection.fetchval("SELECT off_at FROM channels") is None
    await post(client, f"/alerts/channels/{row['channel']}/delete")
    assert await connection.fetchval("SELECT count(*) FROM channels") == 0
    for act in ("test", "on", "off", "delete"):
        assert (await post(client, f"/alerts/channels/{row['channel']}/{act}")).status == 404


async def test_a_bot_of_a_train_and_a_webhook_of_an_account(client, connection, settings):
    """Each has its place; a second one of a place, or of a name, is refused."""
    await numbered(connection, "atlas", "key-0123456789ab")
    bot = {"kind": "bot", "name": "atlas", "secret": TOKEN, "destination": "C0123456789", "place": "train atlas"}
    assert (await post(client, "/alerts/channels", **bot)).status == 303
    hook = {**WEBHOOK, "name": "key", "place": "account key-0123456789ab"}
    assert (await post(client, "/alerts/channels", **hook)).status == 303
    words = plain(await seen(client, "/alerts/channels"))
    assert "bot for train atlas · xoxb-…nary to C0123456789" in words
    assert "webhook for account key-0123456789ab" in words
    for again in ({**bot, "name": "other"}, {**WEBHOOK, "name": "key"}):
        answer = await post(client, "/alerts/channels", **again)
        assert answer.status == 409
        assert "delete that one first" in plain(await answer.text())
    sealed = await connection.fetchrow("SELECT channel, sealed FROM channels WHERE kind = 'bot'")
    assert unseal(sealed["sealed"], f"channels|{sealed['channel']}|sealed", sealing_key(settings)) == TOKEN


@pytest.mark.parametrize(
    ("changed", "word", "status"),
    [({"secret": "http://hooks.slack.com/services/canaryCanary"}, "must be https", 422),
     ({"secret": "https://evil.example/services/canaryCanary"}, "hosts only: hooks.slack.com", 422),
     ({"secret": "https://hooks.slack.com@evil.example/canaryCanary"}, "no query, fragment or user", 422),
     ({"secret": "http://127.0.0.1/canaryCanary"}, "hosts only", 422), ({"secret": "canaryCanary"}, "must be", 422),
     ({"secret": HOOK + "?canary=1"}, "no query", 422), ({"secret": HOOK + "a" * 1000}, "hosts only", 422),
     ({"name": "x" * 81}, "name", 422), ({"name": ""}, "name", 422), ({"place": "train nobody"}, "no such train", 404),
     ({"place": "account nobody"}, "no such account", 404),
     ({"kind": "bot", "secret": TOKEN}, "needs the id of the Slack channel", 422),
     ({"kind": "bot", "secret": "canaryCanary", "destination": "C0123456789"}, "begins with xoxb-", 422),
     ({"kind": "bot", "secret": TOKEN, "destination": "#canaryCanary"}, "Slack channel", 422),
     ({"kind": "pigeon"}, "kind", 422)],
)  # fmt: skip
async def test_a_bad_channel_is_refused_in_words(client, connection, capsys, changed, word, status):
    """What is wrong is said; the secret is neither echoed nor logged nor kept."""
    answer = await post(client, "/alerts/channels", **{**WEBHOOK, **changed})
    page = await answer.text()
    assert answer.status == status
    assert "The channel was not added" in page
    assert word in plain(page)
    assert "canaryCanary" not in page or changed.get("destination") == "#canaryCanary"
    assert "canary" not in "".join(capsys.readouterr())
    assert await connection.fetchval("SELECT count(*) FROM channels") == 0


async def test_a_listed_loopback_host_may_be_http(settings, database, serve):
    """Plain http is for a listed host of this machine only."""
    client = await serve(settings.model_copy(update={"webhook_hosts": "127.0.0.1:8065, chat.example"}), database)
    assert (
        await post(client, "/alerts/channels", **{**WEBHOOK, "secret": "http://127.0.0.1:8065/hooks/x"})
    ).status == 303
    answer = await post(client, "/alerts/channels", **{**WEBHOOK, "name": "b", "secret": "http://chat.example/hooks/x"})
    assert answer.status == 422


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://chat.example/hooks/x", 303), ("https://chat.example:443/hooks/x", 303),
        ("https://chat.example:8443/hooks/x", 422), ("https://chat.example:80/hooks/x", 422),
        ("https://mine.example:8443/hooks/x", 303), ("https://mine.example/hooks/x", 422),
        ("https://[::1]:8065/hooks/x", 303), ("https://[::1]/hooks/x", 422),
    ],
)  # fmt: skip
async def test_a_port_is_listed_with_its_host(settings, database, serve, url, status):
    """A listed host is one at the usual port: what listens at another is somebody else's until it is listed too."""
    hosts = "chat.example, Mine.example:8443, [::1]:8065"
    client = await serve(settings.model_copy(update={"webhook_hosts": hosts}), database)
    answer = await post(client, "/alerts/channels", **{**WEBHOOK, "secret": url})
    assert answer.status == status
    if status == 422:
        assert "mine.example:8443" in await answer.text()


async def test_without_a_secret_key_it_says_what_to_do(settings, database, serve):
    """Nothing can be sealed: the page offers no form and says why, and what to do."""
    client = await serve(settings.model_copy(update={"secret_key": None}), database)
    page = await seen(client, "/alerts/channels")
    assert "start the proxy once" in plain(page)
    assert 'name="secret"' not in page
    assert (await post(client, "/alerts/channels", **WEBHOOK)).status == 409


async def test_a_test_says_what_became_of_it(client, connection):
    """The button puts a message for just this channel into the outbox; the page shows how it went."""
    await post(client, "/alerts/channels", **WEBHOOK)
    channel = await connection.fetchval("SELECT channel FROM channels")
    await post(client, f"/alerts/channels/{channel}/off")
    assert (await post(client, f"/alerts/channels/{channel}/test")).status == 303
    row = await connection.fetchrow("SELECT * FROM alerts")
    assert (row["kind"], row["state"], row["channel"]) == ("test", "waiting", channel)
    part = f"/alerts/channels/{channel}/tested"
    page = await seen(client, part)
    assert "A test is on its way" in page
    assert f'hx-get="{part}"' in page
    await connection.execute("UPDATE alerts SET state = 'failed', reason = 'Slack says invalid_token'")
    page = await seen(client, part)
    assert "was not sent: Slack says invalid_token" in plain(page)
    assert "hx-get" not in page
    await connection.execute("UPDATE alerts SET state = 'sent', reason = NULL, sent_at = now()")
    assert "Slack took the test" in await seen(client, "/alerts/channels")
    assert (await client.get("/alerts/channels/999/tested", headers=HTML)).status == 404


async def test_the_environments_channel(client, connection):
    """It is shown as such, can be tried and switched off, not deleted, and stands behind one of the page."""
    channel = await alert_seeds.channel(connection, "SLACK_WEBHOOK_URL", origin="environment", sealed=None)
    words = plain(await seen(client, "/alerts/channels"))
    assert "set by SLACK_WEBHOOK_URL" in words
    assert "Not used while" not in words
    assert (await post(client, f"/alerts/channels/{channel}/delete")).status == 409
    await post(client, "/alerts/channels", **WEBHOOK)
    assert "Not used while ops" in plain(await seen(client, "/alerts/channels"))


async def test_feeds_are_switched_on_and_off(client, connection):
    """A train's feed and digest, with hour and zone; a bad hour or an unknown train is refused in words."""
    await numbered(connection, "atlas", None)
    given = {"train_id": "atlas", "feed": "yes", "digest": "yes", "digest_at": "07:30", "zone": "Europe/Zurich"}
    assert (await post(client, "/alerts/feeds", **given)).headers["Location"] == "/alerts/feeds#train-atlas"
    row = await connection.fetchrow("SELECT * FROM train_feeds")
    assert (row["feed"], row["digest"], str(row["digest_at"]), row["zone"]) == (True, True, "07:30:00", "Europe/Zurich")
    await post(client, "/alerts/feeds", train_id="atlas", digest_at="08:00", zone="UTC")
    row = await connection.fetchrow("SELECT * FROM train_feeds")
    assert (row["feed"], row["digest"], row["changed_by"]) == (False, False, "local user")
    for changed, status in (({"train_id": "nobody"}, 404), ({"digest_at": "25:00"}, 422), ({"zone": "Mars"}, 422)):
        answer = await post(client, "/alerts/feeds", **{**given, **changed})
        assert answer.status == status
        assert "It was not" in await answer.text()


async def test_readers_see_what_is_theirs(settings, database, connection, serve, monkeypatch):
    """A reader of one train sees its alerts, no words of users without the right to read them, and no form."""
    found = await told_things(connection, datetime.now(UTC))
    await connection.execute(
        "INSERT INTO usage_hourly (train, hour, account, model, request_type, requests, ok)"
        " SELECT $1, date_trunc('hour', now(), 'UTC'), account, 'm', 'inference', 1, 1 FROM accounts LIMIT 1",
        found["atlas"],
    )
    reader = Principal("reader", frozenset({Permission.PUBLIC, Permission.READ_STATISTICS}), frozenset({"atlas"}))
    monkeypatch.setattr(access, "LOCAL_USER", reader)
    client = await serve(settings, database)
    words = plain(await seen(client, "/alerts/log"))
    assert "atlas: 14 of 31" in words
    assert "the 5-hour window is used" in words  # of an account that his train used
    assert "What was said, for who may read conversations" in words
    for hidden in ("borealis", "The recorder", "flaky login", "ana asked", "alert(1)"):
        assert hidden not in words
    for path in PAGES:
        page = await seen(client, path)
        assert 'method="post"' not in page.split("<main")[1].split("</main>")[0], path
        assert "borealis" not in page, path
    for path in ("/alerts/1/acknowledge", "/alerts/1/snooze", "/alerts/rules/window", "/alerts/channels",
                 f"/alerts/channels/{found['ops']}/test", "/alerts/feeds"):  # fmt: skip
        assert (await post(client, path)).status == 403, path


async def test_who_administers_one_train_does_not_change_the_others(settings, database, connection, serve, monkeypatch):
    """Rules and the installation's channels are for who may see everything; a train's own channel is his."""
    found = await told_things(connection, datetime.now(UTC))
    monkeypatch.setattr(access, "LOCAL_USER", Principal("ana", frozenset(Permission), frozenset({"atlas", "cargo"})))
    client = await serve(settings, database)
    assert (await post(client, "/alerts/rules/window", enabled="no")).status == 403
    assert (await post(client, "/alerts/channels", **{**WEBHOOK, "name": "new"})).status == 403
    assert (await post(client, f"/alerts/channels/{found['ops']}/delete")).status == 403
    assert (await post(client, f"/alerts/channels/{found['dead']}/delete")).status == 404
    assert (await post(client, f"/alerts/{found['model']}/acknowledge")).status == 404
    assert (await post(client, "/alerts/channels", **{**WEBHOOK, "name": "new", "place": "train cargo"})).status == 303
    assert (await post(client, f"/alerts/channels/{found['bot']}/test")).status == 303


async def test_a_change_from_another_site_is_refused(client, connection):
    """A form on a page of another site changes nothing."""
    answer = await client.post("/alerts/channels", data=WEBHOOK, headers={**HTML, "Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert await connection.fetchval("SELECT count(*) FROM channels") == 0


@pytest.mark.parametrize("path", PAGES)
async def test_queries_of_a_page(settings, database, connection, serve, path):
    """A page asks the database few questions, however many alerts there are."""
    await told_things(connection, datetime.now(UTC))
    counting = Counting(database)
    await seen(await serve(settings, counting), path)
    assert 0 < len(counting.names) <= MOST_QUERIES
