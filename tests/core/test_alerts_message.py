"""Slack's payloads: valid by slack_sdk's own rules, within the limits, and nobody's text does anything in them."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.attachments import Attachment
from slack_sdk.models.blocks import Block, HeaderBlock

from core.alerts.kinds import Kind, Tone
from core.alerts.message import FALLBACK, MARKS, Telling, for_bot, for_webhook
from core.alerts.told import Told
from core.alerts.wording import escaped, harmless, line

AT = datetime(2026, 11, 20, 14, 2, 3, tzinfo=UTC)
KEY = "sk-ant-api03-" + "k" * 40
EXAMPLES = {
    Kind.WINDOW: Told(
        title="The 5-hour window of ada is used to 96 %",
        cause="It is reset at 17:00 UTC.",
        fields=(("Account", "ada"), ("Used", "96 %"), ("Reset", "17:00 UTC")),
        path="/windows/7",
        page="Window of ada",
    ),
    Kind.DRY: Told(title="The window of ada runs dry at 16:20 UTC", fields=(("Used", "61 %"),), path="/windows/7"),
    Kind.BUDGET: Told(title="Budget of atlas: $75.20 of $100", fields=(("Of", "the month"),), path="/budgets"),
    Kind.BURST: Told(title="12 errors in 10 minutes", cause="Most are 529.", path="/requests?train=atlas&status=5xx"),
    Kind.UNKNOWN_MODEL: Told(title="claude-new-1 has no price", path="/prices"),
    Kind.LAG: Told(title="The recorder is 3 min behind"),
    Kind.TAPE: Told(title="The tape of node a is filled to 71 %", fields=(("Size", "14.2 GB"),)),
    Kind.DEAD_LETTERS: Told(title="2 calls were put aside"),
    Kind.FEED: Told(title="grace in atlas", lines=("Please fix the test.", "It is fixed.", "Bash pytest -q")),
    Kind.DIGEST: Told(title="atlas yesterday", fields=tuple((f"n{n}", str(n)) for n in range(14))),
    Kind.TEST: Told(title="This is a test"),
    Kind.SUMMARY: Told(title="37 messages waited", lines=("30 × Conversation", "7 × Budget")),
}
HOSTILE = st.text() | st.sampled_from(
    [
        "<!channel>",
        "<@U012AB3CD>",
        "<https://evil.example|here>",
        "a&b" * 2_000,
        "\u202eevil",
        "\x00\x1b[31m",
        KEY,
        "😀" * 3_000,
    ]
)
TELLINGS = st.builds(
    Telling,
    st.sampled_from(Kind),
    st.sampled_from(Tone),
    st.builds(
        Told,
        title=HOSTILE,
        cause=HOSTILE,
        fields=st.lists(st.tuples(HOSTILE, HOSTILE), max_size=12).map(tuple),
        lines=st.lists(HOSTILE, max_size=60).map(tuple),
        path=HOSTILE | HOSTILE.map("/{}".format),
        page=HOSTILE,
    ),
    st.just(AT),
    st.just("https://footplate.example:8443"),
)


def told(kind: Kind = Kind.BURST, tone: Tone = Tone.DANGER, **words: Any) -> Telling:
    """A telling of these words."""
    return Telling(kind, tone, Told(**({"title": "x"} | words)), AT, "http://127.0.0.1:3001")


def check(payload: dict[str, Any]) -> None:
    """Raises where slack_sdk finds anything wrong, or a limit of Slack's is not kept."""
    assert 0 < len(payload["text"]) <= FALLBACK
    assert (payload["unfurl_links"], payload["unfurl_media"]) == (False, False)
    assert 0 < len(payload["blocks"]) <= 50
    for given_block in payload["blocks"]:
        block = Block.parse(given_block)
        assert block is not None
        block.validate_json()
        assert block.to_dict() == given_block
    for attachment in payload.get("attachments", []):
        Attachment(**{name: value for name, value in attachment.items() if name not in {"fields", "mrkdwn_in"}})
        assert attachment["text"] is not None
        assert len(attachment["text"]) <= 3_000


