"""Markdown for people, from hostile text: raw HTML off, images never loaded, then sanitised.

This is the one audited place where markup made by a library is trusted (``_sanitised``); a test counts the places.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from dashboard.render.cache import RENDERED
from dashboard.render.code import highlighted
from dashboard.render.hidden import sendable, visible

MOST_CHARACTERS = 200_000
DEEPEST = 19
"""One under the parser's own nesting limit."""
_TAGS = "a blockquote br code del em h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul"
TAGS = frozenset(_TAGS.split())
ATTRIBUTES = {"*": set[str](), "a": {"href", "class"}, "span": {"class", "title"}, "ol": {"start"}, "pre": {"class"}}
SCHEMES = {"http", "https", "mailto"}
_REMOTE = Markup('<a class="remote-image" href="{href}">▧ remote image not loaded: {alt} <span>{host}</span></a>')
_FENCE = Markup('{}<pre class="code"><code>{}</code></pre>\n')
_LABEL = Markup('<span class="code-label">{}</span>')
_INLINE = Markup("<code>{}</code>")


def formatted(text: str) -> Markup | None:
    """The text as sanitised HTML; None when it cannot be formatted without loss (show it as it is, and say so)."""
    if len(text) > MOST_CHARACTERS:
        return None
    return RENDERED.get("markdown1", text, lambda: _format(sendable(text))) or None


def _format(text: str) -> Markup:
    environment: dict[str, Any] = {}
    tokens = _PARSER.parse(text, environment)
    # Below its nesting limit the parser drops what it finds without a word; we would rather show plain text.
    if any(token.level >= DEEPEST for token in tokens):
        return Markup("")
    return _sanitised(_PARSER.renderer.render(tokens, _PARSER.options, environment))


def _sanitised(html: str) -> Markup:
    clean = nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        generic_attribute_prefixes=set(),
    )
    # The audited place: escaped by markdown-it, rebuilt by nh3 from an allow-list of tags and attributes.
    return Markup(clean)  # noqa: S704


def _text(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return visible(tokens[index].content)


def _code_inline(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return _INLINE.format(visible(tokens[index].content))


def _code_block(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    info = tokens[index].info.strip()
    label = _LABEL.format(visible(info)) if info else Markup("")
    return _FENCE.format(label, highlighted(tokens[index].content, info.split(maxsplit=1)[0] if info else ""))


def _image(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    href = str(tokens[index].attrs.get("src", ""))
    return _REMOTE.format(href=href, alt=visible(tokens[index].content or "no description"), host=_host(href))


def _host(href: str) -> str:
    try:
        return urlsplit(href).hostname or ""
    except ValueError:
        return ""


def _heading(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    # The page has its own h1 and h2: recorded headings begin at h3, so that the outline stays the page's.
    level = min(6, int(tokens[index].tag[1]) + 2)
    return Markup("</h{}>\n").format(level) if tokens[index].nesting < 0 else Markup("<h{}>").format(level)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    # A definition ([name]: address) would vanish from the page.
    parser.disable("reference")
    rules = {
        "text": _text,
        "code_inline": _code_inline,
        "code_block": _code_block,
        "fence": _code_block,
        "image": _image,
        "heading_open": _heading,
        "heading_close": _heading,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


_PARSER = _parser()
