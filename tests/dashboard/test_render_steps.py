"""The events of a stream as steps: in their chunks, with the secrets masked that a model spreads over many deltas."""

import json
from itertools import accumulate

import pytest

from core.redact import find_secrets
from dashboard.render.steps import as_it_came, steps
from dashboard.render.stream import bars, lines, secrets_in

SECRET = "sk-ant-api03-" + "Zz9" * 24
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n" + "QUJD\n" * 20 + "-----END RSA PRIVATE KEY-----"


def event(name, **data):
    """An event as the API writes it."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def told(words, kind="text_delta", field="text", index=0):
    """A stream that writes these words, a delta each."""
    start = event("content_block_start", index=index, content_block={"type": "text", "text": ""})
    deltas = [event("content_block_delta", index=index, delta={"type": kind, field: word}) for word in words]
    return [start, *deltas, event("content_block_stop", index=index)]


def read(events):
    """The steps of a stream that came an event a chunk."""
    ends = list(accumulate(len(each) for each in events))
    return b"".join(events), steps(b"".join(events), ends, [1000 * number for number in range(len(events))])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 500])
@pytest.mark.parametrize(
    ("kind", "field"), [("text_delta", "text"), ("thinking_delta", "thinking"), ("input_json_delta", "partial_json")]
)
@pytest.mark.parametrize("secret", [SECRET, PEM])
def test_a_secret_over_many_deltas_is_in_none_of_them(size, kind, field, secret):
    """However it is cut: no step shows a part of it, nor does the stream as text, and what is around it stays."""
    words = f"before {secret} after"
    body, made = read(told([words[n : n + size] for n in range(0, len(words), size)], kind, field))
    shown = "".join(step.text for step in made)
    assert shown.startswith("before ⟦")
    assert shown.endswith("⟧ after")
    assert len(set().union(*(step.secrets for step in made))) == 1
    came = as_it_came(body, made)
    assert not find_secrets(shown)
    assert "Zz9" not in came
    assert "QUJD" not in came
    assert came.count("content_block_delta") == body.decode().count("content_block_delta")


def test_deltas_of_blocks_that_alternate_are_told_apart():
    """The parts of a secret are joined by block, not by arrival."""
    one, other = told([SECRET[:20], SECRET[20:]], index=0), told(["plain ", "words"], index=1)
    mixed = [one[0], other[0], one[1], other[1], one[2], other[2], one[3], other[3]]
    _, made = read(mixed)
    assert "Zz9" not in "".join(step.text for step in made)
    assert "".join(step.text for step in made if step.block == 1) == "plain words"


def test_half_an_event_at_the_end_shows_nothing_of_a_secret():
    """Where the stream broke off within a delta, what that delta said so far is not shown beside a masked secret."""
    events = told([SECRET[:30], SECRET[30:50]])[:-1]
    broken = event("content_block_delta", index=0, delta={"type": "text_delta", "text": SECRET[50:]})[:-20]
    body, made = read([*events, broken])
    assert "Zz9" not in as_it_came(body, made)


def test_escapes_that_nobody_guesses_hide_the_whole_event():
    """A part of a secret in unusual escapes is not found in the bytes: then nothing of them is shown."""
    odd = "".join(f"\\u{ord(character):04x}" for character in SECRET[20:])
    tail = (
        f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":0,"delta":{{"text":"{odd}"}}}}\n\n'
    )
    body, made = read([*told([SECRET[:20]])[:-1], tail.encode()])
    assert odd not in as_it_came(body, made)
    assert "masked" in as_it_came(body, made)


def test_lines_say_how_many_secrets_they_hide():
    """A window of the chunk table counts each secret once, however many of its parts it shows."""
    _, made = read(told(["x", SECRET[:9], SECRET[9:30], SECRET[30:], " y"]))
    shown = lines(made, [1] * 7, [0] * 7, 1)
    assert secrets_in(made, shown) == 1
    assert secrets_in(made, []) == 0
    assert [line.text for line in shown][1:3] == ["x", f"⟦sk-ant-… masked, {len(SECRET)} characters⟧"]


def test_bars_are_the_blocks_over_time():
    """Each block of the answer is a bar from its first event to its last, named by its number and kind."""
    _, made = read(told(["a", "b"], index=0) + told(["c"], index=1))
    drawn = bars(made)
    assert [(bar.name, bar.start_us, bar.length_us) for bar in drawn] == [("1 text", 0, 3000), ("2 text", 4000, 2000)]
    assert drawn[0].about == "2 characters in 2 deltas"
    assert bars([]) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\xff\xfe", b"data: {}\n\n", b'data: {"type": 1}\n\n', b"data: [1]\n\ndata\n\n", b"data: {" * 1000,
     b'data: {"type":"content_block_start","content_block":7}\n\ndata: {"type":"content_block_delta","delta":"x"}\n\n',
     b'data: {"type":"content_block_delta","index":"x","delta":{"text":"a"}}\n\n'],
)  # fmt: skip
def test_no_bytes_are_too_odd(body):
    """Whatever was recorded is steps, lines, bars and text."""
    made = steps(body, [len(body)], [0])
    assert len(lines(made, [len(body)], [0], 1)) == 1
    bars(made)
    assert as_it_came(body, made) == body.decode("utf-8", "replace")