def texts(value: Any) -> list[str]:
    """Every text in a payload."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in texts(part)]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("form", [for_bot, for_webhook])
def test_every_kind_is_told_in_what_slack_takes(kind: Kind, form: Any) -> None:
    """The example of each kind is valid; its title, its figures and its page are in it."""
    telling = Telling(kind, Tone.WARNING, EXAMPLES[kind], AT, "https://footplate.example")
    payload = form(telling)
    check(payload)
    shown = "\n".join(texts(payload))
    assert telling.title in shown
    assert all(name in shown and value in shown for name, value in telling.told.fields[:9])
    assert all(said in shown for said in telling.told.lines)
    assert f"https://footplate.example{telling.told.path}" in shown
    assert "2026-11-20 14:02:03 UTC" in shown


@given(TELLINGS)
def test_whatever_is_told_stays_within_the_limits_and_does_nothing(telling: Telling) -> None:
    """No text makes Slack refuse the payload, mentions anybody, links elsewhere, hides anything or shows a secret."""
    for payload in (for_bot(telling), for_webhook(telling)):
        check(payload)
        json.dumps(payload).encode()
        for text in texts(payload):
            links = re.findall(r"<[^>]*>?", text)
            assert all(link.startswith("<https://footplate.example:8443/") for link in links), text
            assert not re.search("[\x00-\x08\x1b\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]", text)
            assert KEY not in text
    [context] = [block for block in for_bot(telling)["blocks"] if block["type"] == "context"]
    assert len(context["elements"]) == 2


@given(st.text(), st.integers(5, 60))
def test_what_is_cut_is_cut_before_it_is_escaped(text: str, limit: int) -> None:
    """The escaped text keeps the limit, ends with a whole escape, and is the text itself where that fits."""
    shown = escaped(text, limit)
    assert len(shown.encode("utf-16-le", "surrogatepass")) // 2 <= limit
    plain = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert plain == text or (plain.endswith("…") and text.startswith(plain[:-1]))
    assert re.fullmatch(r"(?:[^&<>]|&(?:amp|lt|gt);)*", shown, re.DOTALL)


def test_a_webhook_shows_how_bad_it_is_by_colour() -> None:
    """Slack's names for colours; fields, footer and the moment as the attachment has them."""
    colours = {tone: for_webhook(told(tone=tone))["attachments"][0]["color"] for tone in Tone}
    assert colours == {"good": "good", "info": "#0550ae", "warning": "warning", "danger": "danger"}
    [shown] = for_webhook(told(cause="why", fields=(("Errors", "12"),), lines=("said",)))["attachments"]
    assert (shown["text"], shown["ts"]) == ("why\nsaid", int(AT.timestamp()))
    assert shown["fields"] == [{"title": "Errors", "value": "12", "short": True}]
    assert shown["footer"] == "Footplate · Burst of errors · 2026-11-20 14:02:03 UTC"
    header = HeaderBlock.parse(for_webhook(told())["blocks"][0])
    assert isinstance(header, HeaderBlock)
    assert header.text is not None
    assert header.text.text == f"{MARKS[Tone.DANGER]} x"


def test_nothing_is_left_out_silently() -> None:
    """Of more paragraphs, or figures, than there is room for it is said how many are missing."""
    [shown] = for_webhook(told(fields=tuple((str(number), "1") for number in range(14))))["attachments"]
    assert [one["title"] for one in shown["fields"]] == [*map(str, range(9)), "…"]
    assert shown["fields"][-1]["value"] == "5 more on the page"
    [*_, last, _, _] = for_bot(told(lines=tuple("w" * 1_000 for _ in range(20))))["blocks"]
    assert last["text"]["text"] == "… and 12 more on the page"


def test_an_address_cannot_lead_elsewhere() -> None:
    """A path names a page of the dashboard whatever it holds."""
    assert told(path="//evil.example/").url == "http://127.0.0.1:3001/evil.example/"
    assert told(path="https://evil.example").url == "http://127.0.0.1:3001/"
    assert told(path="/requests?model=a|b>c d\n").url == "http://127.0.0.1:3001/requests?model=a%7Cb%3Ec%20d%0A"
    assert told(path=f"/x?key={KEY}").url == "http://127.0.0.1:3001/x?key=[secret]"
    assert told(path="/x", page="a|b <c>").url in for_bot(told(path="/x"))["blocks"][-1]["elements"][0]["text"]


def test_secrets_and_hidden_characters_are_seen_as_such() -> None:
    """A secret is masked once more; what has no width, or turns text around, is a visible character."""
    assert harmless(f"key {KEY}, {KEY}") == "key [secret], [secret]"
    assert harmless("a\u202eb\u200bc\x00\r\nd\te 👩\u200d💻") == "a\ufffdb\ufffdc\ufffd\nd\te 👩\u200d💻"
    assert line(" a\n\tb ") == "a b"


def test_times_are_said_in_the_zone_that_was_asked_for() -> None:
    """The rule's zone, with its name."""
    telling = Telling(Kind.LAG, Tone.GOOD, Told(title="x"), AT, "http://a", ZoneInfo("Europe/Berlin"))
    assert telling.footer.endswith("2026-11-20 15:02:03 CET")
