"""The gate ends when it is told to, and leaves nothing running."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.product import ROOT

MAKEFILE = f"""
install check:
\t@:
test postgres-15:
\tTHROUGH_A_SHELL=1 {sys.executable} -m pytest -q -p tests.conftest -p no:cacheprovider suite.py
"""
SUITE = """
import subprocess
import pytest

@pytest.fixture
def server():
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        subprocess.run(["sleep", "1"], check=True)
        with open("torn-down", "a") as note:
            note.write("once\\n")
        process.terminate()

def test_that_waits(server):
    with open("ready", "w") as told:
        told.write("ready\\n")
    server.wait()
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The gate's own scripts around suites that wait for ever, each with a server in a session of its own."""
    (tmp_path / ".ci").mkdir()
    for name in ("run", "suite"):
        shutil.copy(ROOT / ".ci" / name, tmp_path / ".ci" / name)
    (tmp_path / ".ci/system-packages").symlink_to("/bin/true")
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "suite.py").write_text(SUITE)
    os.mkfifo(tmp_path / "ready")
    return tmp_path


def test_who_stops_the_gate_stops_its_suites(clone: Path) -> None:
    """On SIGTERM the two suites that run take down their servers, the other two never begin, and nobody is left.

    It ignores SIGINT here, and so does all it starts, as in the background of a script.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(clone)}
    gate = subprocess.Popen(
        ["bash", "-c", "trap '' INT; exec .ci/run"], cwd=clone, env=environment, stdout=subprocess.PIPE, text=True
    )
    ready = ""
    while ready.count("ready") < 2:
        ready += (clone / "ready").read_text()
    family = psutil.Process(gate.pid).children(recursive=True)
    assert [process.name() for process in family].count("sleep") == 2
    try:
        gate.send_signal(signal.SIGTERM)
        said, _ = gate.communicate(timeout=60)
        assert gate.returncode == 128 + signal.SIGTERM
        assert [process for process in family if process.is_running()] == []
    finally:
        for process in (psutil.Process(gate.pid), *family) if gate.returncode is None else family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    assert (clone / "torn-down").read_text() == "once\n" * 2
    assert (said.count(" begins"), said.count("\n== browser"), said.count("\n== rest")) == (2, 1, 1)
