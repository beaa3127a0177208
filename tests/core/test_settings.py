"""Settings come from the environment, hold together, and a bad one is one line that says what to do."""

from pathlib import Path

import pytest

from core.errors import BadSettingError
from core.settings import Settings, is_loopback, read

HOME = Path("/data")


def test_without_anything_set_it_runs_on_this_machine_only():
    """The default is safe and needs nothing."""
    settings = read({}, HOME)
    assert settings.data_dir == HOME
    assert settings.loopback
    assert settings.upstream_url == "https://api.anthropic.com"
    assert settings.on_tape_full == "serve"
    assert (settings.connect_timeout, settings.first_byte_timeout, settings.idle_timeout) == (10, 600, 300)
    assert settings.drain_seconds == 300


def test_the_environment_is_read_overrides_win_and_empty_is_unset():
    """Nothing else of the environment matters."""
    environ = {"FOOTPLATE_PROXY_PORT": "4000", "FOOTPLATE_BIND": "", "FOOTPLATE_UNKNOWN": "x", "PATH": "/bin"}
    settings = read(environ, HOME, {"dashboard_port": 4001, "proxy_workers": None})
    assert (settings.proxy_port, settings.dashboard_port, settings.proxy_workers) == (4000, 4001, 1)
    assert settings.bind == "127.0.0.1"
    assert read(environ, HOME, {"proxy_port": 5}).proxy_port == 5
    assert read({"FOOTPLATE_DATA_DIR": " ", "DATABASE_URL": "\t"}, HOME) == read({}, HOME)


