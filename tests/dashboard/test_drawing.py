"""What templates do with a value: escaped once, masked, spelled out, wherever in a template it stands."""

import html
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as some
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError
from markupsafe import Markup

from dashboard.pages.drawing import LONGEST_KEPT, draw_with, drawn
from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

PLACES = {
    "plain": "{{ it }}",
    "twice": "{{ it }}{{ it }}",
    "macro": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(it) }}",
    "set": "{% set part %}{{ it }}{% endset %}{{ part }}",
    "loop": "{% for each in [it] %}{{ each }}{% endfor %}",
    "include": '{% include "plain" %}',
    "gathered": '{% set part %}{% include "plain" %}{% endset %}{{ part }}',
    "block": '{% extends "base" %}{% block inner %}{{ it }}{% endblock %}',
    "base": "{% block inner %}{% endblock %}",
    "attribute": '<b title="{{ it }}">',
}


class Odd(StrEnum):
    """A word that is no plain str."""

    WORD = "<b>&"


class Hostile:
    """Something whose words are hostile."""

    def __str__(self) -> str:
        """Not to be trusted."""
        return "<script>"


@pytest.fixture(scope="module")
def environment():
    """Templates as the dashboard has them, one for each place."""
    made = Environment(loader=DictLoader(PLACES), autoescape=True, undefined=StrictUndefined)
    draw_with(made)
    return made


@pytest.mark.parametrize("place", sorted(set(PLACES) - {"base"}))
def test_a_value_is_escaped_exactly_once(environment, place):
    """In a block, a macro, a loop, an include, an attribute; markup stays what it is."""
    template = environment.get_template(place)
    for value, shown in (
        ('<a href="x">&', "&lt;a href=&#34;x&#34;&gt;&amp;"),
        ("<" * (LONGEST_KEPT + 1), "&lt;" * (LONGEST_KEPT + 1)),
        (Odd.WORD, "&lt;b&gt;&amp;"),
        (Hostile(), "&lt;script&gt;"),
        (["<"], "[&#39;&lt;&#39;]"),
        (Markup("<i>&amp;</i>"), "<i>&amp;</i>"),
        (12, "12"),
        (True, "True"),
        (1.5, "1.5"),
    ):
        assert template.render(it=value).count(shown) == (2 if place == "twice" else 1), value
        assert template.render(it=value).replace(shown, "") == ('<b title="">' if place == "attribute" else ""), value


@pytest.mark.parametrize("length", [0, LONGEST_KEPT])
def test_secrets_and_hidden_characters_are_not_drawn(environment, length):
    """In short words, which are kept, and in long ones; each time they are drawn."""
    word = "x" * length + " sk-ant-api03-abcdefghijkl \u202e"
    for _ in range(2):
        shown = environment.get_template("plain").render(it=word)
        assert "abcdefghijkl" not in shown
        assert "\u202e" not in shown
        assert "U+202E" in shown


def test_what_is_not_there_is_an_error(environment):
    """A name that was not given is not drawn as nothing."""
    with pytest.raises(UndefinedError):
        environment.get_template("plain").render()


def test_markup_is_not_taken_for_the_same_words(environment):
    """Equal to a text and hashed alike, but made already: neither is drawn as the other, whichever came first."""
    for value, shown in ((Markup("<u>"), "<u>"), ("<u>", "&lt;u&gt;"), (Markup("<u>"), "<u>")):
        assert environment.get_template("plain").render(it=value) == shown


@given(some.text())
def test_any_text_is_escaped(text):
    """Nothing that begins or ends markup is left, and what a browser makes of it are the text's own words."""
    assert not set("<>\"'") & set(drawn(text))
    assert html.unescape(drawn(text)) == spelled(safe(text))
