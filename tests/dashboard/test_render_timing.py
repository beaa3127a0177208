"""How a call ended and when what happened: words, bars and chunk tables."""

import json
from dataclasses import replace
from itertools import accumulate

import pytest

from core.models import Outcome
from dashboard.render import headline, stream, waterfall
from dashboard.render.steps import steps

ENDING = headline.Ending("ok", 200, None, "end_turn", None, 3_100_000, 400_000, 1000, 600)
TIMINGS = {
    "connected_us": 1000, "request_sent_us": 2000, "head_us": 300_000, "first_byte_us": 310_000,
    "last_byte_us": 900_000, "end_us": 1_000_000, "tape_wait_us": 500, "connection_reused": False,
}  # fmt: skip


def chunk_lines(body, sizes, at_us, first=1):
    """A page of the chunks of a stream."""
    return stream.lines(steps(body, list(accumulate(sizes)), at_us), sizes, at_us, first)


@pytest.mark.parametrize("outcome", [None, *(outcome.value for outcome in Outcome)])
def test_every_outcome_has_a_shape_a_word_and_a_sentence(outcome):
    """A status is never colour alone, and no outcome is shown as its code."""
    status = headline.status(outcome)
    assert status.shape in "●▲■◌⊘"
    assert status.word
    assert "_" not in status.word
    words = headline.sentence(replace(ENDING, outcome=outcome))
    assert words.endswith(".")
    assert "{" not in words
    assert "None" not in words


def test_sentences_survive_unknowns():
    """What is not known is called unknown."""
    for outcome in Outcome:
        unknown = headline.Ending(outcome.value, *[None] * 8)
        assert "None" not in headline.sentence(unknown)


def test_the_ribbon_says_who_left_and_when():
    """Plain words for the commonest ending that is nobody's fault."""
    words = headline.sentence(replace(ENDING, outcome="client_cancelled"))
    assert words == "The client left after 3.10 s. It was given 600 bytes of the 1000 bytes that had arrived."


def test_a_new_outcome_is_shown_under_its_own_name():
    """A row written by a later version is not a crash."""
    assert headline.status("eaten_by_bear").word == "eaten_by_bear"
    assert "eaten_by_bear" in headline.sentence(replace(ENDING, outcome="eaten_by_bear"))


def test_phases_lie_within_the_bar():
    """Each phase begins and ends within the whole."""
    drawn = waterfall.phases(TIMINGS, None)
    assert [phase.name for phase in drawn][:3] == ["Connect", "Send request", "Wait for the head"]
    assert all(phase.x >= 0 and phase.x + phase.width <= waterfall.WIDTH + 0.1 for phase in drawn)
    assert sum(phase.length_us for phase in drawn if phase.kind != waterfall.OWN) == 1_000_000


@pytest.mark.parametrize("timings", [None, {}, {"head_us": None}, {"end_us": 0}, {"end_us": 5, "head_us": 900}])
def test_missing_timings_draw_what_is_there(timings):
    """Unknown marks leave phases out; they are never drawn as 0."""
    assert all(phase.length_us >= 0 for phase in waterfall.phases(timings, None))


def test_chunks_show_the_events_they_completed():
    """An event belongs to the chunk that brought its end, however the stream was cut."""
    events = [
        b'event: content_block_delta\ndata: {"delta": {"text": "Hel"}}\n\n',
        b'event: content_block_delta\ndata: {"delta": {"text": "lo"}}\n\n',
        b"event: message_stop\ndata: {}\n\n",
    ]
    body = b"".join(events)
    sizes = [len(events[0]) - 1, len(events[1]), len(events[2]) + 1]
    lines = chunk_lines(body, sizes, [10, 20, 2_000_000])
    assert [line.events for line in lines] == ["", "content_block_delta", "content_block_delta, message_stop"]
    assert [line.text for line in lines] == ["", "Hel", "lo"]
    assert [line.gap_us for line in lines] == [None, 10, 1_999_980]
    assert [line.silence for line in lines] == [False, False, True]


def test_chunks_come_in_windows():
    """A stream of a thousand chunks is shown 200 at a time."""
    lines = chunk_lines(b"x" * 1000, [1] * 1000, list(range(1000)), 301)
    assert (lines[0].number, lines[-1].number, len(lines)) == (301, 500, 200)


def test_secrets_in_chunks_are_masked():
    """A key that the model repeats is masked here too."""
    data = json.dumps({"delta": {"text": "sk-ant-api03-" + "abcd" * 10}}).encode()
    body = b"event: d\ndata: " + data + b"\n\n"
    assert "abcdabcd" not in chunk_lines(body, [len(body)], [1])[0].text


def test_an_arrival_says_its_finding():
    """The caption is what the picture shows."""
    drawn = waterfall.arrival([1, 1, 1], [0, 1_000, 3_001_000])
    assert "the longest silence was 3.00 s" in drawn.finding
    assert waterfall.arrival([1], [0]) is None
