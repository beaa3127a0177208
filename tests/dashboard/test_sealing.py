"""What is sealed in the database."""

import secrets
from pathlib import Path

import pytest

from core.errors import BadSettingError
from core.settings import Settings
from dashboard.sealing import SealBrokenError, seal, unseal
from dashboard.secret import sealing_key

URL = "https://hooks.slack.com/services/T000/B000/canary-of-a-webhook"
KEY = secrets.token_bytes(32)


def test_it_opens_in_its_place_only() -> None:
    """Under the same key and for the same row; twice sealed it never looks the same."""
    sealed = seal(URL, "channels|1|sealed", KEY)
    assert unseal(sealed, "channels|1|sealed", KEY) == URL
    assert b"canary" not in sealed
    assert seal(URL, "channels|1|sealed", KEY) != sealed
    for place, key in (("channels|2|sealed", KEY), ("channels|1|sealed", secrets.token_bytes(32))):
        with pytest.raises(SealBrokenError):
            unseal(sealed, place, key)


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x02" + bytes(40), b"\x01" + bytes(40)])
def test_what_was_not_sealed_does_not_open(broken: bytes) -> None:
    """Whatever stands there, the error is ours."""
    with pytest.raises(SealBrokenError):
        unseal(broken, "channels|1|sealed", KEY)


def test_the_key_comes_from_the_installations_secret(tmp_path: Path) -> None:
    """From the environment or the file of the data folder; none where nothing was made yet."""
    secret = secrets.token_hex(32)
    assert sealing_key(Settings(data_dir=tmp_path)) is None
    (tmp_path / "secret.key").write_text(secret + "\n")
    assert sealing_key(Settings(data_dir=tmp_path)) == sealing_key(Settings(data_dir=tmp_path, secret_key=secret))
    (tmp_path / "secret.key").write_text("a" * 64)
    with pytest.raises(BadSettingError, match="too easy to guess"):
        sealing_key(Settings(data_dir=tmp_path))
