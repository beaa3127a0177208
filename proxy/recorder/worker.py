"""The process that derives large and encoded calls, under limits: 512 MB of memory, 2 s of CPU for each call.

It reads pickled ``Taped`` from its standard input, each with its length in front, and answers with what it says,
without the bodies the asker has anyway. Whatever goes wrong ends it; the asker starts another.
"""

import pickle
import resource
import signal
import sys
from dataclasses import replace
from struct import Struct
from typing import BinaryIO

from core.exchange import Taped
from proxy.recorder.developed import developed

LENGTH = Struct("<Q")
MEMORY = 512 << 20


def main() -> None:
    """Answer until the asker hangs up."""
    seconds = float(sys.argv[1])
    # A terminal's Ctrl-C reaches the whole group: the asker decides when this ends, by hanging up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while length := source.read(LENGTH.size):
        answer(source, sink, LENGTH.unpack(length)[0], seconds)


def answer(source: BinaryIO, sink: BinaryIO, length: int, seconds: float) -> None:
    """One call. The timer counts this process's CPU, so a busy machine costs no call its derivation."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    taped: Taped = pickle.loads(source.read(length))  # noqa: S301 - from the recorder that started us
    said = developed(taped)
    said = said._replace(recording=replace(said.recording, request_body=b"", response_body=b""))
    pickled = pickle.dumps(said, protocol=pickle.HIGHEST_PROTOCOL)
    signal.setitimer(signal.ITIMER_PROF, 0)
    sink.write(LENGTH.pack(len(pickled)))
    sink.write(pickled)
    sink.flush()


if __name__ == "__main__":
    main()
