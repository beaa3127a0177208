"""What real clients sent (tests/captures), as it would come off the tape, and what linking knows of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from core import asked, identity
from core.exchange import Inflated, Taped, derive
from core.identity import Facts
from core.ids import uuid7
from core.models import Chunk, End, Head, Outcome, Recording, Start, Timings
from core.redact import credential, keep_headers, keep_target

FOLDER = Path(__file__).parent / "captures"
KEY = b"k" * 32
BEGIN_MS = 1_780_000_000_000
"""2026-05-28 20:26:40 UTC."""
FILES = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
ERROR = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


@dataclass(frozen=True)
class Line:
    """One captured call and where it stands."""

    name: str
    """File and line: ``cc21-text:0``."""
    facts: Facts | None
    """None where it takes no part in linking."""
    running: Facts | None
    """The same before its end was known."""


def story(*files: str, begin_ms: int = BEGIN_MS) -> list[Line]:
    """The calls of files that follow one another, a minute apart."""
    lines = []
    for file in files:
        captures = [orjson.loads(line) for line in (FOLDER / f"{file}.jsonl").read_bytes().splitlines()]
        for number, capture in enumerate(captures):
            at_ms = begin_ms + round(capture["at"] * 1000)
            lines.append(line_of(f"{file}:{number}", capture, at_ms, len(lines)))
        begin_ms = begin_ms + round(captures[-1]["at"] * 1000) + 60_000
    return lines


def line_of(name: str, capture: dict[str, Any], at_ms: int, number: int) -> Line:
    """A captured call, started at a moment; ``number`` orders calls of one millisecond."""
    recording = derive(taped(capture, at_ms, number), Inflated())
    facts = asked.facts(recording, asked.read(recording.request_body))
    return Line(name, facts, running(recording) if facts is not None else None)


def running(recording: Recording) -> Facts | None:
    """What is known of a call from its start and body alone."""
    start, who = recording.start, recording.origin
    client = start.key_id or (recording.account.account_id if recording.account else "")
    return identity.read(start.request_id, start.at_us, recording.request_body, who, client)


def message_of(capture: dict[str, Any]) -> dict[str, Any] | None:
    """The message of a capture's answer."""
    answer, body = capture["answer"], capture["body"]
    if not answer or not answer.get("blocks"):
        return None
    return {
        "id": answer["message_id"],
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": answer["blocks"],
        "stop_reason": answer["stop_reason"],
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }


def taped(capture: dict[str, Any], at_ms: int, number: int) -> Taped:
    """The call as the proxy would have taped it; answers are JSON, status lines come after 3 ms."""
    headers = [tuple(pair) for pair in capture["headers"]]
    kind, mac = credential(headers, KEY) or (None, None)
    message, answer = message_of(capture), capture["answer"]
    request = b"" if capture["body"] is None else orjson.dumps(capture["body"])
    response = ERROR if message is None else orjson.dumps(message)
    start = Start(
        uuid7(at_ms, number.to_bytes(3, "big") + bytes(7)), at_ms * 1000, "boot", capture["method"],
        keep_target(capture["target"], KEY), keep_headers(headers, KEY), "default", None, kind, mac,
    )  # fmt: skip
    return Taped(
        start,
        request,
        Head(answer["status"] if answer else 200, (("content-type", "application/json"),)),
        response,
        (Chunk(len(response), 4_000),),
        End(Outcome.OK, len(request), len(response), len(response), Timings(head_us=3_000, end_us=5_000)),
    )
