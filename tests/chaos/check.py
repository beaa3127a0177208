"""The three-way check: upstream log, client log and database must tell one story."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.clients import Witness
from tests.chaos.stalls import Stalls
from tests.chaos.upstream import answer

FAULTS = ("lost", "duplicated", "false_ends", "false_rows", "open_rows", "forgotten")


@dataclass
class Verdict:
    """What the check found; all lists empty is a pass."""

    seen: int = 0
    rows: int = 0
    clean: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    false_ends: list[str] = field(default_factory=list)
    false_rows: list[str] = field(default_factory=list)
    open_rows: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        """Nothing lost, duplicated, or truncated and looking complete."""
        return not any(getattr(self, name) for name in FAULTS)

    def __str__(self) -> str:
        found = {name: getattr(self, name) for name in FAULTS}
        counts = ", ".join(f"{len(ids)} {name}" for name, ids in found.items())
        examples = {name: ids[:3] for name, ids in found.items() if ids}
        told = f"{self.seen} seen upstream, {self.rows} rows, {self.clean} clean ends"
        return f"{told}: {counts} {examples or ''} {dict(self.outcomes)}"


def seen_upstream(log: Path) -> Counter[str]:
    """How often the upstream saw each call."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return Counter(event["id"] for event in events if event["what"] == "seen")


def check(log: Path, witnesses: list[Witness], rows: list[dict[str, Any]], stalls: Stalls) -> Verdict:
    """Rows: ``chaos_id``, ``outcome``, ``raw`` (response bytes as recorded). ``stalls``: what held writers up."""
    seen = seen_upstream(log)
    by_id: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_id.setdefault(row["chaos_id"], []).append(row)
    verdict = Verdict(seen=len(seen), rows=len(rows))
    verdict.lost = [chaos_id for chaos_id in seen if chaos_id not in by_id]
    verdict.duplicated = [i for i, n in seen.items() if n > 1] + [i for i, found in by_id.items() if len(found) > 1]
    verdict.outcomes = Counter(str(row["outcome"]) for row in rows)
    for witness in witnesses:
        _judge_witness(verdict, witness, by_id.get(witness.chaos_id, []), stalls)
    for row in rows:
        _judge_row(verdict, row)
    return verdict


UNWRITTEN_EVENTS = 3
"""How many of a stream's events a killed proxy may take with it beside those that came while its tape was held up: its
buffer of 5 ms, at up to 20 ms an event, and what the clocks of client and tape do not tell apart."""


def _judge_witness(verdict: Verdict, witness: Witness, rows: list[dict[str, Any]], stalls: Stalls) -> None:
    whole = b"".join(answer(witness.chaos_id))
    if witness.status == 200 and rows and _forgot(witness, rows[0], whole, stalls):
        verdict.forgotten.append(witness.chaos_id)
    if witness.end != "clean":
        return
    verdict.clean += 1
    if witness.sha256 != hashlib.sha256(whole).hexdigest():
        verdict.false_ends.append(witness.chaos_id)
    if not rows:
        verdict.lost.append(witness.chaos_id)


def _forgot(witness: Witness, row: dict[str, Any], whole: bytes, stalls: Stalls) -> bool:
    """Whether the record lacks what the client got, beyond what a killed proxy may lose."""
    crashed = row["outcome"] == "proxy_crash"
    size = witness.size_at(witness.ended_at - stalls.longest(witness.ended_at)) if crashed else witness.size
    got, kept = whole[:size].count(b"\n\n"), (row["raw"] or b"").count(b"\n\n")
    return got - kept > (UNWRITTEN_EVENTS if crashed else 0)


def _judge_row(verdict: Verdict, row: dict[str, Any]) -> None:
    whole = b"".join(answer(row["chaos_id"]))
    raw = row["raw"] or b""
    if row["outcome"] is None:
        verdict.open_rows.append(row["chaos_id"])
    elif row["outcome"] == "ok" and raw != whole:
        verdict.false_rows.append(row["chaos_id"])
    elif row["status_code"] == 200 and not whole.startswith(raw):
        # Whatever was recorded of an answer is its beginning, byte for byte; our own 502 is not an answer of theirs.
        verdict.false_rows.append(row["chaos_id"])
