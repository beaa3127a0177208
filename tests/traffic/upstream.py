"""The API's side of a day: answers of all models, streamed or not, cut off, with fallbacks, batches and errors.

Everything that was sent goes into a log, one JSON object a line: what the API knows, and nothing of what we make of it.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MODELS = (
    "claude-fable-5-1", "claude-mythos-5-1", "claude-fable-5", "claude-mythos-preview", "claude-opus-5-5",
    "claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-5-20251101",
    "claude-opus-4-1-20250805", "claude-opus-4-20250514", "claude-3-opus-20240229", "claude-sonnet-5-5",
    "claude-sonnet-5", "claude-sonnet-4-6", "claude-sonnet-4-5-20250929", "claude-sonnet-4-20250514",
    "claude-3-7-sonnet-20250219", "claude-3-5-sonnet-20241022", "claude-haiku-5-5", "claude-haiku-4-5-20251001",
    "claude-3-5-haiku-20241022", "claude-3-haiku-20240307", "claude-opus-9", "gpt-4",
)  # fmt: skip
KINDS = (
    ("stream", 50), ("body", 20), ("cut", 10), ("fallback", 5), ("compaction", 3), ("advisor", 3), ("error", 4),
    ("count", 3), ("batch", 1), ("again", 1),
)  # fmt: skip

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as the API saw it. ``sent`` is what crossed the wire; ``whole`` whether all of it did."""

    method: str
    target: str
    status: int
    content_type: str
    sent: bytes
    whole: bool
    log: Json


