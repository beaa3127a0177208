"""What a child would refuse later is refused here, before anything is started (faults.md, rows 23 and 53)."""

from pathlib import Path

from core.errors import BadSettingError
from core.secret_key import checked
from core.settings import Settings

FILE = "secret.key"
_OTHERS = 0o077


def check(settings: Settings) -> None:
    """Look at the secret key and at the tape's folders. Raises BadSettingError, one line."""
    _check_secret(settings)
    tape = settings.data_dir / "tape"
    for folder in (tape, *(sorted(tape.glob("*/")) if _mode(tape) else ())):
        if _mode(folder) & _OTHERS:
            raise BadSettingError(f"others can look into the tape folder {folder}: chmod 700 it")


def _check_secret(settings: Settings) -> None:
    if settings.secret_key is not None:
        checked(settings.secret_key, "FOOTPLATE_SECRET_KEY")
    elif settings.secret_key_file is not None:
        name = "FOOTPLATE_SECRET_KEY_FILE"
        checked(_read(settings.secret_key_file, name), name)
    elif mode := _mode(path := settings.data_dir / FILE):
        # A file given by name may be a mounted secret, whose mode is not ours to judge; this one is ours.
        if mode & _OTHERS:
            raise BadSettingError(f"{path}: others can read the secret key; set its mode to 0600")
        checked(_read(path, str(path)), str(path))


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeError) as exc:
        raise BadSettingError(f"{name}: {path} cannot be read") from exc


def _mode(path: Path) -> int:
    """0 where nothing is there: it will be made."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
