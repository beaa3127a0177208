"""Recorded text on a page: escaped, formatted, highlighted, folded; nothing hides, nothing loads, nothing runs."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from dashboard.render import code, figures, long_text, markdown
from dashboard.render.ansi import coloured
from dashboard.render.cache import RenderCache
from dashboard.render.hidden import sendable, spelled, visible
from dashboard.render.secrets import Mask, masked

HIDDEN = ["\u202e", "\u200b", "\u2066", "\ufeff", "\x00", "\x1b", "\x7f", "\u00ad", "\U000e0041", "\ud800", "\r"]
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![i](https://evil.example/t.png)",
    "![i][r]\n\n[r]: https://evil.example/t.png",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[x](vbscript:x)",
    '<https://a.b/"onmouseover=alert(1)//>',
    '[x](https://a.b "\\" onmouseover=alert(1) x=\\"")',
    '```"><script>alert(1)</script>\nx\n```',
    "```html\n<script>alert(1)</script>\n```",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<svg/onload=alert(1)>",
    "`<b onclick=alert(1)>`",
    "&lt;script&gt; &#60;script&#62;",
    "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
]
ALLOWED_ATTRIBUTES = {"href", "rel", "class", "title", "start", "open"}


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        """Collect."""
        self.found.append((tag, dict(attrs)))


def tags_of(html):
    """Tags and attributes of some markup."""
    parser = Tags()
    parser.feed(str(html))
    return parser.found


@pytest.mark.parametrize("character", HIDDEN)
def test_what_hides_becomes_a_chip(character):
    """A hidden character never reaches the page; its code point does."""
    shown = visible(f"a{character}b")
    assert character not in shown
    assert f"U+{ord(character):04X}" in shown


@pytest.mark.parametrize("around", ["line\n\ttabbed {} \nline", "{}", "\u00e9 {}"])
def test_of_all_ascii_controls_only_tab_and_newline_are_not_chips(around):
    """In one line and in many, in plain text and other: each other control is shown and never sent."""
    for character in map(chr, [*range(0x20), 0x7F]):
        kept = character in "\t\n"
        assert (f"U+{ord(character):04X}" not in visible(around.format(character))) is kept
        assert (character in spelled(around.format(character))) is kept


def test_a_run_of_hidden_characters_is_one_chip_with_its_length():
    """Ten thousand zero-width spaces do not make ten thousand chips."""
    shown = visible("x" + "\u200b" * 10_000)
    assert shown.count("<span") == 1
    assert "×10000" in shown


def test_emoji_keep_their_joiners():
    """A family of emoji is not hidden text."""
    assert visible("👨‍👩‍👧") == "👨‍👩‍👧"


@given(st.text())
def test_visible_text_is_escaped_and_can_be_sent(text):
    """No tag but the chips' own comes out of any text, and UTF-8 takes it."""
    shown = visible(text)
    assert {tag for tag, _ in tags_of(shown)} <= {"span"}
    shown.encode()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_comes_out_harmless(text):
    """No script, no image, no event attribute, no address but http(s) and mailto survives."""
    html = markdown.formatted(text)
    assert html is not None
    for tag, attributes in tags_of(html):
        assert tag in markdown.TAGS
        assert set(attributes) <= ALLOWED_ATTRIBUTES
        if "href" in attributes:
            assert re.match(r"(https?|mailto):", attributes["href"])
            assert {"noopener", "noreferrer", "nofollow"} <= set(attributes["rel"].split())


@settings(max_examples=150)
@given(st.text(alphabet="<>[]()!`*_#-|&\"'= \nab:/x\u202e~1."))
def test_any_markdown_stays_within_the_allowed_tags(text):
    """Whatever the parser makes of noise, only allowed tags and attributes leave."""
    html = markdown.formatted(text)
    for tag, attributes in tags_of(html or ""):
        assert tag in markdown.TAGS
        assert set(attributes) <= ALLOWED_ATTRIBUTES


def test_a_remote_image_is_a_link_that_says_so():
    """The picture is named, not loaded."""
    html = markdown.formatted("![chart](https://evil.example/track.png)")
    assert "<img" not in html
    assert "remote image not loaded: chart" in html
    assert "evil.example" in html


@pytest.mark.parametrize("text", [">" * 60 + " deep", "- " * 60 + "deep", "x" * (markdown.MOST_CHARACTERS + 1)])
def test_what_markdown_would_drop_is_not_formatted(text):
    """Below its nesting limit the parser drops text; then, and for huge text, the page shows plain text."""
    assert markdown.formatted(text) is None


