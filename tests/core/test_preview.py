"""What a request said, in a line."""

from core.normal_form import Normaliser
from core.preview import LONGEST, preview


def said(*messages):
    """The preview of messages given as (role, content)."""
    normaliser = Normaliser()
    return preview(
        [item for role, content in messages for item in normaliser.message({"role": role, "content": content})]
    )


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