OPEN = {"FOOTPLATE_BIND": "0.0.0.0", "FOOTPLATE_PROXY_MODE": "open", "DASHBOARD_API_KEY": "k" * 16}


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"FOOTPLATE_PROXY_PORT": "x"}, "FOOTPLATE_PROXY_PORT"),
        ({"FOOTPLATE_PROXY_PORT": "65536"}, "FOOTPLATE_PROXY_PORT"),
        ({"FOOTPLATE_PROXY_WORKERS": "0"}, "FOOTPLATE_PROXY_WORKERS"),
        ({"FOOTPLATE_TAPE_MAX_BYTES": "5"}, "FOOTPLATE_TAPE_MAX_BYTES"),
        ({"FOOTPLATE_ON_TAPE_FULL": "panic"}, "FOOTPLATE_ON_TAPE_FULL"),
        ({"FOOTPLATE_DRAIN_SECONDS": "0"}, "FOOTPLATE_DRAIN_SECONDS"),
        ({"FOOTPLATE_UPSTREAM_URL": "http://example.com"}, "https"),
        ({"FOOTPLATE_UPSTREAM_URL": "https://example.com/v1"}, "origin only"),
        ({"FOOTPLATE_UPSTREAM_URL": "https://user@example.com"}, "origin only"),
        ({"FOOTPLATE_UPSTREAM_URL": "ftp://example.com"}, "https"),
        ({"FOOTPLATE_UPSTREAM_URL": "example.com"}, "https"),
        ({"FOOTPLATE_UPSTREAM_URL": "http://127.0.0.1:99999"}, "FOOTPLATE_UPSTREAM_URL"),
        ({"FOOTPLATE_UPSTREAM_URL": "https://example.com:x"}, "FOOTPLATE_UPSTREAM_URL"),
        ({"FOOTPLATE_UPSTREAM_URL": "https://evil host"}, "FOOTPLATE_UPSTREAM_URL"),
        ({"FOOTPLATE_UPSTREAM_URL": "https://m\u00fcnchen.example"}, "FOOTPLATE_UPSTREAM_URL"),
        ({"FOOTPLATE_UPSTREAM_URL": "https://[::1"}, "FOOTPLATE_UPSTREAM_URL"),
        ({"FOOTPLATE_UPSTREAM_URL": "https://example.com?a"}, "FOOTPLATE_UPSTREAM_URL"),
        ({"FOOTPLATE_UPSTREAM_URL": "http://127.0.0.1:3000"}, "itself"),
        ({"FOOTPLATE_UPSTREAM_URL": "http://LOCALHOST:4000", "FOOTPLATE_PROXY_PORT": "4000"}, "itself"),
        ({"FOOTPLATE_UPSTREAM_URL": "http://[::1]", "FOOTPLATE_PROXY_PORT": "80", "FOOTPLATE_BIND": "::1"}, "itself"),
        ({**OPEN, "FOOTPLATE_UPSTREAM_URL": "http://127.0.0.1:3000"}, "itself"),
        ({"DATABASE_URL": "garbage"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://[::1/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://u:short@h:99999/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://u:short@h:0/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://h:1,i:x/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://h/x?port=99999"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://h/x?sslmode=perhaps"}, "sslmode"),
        ({"FOOTPLATE_PUBLIC_URL": "garbage"}, "FOOTPLATE_PUBLIC_URL"),
        ({"FOOTPLATE_PUBLIC_URL": "javascript:alert(1)"}, "FOOTPLATE_PUBLIC_URL"),
        ({"FOOTPLATE_PUBLIC_URL": "https://a.example:99999"}, "FOOTPLATE_PUBLIC_URL"),
        ({"FOOTPLATE_PROXY_MODE": "keyed"}, "not available"),
        ({**OPEN, "FOOTPLATE_PROXY_MODE": ""}, "FOOTPLATE_PROXY_MODE=open"),
        ({**OPEN, "DASHBOARD_API_KEY": ""}, "DASHBOARD_API_KEY"),
        ({**OPEN, "DASHBOARD_API_KEY": "short"}, "DASHBOARD_API_KEY"),
        ({"FOOTPLATE_SECRET_KEY": "short"}, "FOOTPLATE_SECRET_KEY"),
        ({"FOOTPLATE_SECRET_KEY": "s" * 32, "FOOTPLATE_SECRET_KEY_FILE": "/x"}, "not both"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it(environ, says):
    """And never shows a secret."""
    with pytest.raises(BadSettingError) as caught:
        read(environ, HOME)
    line = str(caught.value)
    assert says in line
    assert "\n" not in line
    assert "short" not in line.replace("shorter", "")
    assert "s" * 32 not in line


def test_another_bind_works_when_it_was_asked_for_by_name():
    """Open mode and a dashboard key."""
    assert not read(OPEN, HOME).loopback


@pytest.mark.parametrize(
    "url",
    ["https://api.anthropic.com", "https://h:8443/", "http://127.0.0.1:9", "http://[::1]:9", "http://127.0.0.2:3000"],
)
def test_upstreams_that_carry_no_credential_in_clear(url):
    """TLS, or this machine."""
    assert read({"FOOTPLATE_UPSTREAM_URL": url}, HOME).upstream_url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///x?host=/run/pg&port=5433",
        "postgres://u:p%40:w@h,i:5433,[::1]:5432/x?sslmode=verify-full",
        "postgresql://@/footplate?host=%2Ftmp%2Fa",
        "postgresql://h:/x",
    ],
)
def test_databases_that_can_be_reached(url):
    """Sockets, several hosts, ports here and there, odd passwords."""
    assert read({"DATABASE_URL": url}, HOME).database_url == url


def test_an_upstream_beside_the_proxy():
    """The same port of another address is another server's."""
    upstream = {"FOOTPLATE_UPSTREAM_URL": "http://127.0.0.1:3000"}
    assert read({**OPEN, **upstream, "FOOTPLATE_BIND": "192.168.1.5"}, HOME).proxy_port == 3000


@pytest.mark.parametrize(
    ("bind", "loopback"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.1", False), ("host.example", False), ("", False),
    ],
)  # fmt: skip
def test_what_counts_as_this_machine(bind, loopback):
    """A name is only `localhost`."""
    assert is_loopback(bind) is loopback


def test_every_setting_has_a_variable_and_a_sentence():
    """And secrets stay out of what is printed."""
    for name, field in Settings.model_fields.items():
        assert field.alias, name
        assert field.alias.isupper(), name
        assert field.description, name
    secret = "s" * 40
    assert secret not in repr(read({"FOOTPLATE_SECRET_KEY": secret, "DASHBOARD_API_KEY": secret}, HOME))


def test_settings_are_frozen():
    """One value for the life of a process."""
    with pytest.raises(ValueError, match="frozen"):
        read({}, HOME).bind = "0.0.0.0"
