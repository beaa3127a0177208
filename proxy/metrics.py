"""The Prometheus text of all workers' counters."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from core.models import Outcome
from core.refusals import Reason
from proxy.counters import CLASSES, HISTOGRAMS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = {
    "head_sync_misses": ("footplate_head_sync_misses", "Response heads that went on before the tape was synced"),
    "client_truncated": ("footplate_client_truncated", "Answers that were cut because the upstream broke off"),
    "request_bytes": ("footplate_request_bytes", "Bytes of request bodies sent upstream"),
    "response_bytes": ("footplate_response_bytes", "Bytes of response bodies received"),
    "tape_lost_frames": ("footplate_tape_lost_frames", "Frames that never reached the tape"),
    "tape_lost_requests": ("footplate_tape_lost_requests", "Requests with frames that never reached the tape"),
    "tape_syncs": ("footplate_tape_syncs", "Syncs of the tape"),
    "tape_sync_seconds": ("footplate_tape_sync_seconds", "Seconds spent in syncs of the tape"),
    "tape_errors": ("footplate_tape_errors", "Failed writes, syncs and creations of tape segments"),
}
_GAUGES = {
    "open_calls": ("footplate_open_calls", "Calls being relayed now"),
    "open_connections": ("footplate_open_connections", "Connections of clients"),
    "loop_lag_seconds": ("footplate_loop_lag_seconds", "Largest delay of the event loop in the last second"),
    "tape_bytes": ("footplate_tape_bytes", "Bytes on the tapes, not yet in Postgres or not yet deleted"),
    "tape_max_bytes": ("footplate_tape_max_bytes", "Bytes the tapes may reach"),
    "tape_buffered_bytes": ("footplate_tape_buffered_bytes", "Bytes of the tape that are not synced yet"),
    "tape_full": ("footplate_tape_full", "Workers whose tape is full"),
}
_HELP = {
    "overhead": "Seconds the proxy itself added before the response head",
    "ttft": "Seconds from accept to the first byte of the response body",
    "duration": "Seconds from accept to the end of a call",
}


class _Totals(Collector):
    def __init__(self, sums: dict[str, float]) -> None:
        self._sums = sums

    def collect(self) -> Iterable[Metric]:
        sums = self._sums
        name = "footplate_relayed_requests"
        yield _labelled(name, "Relayed calls by outcome", "outcome", "outcome", list(Outcome), sums)
        yield _labelled("footplate_responses", "Relayed calls by status class", "class", "class", CLASSES, sums)
        yield _labelled("footplate_refused", "Calls refused by the proxy", "refused", "reason", list(Reason), sums)
        for key, (name, text) in _COUNTERS.items():
            yield CounterMetricFamily(name, text, value=sums[key])
        for key, (name, text) in _GAUGES.items():
            yield GaugeMetricFamily(name, text, value=sums[key])
        for key, bounds in HISTOGRAMS.items():
            yield _histogram(key, bounds, sums)


def _labelled(
    name: str, text: str, prefix: str, label: str, values: Iterable[str], sums: dict[str, float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value in values:
        family.add_metric([value], sums[f"{prefix}:{value}"])
    return family


def _histogram(key: str, bounds: tuple[float, ...], sums: dict[str, float]) -> HistogramMetricFamily:
    buckets, count = [], 0.0
    for place, bound in enumerate((*map(str, bounds), "+Inf")):
        count += sums[f"{key}:{place}"]
        buckets.append((bound, count))
    name = f"footplate_request_{key}_seconds" if key != "ttft" else "footplate_ttft_seconds"
    return HistogramMetricFamily(name, _HELP[key], buckets=buckets, sum_value=sums[f"{key}:sum"])


def render(sums: dict[str, float]) -> bytes:
    """The text of these sums (``proxy.counters.total``)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Totals(sums))
    return generate_latest(registry)
