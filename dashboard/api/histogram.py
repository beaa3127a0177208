"""``/api/requests/histogram``: how long the requests of a list took. Before ``/api/requests/{id}`` in its order."""

from core.access import Permission
from dashboard.recordings.answers import Bucket, HistogramAnswer
from dashboard.recordings.latency import EDGES_MS, Latency, latency_of
from dashboard.recordings.query import RequestsQuery
from dashboard.routing import Call, route


@route(
    "GET",
    "/api/requests/histogram",
    permission=Permission.READ_REQUESTS,
    query=RequestsQuery,
    returns=HistogramAnswer,
    errors=(400, 503),
)
async def requests_histogram(call: Call[RequestsQuery]) -> HistogramAnswer:
    """How long the newest requests of a list took, with its filters; at most 10,000 of them.

    `sampled` says that there may be older ones; no statistics are estimated from them.
    """
    return histogram_answer(await latency_of(call.database, call.principal, call.query))


def histogram_answer(latency: Latency) -> HistogramAnswer:
    """The figures as the API gives them."""
    edges = [*EDGES_MS[1:], None]
    buckets = zip(EDGES_MS, edges, latency.counts, strict=True)
    return HistogramAnswer(
        requests=len(latency.durations),
        sampled=latency.sampled,
        p50_ms=_ms(latency.percentile(50)),
        p95_ms=_ms(latency.percentile(95)),
        p99_ms=_ms(latency.percentile(99)),
        buckets=[Bucket(from_ms=low, to_ms=high, requests=count) for low, high, count in buckets],
    )


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
