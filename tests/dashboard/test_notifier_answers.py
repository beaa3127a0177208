"""Whatever Slack answers, or does not: nothing is lost, nothing is said twice, and no secret is kept or logged."""

import asyncio
import socket
from datetime import timedelta

import pytest

from core.alerts.kinds import Kind
from dashboard.notifier.answers import OFF, of_code, of_status, reasons
from dashboard.notifier.posting import Slack as Posting
from dashboard.notifier.target import NOT_LISTED, OTHER_KEY, Target
from tests.notified import NOON, Stage
from tests.slack import CHANNEL, HANG, RESET, SECRET, TOKEN, Answer, Step

pytestmark = pytest.mark.postgres
LAST_REASON = 400


async def look(stage: Stage, times: int = 1) -> None:
    """A notifier looks so often."""
    notifier = stage.notifier()
    for _ in range(times):
        await notifier.look()
    await notifier.close()


async def test_retry_after_is_kept_to_the_second(stage: Stage) -> None:
    """Nothing is sent on the channel meanwhile; other channels go on; a test waits too."""
    number = await stage.webhook()
    train = await stage.rows.fetchval("INSERT INTO trains (name) VALUES ('atlas') RETURNING train")
    await stage.webhook(train=train)
    stage.slack.script(Answer(429, "rate_limited", retry_after="37"))
    await stage.raised(title="limited")
    await look(stage)
    await stage.raised(title="other", train=train)
    await stage.raised(Kind.TEST, title="tried", channel=number)
    stage.clock.on(seconds=36.9)
    await look(stage, 3)
    assert stage.slack.texts == ["other"]
    stage.clock.on(seconds=0.1)
    await look(stage)
    stage.clock.on(seconds=1)
    await look(stage)
    assert stage.slack.texts == ["other", "tried", "limited"]
    assert "37 s (HTTP 429)" in (await stage.column("detail", "alert_deliveries"))[0]
    assert await stage.column("failures", "channels") == [0, 0]


@pytest.mark.parametrize("answer", [500, 503, RESET, Answer(200, "internal_error")])
async def test_what_is_slacks_fault_is_tried_again_ever_more_seldom(stage: Stage, answer: int | Answer | Step) -> None:
    """After 1, 2, 4 … s, at most every five minutes; then it is told, and the next failure begins at 1 s again."""
    await (stage.bot() if isinstance(answer, Answer) and answer.status == 200 else stage.webhook())
    stage.slack.always = answer
    await stage.raised(title="told at last")
    waits = []
    notifier = stage.notifier()
    for _ in range(11):
        assert await notifier.look()
        [until] = await stage.column("not_before", "channels")
        waits.append((until - stage.clock.now).total_seconds())
        assert not await notifier.look()
        stage.clock.now = until
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    stage.slack.always = 200
    assert await notifier.look()
    assert stage.slack.texts == ["told at last"]
    assert await stage.column("failures", "channels") == [0]
    assert await stage.column("outcome", "alert_deliveries") == ["again"] * 11 + ["sent"]
    await notifier.close()


async def test_who_does_not_answer_is_left(stage: Stage) -> None:
    """After the time a try may take, which is ten seconds, the channel is left alone for a while."""
    await stage.webhook()
    stage.slack.always = HANG
    await stage.raised()
    notifier = stage.notifier()
    notifier._slack._seconds = 0.2
    assert await notifier.look()
    assert await stage.column("detail", "alert_deliveries") == ["no answer within 10 s"]
    assert await stage.column("state") == ["waiting"]
    await notifier.close()


