"""``/metrics``: Prometheus text, read from the roll-ups at each scrape, so that every process says the same.

No label names a conversation, session or request.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.access import Permission
from core.windows.reading import FIVE_HOURS, Source
from dashboard.routing import Call, Query, route
from dashboard.trains import visible_trains
from dashboard.windows import reading
from dashboard.windows.reading import Now
from dashboard.windows.said import live
from sql.errors import DatabaseAwayError
from sql.rows.statistics import DeadLetterCountRow, TapeRow, TotalsRow

KINDS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Readings(Collector):
    """What one scrape found, as metric families."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


@route("GET", "/metrics", permission=Permission.READ_METRICS, kind="text")
async def show_metrics(call: Call[Query]) -> web.Response:
    """Prometheus text: requests, tokens, latency, dead letters, how far the recorder is behind.

    While the database is away only `footplate_database_up 0` is there.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Readings(await _families(call)))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _families(call: Call[Query]) -> list[Metric]:
    up = GaugeMetricFamily("footplate_database_up", "1 while the dashboard reaches the database")
    try:
        trains = await visible_trains(call.database, call.principal)
        totals = await call.database.fetch("totals_by_train", TotalsRow, sorted(trains))
        tapes = await call.database.fetch("tapes", TapeRow)
        letters = await call.database.fetch_one("dead_letter_count", DeadLetterCountRow)
        now = datetime.now(UTC)
        accounts = await reading.all_accounts(call.database, call.principal, now)
    except DatabaseAwayError:
        up.add_metric([], 0)
        return [up]
    up.add_metric([], 1)
    put_aside = GaugeMetricFamily("footplate_dead_letters", "Calls the database could not take, put aside")
    put_aside.add_metric([], letters.dead_letters if letters is not None else 0)
    return [up, *_usage(totals, trains), *_tapes(tapes), put_aside, _windows(accounts, now)]


def _windows(accounts: Sequence[Now], now: datetime) -> Metric:
    """Windows that run, each as its source says it; an inferred one only where a limit was ever seen."""
    used = GaugeMetricFamily(
        "footplate_window_utilization",
        "Share of an account's usage window that is used up, by who says so",
        labels=["account", "window", "source"],
    )
    for one in accounts:
        for (window, source), row in one.said.items():
            if row.utilization is not None and live(row, now):
                used.add_metric([one.account.account_id, window, source], row.utilization)
        if one.estimate.utilization is not None:
            used.add_metric([one.account.account_id, FIVE_HOURS, Source.INFERRED], one.estimate.utilization)
    return used


def _usage(totals: Sequence[TotalsRow], trains: Mapping[int, str]) -> list[Metric]:
    labels = ["train", "model", "request_type"]
    requests = CounterMetricFamily(
        "footplate_requests", "Recorded calls that ended, by how", labels=[*labels, "outcome"]
    )
    tokens = CounterMetricFamily(
        "footplate_tokens", "Tokens as the API reported them", labels=["train", "model", "kind"]
    )
    seconds = CounterMetricFamily(
        "footplate_ok_response_seconds", "Response time of calls that ended ok", labels=labels
    )
    by_kind: dict[tuple[str, str, str], int] = {}
    for row in totals:
        own = [trains[row.train], row.model, row.request_type]
        failed = row.requests - row.ok - row.cancelled - row.rejected
        counts = {"ok": row.ok, "cancelled": row.cancelled, "rejected": row.rejected, "failed": failed}
        for outcome, count in counts.items():
            requests.add_metric([*own, outcome], count)
        for kind in KINDS:
            key = (own[0], own[1], kind)
            by_kind[key] = by_kind.get(key, 0) + getattr(row, kind)
        seconds.add_metric(own, row.ok_duration_us / 1e6)
    for key, count in by_kind.items():
        tokens.add_metric([*key[:2], key[2].removesuffix("_tokens")], count)
    return [requests, tokens, seconds]


def _tapes(tapes: Sequence[TapeRow]) -> list[Metric]:
    size = GaugeMetricFamily("footplate_recorder_lag_bytes", "Tape not yet in the database", labels=["node"])
    age = GaugeMetricFamily(
        "footplate_recorder_lag_seconds", "Age of the oldest call not yet recorded", labels=["node"]
    )
    silent = GaugeMetricFamily(
        "footplate_recorder_silent_seconds", "Since the recorder of this tape was last heard of", labels=["node"]
    )
    for tape in tapes:
        size.add_metric([tape.node], tape.lag_bytes)
        age.add_metric([tape.node], tape.lag_seconds)
        silent.add_metric([tape.node], tape.silent_seconds)
    return [size, age, silent]
