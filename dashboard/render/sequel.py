"""What came after a call ended as it did: a repetition, the tool's result, or nothing yet."""

from dataclasses import dataclass
from datetime import datetime

from dashboard.recordings.place import Place
from dashboard.render import figures, headline
from sql.rows.conversations import LinkRow
from sql.rows.requests import RequestDetailRow


@dataclass(frozen=True, slots=True)
class Sequel:
    """Half a sentence, the request it is about, the end of the sentence. Without a request ``words`` is all of it."""

    words: str
    request: LinkRow | None = None
    after: str = ""


def sequel(row: RequestDetailRow, place: Place | None) -> Sequel | None:
    """What followed; None where there is nothing to say."""
    if place is None or row.outcome is None:
        return None
    if place.later:
        again = place.later[0]
        ended = headline.status(again.outcome).word
        return Sequel(f"It was repeated {_apart(row.ended_at, again.started_at)} as", again, f"({ended}).")
    if row.outcome == "ok":
        return _result(row, place) if row.stop_reason == "tool_use" else None
    return Sequel("No attempt after it is recorded.")


def _result(row: RequestDetailRow, place: Place) -> Sequel:
    child = next((child for child in place.children if child.is_subtask == row.is_subtask), None)
    if child is None:
        return Sequel("Waiting on the tool: no request has brought its result yet.")
    return Sequel(f"The tool's result came {_apart(row.ended_at, child.started_at)} with", child, ".")


def _apart(before: datetime | None, after: datetime) -> str:
    if before is None or after < before:
        return "later"
    return f"{figures.duration(int((after - before).total_seconds() * 1e6))} later"
