"""What a day of traffic used and cost, from the upstream's log alone: ``python audit.py log.jsonl`` prints the sums.

It imports nothing of ours and has its own table of prices, written down once more from the published list. Only the
standard library; fractions, so that nothing is ever rounded.
"""

import json
import sys
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

# USD a million tokens on the day of the traffic (November 2026): in, write 5m, write 1h, read, out.
TABLE = """
fable-5-1 mythos-5-1                                      10    12.50  20    0.25  50
fable-5 mythos-5 mythos-preview                           10    12.50  20    1     50
opus-5-5                                                  4     5      8     0.20  20
opus-5 opus-4-8 opus-4-7 opus-4-6 opus-4-5                5     6.25   10    0.50  25
opus-4-1 opus-4 3-opus                                    15    18.75  30    1.50  75
sonnet-5-5                                                2     2.50   4     0.10  10
sonnet-5                                                  2     2.50   4     0.20  10
sonnet-4-6 sonnet-4-5 sonnet-4 3-7-sonnet 3-5-sonnet      3     3.75   6     0.30  15
haiku-4-5                                                 1     1.25   2     0.10  5
3-5-haiku                                                 0.80  1      1.60  0.08  4
3-haiku                                                   0.25  0.30   0.50  0.03  1.25
haiku-5-5-small                                           0.10  0.125  0.20  0.01  0.50
haiku-5-5-large                                           0.50  0.625  1.00  0.05  2.50
"""
OLD = {"opus-4-5", "opus-4-1", "opus-4", "3-opus", "sonnet-4-5", "sonnet-4", "3-7-sonnet", "3-5-sonnet"}
OLD |= {"haiku-4-5", "3-5-haiku", "3-haiku"}
COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")

RATES = {}
for row in TABLE.strip().splitlines():
    *names, a, b, c, d, e = row.split()
    for one in names:
        RATES[one] = [Fraction(rate) for rate in (a, b, c, d, e)]


def short(model):
    """The name in the table, without maker and date."""
    name = model.removeprefix("claude-")
    head, _, tail = name.rpartition("-")
    return head if len(tail) == 8 and tail.isdigit() else name


def price_of(part, model, whole, batch):
    """USD of one piece of work; None where nobody sells that model."""
    name = short(model)
    into, out, written, read = (part.get(n) or 0 for n in ("input_tokens", "output_tokens", *COUNTS[2:]))
    key = name
    if name == "haiku-5-5":
        key += "-small" if into + written + read <= 100_000 else "-large"
    if not model.startswith("claude-") or key not in RATES:
        return None
    rate = RATES[key]
    split = part.get("cache_creation") or {}
    five, hour = split.get("ephemeral_5m_input_tokens") or 0, split.get("ephemeral_1h_input_tokens") or 0
    if five + hour == 0:
        five = 1
    writes = written * (five * rate[1] + hour * rate[2]) / (five + hour)
    usd = (into * rate[0] + writes + read * rate[3] + out * rate[4]) / 1_000_000
    if whole.get("inference_geo") == "us" and name not in OLD:
        usd *= Fraction("1.1")
    if batch:
        return usd / 2
    return usd * 2 if whole.get("speed") == "fast" and name in {"opus-5", "opus-4-8"} else usd


def usd_of(usage, model, batch=False):
    """USD of a message, or None."""
    works = usage.get("iterations") or [dict(usage, type="message")]
    served = any(work["type"] == "fallback_message" for work in works)
    total = Fraction(usage.get("server_tool_use", {}).get("web_search_requests") or 0) / 100
    for place, work in enumerate(works):
        declined = served and place < len(works) - 1 and work["type"] == "message" and work["output_tokens"] == 0
        if not declined:
            usd = price_of(work, work.get("model") or model, usage, batch)
            if usd is None:
                return None
            total += usd
    return total


def said(entry):
    """The usage and model that a stream amounts to; none where it said nothing."""
    usage, model = {}, None
    for event in entry["events"]:
        if event["type"] == "message_start":
            usage, model = dict(event["message"]["usage"]), event["message"]["model"]
        elif event["type"] == "message_delta":
            for name, value in event["usage"].items():
                if isinstance(value, dict):
                    usage[name] = {**usage.get(name, {}), **value}
                elif value is not None:
                    usage[name] = value
    return usage, model


class Book:
    """Sums by model: tokens of each kind, USD, and how many messages have no price."""

    def __init__(self):
        self.models = defaultdict(lambda: [0, 0, 0, 0, 0, 0, 0, 0, Fraction(0)])
        self.unpriced = 0

    def add(self, usage, model, usd):
        """Count a message in."""
        split, tools = usage.get("cache_creation") or {}, usage.get("server_tool_use") or {}
        figures = [usage.get(name) or 0 for name in COUNTS]
        figures += [split.get(f"ephemeral_{age}_input_tokens") or 0 for age in ("5m", "1h")]
        figures += [(usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0]
        figures += [tools.get("web_search_requests") or 0, usd or 0]
        sums = self.models[model]
        for place, figure in enumerate(figures):
            sums[place] += figure


def audit(lines):
    """The book of a whole log."""
    book, fetched = Book(), set()
    for line in lines:
        entry = json.loads(line)
        if "batch" in entry:
            if entry["batch"] not in fetched:
                fetched.add(entry["batch"])
                for result in entry["lines"]:
                    message = result["result"].get("message")
                    if message is not None:
                        usd = usd_of(message["usage"], message["model"], batch=True)
                        book.add(message["usage"], message["model"], usd)
        elif "events" in entry:
            usage, model = said(entry)
            usd = usd_of(usage, model) if usage else None
            book.unpriced += usd is None
            if usage:
                book.add(usage, model, usd)
        elif entry["body"].get("type") == "message":
            message = entry["body"]
            usd = usd_of(message["usage"], message["model"])
            book.unpriced += usd is None
            book.add(message["usage"], message["model"], usd)
    return book


if __name__ == "__main__":
    found = audit(Path(sys.argv[1]).read_text().splitlines())
    usd = {model: f"{float(sums[8]):.9f}" for model, sums in sorted(found.models.items())}
    tokens = {model: sums[:8] for model, sums in sorted(found.models.items())}
    print(json.dumps({"tokens": tokens, "usd": usd, "unpriced": found.unpriced}, indent=1))
