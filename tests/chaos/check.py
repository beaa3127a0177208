"""The three-way check: upstream log, client log and database must tell one story."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.clients import Witness
from tests.chaos.upstream import answer


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
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        """Nothing lost, duplicated, or truncated and looking complete."""
        return not (self.lost or self.duplicated or self.false_ends or self.false_rows or self.open_rows)

    def __str__(self) -> str:
        found = {name: getattr(self, name) for name in ("lost", "duplicated", "false_ends", "false_rows", "open_rows")}
        counts = ", ".join(f"{len(ids)} {name}" for name, ids in found.items())
        examples = {name: ids[:3] for name, ids in found.items() if ids}
        told = f"{self.seen} seen upstream, {self.rows} rows, {self.clean} clean ends"
        return f"{told}: {counts} {examples or ''} {dict(self.outcomes)}"


def seen_upstream(log: Path) -> Counter[str]:
    """How often the upstream saw each call."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return Counter(event["id"] for event in events if event["what"] == "seen")


def check(log: Path, witnesses: list[Witness], rows: list[dict[str, Any]]) -> Verdict:
    """Rows: ``chaos_id``, ``outcome``, ``raw`` (response bytes as recorded)."""
    seen = seen_upstream(log)
    by_id: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_id.setdefault(row["chaos_id"], []).append(row)
    verdict = Verdict(seen=len(seen), rows=len(rows))
    verdict.lost = [chaos_id for chaos_id in seen if chaos_id not in by_id]
    verdict.duplicated = [i for i, n in seen.items() if n > 1] + [i for i, found in by_id.items() if len(found) > 1]
    verdict.outcomes = Counter(str(row["outcome"]) for row in rows)
    for witness in witnesses:
        _judge_witness(verdict, witness, by_id.get(witness.chaos_id, []))
    for row in rows:
        _judge_row(verdict, row)
    return verdict


def _judge_witness(verdict: Verdict, witness: Witness, rows: list[dict[str, Any]]) -> None:
    if witness.end != "clean":
        return
    verdict.clean += 1
    whole = b"".join(answer(witness.chaos_id))
    if witness.sha256 != hashlib.sha256(whole).hexdigest():
        verdict.false_ends.append(witness.chaos_id)
    if not rows:
        verdict.lost.append(witness.chaos_id)


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
