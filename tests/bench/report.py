"""From samples to the table of ratios."""

import datetime as dt
import os
import shlex
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bench.cases import CASES, MEMORY, Case, Sample, figure
from tests.product import ROOT

RESULTS = Path(__file__).with_name("RESULTS.md")
Results = dict[str, dict[str, list[Sample]]]
UNITS = {"cpu_us_req": "CPU µs a request", "cpu_us_ev": "CPU µs an event", "faults_req": "page faults a request"}


def table(results: Results) -> str:
    """The whole report in Markdown."""
    lines = ["| case | figure | naive | nginx | footplate | × naive | × nginx |", "|---|---|--:|--:|--:|--:|--:|"]
    for case in CASES:
        for name in case.figures if case.name in results else ():
            lines += [
                _compared(case, name, results) if not case.direct or name in UNITS else _added(case, name, results)
            ]
    lines += [line for case in MEMORY if case.name in results for line in _memory(case, results)]
    lines += ["", *_recorder(results), *_noise(results), *_errors(results)]
    return "\n".join(lines)


def append(text: str, arguments: list[str], *, module: str = "tests.bench") -> None:
    """Write the report down with date, commit and command."""
    if not RESULTS.exists():
        RESULTS.write_text(
            "# Results of the benchmark\n\nThe newest last. Absolute times do not travel; "
            "ratios are medians of pairs in one run.\n"
        )
    command = shlex.join(["python", "-m", module, *arguments])
    date = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    with RESULTS.open("a") as file:
        file.write(f"\n## {date} · {_commit()} · `{command}` · {os.cpu_count()} cores\n\n{text}\n")


def _compared(case: Case, name: str, results: Results) -> str:
    samples = results[case.name]
    cells = [_number(_median(samples.get(who, []), name)) for who in ("naive", "nginx", "footplate")]
    ratios = [_number(_ratio(samples, who, name)) for who in ("naive", "nginx")]
    return f"| {case.name} | {UNITS.get(name, name)} | {' | '.join(cells)} | {' | '.join(ratios)} |"


def _added(case: Case, name: str, results: Results) -> str:
    """A delay as what was added to the API alone, in the same round."""
    samples = results[case.name]
    cells = []
    for who in ("naive", "nginx", "footplate"):
        pairs = [
            (figure(a, name), figure(b, name)) for a, b in zip(samples.get(who, []), samples["direct"], strict=False)
        ]
        added = [a - b for a, b in pairs if a is not None and b is not None]
        cells.append(_number(statistics.median(added) if added else None, digits=3))
    what = name.replace("ttfb_ms", "first byte, ms added").replace("ev_lat_ms", "event, ms added")
    return f"| {case.name} | {what} | {' | '.join(cells)} | | |"


def _memory(case: Case, results: Results) -> Iterator[str]:
    samples = results[case.name]
    levels = {who: samples[who][-1]["levels"] for who in ("naive", "nginx", "footplate") if who in samples}
    cells = [_number(levels[who]["1000"][0] if who in levels else None) for who in ("naive", "nginx", "footplate")]
    yield f"| {case.name} | RSS, MiB | {' | '.join(cells)} | | |"
    each = [
        _number((levels[who]["1000"][0] - levels[who]["0"][0]) * 1.024 if who in levels else None)
        for who in ("naive", "nginx", "footplate")
    ]
    yield f"| {case.name} | KiB a stream | {' | '.join(each)} | | |"


def _recorder(results: Results) -> Iterator[str]:
    for case in CASES:
        samples = results.get(case.name, {}).get("footplate", [])
        costs = [sample["recorder_s"] / _requests(sample) * 1e6 for sample in samples if _requests(sample)]
        if costs:
            behind = max(sample["recorder_behind_s"] for sample in samples)
            yield (
                f"- Recorder and Postgres, {case.name}: {statistics.median(costs):.0f} CPU µs a request; "
                f"idle again {behind:.1f} s after the load at the latest."
            )


def _requests(sample: Sample) -> int:
    """Requests of a sample, warm-up included: the recorder records those too."""
    return int(sample.get("issued") or sample.get("req") or 0)


def _noise(results: Results) -> Iterator[str]:
    foreign = [
        sample["foreign_util"]
        for case in results.values()
        for of in case.values()
        for sample in of
        if "foreign_util" in sample
    ]
    steal = [sample["steal"] for case in results.values() for of in case.values() for sample in of if "steal" in sample]
    if foreign:
        yield (
            f"- Noise: CPU used by others (recorder, Postgres, kernel) {statistics.median(foreign):.2f} cores, "
            f"at most {max(foreign):.2f}; stolen at most {max(steal):.2f}."
        )


def _errors(results: Results) -> Iterator[str]:
    for case, by in results.items():
        for who, samples in by.items():
            errors = [sample["errors"] for sample in samples if sample.get("errors")]
            if errors:
                yield f"- **Errors** in {case}, {who}: {errors}"


def _ratio(samples: dict[str, list[Sample]], other: str, name: str) -> float | None:
    pairs = [
        (figure(a, name), figure(b, name))
        for a, b in zip(samples.get("footplate", []), samples.get(other, []), strict=False)
    ]
    ratios = [a / b for a, b in pairs if a is not None and b]
    return statistics.median(ratios) if ratios else None


def _median(samples: list[Sample], name: str) -> float | None:
    values = [value for sample in samples if (value := figure(sample, name)) is not None]
    return statistics.median(values) if values else None


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    dirty = "+" if git("status", "--porcelain", "--untracked-files=no") else ""
    return git("rev-parse", "--short", "HEAD") + dirty
