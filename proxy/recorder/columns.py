"""One table of (column, type, getter): what a row of ``requests`` is written from.

``sql/queries/record_rows.sql`` takes one array per column in this order; a test renders the statement from this table
and finds the file equal, so SQL and Python cannot drift.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from core.chain import IDENTITY_VERSION
from core.identity import Facts
from core.launches import invocations
from core.linking.link import Link
from core.models import DERIVER_VERSION, Headers, Origin, Recording, Start
from core.preview import preview
from core.pricing import Bill, Cost
from core.reply import reply_of
from core.valueclass import valueclass
from proxy.recorder.readable import jsonb, moment, text
from sql.arrays import trimmed

LARGEST = {"smallint": (1 << 15) - 1, "integer": (1 << 31) - 1, "bigint": (1 << 63) - 1}
TOKENS = 10**12
"""More tokens than any call can have: a figure above is noise, and sums of many must fit a bigint."""
NAME = 256
"""Texts that are names or indexed: a B-tree entry holds at most 2704 bytes, and a longer one would poison the row."""
PROSE = 16_384


@valueclass(frozen=True, slots=True)
class Row:
    """One call as it is to be written. Without a recording it is in flight."""

    id: UUID
    """The id it is filed under: the proxy's, unless that lies outside the installation's time."""
    original_id: UUID | None
    node: str
    account: int | None
    start: Start
    recording: Recording | None
    origin: Origin
    facts: Facts | None = None
    """What linking knows of it; None where it takes no part."""
    link: Link | None = None
    """Its place in the forest."""
    bill: Bill = None
    """What it cost."""
    batch_id: str | None = None
    """The batch whose results are counted here."""


@valueclass(frozen=True, slots=True)
class Column:
    """One column: its Postgres type, where its value comes from, and the most it may be (length or number)."""

    name: str
    type: str
    value: Callable[[Any], Any]
    most: int | None = None

    part: str | None = None
    """The part of the row that its value comes from; where that is None, so is the value."""

    def fitted(self, row: Row) -> Any:
        """The value as asyncpg takes it; what the type has no room for is None, as unknown."""
        return self.all_fitted([row if self.part is None else getattr(row, self.part)])[0]

    def all_fitted(self, parts: Sequence[Any], *, lacking: bool = True) -> list[Any]:
        """The values of that part of many rows, of which some may lack it."""
        value, fit, most = self.value, _FITS.get(self.type), self.most or LARGEST.get(self.type, NAME)
        found = [None if part is None else value(part) for part in parts] if lacking else list(map(value, parts))
        if fit is None or (None in found[:1] and found.count(None) == len(found)):
            return found  # many columns have no value in any row of a batch
        return fit(found, most)


def _fit_texts(found: list[Any], most: int) -> list[str | None]:
    # Nearly every text is of ASCII and short: it is looked at here, in C, not by a call of its own.
    return [
        one
        if type(one) is str and len(one) <= most and one.isascii() and "\x00" not in one
        else text(one, most)
        if isinstance(one, str)
        else None
        for one in found
    ]


def _fit_numbers(found: list[Any], most: int) -> list[int | None]:
    return [one if isinstance(one, int) and 0 <= one <= most else None for one in found]


def _fit_jsonb(found: list[Any], _most: int) -> list[str | None]:
    return [None if one is None else jsonb(one) for one in found]


_FITS: Mapping[str, Callable[[list[Any], int], list[Any]]] = {
    "text": _fit_texts,
    "jsonb": _fit_jsonb,
    **dict.fromkeys(LARGEST, _fit_numbers),
}


def _request_headers(row: Row) -> Headers:
    """Trailers behind them and marked, so that neither a reader nor a rebuild takes one for a header."""
    headers, recording = row.start.headers, row.recording
    if recording is None or not recording.end.trailers:
        return headers
    return headers + tuple([(f"{name} (trailer)", value) for name, value in recording.end.trailers])


def _done(name: str, kind: str, value: Callable[[Recording], Any], most: int | None = None) -> Column:
    """A column known only when the call has ended."""
    return Column(name, kind, value, most, "recording")


def _origin(name: str, kind: str = "text") -> Column:
    """Who sent it: of a call in flight as far as the headers say."""
    return Column(name, kind, attrgetter(name), part="origin")


def _linked(name: str, kind: str, value: Callable[[Link], Any]) -> Column:
    """A column of a call that has its place in the forest."""
    return Column(name, kind, value, part="link")


def _known(name: str, kind: str, value: Callable[[Facts], Any]) -> Column:
    """A column of a call that takes part in conversations."""
    return Column(name, kind, value, part="facts")


def _cost(name: str, kind: str, value: Callable[[Cost], Any]) -> Column:
    """A column of a call that has a price."""
    return Column(name, kind, lambda row: value(row.bill) if isinstance(row.bill, Cost) else None)


def _invocations(row: Row) -> list[dict[str, Any]] | None:
    if row.recording is None or row.facts is None or not row.facts.call.launches:
        return None
    return invocations(reply_of(row.recording).blocks())


def _tokens(name: str) -> Column:
    return _done(name, "bigint", attrgetter(f"usage.{name}"), TOKENS)


def _path(row: Row) -> str:
    return row.start.target.partition("?")[0]


def _query(row: Row) -> str | None:
    return row.start.target.partition("?")[2] or None


def _timings(r: Recording) -> dict[str, Any]:
    t = r.end.timings
    return {
        "connected_us": t.connected_us,
        "request_sent_us": t.request_sent_us,
        "head_us": t.head_us,
        "first_byte_us": t.first_byte_us,
        "last_byte_us": t.last_byte_us,
        "end_us": t.end_us,
        "tape_wait_us": t.tape_wait_us,
        "connection_reused": t.connection_reused,
    }


COLUMNS: tuple[Column, ...] = (
    Column("id", "uuid", attrgetter("id")),
    Column("original_id", "uuid", attrgetter("original_id")),
    Column("node", "text", attrgetter("node")),
    Column("account", "integer", attrgetter("account")),
    Column("key_id", "text", attrgetter("start.key_id")),
    Column("method", "text", attrgetter("start.method")),
    Column("path", "text", _path, PROSE),
    Column("query", "text", _query, PROSE),
    _done("request_type", "text", attrgetter("request_type")),
    _done("model", "text", attrgetter("model")),
    _done("answered_model", "text", attrgetter("answered_model")),
    _done("stream", "boolean", attrgetter("stream")),
    _origin("client"),
    _origin("client_version"),
    _origin("session_id"),
    _origin("agent_id"),
    _origin("parent_agent_id"),
    _origin("retry_count", "integer"),
    _done("outcome", "text", attrgetter("outcome")),
    _done("status_code", "smallint", lambda r: None if r.head is None else r.head.status),
    _done("error_type", "text", attrgetter("error_type")),
    _done("error_message", "text", attrgetter("error_message"), PROSE),
    _done("parse_error", "text", attrgetter("parse_error"), PROSE),
    _done("note", "text", attrgetter("end.note"), PROSE),
    _done("upstream_request_id", "text", attrgetter("upstream_request_id")),
    _done("message_id", "text", attrgetter("message_id")),
    _done("stop_reason", "text", attrgetter("stop_reason")),
    _tokens("input_tokens"),
    _tokens("output_tokens"),
    _tokens("cache_creation_input_tokens"),
    _tokens("cache_read_input_tokens"),
    _tokens("ephemeral_5m_input_tokens"),
    _tokens("ephemeral_1h_input_tokens"),
    _tokens("thinking_tokens"),
    _tokens("web_search_requests"),
    _tokens("web_fetch_requests"),
    _tokens("code_execution_requests"),
    _done("service_tier", "text", attrgetter("usage.service_tier")),
    _done("inference_geo", "text", attrgetter("usage.inference_geo")),
    _done("speed", "text", attrgetter("usage.speed")),
    _done("usage", "jsonb", attrgetter("usage.raw")),
    _done("usage_complete", "boolean", attrgetter("usage.complete")),
    _cost("cost_usd", "numeric", attrgetter("usd")),
    _cost("price_id", "text", attrgetter("price_id")),
    _cost("cost_estimated", "boolean", attrgetter("estimated")),
    Column("cost_reason", "text", lambda row: None if row.bill is None else row.bill.reason),
    Column("batch_id", "text", attrgetter("batch_id")),
    Column("started_at", "timestamptz", lambda row: moment(row.start.at_us)),
    _done("ended_at", "timestamptz", lambda r: moment(r.start.at_us + max(r.end.timings.end_us, 0))),
    _done("ttft_us", "bigint", attrgetter("ttft_us")),
    _done("duration_us", "bigint", lambda r: max(r.duration_us, 0)),
    _done("timings", "jsonb", _timings),
    _done("request_bytes", "bigint", attrgetter("end.request_bytes")),
    _done("response_bytes", "bigint", attrgetter("end.response_bytes")),
    _done("delivered_bytes", "bigint", attrgetter("end.delivered_bytes")),
    _done("request_sha256", "bytea", attrgetter("request_sha256")),
    _done("response_sha256", "bytea", attrgetter("response_sha256")),
    Column("request_headers", "jsonb", _request_headers),
    _done("response_headers", "jsonb", lambda r: None if r.head is None else r.head.headers),
    _done("event_count", "integer", attrgetter("event_count")),
    Column("lost_frames", "integer", lambda row: 0 if row.recording is None else row.recording.end.lost_frames),
    _linked("conversation_id", "uuid", attrgetter("conversation_id")),
    _linked("branch_id", "text", attrgetter("branch_id")),
    _linked("parent_request_id", "uuid", attrgetter("parent_request_id")),
    _linked("link_method", "text", attrgetter("link_method")),
    _known("current_message_hash", "text", lambda facts: facts.call.state.hex()),
    _linked("parent_message_hash", "text", attrgetter("parent_message_hash")),
    Column("is_subtask", "boolean", lambda row: row.link is not None and row.link.is_subtask),
    _linked("parent_task_request_id", "uuid", attrgetter("parent_task_request_id")),
    Column("task_tool_invocation", "jsonb", _invocations),
    _linked("attempt_of", "uuid", attrgetter("attempt_of")),
    _known("side_call", "text", lambda facts: facts.call.side_call),
    _known("identity_version", "integer", lambda _: IDENTITY_VERSION),
    _known("item_count", "integer", lambda facts: len(facts.items)),
    _known("preview", "text", lambda facts: preview(facts.items)),
    Column("deriver_version", "integer", lambda _: DERIVER_VERSION),
)


def arrays(rows: Sequence[Row]) -> list[list[Any]]:
    """One list per column, in the order of ``COLUMNS``, to be unnested side by side."""
    parts: dict[str | None, Sequence[Any]] = {None: rows}
    parts |= {name: [getattr(row, name) for row in rows] for name in ("recording", "origin", "facts", "link")}
    lacking = {name: any(one is None for one in of) for name, of in parts.items()}
    return [trimmed(one.all_fitted(parts[one.part], lacking=lacking[one.part])) for one in COLUMNS]


def of_rows(column: Column, rows: Sequence[Row]) -> list[Any]:
    """One column's values."""
    return column.all_fitted(rows if column.part is None else [getattr(row, column.part) for row in rows])
