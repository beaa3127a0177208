"""What a request said, in a line."""

import pytest

from core.normal_form import Normaliser
from core.preview import LONGEST, line, preview
from core.redact import find_secrets


def said(*messages):
    """The preview of messages given as (role, content)."""
    normaliser = Normaliser()
    return preview([item for role, content in messages for item in normaliser.content(role, content)])


def test_it_is_the_last_user_text_behind_the_last_answer():
    """Folded and cut; reminders and results are no words; where only these were added there is none."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": "42"}
    reminder = {"type": "text", "text": "<system-reminder>x</system-reminder>"}
    assert said(("user", "Hi"), ("assistant", "Yes?"), ("user", " Fix\n it ")) == "Fix it"
    assert said(("user", "Hi"), ("assistant", "Yes?"), ("user", [result, reminder])) is None
    assert said(("user", [{"type": "text", "text": "Stop"}, result, reminder])) == "Stop"
    assert said(("user", "Hi"), ("assistant", "Yes?")) is None
    assert len(said(("user", "word " * 5000))) <= LONGEST
    assert said() is None


@pytest.mark.parametrize("secret", ["sk-ant-api03-" + "a1B2" * 20, "ghp_" + "a1B2" * 9, "AKIAIOSFODNN7EXAMPLE"])
def test_a_cut_leaves_no_half_of_a_secret(secret):
    """Wherever a cut falls, a secret is there whole, to be masked where it is shown, or not at all."""
    for before in range(60):
        short = line("x" * before + " " + secret + " and so on" * 20, 50)
        assert short is None or not short.strip("x ") or find_secrets(short)
        assert len(short or "") <= 50


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-" + "a1B2" * 20,
        "github_pat_" + "a1B2" * 9,
        "eyJ" + "a1" * 200 + ".b2" * 20 + ".c3" * 30,
        "-----BEGIN ENCRYPTED OR ANY OTHER SORT OF A  PRIVATE\nKEY-----" + " a1B2" * 60 + " -----END PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("longest", [120, 200])
def test_a_secret_at_the_cut_is_seen_whole_by_its_beginning(secret, longest):
    """Most texts are looked at no further than needed to know that no secret begins before the cut."""
    for before in range(longest - 100, longest + 3):
        text = "x" * before + " \n " + secret + " and so on" * 200
        folded = " ".join(text[: 8 * longest].split())
        cut = next((start for start, end in find_secrets(folded) if start < longest < end), longest)
        assert line(text, longest) == folded[:cut]
