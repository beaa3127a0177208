"""Tool calls: the everyday tools of Claude Code in their own form, any other as a table of its input."""

import difflib
from collections.abc import Callable
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from markupsafe import Markup

from dashboard.render import figures, json_view, long_text
from dashboard.render.code import highlighted
from dashboard.render.hidden import visible
from dashboard.render.secrets import Mask, masked

_COMMAND = Markup('<pre class="code command"><span class="prompt" aria-hidden="true">$ </span><code>{}</code></pre>')
_CODE = Markup('<pre class="code"><code>{}</code></pre>')
_SAID = Markup('<p class="note">{}</p>')
_ROW = Markup('<tr><th scope="row">{}</th><td>{}</td></tr>')
_TABLE = Markup('<table class="pairs">{}</table>')
_SHORT = Markup("<code>{}</code>")
_DIFF_LINE = Markup('<span class="d-{kind}"><span class="d-sign">{sign}</span>{text}</span>\n')
_TODO = Markup('<li class="todo-{state}"><span>{mark}</span> {text} <span class="note">{state}</span></li>')
_LIST = Markup('<ul class="todos">{}</ul>')
ONE_LINE = 160
_KINDS = {"+": "add", "-": "del", " ": "same"}
MOST_LINES = 4_000
MOST_ROWS = 200
"""Entries of one input that are drawn."""
MOST_LINES_COMPARED = 200
"""Lines of each side of an edit that are compared; difflib is cubic on hostile text."""


def called(name: str, given: Any, mask: Mask) -> tuple[str, Markup]:
    """Title and body of a tool call. What its own form does not show of the input follows as a table."""
    if not isinstance(given, dict):
        return name, json_view.tree(given).html
    form = _FORMS.get(name)
    drawn = form(given, mask) if form is not None else None
    if drawn is None:
        return name, _pairs(given, mask) if given else _SAID.format("no input")
    body, shown = drawn
    rest = {key: value for key, value in given.items() if key not in shown}
    return name, body + (_pairs(rest, mask) if rest else Markup(""))


_Form = Callable[[dict[str, Any], Mask], tuple[Markup, set[str]] | None]


def _pairs(given: dict[str, Any], mask: Mask) -> Markup:
    rows = [_ROW.format(visible(masked(str(key), mask)), _value(given[key], mask)) for key in islice(given, MOST_ROWS)]
    return _TABLE.format(Markup("").join(rows)) + _left_out(len(given))


def _left_out(rows: int) -> Markup:
    if rows <= MOST_ROWS:
        return Markup("")
    return _SAID.format(f"▲ {figures.plural(rows - MOST_ROWS, 'more entry', 'more entries')}: in the raw download")


def _value(value: Any, mask: Mask) -> Markup:
    if isinstance(value, str):
        text = masked(value, mask)
        return _SHORT.format(visible(text)) if len(text) <= ONE_LINE and "\n" not in text else long_text.shown(text)
    if isinstance(value, (dict, list)) and value:
        drawn = json_view.tree(value, open_depth=1)
        mask.hidden += drawn.masked
        return drawn.html
    return json_view.tree(value).html


def _bash(given: dict[str, Any], mask: Mask) -> tuple[Markup, set[str]] | None:
    command, purpose = given.get("command"), given.get("description")
    if not isinstance(command, str):
        return None
    body = _COMMAND.format(highlighted(masked(command, mask), "bash"))
    if not isinstance(purpose, str):
        return body, {"command"}
    return _SAID.format(visible(masked(purpose, mask))) + body, {"command", "description"}


def _write(given: dict[str, Any], mask: Mask) -> tuple[Markup, set[str]] | None:
    path, content = given.get("file_path"), given.get("content")
    if not isinstance(path, str) or not isinstance(content, str):
        return None
    text = masked(content, mask)
    plain = len(text) > long_text.SHORT or text.count("\n") > long_text.LINES_SHOWN
    body = long_text.shown(text) if plain else _CODE.format(highlighted(text, _language(path)))
    return _pairs({"file_path": path}, mask) + body, {"file_path", "content"}


def _edit(given: dict[str, Any], mask: Mask) -> tuple[Markup, set[str]] | None:
    old, new = given.get("old_string"), given.get("new_string")
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    path = {"file_path": given["file_path"]} if isinstance(given.get("file_path"), str) else {}
    body = (_pairs(path, mask) if path else Markup("")) + _diff(masked(old, mask), masked(new, mask))
    return body, {"old_string", "new_string", *path}


def _diff(old: str, new: str) -> Markup:
    before, after = old.split("\n"), new.split("\n")
    changes = [("replace", 0, len(before), 0, len(after))]
    if max(len(before), len(after)) <= MOST_LINES_COMPARED:
        changes = list(difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes())
    lines: list[tuple[str, str]] = []
    for kind, i, j, k, m in changes:
        lines += [(" " if kind == "equal" else "-", line) for line in before[i:j]]
        lines += [("+", line) for line in after[k:m] if kind != "equal"]
    shown = [_DIFF_LINE.format(kind=_KINDS[sign], sign=sign, text=visible(text)) for sign, text in lines[:MOST_LINES]]
    left = (
        _SAID.format(f"{len(lines) - MOST_LINES} more lines; the raw download has them")
        if len(lines) > MOST_LINES
        else ""
    )
    return _CODE.format(Markup("").join(shown)) + left


def _todos(given: dict[str, Any], mask: Mask) -> tuple[Markup, set[str]] | None:
    todos = given.get("todos")
    if not isinstance(todos, list) or not all(isinstance(todo, dict) and "content" in todo for todo in todos):
        return None
    marks = {"completed": "●", "in_progress": "◌"}
    states = {"completed": "completed", "in_progress": "in_progress", "pending": "pending"}
    items = [
        _TODO.format(
            state=states.get(str(todo.get("status")), "other"),
            mark=marks.get(str(todo.get("status")), "○"),
            text=visible(masked(str(todo["content"]), mask)),
        )
        for todo in todos[:MOST_ROWS]
    ]
    return _LIST.format(Markup("").join(items)) + _left_out(len(todos)), {"todos"}


def _agent(given: dict[str, Any], mask: Mask) -> tuple[Markup, set[str]] | None:
    prompt = given.get("prompt")
    if not isinstance(prompt, str):
        return None
    first: dict[str, Any] = {key: given[key] for key in ("description", "subagent_type") if key in given}
    return _pairs(first, mask) + long_text.shown(masked(prompt, mask)), {"prompt", *first}


def _language(path: str) -> str:
    suffix = PurePosixPath(path).suffix[1:].lower()
    return {"h": "c", "hpp": "cpp", "cc": "cpp", "kt": "kotlin", "cs": "csharp", "htm": "html"}.get(suffix, suffix)


_FORMS: dict[str, _Form] = {
    "Bash": _bash,
    "Write": _write,
    "Edit": _edit,
    "TodoWrite": _todos,
    "Task": _agent,
    "Agent": _agent,
}