@pytest.mark.parametrize("form", ["refused", "unknown name"])
async def test_who_cannot_be_reached_is_tried_again(
    stage: Stage, form: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A closed port, a name that is none: told when it is there again. Neither row nor log holds the address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host = "127.0.0.1" if form == "refused" else "localhost"
    if form == "unknown name":

        async def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, f"no {SECRET}")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    url = f"http://{host}:{port}/services/{SECRET}"
    stage.settings = stage.settings.model_copy(update={"slack_webhook_url": url})
    notifier = stage.notifier()
    await notifier.set_up()
    await stage.raised()
    assert await notifier.look()
    expected = {"refused": "it could not be reached", "unknown name": "the name of its host could not be resolved"}
    assert await stage.column("detail", "alert_deliveries") == [expected[form]]
    assert await stage.column("state") == ["waiting"]
    assert SECRET not in await stage.text() + "".join(capfd.readouterr())
    await notifier.close()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, "no_service"), Answer(404, "<html>gone</html>"), Answer(410, "channel_is_archived"), Answer(410),
        Answer(403, "action_prohibited"), Answer(403, "invalid_token"), Answer(403), Answer(400, "invalid_token"),
        Answer(301, location="https://elsewhere.example/x"), Answer(302),
    ],
)  # fmt: skip
async def test_a_webhook_that_never_will_take_anything_is_switched_off(stage: Stage, answer: Answer) -> None:
    """With a reason that people understand. What waits goes to another channel, or waits for one."""
    number = await stage.webhook()
    stage.slack.script(answer)
    first = await stage.raised(title="first", expires_at=NOON + timedelta(hours=1))
    await stage.raised(title="second", expires_at=NOON + timedelta(hours=1))
    await look(stage, 3)
    assert len(stage.slack.got) == 1
    [reason] = await stage.column("off_reason", "channels")
    assert reason in reasons()
    assert await stage.states() == [(first, "waiting", reason), (first + 1, "waiting", None)]
    await stage.rows.execute("UPDATE channels SET off_reason = NULL, off_at = NULL WHERE channel = $1", number)
    stage.clock.on(seconds=15)
    await look(stage)
    stage.clock.on(seconds=1)
    await look(stage)
    assert stage.slack.texts == ["first", "second"]


async def test_what_no_channel_took_ends_as_failed(stage: Stage) -> None:
    """With the reason why its channel is off; what was never tried ends as dropped, for there was no channel."""
    await stage.webhook()
    stage.slack.script(Answer(404, "no_service"))
    for _ in range(2):
        await stage.raised(expires_at=NOON + timedelta(minutes=5))
    await look(stage, 2)
    stage.clock.on(minutes=6)
    await look(stage)
    [(_, *tried), (_, *untried)] = await stage.states()
    assert tried == ["failed", f"{OFF['no_service']} (no_service)"]
    assert untried == ["dropped", "no channel"]


@pytest.mark.parametrize(
    "code", ["invalid_auth", "not_in_channel", "missing_scope", "channel_not_found", "is_archived"]
)
async def test_a_bot_that_may_not_write_is_switched_off(stage: Stage, code: str) -> None:
    """Slack answers 200 and says why; so do we, and what to do."""
    await stage.bot()
    stage.slack.script(Answer(200, code))
    await stage.raised()
    await look(stage, 2)
    assert await stage.column("off_reason", "channels") == [f"{OFF[code]} ({code})"]
    assert len(stage.slack.got) == 1


async def test_a_message_that_slack_refuses_fails_alone(stage: Stage) -> None:
    """The alert failed, with the message as it was; the channel goes on at once."""
    await stage.bot()
    stage.slack.script(Answer(200, "invalid_blocks"))
    await stage.raised(title="odd")
    await stage.raised(title="next")
    await look(stage)
    stage.clock.on(seconds=1)
    await look(stage)
    assert [row[1:] for row in await stage.states()] == [
        ("failed", "Slack refused this message: HTTP 200 (invalid_blocks)"), ("sent", None)
    ]  # fmt: skip
    assert await stage.column("message IS NOT NULL") == [True, True]


