"""The installation's secret as the dashboard reads it (the proxy makes the one of the data folder)."""

import hmac

from core.errors import BadSettingError
from core.secret_key import checked
from core.settings import Settings

FILE = "secret.key"


def sealing_key(settings: Settings) -> bytes | None:
    """The key that seals what is kept secret in the database, 32 bytes; None where there is no secret yet.

    Raises BadSettingError for a secret that cannot be read or is too easy to guess.
    """
    secret = _secret(settings)
    return None if secret is None else hmac.digest(secret, b"footplate: what is sealed in the database, 1", "sha256")


def _secret(settings: Settings) -> bytes | None:
    if settings.secret_key is not None:
        return checked(settings.secret_key, "FOOTPLATE_SECRET_KEY")
    path = settings.secret_key_file or settings.data_dir / FILE
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        if settings.secret_key_file is None:
            return None
        raise BadSettingError(f"FOOTPLATE_SECRET_KEY_FILE: {path} cannot be read") from None
    except (OSError, UnicodeError) as exc:
        raise BadSettingError(f"{path}: the secret key cannot be read") from exc
    return checked(text, str(path))
