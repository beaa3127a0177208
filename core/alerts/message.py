"""Slack's payload of an alert: plain dicts, within Block Kit's limits, without secrets.

Two forms. A bot gets blocks only. A webhook gets the title as a block and the rest as an attachment below it: only
attachments have a colour, and what else takes incoming webhooks (Mattermost, Rocket.Chat) knows attachments and no
blocks, for which ``text`` says the title. Its address does not tell which of them it is, so there is one form for all.

Recorded text can neither mention anybody nor become a link: ``& < >`` are escaped, Slack is told to leave names and
addresses alone (``verbatim``, ``parse``, ``link_names``), and what was said word for word is plain text, not Markdown.
The page is named by a link, not by a button: one that no app answers for shows a warning when it is pressed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from urllib.parse import quote

from core.alerts.kinds import KINDS, Kind, Tone
from core.alerts.told import MOST_FIELDS, MOST_LINES, Told
from core.alerts.wording import escaped, harmless, line

HEADER: Final = 150
SECTION: Final = 3_000
FIELD: Final = 2_000
FALLBACK: Final = 1_000
LABEL: Final = 200
LINE: Final = 1_500
LINES: Final = 8_000
"""Of all lines together: Slack refuses a message that is too long as a whole, and does not say where that begins."""
URL: Final = 2_000

COLOURS: Final[Mapping[Tone, str]] = {
    Tone.GOOD: "good",
    Tone.INFO: "#0550ae",
    Tone.WARNING: "warning",
    Tone.DANGER: "danger",
}
MARKS: Final[Mapping[Tone, str]] = {Tone.GOOD: "🟢", Tone.INFO: "🔵", Tone.WARNING: "🟠", Tone.DANGER: "🔴"}

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of an alert, and what surrounds it: when it was raised, the zone of times, where pages are."""

    kind: Kind
    tone: Tone
    told: Told
    at: datetime
    dashboard: str
    """The address of the dashboard, without a path."""
    zone: tzinfo = UTC

    @property
    def title(self) -> str:
        """What happened, in one line; never empty."""
        return line(harmless(self.told.title)) or KINDS[self.kind].title

    @property
    def url(self) -> str:
        """The exact page."""
        path = self.told.path if self.told.path.startswith("/") else "/"
        safe = quote(harmless(path), safe="/?&=%:,;@!$'()*+~#[]", errors="replace")
        return f"{self.dashboard.rstrip('/')}/{safe.lstrip('/')}"[:URL]

    @property
    def footer(self) -> str:
        """Who says it, of what kind it is, and when, with the zone."""
        at = self.at.astimezone(self.zone)
        return f"Footplate · {KINDS[self.kind].title} · {at:%Y-%m-%d %H:%M:%S} {at:%Z}"


def for_bot(telling: Telling) -> Payload:
    """What ``chat.postMessage`` gets, without the channel."""
    return {
        **_surely(telling),
        "blocks": [
            _header(telling),
            *_section(telling.told.cause),
            *_figures(telling.told),
            *[block for said in _lines(telling.told) for block in _section(said)],
            {"type": "divider"},
            _markdown("context", "elements", f"<{telling.url}|{_label(telling)}>", _footer(telling)),
        ],
        "parse": "none",
        "link_names": False,
    }


def for_webhook(telling: Telling) -> Payload:
    """What an incoming webhook gets."""
    paragraphs = [telling.told.cause, *_lines(telling.told)]
    attachment = {
        "color": COLOURS[telling.tone],
        "fallback": _fallback(telling),
        "title": _label(telling),
        "title_link": telling.url,
        "text": escaped(harmless("\n".join(filter(None, paragraphs))), SECTION),
        "fields": [
            {"title": escaped(name, LABEL), "value": escaped(value, FIELD), "short": len(value) <= 40}
            for name, value in _pairs(telling.told)
        ],
        "footer": _footer(telling),
        "ts": int(telling.at.timestamp()),
        "mrkdwn_in": [],
    }
    return {**_surely(telling), "blocks": [_header(telling)], "attachments": [attachment]}


def _surely(telling: Telling) -> Payload:
    return {"text": _fallback(telling), "unfurl_links": False, "unfurl_media": False}


def _fallback(telling: Telling) -> str:
    return escaped(f"{MARKS[telling.tone]} {telling.title}", FALLBACK)


def _header(telling: Telling) -> Payload:
    return {"type": "header", "text": _plain(f"{MARKS[telling.tone]} {telling.title}", HEADER)}


def _plain(text: str, limit: int) -> Payload:
    return {"type": "plain_text", "text": escaped(text, limit), "emoji": True}


def _section(text: str) -> list[Payload]:
    """A paragraph as it was said; nothing where nothing was."""
    shown = harmless(text).strip()
    return [{"type": "section", "text": _plain(shown, SECTION)}] if shown else []


def _figures(told: Told) -> list[Payload]:
    texts = [f"*{escaped(name, LABEL)}*\n{escaped(value, FIELD - LABEL - 3)}" for name, value in _pairs(told)]
    return [_markdown("section", "fields", *texts)] if texts else []


def _markdown(kind: str, where: str, *texts: str) -> Payload:
    return {"type": kind, where: [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts]}


def _pairs(told: Told) -> list[tuple[str, str]]:
    """The figures, as many as Slack takes; how many were left out is said."""
    pairs = [(line(harmless(name)) or "–", harmless(value).strip() or "–") for name, value in told.fields]
    left = len(pairs) - MOST_FIELDS
    return pairs if left <= 0 else [*pairs[: MOST_FIELDS - 1], ("…", f"{left + 1} more on the page")]


def _lines(told: Told) -> list[str]:
    """The paragraphs, as many as there is room for; how many were left out is said."""
    said = [text if len(text) <= LINE else text[:LINE] + "…" for text in map(harmless, told.lines) if text.strip()]
    kept: list[str] = []
    room = LINES
    for text in said[:MOST_LINES]:
        room -= len(text)
        if room < 0:
            break
        kept.append(text)
    left = len(said) - len(kept)
    return [*kept, f"… and {left} more on the page"] if left else kept


def _label(telling: Telling) -> str:
    # A bar would end the address it is the label of.
    shown = line(harmless(telling.told.page)).replace("|", "/")
    return escaped(shown or "Open the page", LABEL)


def _footer(telling: Telling) -> str:
    return escaped(telling.footer, LABEL)
