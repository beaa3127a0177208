"""The benchmark: ``python -m tests.bench [--quick] [--rounds N] [--seconds S] [--only NAME] [--no-write]``.

Starts everything, runs the cases interleaved (each round takes every contestant once), prints ratios and appends them
to RESULTS.md. Figures are CPU µs of the relaying processes; the machine's noise stands beside them.
"""

import argparse
import asyncio
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import recording
from tests.bench.cases import CASES, MEMORY, Case, Sample, take
from tests.bench.contestants import Contestant, contestants
from tests.bench.report import Results, append, table


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round: does it work at all?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", action="append", default=[], help="names of cases, e.g. '2 KB'")
    parser.add_argument("--without", action="append", default=[], help="leave a contestant out, e.g. nginx")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md alone")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.seconds = 1, 2.0
    if shutil.which("taskset") is None:
        parser.error("taskset is missing: install util-linux")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="footplate-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        results, recorded = asyncio.run(measure(Path(folder), given))
    text = "\n".join([table(results), *(recorded.lines() if recorded else [])])
    print(text)
    if not given.no_write:
        append(text, sys.argv[1:])
    return 0


async def measure(folder: Path, given: argparse.Namespace) -> tuple[Results, recording.Recording | None]:
    """All samples, by case and contestant, in the order they were taken."""
    results: Results = {}
    recorded: recording.Recording | None = None
    async with contestants(folder, given.without) as entered:
        for number in range(given.rounds):
            for case in (case for case in CASES if not given.only or case.name in given.only):
                for contestant in _in_turn(entered, number):
                    await _sample(case, contestant, given.seconds, results)
        for case in (case for case in MEMORY if not given.only or case.name in given.only):
            for contestant in entered:
                await _sample(case, contestant, case.seconds, results)
        for contestant in entered:
            if contestant.recorders and not given.only:
                recorded = await recording.measure(contestant)
    return results, recorded


def _in_turn(entered: list[Contestant], number: int) -> list[Contestant]:
    """The order turns with each round: nobody always comes after the one who leaves caches warm."""
    shift = number % len(entered)
    return entered[shift:] + entered[:shift]


async def _sample(case: Case, contestant: Contestant, seconds: float, results: Results) -> None:
    if contestant.name == "direct" and not case.direct:
        return
    sample: Sample = await take(case, contestant, seconds)
    results.setdefault(case.name, {}).setdefault(contestant.name, []).append(sample)
    print(f"{case.name:>24} {contestant.name:<10} {sample}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
