"""The installation's secret: made once, kept to ourselves, never easy to guess; and logs that hold no input."""

import asyncio
import logging
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import BadSettingError
from proxy import log, secret
from tests.relay import settings_for

URL = "http://127.0.0.1:1"


def test_it_is_made_once(tmp_path: Path) -> None:
    """Many workers that start at once agree on one secret; the file is ours alone, nothing else is left behind."""
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: secret.hmac_key(settings_for(tmp_path / "data", URL)), range(32)))
    assert len(keys) == 1
    (path,) = (tmp_path / "data").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) == 64


def test_others_must_not_read_it(tmp_path: Path) -> None:
    """A key file that others can read is not used."""
    secret.hmac_key(settings_for(tmp_path, URL))
    (tmp_path / secret.FILE).chmod(0o644)
    with pytest.raises(BadSettingError, match="0600"):
        secret.hmac_key(settings_for(tmp_path, URL))


def test_it_may_be_given(tmp_path: Path) -> None:
    """By setting or by file, the same secret gives the same key, and none is made."""
    given = secrets.token_hex(32)
    file = tmp_path / "mounted"
    file.write_text(given + "\n")
    by_value = secret.hmac_key(settings_for(tmp_path / "data", URL, secret_key=given))
    by_file = secret.hmac_key(settings_for(tmp_path / "data", URL, secret_key_file=file))
    assert by_value == by_file
    assert by_value != given.encode()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("weak", ["a" * 64, "abab" * 16, "0123456789" * 5, "short", ""])
def test_it_must_not_be_easy(weak: str, tmp_path: Path) -> None:
    """Short or repetitive secrets are refused, and not repeated in the message."""
    file = tmp_path / "weak"
    file.write_text(weak)
    with pytest.raises(BadSettingError) as refused:
        secret.hmac_key(settings_for(tmp_path, URL, secret_key_file=file))
    assert not weak or weak not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is a bad setting, never a reason to go on without."""
    with pytest.raises(BadSettingError, match="FOOTPLATE_SECRET_KEY_FILE"):
        secret.hmac_key(settings_for(tmp_path, URL, secret_key_file=tmp_path / "missing"))


def test_log_fields_are_a_list() -> None:
    """A field nobody allowed is a mistake that shows at once."""
    with pytest.raises(ValueError, match="not on the list"):
        log.write("x", body="canary")


async def test_failures_are_logged_by_class(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither our own failures nor those of libraries or callbacks put text into the log."""
    monkeypatch.setattr(log, "_last", {})
    monkeypatch.setattr(logging.root, "handlers", [])
    log.write_failure("x", ValueError("canary"))
    log.mute_libraries()
    logging.getLogger("aiohttp.server").error("canary %s", "canary", exc_info=KeyError("canary"))
    log.write_loop_failure(asyncio.get_running_loop(), {"message": "canary", "exception": OSError("canary")})
    _, err = capfd.readouterr()
    assert "canary" not in err
    for name in ("ValueError", "KeyError", "OSError", "aiohttp.server"):
        assert name in err
