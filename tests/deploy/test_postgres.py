"""The embedded Postgres: a direct unprivileged child that survives what happens to it, and touches nothing else."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psutil
import pytest

from core.errors import AlreadyRunningError, BadSettingError
from deploy.postgres import EmbeddedPostgres
from deploy.postgres_binaries import find
from deploy.postgres_process import PostgresFailedError

pytestmark = pytest.mark.postgres
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else run Postgres")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder the unprivileged user can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="fp-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def cluster(place: Path, postgres_programs: Path | None) -> Path:
    """A folder with a cluster that was made, and stopped again."""
    server = EmbeddedPostgres(place / "pg", programs=postgres_programs)
    server.start()
    server.stop()
    return place / "pg"


@pytest.fixture
def server(cluster: Path, postgres_programs: Path | None) -> Iterator[EmbeddedPostgres]:
    """A server on the module's cluster, not started."""
    server = EmbeddedPostgres(cluster, programs=postgres_programs)
    yield server
    server.stop()


async def ask(url: str, *statements: str) -> object:
    """The last answer, over a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()


async def test_what_was_stored_is_there_after_stop_and_start(server: EmbeddedPostgres) -> None:
    """A stopped server leaves a folder the next start continues; stopping twice is stopping once."""
    await ask(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    server.stop()
    assert server.pid is None
    url = server.start()
    assert await ask(url, "SELECT answer FROM kept") == 42
    await ask(url, "DROP TABLE kept")
    first = server.pid
    assert server.start() == url
    assert server.pid == first


async def test_a_killed_postmaster_is_reaped_and_starts_again(server: EmbeddedPostgres) -> None:
    """SIGKILL while backends work: no zombie, the same object starts again, what was committed is there."""
    url = server.start()
    busy = await asyncpg.connect(url)
    await busy.execute("CREATE TABLE committed AS SELECT 1 AS n")
    for _ in range(3):
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert server.wait(10) == -signal.SIGKILL
        assert server.pid is None
        assert not psutil.pid_exists(pid)
        assert server.start() == url
        assert await ask(url, "SELECT n FROM committed") == 1
    busy.terminate()


async def test_it_is_a_direct_unprivileged_child_without_a_port(server: EmbeddedPostgres) -> None:
    """Our own child, so we reap it; not root, not ours alone by chance; only the socket leads to it."""
    url = server.start()
    process = psutil.Process(server.pid)
    assert process.ppid() == os.getpid()
    assert process.uids().effective != 0
    assert process.net_connections("inet") == []
    assert await ask(url, "SHOW listen_addresses") == ""
    assert os.getsid(process.pid) != os.getsid(0)  # Ctrl-C in our terminal is not meant for it


def test_only_its_user_can_pass_through_to_data_and_socket(server: EmbeddedPostgres, cluster: Path) -> None:
    """The cluster and the socket are 0700 and of the server's user: authentication is the way there."""
    server.start()
    owner = psutil.Process(server.pid).uids().effective
    for name in ("cluster", "socket"):
        found = (cluster / name).stat()
        assert (found.st_mode & 0o777, found.st_uid) == (0o700, owner)
    assert (cluster / "log").stat().st_mode & 0o777 == 0o600


def test_two_do_not_share_a_folder(server: EmbeddedPostgres, cluster: Path, postgres_programs: Path | None) -> None:
    """The second is told so, and the first goes on."""
    server.start()
    with pytest.raises(AlreadyRunningError, match="already running"):
        EmbeddedPostgres(cluster, programs=postgres_programs).start()
    assert server.pid is not None


def test_a_pid_that_was_given_away_is_no_server(server: EmbeddedPostgres, cluster: Path) -> None:
    """After a crash of the machine the recorded pid may be anybody's, also ours: nobody is spared or harmed for it."""
    server.start()
    recorded = (cluster / "cluster/postmaster.pid").read_text()
    server.stop()
    lines = [str(os.getppid()), *recorded.splitlines()[1:]]
    (cluster / "cluster/postmaster.pid").write_text("\n".join(lines))
    server.start()


def test_a_folder_of_another_version_is_refused_in_one_line(server: EmbeddedPostgres, cluster: Path) -> None:
    """Postgres does not open another major version's files; the line says which made them and which this is."""
    version = cluster / "cluster/PG_VERSION"
    kept = version.read_text()
    version.write_text("9\n")
    try:
        with pytest.raises(BadSettingError, match=r"^[^\n]* was made by Postgres 9, and this is 1\d: [^\n]*$"):
            server.start()
    finally:
        version.write_text(kept)
    server.start()


def test_a_server_that_does_not_start_says_why(cluster: Path, postgres_programs: Path | None) -> None:
    """The reason is Postgres's own last word, and the folder is free again."""
    wrong = EmbeddedPostgres(cluster, programs=postgres_programs, settings={"shared_buffers": "1GB of"})
    for _ in range(2):
        with pytest.raises(PostgresFailedError, match="shared_buffers"):
            wrong.start()


