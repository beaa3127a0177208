"""A transcript with every kind of content block, the known ones and one that nobody knows."""

from typing import Any

import orjson

from dashboard.render.messages import Talk, whole_talk

SVG = "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnLz4="
ANSI = "\x1b[32m3 passed\x1b[0m, \x1b[31m1 failed\x1b[0m in 0.12 s\n" + "".join(f"line {n}\n" for n in range(60))
MARKDOWN = """Some **bold** words, `code`, a [link](https://example.org) and an ![image](https://example.org/a.png).

| Column | Another |
|---|--:|
| cell | 12 |

```python
def answer() -> int:
    return 42
```

1. first
2. second

<script>alert("text, not code")</script> and hidden characters: \u202ereversed\u202c.
"""


def every_block() -> Talk:
    """The transcript as the pages draw it."""
    return whole_talk(orjson.dumps({"model": "claude-opus-5-5", "messages": _messages()}), "/dev/gallery/picture", None)


def _messages() -> list[dict[str, Any]]:
    calls = [
        _call("read", "Read", file_path="/src/auth.py", offset=10, limit=20),
        _call("edit", "Edit", file_path="/src/auth.py", old_string="return None", new_string="return token"),
        _call("bash", "Bash", command="pytest -q", description="Run the tests"),
        _call("todo", "TodoWrite", todos=[{"content": "Fix it", "status": "completed", "activeForm": "Fixing"}]),
        _call("task", "Task", description="Explore", prompt="Find the token refresh", subagent_type="Explore"),
        _call("mcp", "mcp__github__get_issue", owner="x", repo="y", number=3),
    ]
    results = [
        _result("read", "    10→def refresh(token):\n    11→    return None"),
        _result("edit", "old_string not found", is_error=True),
        _result("bash", ANSI),
        _result("mcp", [{"type": "text", "text": '{"title": "Flaky"}'}]),
    ]
    pictures = [
        {"type": "image", "source": {"type": "url", "url": "https://example.org/picture.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/svg+xml", "data": SVG}},
        {"type": "document", "title": "report.pdf", "source": {"type": "url", "url": "https://example.org/r.pdf"}},
    ]
    thinking = {"type": "thinking", "thinking": "First look at the test, then at the code.", "signature": "x"}
    hidden = {"type": "redacted_thinking", "data": "abc"}
    unknown = {"type": "hologram", "depth": [1, 2, {"deeper": None}]}
    return [
        {"role": "user", "content": "Fix the flaky login test.\n<system-reminder>Be brief.</system-reminder>"},
        {
            "role": "assistant",
            "content": [thinking, hidden, _text(MARKDOWN), *calls],
        },
        {"role": "user", "content": [*results, *pictures]},
        {"role": "assistant", "content": [unknown, _text("Done: " + "long " * 4_000)]},
        {"role": "hologram", "content": []},
    ]


def _text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def _call(key: str, name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{key}", "name": name, "input": given}


def _result(key: str, content: Any, *, is_error: bool = False) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"toolu_{key}", "content": content, "is_error": is_error}
