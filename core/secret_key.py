"""What makes an installation's secret one that nobody guesses."""

from core.errors import BadSettingError

MIN_LENGTH = 32
MIN_DISTINCT = 12
"""32 random hex digits hold fewer than 12 different ones about once in 100,000; words and repetitions nearly always."""


def checked(secret: str, name: str) -> bytes:
    """The secret as bytes. Raises BadSettingError, one line with the ``name`` of where it stands."""
    if len(secret) < MIN_LENGTH or len(set(secret)) < MIN_DISTINCT:
        raise BadSettingError(f"{name}: too easy to guess; 32 random bytes in hex are right (openssl rand -hex 32)")
    return secret.encode()
