"""The user Postgres runs as. It refuses to run as root, so root needs somebody else; anybody else runs it himself."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadSettingError

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class User:
    """Whom a process runs as. ``switch`` is true where we are root and must become this user."""

    name: str
    uid: int
    gid: int
    switch: bool

    @property
    def popen(self) -> dict[str, Any]:
        """Arguments that make ``subprocess`` run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": [self.gid]} if self.switch else {}

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def user_for(folder: Path) -> User:
    """Ourselves; where we are root, the owner the folder already has, else the first of ``CANDIDATES``.

    Raises BadSettingError where root finds nobody to run Postgres.
    """
    if os.geteuid() != 0:
        return User(_name(os.geteuid()), os.geteuid(), os.getegid(), switch=False)
    if folder.exists() and (kept := folder.lstat()).st_uid != 0:
        return User(_name(kept.st_uid), kept.st_uid, kept.st_gid, switch=True)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise BadSettingError("Postgres does not run as root, and there is no user `postgres` or `nobody`: create one")


def closed_to(user: User, path: Path) -> Path | None:
    """The first folder on the way to a path that the user may not pass through, judged by its mode; None if none."""
    if not user.switch:
        return None
    for folder in reversed((path, *path.parents)):
        if not _open(user, folder.stat(), stat.S_IXUSR):
            return folder
    return None


def _open(user: User, found: os.stat_result, bit: int) -> bool:
    if found.st_uid == user.uid:
        return bool(found.st_mode & bit)
    if found.st_gid == user.gid:
        return bool(found.st_mode & bit >> 3)
    return bool(found.st_mode & bit >> 6)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
