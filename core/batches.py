"""The results of message batches, one JSON object a line: many messages of perhaps several models in one request.

They are ``{"custom_id": …, "result": {"type": "succeeded", "message": {…}}}``; of the other types (``errored``,
``canceled``, ``expired``) nothing was sold.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any, Final

import orjson

from core import usage
from core.labels import label
from core.models import BatchMessage, BatchResults, Usage
from core.pricing import BATCH

_RESULTS: Final = re.compile(r"/v1/messages/batches/([^/?]+)/results/?(?:\?.*)?")
SUCCEEDED: Final = "succeeded"
COUNTS: Final = tuple(field.name for field in fields(Usage) if field.name.endswith(("_tokens", "_requests")))
"""The fields of a usage that are counts."""


def batch_of(method: str, target: str, status: int | None) -> str | None:
    """The batch whose results a call fetched; None where it fetched none."""
    found = _RESULTS.fullmatch(target) if method == "GET" and status == 200 else None
    return None if found is None else label(found[1])


def read(batch_id: str, body: bytes, *, kept: bool) -> BatchResults:
    """The results in a body. ``kept`` says whether all of it is there. Never raises."""
    messages: list[BatchMessage] = []
    counts: Counter[str] = Counter()
    unread = 0
    for result in _results(body):
        kind = label(result.get("type")) if result is not None else None
        if result is None or kind is None:
            unread += 1
            continue
        counts[kind] += 1
        message = result.get("message")
        if kind == SUCCEEDED and isinstance(message, dict):
            # The file tells the tier of each message; that a batch is half the price does not depend on it.
            used = replace(usage.read(message.get("usage"), complete=True), service_tier=BATCH)
            messages.append(BatchMessage(label(message.get("model")), used))
    return BatchResults(batch_id, tuple(messages), tuple(sorted(counts.items())), kept and not unread)


def _results(body: bytes) -> Iterator[dict[str, Any] | None]:
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            entry = None
        result = entry.get("result") if isinstance(entry, dict) else None
        yield result if isinstance(result, dict) else None


def model(results: BatchResults) -> str | None:
    """The model that answered all messages; None where there were several, or none."""
    models = {message.model for message in results.messages}
    return models.pop() if len(models) == 1 else None


def total(results: BatchResults) -> Usage:
    """The usage of all messages; ``raw`` is ours: how many results there were, and the sums for each model."""
    if not results.counts:
        return Usage()
    if not results.messages:
        return Usage(complete=results.whole, raw=_raw(results))
    sums = add_up(message.usage for message in results.messages)
    return Usage(**sums, service_tier=BATCH, complete=results.whole, raw=_raw(results))  # type: ignore[arg-type] # counts


def add_up(usages: Iterable[Usage]) -> dict[str, int | None]:
    """The sums of usages; None where none of them tells a count."""
    sums: dict[str, int | None] = dict.fromkeys(COUNTS)
    for one in usages:
        for name in COUNTS:
            count = getattr(one, name)
            if count is not None:
                sums[name] = (sums[name] or 0) + count
    return sums


def by_model(results: BatchResults) -> dict[str, list[BatchMessage]]:
    """The messages of each model, by name; the empty text stands for none."""
    found: dict[str, list[BatchMessage]] = {}
    for message in results.messages:
        found.setdefault(message.model or "", []).append(message)
    return dict(sorted(found.items()))


def _raw(results: BatchResults) -> dict[str, Any]:
    models = {
        name: {"messages": len(of)} | {key: n for key, n in add_up(one.usage for one in of).items() if n is not None}
        for name, of in by_model(results).items()
    }
    return {"batch": {"id": results.batch_id, "results": dict(results.counts), "models": models}}
