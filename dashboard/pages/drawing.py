"""What every expression of a template goes through: no text that was recorded is drawn past this.

Secrets are masked, hidden characters spelled out and everything escaped that is no markup yet. Jinja would call its own
escaping around that for each expression; a long table has ten thousand, so here one function does all of it.
"""

from functools import lru_cache
from typing import Any

from jinja2 import Environment
from jinja2.compiler import CodeGenerator
from markupsafe import Markup, escape

from dashboard.render.hidden import spelled
from dashboard.render.secrets import safe

LONGEST_KEPT, WORDS_KEPT = 200, 8192
"""A long table says the same few hundred words again and again: so many short ones are looked through once."""


class OneCall(CodeGenerator):
    """Puts nothing around an expression but ``drawn``, as Jinja's native templates put nothing but theirs."""

    def _output_child_pre(self, _node: Any, _frame: Any, finalize: Any) -> None:
        self.write(finalize.src)

    def _output_child_post(self, _node: Any, _frame: Any, _finalize: Any) -> None:
        self.write(")")


def draw_with(environment: Environment) -> None:
    """Let the templates of this environment, none of which may be compiled yet, be drawn so."""
    environment.finalize = drawn
    environment.code_generator_class = OneCall


def drawn(value: Any) -> str:
    """A value as it stands in a page. Markup was made of safe words already (``visible``, the renderers)."""
    if type(value) is str:
        return _word(value) if len(value) <= LONGEST_KEPT else _text(value)
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return _text(value)
    return str(value) if type(value) is int else escape(value)


def _text(text: str) -> str:
    return str(escape(spelled(safe(text))))


_word = lru_cache(WORDS_KEPT)(_text)