@dataclass(slots=True)
class Api:
    """Invents answers; the same ones for the same seed."""

    dice: random.Random
    batches: list[Exchange] = field(default_factory=list)

    def exchanges(self, number: int) -> Iterator[Exchange]:
        """So many calls."""
        kinds, weights = zip(*KINDS, strict=True)
        for kind in self.dice.choices(kinds, weights, k=number):
            yield getattr(self, f"_{kind}")()

    def _usage(self) -> Json:
        """Usage as a message begins with."""
        dice = self.dice
        short, long = (dice.choice((0, 0, dice.randrange(60_000))) for _ in range(2))
        usage: Json = {
            "input_tokens": dice.choice((dice.randrange(300), dice.randrange(150_000))),
            "cache_creation_input_tokens": short + long,
            "cache_read_input_tokens": dice.choice((0, dice.randrange(180_000))),
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
            "output_tokens": 1,
            "service_tier": "standard",
        }
        if dice.random() < 0.3:
            usage["inference_geo"] = dice.choice(("us", "global", "not_available"))
        if dice.random() < 0.1:
            usage["speed"] = dice.choice(("fast", "standard"))
        return usage

    def _later(self, start: Json) -> list[Json]:
        """Usage of the deltas: cumulative, with nulls, growing cache writes and server tools."""
        dice, output = self.dice, 1
        deltas: list[Json] = []
        for _ in range(dice.choice((1, 1, 2, 3))):
            output += dice.randrange(4000)
            delta: Json = {"output_tokens": output}
            if dice.random() < 0.4:
                delta["input_tokens"] = dice.choice((None, start["input_tokens"]))
            if dice.random() < 0.1:
                delta["cache_creation_input_tokens"] = start["cache_creation_input_tokens"] + 60 * dice.randrange(50)
            if dice.random() < 0.3:
                delta["output_tokens_details"] = {"thinking_tokens": output // 2}
            if dice.random() < 0.2:
                delta["server_tool_use"] = {"web_search_requests": dice.randrange(4), "web_fetch_requests": 1}
            deltas.append(delta)
        return deltas

    def _message(self, model: str, usage: Json) -> Json:
        content = [{"type": "text", "text": "well"}]
        message = {"id": f"msg_{self.dice.getrandbits(48):x}", "type": "message", "role": "assistant", "model": model}
        return message | {"content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}

    def _streamed(self, model: str, start: Json, deltas: list[Json], cut: int | None = None) -> Exchange:
        first = self._message(model, start) | {"content": [], "stop_reason": None}
        events: list[Json] = [{"type": "message_start", "message": first}]
        events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        events.append({"type": "content_block_stop", "index": 0})
        events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": each} for each in deltas]
        events.append({"type": "message_stop"})
        kept = events if cut is None else events[:cut]
        sent = b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in kept)
        log = {"events": kept, "whole": cut is None}
        return self._exchange(sent, log, content_type="text/event-stream", whole=cut is None)

    def _exchange(self, sent: bytes, log: Json, **changes: Any) -> Exchange:
        fields: Json = {
            "method": "POST", "target": "/v1/messages?beta=true", "status": 200, "content_type": "application/json",
            "sent": sent, "whole": True,
        }  # fmt: skip
        fields |= changes
        return Exchange(**fields, log={"method": fields["method"], "target": fields["target"], **log})

    def _stream(self) -> Exchange:
        start = self._usage()
        return self._streamed(self.dice.choice(MODELS), start, self._later(start))

    def _cut(self) -> Exchange:
        start = self._usage()
        deltas = self._later(start)
        return self._streamed(self.dice.choice(MODELS), start, deltas, cut=self.dice.randrange(0, 4 + len(deltas)))

    def _body(self, model: str | None = None, **more: Any) -> Exchange:
        usage = self._usage() | {"output_tokens": self.dice.randrange(9000)} | more
        message = self._message(model or self.dice.choice(MODELS), usage)
        return self._exchange(json.dumps(message).encode(), {"body": message})

    def _work(self, kind: str, output: int, model: str | None) -> Json:
        usage = {name: value for name, value in self._usage().items() if not isinstance(value, str)}
        return usage | {"type": kind, "output_tokens": output} | ({"model": model} if model else {})

    def _with(self, model: str, iterations: list[Json]) -> Exchange:
        return self._body(model, iterations=iterations)

    def _fallback(self) -> Exchange:
        first, second = self.dice.sample(MODELS[:-2], 2)
        declined = self._work("message", self.dice.choice((0, 0, 7)), first)
        return self._with(second, [declined, self._work("fallback_message", 300, second)])

    def _compaction(self) -> Exchange:
        model = self.dice.choice(MODELS[:-2])
        return self._with(model, [self._work("compaction", 900, None), self._work("message", 40, model)])

    def _advisor(self) -> Exchange:
        model, advisor = self.dice.sample(MODELS, 2)
        works = [self._work("message", 1, model), self._work("advisor_message", 50, advisor)]
        return self._with(model, [*works, self._work("message", 2, model)])

    def _error(self) -> Exchange:
        body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return self._exchange(json.dumps(body).encode(), {"body": body}, status=529)

    def _count(self) -> Exchange:
        body = {"input_tokens": self.dice.randrange(9000)}
        return self._exchange(json.dumps(body).encode(), {"body": body}, target="/v1/messages/count_tokens")

    def _batch(self) -> Exchange:
        """The results of a new batch, whole."""
        lines: list[Json] = []
        for n in range(self.dice.randrange(1, 8)):
            message = self._body().log["body"]
            message["usage"]["service_tier"] = "batch"
            lines.append({"custom_id": f"{n}", "result": {"type": "succeeded", "message": message}})
        lines.append({"custom_id": "x", "result": {"type": "errored", "error": {"type": "invalid_request"}}})
        name = f"msgbatch_{self.dice.getrandbits(48):x}"
        sent = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        target = f"/v1/messages/batches/{name}/results"
        log = {"batch": name, "lines": lines}
        made = self._exchange(sent, log, method="GET", target=target, content_type="application/x-jsonl")
        self.batches.append(made)
        return made

    def _again(self) -> Exchange:
        """Results that somebody has fetched before."""
        return self.dice.choice(self.batches) if self.batches else self._batch()
