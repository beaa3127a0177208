"""Source code with token classes: Pygments finds the tokens, we write the markup."""

from time import monotonic

from markupsafe import Markup, escape
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

from dashboard.render.cache import RENDERED
from dashboard.render.hidden import visible

MOST_CHARACTERS = 100_000
# A lexer is regular expressions run on hostile text: only well-trodden ones, chosen by name, never guessed.
SECONDS = 0.25
"""What highlighting one text may take."""
_NAMES = """
bash c cpp csharp css diff docker dockerfile go html java javascript js json jsx kotlin lua make makefile
php py python rb ruby rs rust sh shell sql swift toml ts tsx typescript xml yaml yml zsh
"""
LANGUAGES = frozenset(_NAMES.split())
_ALIASES = {"zsh": "bash", "shell": "bash", "sh": "bash"}
_SPAN = Markup('<span class="t-{}">{}</span>')


def highlighted(source: str, language: str) -> Markup:
    """The source as spans inside ``<code>``; plain where the language is unknown or the text too long."""
    language = language.strip().lower()
    if language not in LANGUAGES or len(source) > MOST_CHARACTERS:
        return visible(source)
    return RENDERED.get(f"code1:{language}", source, lambda: _tokens(source.replace("\r\n", "\n"), language))


def _tokens(source: str, language: str) -> Markup:
    try:
        lexer = get_lexer_by_name(_ALIASES.get(language, language), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return visible(source)
    out, consumed, deadline = [], 0, monotonic() + SECONDS
    for kind, text in lexer.get_tokens(source):
        out.append(_token(kind, text))
        consumed += len(text)
        if monotonic() > deadline:
            # Some lexers are quadratic on noise (30 KB of blank lines cost the C lexer 27 s): the rest stays plain.
            out.append(visible(source[consumed:]))
            break
    return Markup("").join(out)


def _token(kind: _TokenType, text: str) -> Markup:
    while not (name := STANDARD_TYPES.get(kind, "")) and kind.parent is not None:
        kind = kind.parent
    if not name or not text.strip():
        return visible(text)
    return _SPAN.format(escape(name), visible(text))