def test_definitions_do_not_vanish():
    """A link definition is text like any other."""
    assert "secret" in markdown.formatted("before\n\n[a]: https://a.b/secret\n\nafter")


def test_code_is_highlighted_with_classes_only():
    """Token classes, no style attribute, and the text is whole."""
    html = code.highlighted("def f(x):\n    return '<b>'\n", "python")
    assert 'class="t-k"' in html
    assert "style=" not in html
    assert html.striptags().split() == ["def", "f(x):", "return", "'<b>'"]


@pytest.mark.parametrize("language", ["", "nolang", "text", "PYTHON ", "../x"])
def test_an_unknown_language_is_plain(language):
    """No lexer is guessed; the text is there all the same."""
    assert "x &lt; y" in code.highlighted("x < y", language) or "&lt;" in code.highlighted("x < y", language)


def test_code_over_the_limit_is_plain():
    """100 KB is highlighted, more is not."""
    assert "<span" not in code.highlighted("a = 1\n" * 20_000, "python")


def test_terminal_colours_become_classes():
    """Colours and styles show as such; other escapes stay visible; no text is lost."""
    shown = coloured("\x1b[1;31mred\x1b[0m <b> \x1b[38;5;200mpink\x1b[39m \x1b[2Jgone \x1b[32mgreen")
    assert '<span class="a-bold a-fg-red">red</span>' in shown
    assert '<span class="a-fg-green">green</span>' in shown
    assert "&lt;b&gt; pink" in shown
    assert "U+001B" in shown


@given(st.text(alphabet="\x1b[0123456789;mK<a"))
def test_any_terminal_output_is_escaped(text):
    """Noise makes spans and chips, nothing else."""
    assert {tag for tag, _ in tags_of(coloured(text))} <= {"span"}


@pytest.mark.parametrize("lines", [1, 40, 41, 500])
def test_long_text_loses_no_line(lines):
    """Head, folded middle and tail together are the text; the fold says how many lines it holds."""
    text = "\n".join(f"line {n}" for n in range(lines))
    shown = long_text.shown(text)
    assert re.findall(r"line (\d+)", shown) == [str(n) for n in range(lines)]
    assert ("more" in shown) == (lines > long_text.LINES_SHOWN)


def test_a_cut_says_how_much_is_missing():
    """Text beyond the limit is counted and pointed to, never dropped silently."""
    shown = long_text.shown("x" * 250_000)
    assert "200\u202f000 of 250\u202f000 characters" in shown
    assert "raw download" in shown


def test_secrets_are_masked_and_counted():
    """The page shows kind and length of a secret, not the secret."""
    mask = Mask()
    secret = "sk-ant-api03-" + "A1b2" * 20
    shown = masked(f"key {secret} end", mask)
    assert secret not in shown
    assert shown.startswith("key ⟦sk-ant-…")
    assert shown.endswith(" end")
    assert mask.hidden == 1


def test_lone_surrogates_can_be_sent():
    """What UTF-8 cannot say is replaced, so that the page can be sent."""
    assert sendable("a\ud800b").encode() == "a\ufffdb".encode()


def test_the_cache_stays_within_its_bound():
    """The oldest renderings go; a rendering is made once while it is kept."""
    cache, made = RenderCache(most_bytes=1000), []

    def make():
        made.append(1)
        return Markup("x") * 100

    for number in range(30):
        cache.get("r", str(number), make)
    assert cache.held_bytes <= 1000
    cache.get("r", "29", make)
    assert len(made) == 30
    cache.get("r", "0", make)
    assert len(made) == 31


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [(None, "–"), (0, "0 µs"), (1500, "1.5 ms"), (350_000, "350 ms"), (8_412_000, "8.41 s"), (61_000_000, "1 m 01 s")],
)
def test_durations_in_words(microseconds, words):
    """An unknown is a dash, never 0."""
    assert figures.duration(microseconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(None, "–"), (0, "0"), (9999, "9\u202f999"), (12_345, "12.3\u202fk"), (2_500_000, "2.5\u202fM")],
)
def test_counts_in_words(number, words):
    """Short from ten thousand on; an unknown is a dash."""
    assert figures.compact(number) == words


def test_a_slow_lexer_is_stopped_and_loses_nothing():
    """Noise on which a lexer is quadratic costs a moment; what it did not reach is there as plain text."""
    source = " \n" * 15_000 + "end of it"
    html = code.highlighted(source, "c")
    assert html.unescape().endswith("end of it")
    assert html.count("\n") == 15_000