async def test_a_test_goes_to_a_channel_that_is_off_and_switches_it_on(stage: Stage) -> None:
    """At once, also while a failing channel is left alone; one that fails says why, and the channel stays off."""
    number = await stage.webhook(off_reason="it was off", off_at=NOON)
    await stage.raised(title="waits")
    stage.slack.script(Answer(404, "no_service"))
    await stage.raised(Kind.TEST, channel=number)
    await look(stage)
    assert [row[1] for row in await stage.states()] == ["waiting", "failed"]
    assert await stage.column("off_reason", "channels") == [f"{OFF['no_service']} (no_service)"]
    await stage.rows.execute("UPDATE channels SET failures = 5, not_before = $1", NOON + timedelta(minutes=4))
    stage.clock.on(seconds=15)
    await stage.raised(Kind.TEST, title="works", channel=number)
    await look(stage)
    assert stage.slack.texts == ["works"]
    assert await stage.column("off_reason", "channels") == [None]
    stage.clock.on(minutes=4)
    await look(stage)
    assert stage.slack.texts == ["works", "waits"]


@pytest.mark.parametrize("change", ["other key", "other place", "host not listed", "port of the host not listed"])
async def test_a_channel_that_cannot_be_opened_is_switched_off(stage: Stage, change: str) -> None:
    """Nobody is asked anything; the reason says what to do."""
    await stage.webhook()
    if change == "other key":
        stage.settings = stage.settings.model_copy(update={"secret_key": "fedcba9876543210" * 4})
    elif change == "other place":
        await stage.rows.execute("UPDATE channels SET sealed = sealed || '\\x00'::bytea")
    else:
        hosts = "127.0.0.1,127.0.0.1:1" if "port" in change else "hooks.slack.com"
        stage.settings = stage.settings.model_copy(update={"webhook_hosts": hosts})
    await stage.raised()
    await look(stage, 2)
    assert stage.slack.got == []
    assert await stage.column("off_reason", "channels") == [NOT_LISTED if "host" in change else OTHER_KEY]
    assert await stage.column("state") == ["waiting"]


async def test_no_secret_is_kept_or_logged_whatever_slack_does(
    stage: Stage, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that quote the address or the token, no JSON, hanging up: nothing of it in rows, log or output."""
    caplog.set_level(0)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    await stage.webhook()
    train = await stage.rows.fetchval("INSERT INTO trains (name) VALUES ('atlas') RETURNING train")
    await stage.bot(train=train)
    for answer in (Answer(400, SECRET), Answer(500, TOKEN), Answer(404, f"no {SECRET}"), RESET, Answer(200, TOKEN)):
        for where in (None, train):
            stage.slack.always = answer
            await stage.raised(train=where)
            await stage.rows.execute("UPDATE channels SET off_reason = NULL, off_at = NULL, not_before = '-infinity'")
            await look(stage)
    kept = await stage.text() + "".join(capfd.readouterr()) + caplog.text
    assert "again" in kept
    assert SECRET not in kept
    assert TOKEN not in kept


@pytest.mark.parametrize("status", [200, 404, 429, 502])
async def test_what_is_not_slacks_api_switches_no_bot_off(stage: Stage, status: int) -> None:
    """A page of a proxy in between, or of a wrong address, is no answer of Slack: the message waits."""
    posting = Posting(stage.settings.model_copy(update={"slack_api_url": stage.slack.between}))
    stage.slack.always = Answer(status, retry_after="7")
    answer = await posting.post(Target(TOKEN, CHANNEL), {"text": "x y", "blocks": []})
    await posting.close()
    assert (answer.outcome, answer.status, answer.wait) == ("again", status, 7 if status == 429 else None)
    assert TOKEN not in str(answer)


def test_what_slack_says_is_told_in_words() -> None:
    """Each reason fits its column and names Slack's code; what is no code of Slack's is not repeated."""
    assert all(len(reason) <= LAST_REASON for reason in reasons())
    assert of_code("not_in_channel", 200, None).detail.endswith("(not_in_channel)")
    assert of_code("xoxb-1-secret", 400, None).detail == "Slack refused this message: HTTP 400"
    assert of_status(204, "", None).outcome == "sent"
    for given, wait in (("12.5", 12.5), (None, 30), ("soon", 30), ("nan", 30), ("-1", 30), ("1e99", 604_800)):
        assert of_status(429, "", given).wait == wait
