"""The installation's secret, and the key derived from it that names credentials without keeping them.

It comes from FOOTPLATE_SECRET_KEY, from FOOTPLATE_SECRET_KEY_FILE, or is made once in the data folder (0600).
"""

import contextlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from core.errors import BadSettingError
from core.secret_key import checked
from core.settings import Settings

FILE = "secret.key"


def hmac_key(settings: Settings) -> bytes:
    """The key under which credentials are named (HMAC), 32 bytes. Raises BadSettingError."""
    return hmac.digest(_secret(settings), b"footplate: names of credentials, 1", "sha256")


def _secret(settings: Settings) -> bytes:
    if settings.secret_key is not None:
        return checked(settings.secret_key, "FOOTPLATE_SECRET_KEY")
    if settings.secret_key_file is not None:
        return checked(_read(settings.secret_key_file, "FOOTPLATE_SECRET_KEY_FILE"), "FOOTPLATE_SECRET_KEY_FILE")
    path = settings.data_dir / FILE
    if not path.exists():
        _make(path)
    # A file given by name may be a mounted secret, whose mode is not ours to judge; this one is ours.
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSettingError(f"{path}: others can read the secret key; set its mode to 0600")
    return checked(_read(path, str(path)), str(path))


def _make(path: Path) -> None:
    # Several workers start at once: each writes a file of its own, and only one can link it to the name.
    own = path.with_name(f".{FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(own)
        own.unlink()
    except OSError as exc:
        raise BadSettingError(f"{path}: the secret key cannot be made ({exc.strerror})") from exc


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeError) as exc:
        raise BadSettingError(f"{name}: {path} cannot be read") from exc
