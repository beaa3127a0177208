"""``python -m proxy [--slot N]`` relays; ``python -m proxy record [--once]`` writes the tapes into Postgres.

``python -m proxy rebuild [--train NAME] [--since TIME]`` derives usage, cost and conversations again from what is
stored; ``python -m proxy reprice [--train NAME] [--since TIME] [--until TIME] [--dry-run]`` only prices again.
"""

import argparse
import ctypes
import errno
import gc
import sys
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

import uvloop

from core.errors import AlreadyRunningError, BadSettingError
from core.settings import Settings
from proxy import settings as environment
from sql.errors import DatabaseError

EXIT_FAILURE, EXIT_RUNNING, EXIT_BAD_SETTING = 1, 75, 78
RELAYING, RECORDING = 50_000, 400_000
"""Values that may be made before garbage is looked for. A batch of a recorder holds 100,000 that are none, and they
were looked at again and again: a seventh of its CPU."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a role until it ends; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = environment.load()
        _tune(RELAYING if options.role is None else RECORDING)
        uvloop.run(_role(settings, options))
    except BadSettingError as exc:
        return _say(str(exc), EXIT_BAD_SETTING)
    except AlreadyRunningError as exc:
        return _say(str(exc), EXIT_RUNNING)
    except DatabaseError as exc:
        return _say(f"database: {exc}", EXIT_FAILURE)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        return _say(f"port {settings.proxy_port} on {settings.bind} is in use", EXIT_FAILURE)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proxy", description="Relay calls and tape them.")
    parser.add_argument("--slot", type=int, default=0, help="number of this worker, from 0")
    roles = parser.add_subparsers(dest="role")
    record = roles.add_parser("record", help="write the tapes into Postgres")
    record.add_argument("--once", action="store_true", help="stop when the tapes are drained")
    rebuild = roles.add_parser("rebuild", help="derive conversations again from stored bytes")
    rebuild.add_argument("--train", help="only this train")
    rebuild.add_argument("--since", type=datetime.fromisoformat, help="only requests from this time on")
    reprice = roles.add_parser("reprice", help="price recorded requests again")
    reprice.add_argument("--train", help="only this train")
    reprice.add_argument("--since", type=datetime.fromisoformat, help="only requests from this time on")
    reprice.add_argument("--until", type=datetime.fromisoformat, help="only requests before this time")
    reprice.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
    return parser


def _role(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, None]:
    if options.role == "record":
        from proxy.recorder import run  # noqa: PLC0415 - the relay has no use for it

        return run(settings, once=options.once)
    if options.role == "rebuild":
        from proxy.recorder import rebuild  # noqa: PLC0415 - the relay has no use for it

        return rebuild.run(settings, train=options.train, since=options.since)
    if options.role == "reprice":
        from proxy.recorder import reprice  # noqa: PLC0415 - the relay has no use for it

        period = reprice.Period(options.since, options.until)
        return reprice.run(settings, train=options.train, period=period, dry_run=options.dry_run)
    from proxy.worker import serve  # noqa: PLC0415 - the recorder has no use for it

    return serve(settings, options.slot)


def _tune(values: int) -> None:
    """Measured in performance.md: buffers from 128 KB on would be mapped and faulted in anew for each request."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return
    mallopt(_M_MMAP_THRESHOLD, 32 << 20)
    mallopt(_M_TRIM_THRESHOLD, 256 << 20)
    gc.collect()
    gc.freeze()
    gc.set_threshold(values, 20, 50)


def _say(line: str, code: int) -> int:
    sys.stderr.write(line + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
