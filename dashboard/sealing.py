"""Secrets that must be read again, sealed for the database: AES-256-GCM (security.md, accounts).

What is sealed is bound to its place (``table|row|column``): moved to another row it does not open. The first byte is
the number of the key.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import FootplateError

KEY_NUMBER: Final = b"\x01"
_NONCE: Final = 12


class SealBrokenError(FootplateError):
    """It was sealed under another secret, or for another place."""


def seal(text: str, place: str, key: bytes) -> bytes:
    """A text sealed for a place."""
    nonce = secrets.token_bytes(_NONCE)
    return KEY_NUMBER + nonce + AESGCM(key).encrypt(nonce, text.encode(), place.encode())


def unseal(sealed: bytes, place: str, key: bytes) -> str:
    """The text. Raises SealBrokenError."""
    if sealed[:1] != KEY_NUMBER:
        raise SealBrokenError("it was sealed under a key of another number")
    nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, rest, place.encode()).decode()
    except (InvalidTag, ValueError) as exc:
        raise SealBrokenError("it was sealed under another secret, or for another place") from exc
