"""Any JSON as a foldable tree: also duplicate keys, 5,000-digit numbers and NaN, which come back as they were written.

The tree is bounded: by depth, by nodes, by the size of each string. Each bound says what it left out.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from core.redact import find_secrets
from dashboard.render import figures
from dashboard.render.hidden import visible
from dashboard.render.secrets import Mask, masked

MOST_NODES = 6_000
MOST_BYTES = 8 << 20
DEEPEST = 60
LONG_STRING = 600
OPEN_STRING = 240
BIGGEST_STRING = 100_000
PEEKED = 48
TELLING = ("type", "role", "name")

# In lines of 60 or more, or in one; possessive, so that no text makes it slow.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{60,}+[\r\n]*+)++[A-Za-z0-9+/_-]*+={0,2}\s*+")
_KEY = Markup('<span class="j-key">{}</span><span class="j-mark">: </span>')
_LEAF = Markup('<div class="j-row">{}{}</div>')
_STRING = Markup('<span class="j-str">"{}"</span>')
_TOKEN = Markup('<span class="j-num">{}</span>')
_LONG = Markup(
    '<details class="j-long"><summary>{}<span class="j-str">"{}…"</span> '
    '<span class="j-note">{} · show</span></summary>'
    '<pre class="text">{}</pre>{}</details>'
)
_NOTE = Markup('<span class="j-note">{}</span>')
_BRANCH = Markup('<details class="j-branch"{}><summary>{}<span class="j-mark">{}</span> {} {}</summary>{}</details>')
_PEEK = Markup('<span class="j-peek">{}</span>')
_EMPTY = Markup('<div class="j-row">{}<span class="j-mark">{}</span></div>')


class Number(str):
    """A JSON number or constant exactly as it was written."""

    __slots__ = ()


class Octets(str):
    """The data of a base64 source: named by its size, however short."""

    __slots__ = ()


class Pairs(tuple[tuple[str, Any], ...]):
    """A JSON object with its keys in order, duplicates included."""

    __slots__ = ()


@dataclass(slots=True)
class _Budget:
    nodes: int = MOST_NODES
    left_out: int = 0
    mask: Mask = field(default_factory=Mask)


@dataclass(frozen=True, slots=True)
class Tree:
    """A rendered tree; ``left_out`` values are not in it; ``masked`` secrets are hidden in it."""

    html: Markup
    left_out: int
    masked: int


def parsed(body: bytes) -> Any:
    """What the bytes say, nothing rounded, merged or dropped. ValueError (with a reason) when they are not JSON."""
    if len(body) > MOST_BYTES:
        raise ValueError(f"{figures.size(len(body))} is more than is drawn as a tree ({figures.size(MOST_BYTES)})")
    return _loaded(body, Pairs)


def _loaded(body: bytes, container: type[dict[str, Any]] | type[Pairs]) -> Any:
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            parse_int=Number,
            parse_float=Number,
            parse_constant=Number,
            object_pairs_hook=container,
        )
    except UnicodeDecodeError as exc:
        raise ValueError(f"byte {exc.start} is not UTF-8") from exc
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc
    except json.JSONDecodeError as exc:
        raise ValueError(f"{exc.msg.lower()} at character {figures.count(exc.pos)}") from exc


def plain(body: bytes) -> Any:
    """The same as dicts and lists, for those who look something up; of a key that occurs twice the last one counts.

    ValueError (with a reason) when the bytes are not JSON. Numbers stay as they were written.
    """
    return _loaded(body, dict)


def tree(value: Any, *, open_depth: int = 2) -> Tree:
    """The value as nested ``<details>``; the first ``open_depth`` levels are open."""
    budget = _Budget()
    html = _node(value, Markup(""), open_depth, 0, budget)
    return Tree(html, budget.left_out, budget.mask.hidden)


def _node(value: Any, key: Markup, open_depth: int, depth: int, budget: _Budget) -> Markup:
    budget.nodes -= 1
    if isinstance(value, dict):
        value = Pairs(value.items())
    if isinstance(value, (Pairs, list)):
        return _container(value, key, open_depth, depth, budget)
    if isinstance(value, str) and not isinstance(value, Number):
        return _string(value, key, budget)
    return _LEAF.format(key, _TOKEN.format(visible(_literal(value))))


def _literal(value: Any) -> str:
    if isinstance(value, Number):
        return str(value) if len(value) <= LONG_STRING else f"{value[:OPEN_STRING]}… ({len(value)} digits)"
    return json.dumps(value)


def _container(value: Pairs | list[Any], key: Markup, open_depth: int, depth: int, budget: _Budget) -> Markup:
    marks = "{}" if isinstance(value, Pairs) else "[]"
    if not value:
        return _EMPTY.format(key, marks)
    noun = "key" if isinstance(value, Pairs) else "item"
    note = _NOTE.format(figures.plural(len(value), noun))
    if depth >= DEEPEST:
        budget.left_out += len(value)
        return _LEAF.format(key, note + _NOTE.format(" · nested too deeply to draw"))
    children: list[Markup] = []
    for position, entry in enumerate(value):
        if budget.nodes <= 0:
            budget.left_out += len(value) - position
            children.append(_LEAF.format("", _NOTE.format(f"… {figures.count(len(value) - position)} more not drawn")))
            break
        named = isinstance(value, Pairs)
        label, item = (visible(masked(entry[0], budget.mask)), entry[1]) if named else (str(position), entry)
        if label == "data" and isinstance(value, Pairs) and _holds_base64(value):
            item = Octets(item)
        children.append(_node(item, _KEY.format(label), open_depth, depth + 1, budget))
    opened = Markup(" open") if depth < open_depth else Markup("")
    return _BRANCH.format(opened, key, marks, note, _peek(value), Markup("").join(children))


def _holds_base64(value: Pairs) -> bool:
    return ("type", "base64") in value and all(isinstance(item, str) for name, item in value if name == "data")


def _peek(value: Pairs | list[Any]) -> Markup:
    """What an object is likely about, beside its closed branch: its short texts."""
    if not isinstance(value, Pairs):
        return Markup("")
    short = {
        name: item
        for name, item in value[:12]
        if isinstance(item, str) and len(name) + len(item) <= PEEKED and not find_secrets(item)
    }
    telling = [name for name in TELLING if name in short] + [name for name in short if name not in TELLING]
    return _PEEK.format(visible("· " + ", ".join(short[name] for name in telling[:2]))) if telling else Markup("")


def _string(value: str, key: Markup, budget: _Budget) -> Markup:
    if isinstance(value, Octets) or (len(value) > 1024 and _BASE64.fullmatch(value)):
        return _LEAF.format(key, _NOTE.format(f"base64, {figures.size(len(value))}: in the raw download only"))
    text = masked(value, budget.mask)
    if len(text) <= LONG_STRING:
        return _LEAF.format(key, _STRING.format(visible(json.dumps(text, ensure_ascii=False)[1:-1])))
    size = figures.size(len(text.encode("utf-8", "surrogatepass")))
    cut = Markup("")
    if len(text) > BIGGEST_STRING:
        cut = _NOTE.format(f"the first {figures.count(BIGGEST_STRING)} of {figures.count(len(text))} characters")
    head = json.dumps(text[:OPEN_STRING], ensure_ascii=False)[1:-1]
    return _LONG.format(key, visible(head), size, visible(text[:BIGGEST_STRING]), cut)