def test_programs_that_are_not_there_are_refused(cluster: Path) -> None:
    """One line names the folder."""
    with pytest.raises(BadSettingError, match="/nowhere/bin holds no Postgres"):
        EmbeddedPostgres(cluster, programs=Path("/nowhere/bin")).start()


async def test_it_outlives_the_thread_that_started_it(server: EmbeddedPostgres) -> None:
    """The kernel's death signal follows the starting thread; one of a pool that ends does not take the server along."""
    with ThreadPoolExecutor(1) as pool:
        url = pool.submit(server.start).result()
    assert await ask(url, "SELECT 1") == 1


async def test_the_log_shows_nothing_that_was_stored(server: EmbeddedPostgres, cluster: Path) -> None:
    """Neither statements nor rows: a unique violation's detail would quote the row."""
    url = server.start()
    await ask(url, "CREATE TABLE secrets (word text PRIMARY KEY)", "INSERT INTO secrets VALUES ('sk-canary')")
    for statement in ("INSERT INTO secrets VALUES ('sk-canary')", "SELECT 'sk-canary'::integer", "SELEC 'sk-canary'"):
        with pytest.raises(asyncpg.PostgresError):
            await ask(url, statement)
    await ask(url, "DROP TABLE secrets")
    assert "canary" not in (cluster / "log").read_text()


async def test_a_long_path_gets_its_socket_elsewhere(
    cluster: Path, place: Path, postgres_programs: Path | None
) -> None:
    """A socket's path has 107 bytes; a longer folder gets a private one below /tmp, and nobody else's is taken."""
    long = place / ("long" * 30)
    long.mkdir(mode=0o711)
    (cluster).rename(long / "pg")
    server = EmbeddedPostgres(long / "pg", programs=postgres_programs)
    try:
        url = server.start()
        assert await ask(url, "SELECT 1") == 1
        socket = Path(str(await ask(url, "SHOW unix_socket_directories")))
        assert socket.parent == Path("/tmp")
        assert socket.stat().st_mode & 0o777 == 0o700
        server.stop()
        shutil.rmtree(socket)
        socket.symlink_to(place)
        with pytest.raises(BadSettingError, match="somebody else's"):
            server.start()
        socket.unlink()
    finally:
        server.stop()
        (long / "pg").rename(cluster)


PARENT = """
import sys
from pathlib import Path
from deploy.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), programs=Path(sys.argv[2]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


def other_process(folder: Path, programs: Path, python: str = sys.executable, **whose: object) -> subprocess.Popen[str]:
    """A process that runs a server until its input ends."""
    command = [python, "-c", PARENT, str(folder), str(programs)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **whose)


def python_for(uid: int) -> str:
    """An interpreter this user may execute: ours may lie in a closed home, and deploy.postgres needs no package."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", "import tomllib, core.errors"], user=uid, extra_groups=[], check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip("every Python 3.11 here is closed to other users")


def told_pid(process: subprocess.Popen[str]) -> int:
    """The server's pid, once it runs."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_it_ends_when_its_owner_is_killed(
    server: EmbeddedPostgres, cluster: Path, postgres_programs: Path | None
) -> None:
    """SIGKILL of the owner: the kernel stops the server, and the next owner starts one on the same folder at once."""
    with other_process(cluster, find(postgres_programs).folder) as owner:
        postmaster = psutil.Process(told_pid(owner))
        owner.kill()
        owner.wait()
        server.start()
    assert not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE


@as_root
def test_an_ordinary_user_runs_it_himself(place: Path, postgres_programs: Path | None) -> None:
    """Nobody special, in a folder he owns: the server is his."""
    home = place / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 65534, 65534)
    whose = {"user": 65534, "group": 65534, "extra_groups": []}
    with other_process(home / "pg", find(postgres_programs).folder, python_for(65534), **whose) as owner:
        assert psutil.Process(told_pid(owner)).uids().effective == 65534
        owner.communicate("")
        assert owner.returncode == 0
    shutil.rmtree(home)


@as_root
def test_a_closed_parent_is_named_and_left_alone(place: Path, postgres_programs: Path | None) -> None:
    """Like /root: we do not open what is not ours, we say what to do."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(BadSettingError, match=f"can not pass through {closed}; choose a data folder outside it"):
        EmbeddedPostgres(closed / "data/pg", programs=postgres_programs).start()
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
async def test_programs_in_a_closed_folder_are_copied_once(place: Path) -> None:
    """A virtual environment under /root is closed to the user that runs Postgres; a copy in the data folder is not."""
    wheel = find().folder.parent.parent
    closed = place / "root/site-packages"
    shutil.copytree(wheel.parent / f"{wheel.name}.libs", closed / f"{wheel.name}.libs")
    shutil.copytree(find().folder.parent, closed / wheel.name / "pginstall18")
    (place / "root").chmod(0o700)
    server = EmbeddedPostgres(place / "copied/pg", programs=closed / wheel.name / "pginstall18/bin")
    try:
        url = server.start()
        assert await ask(url, "SELECT 1") == 1
        assert Path(psutil.Process(server.pid).exe()).is_relative_to(place / "copied/pg")
    finally:
        server.stop()
        shutil.rmtree(place / "root")
        shutil.rmtree(place / "copied")
