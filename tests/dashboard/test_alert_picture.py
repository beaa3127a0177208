"""A payload as the log draws it: every part of it, as text, with links to our own pages only."""

import pytest

from core.alerts.kinds import Kind, Tone
from core.alerts.message import for_bot, for_webhook
from core.alerts.told import MOST_FIELDS
from dashboard.alerts.picture import MOST_PARTS, Piece, of_message
from tests.core.test_alerts_message import EXAMPLES
from tests.core.test_alerts_message import told as telling

BASE = "http://127.0.0.1:3001"


def words(picture):
    """All texts of a picture, and the paths of its links."""
    pieces = [piece for group in picture.groups for part in group.parts for run in part.runs for piece in run]
    return " ".join(piece.text for piece in pieces), [piece.path for piece in pieces if piece.path]


@pytest.mark.parametrize("made", [for_bot, for_webhook])
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_drawn_whole(kind, made):
    """Title, cause, figures, lines and the link of every kind's message are there, for bots and for webhooks."""
    told = EXAMPLES[kind]
    text, paths = words(of_message(made(telling(kind, Tone.INFO, **told.model_dump())), BASE))
    # Slack takes ten figures: of more the last of them says how many are left out.
    figures = told.fields if len(told.fields) <= MOST_FIELDS else told.fields[: MOST_FIELDS - 1]
    given = [told.title, told.cause, *told.lines, *[part for pair in figures for part in pair], told.page]
    assert [one for one in given if one not in text] == []
    assert paths == [told.path]


@pytest.mark.parametrize(
    ("tone", "bar", "dot"),
    [(Tone.GOOD, "ok", "ok"), (Tone.INFO, "info", "info"), (Tone.WARNING, "warning", "warning"),
     (Tone.DANGER, "error", "error")],
)  # fmt: skip
def test_colours_say_how_bad_it_is(tone, bar, dot):
    """The headline begins with a dot; an attachment has a bar beside it, blocks have none."""
    picture = of_message(for_webhook(telling(Kind.LAG, tone, title="x", cause="y")), BASE)
    assert [group.bar for group in picture.groups] == ["", bar]
    assert picture.groups[0].parts[0].runs[0][0].style == dot
    assert [group.bar for group in of_message(for_bot(telling(Kind.LAG, tone, title="x", cause="y")), BASE).groups] == [
        ""
    ]


@pytest.mark.parametrize(
    ("url", "path"),
    [(BASE + "/budgets?x=1#y", "/budgets?x=1#y"), (BASE, ""), (BASE + "@evil.example/", ""),
     ("javascript:alert(1)", ""),
     (BASE + "//evil.example", ""), (BASE + "/\\evil.example", ""), ("https://evil.example/" + BASE, ""), (7, "")],
)  # fmt: skip
def test_links_lead_to_our_own_pages_only(url, path):
    """Any other link is its text alone, wherever in a payload it stands."""
    payload = {
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"see <{url}|this>"}},
            {
                "type": "actions",
                "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, "url": url}],
            },
        ],
        "attachments": [{"title": "that", "title_link": url}],
    }
    text, paths = words(of_message(payload, BASE))
    assert "see  this Go that" in text
    assert paths == ([path] * 3 if path else [])


def test_marks_and_entities_are_read_as_slack_reads_them():
    """Bold, italic, struck and code of mrkdwn; entities are the characters they stand for; plain text has no marks."""
    marked = {"type": "mrkdwn", "text": "*a* _b_ ~c~ `d` &lt;e&gt; &amp;lt; f_g_h"}
    block = {"type": "section", "text": marked, "fields": [{"type": "plain_text", "text": "*not bold*"}]}
    [group] = of_message({"blocks": [block]}, BASE).groups
    run = group.parts[0].runs[0]
    assert [piece.style for piece in run if piece.style] == ["bold", "italic", "struck", "code"]
    assert "".join(piece.text for piece in run) == "a b c d <e> &lt; f_g_h"
    assert group.parts[1].runs[0] == (Piece("*not bold*"),)


@pytest.mark.parametrize(
    "payload",
    [None, [], "x", {}, {"text": 7}, {"blocks": 7},
     {"blocks": [7, None, {}, {"type": "section", "text": 7, "fields": 7}]},
     {"attachments": [7, {}, {"fields": [7, {}], "blocks": [7], "actions": 7, "title": 7, "text": {}}]},
     {"blocks": [{"type": "header"}, {"type": "context"}, {"type": "actions", "elements": [{}]}, {"type": "video"}]}],
)  # fmt: skip
def test_what_is_no_payload_is_drawn_without_a_fault(payload):
    """A payload of another version, or a broken one, gives a picture all the same."""
    of_message(payload, BASE)


def test_a_picture_is_bounded():
    """Of very many parts the first are drawn, and how many are left out is said; a long text is cut."""
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "*_<&" * 100_000}}
    picture = of_message({"blocks": [block] * 100}, BASE)
    drawn = sum(len(group.parts) for group in picture.groups)
    assert (drawn, picture.left_out) == (MOST_PARTS, 100 - MOST_PARTS)
    assert len(words(picture)[0]) < MOST_PARTS * 3_100
