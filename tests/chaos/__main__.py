"""The long kill loop: ``python -m tests.chaos [--kills 200] [--seed 1]``. Exit code 0 is a pass."""

import argparse
import asyncio
import sys
import time

from tests.chaos.run import Plan, chaos
from tests.product import data_folder


def main() -> int:
    """Run it, print the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    with data_folder() as data:
        plan = Plan(kills=given.kills, clients=given.clients, seed=given.seed)
        verdict, killed = asyncio.run(chaos(plan, data.parent))
    print(f"{'PASS' if verdict.passed else 'FAIL'} after {dict(killed)} in {time.monotonic() - began:.0f} s: {verdict}")
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
