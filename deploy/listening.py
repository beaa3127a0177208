"""Where proxy and dashboard listen: checked before anything starts, and how to reach them."""

import errno
import socket
from typing import Any

from core.errors import BadSettingError, FootplateError
from core.settings import Settings

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def proxy_url(settings: Settings) -> str:
    """The address clients on this machine use for the proxy."""
    return f"http://{_host(settings.bind)}:{settings.proxy_port}"


def dashboard_url(settings: Settings) -> str:
    """The address browsers on this machine use for the dashboard."""
    return f"http://{_host(settings.bind)}:{settings.dashboard_port}"


def settled(settings: Settings) -> Settings:
    """The same settings with both ports free and known. Raises FootplateError for a port in use.

    Workers share their port with SO_REUSEPORT, which would hide a second listener: so it is tried once without.
    """
    ports: dict[str, Any] = {
        name: _free_port(settings.bind, getattr(settings, name)) for name in ("proxy_port", "dashboard_port")
    }
    if ports["proxy_port"] == ports["dashboard_port"]:
        raise BadSettingError(f"proxy and dashboard can not both listen on port {ports['proxy_port']}")
    return settings.model_copy(update=ports)


def _free_port(bind: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        with socket.create_server((bind, port), family=family) as server:
            return int(server.getsockname()[1])
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise FootplateError(f"port {port} on {bind} is in use: stop what listens there or name another") from exc
        reason = exc.strerror or str(exc)
        raise BadSettingError(f"FOOTPLATE_BIND={bind}, port {port}: can not listen there: {reason}") from exc


def _host(bind: str) -> str:
    host = EVERYWHERE.get(bind, bind)
    return f"[{host}]" if ":" in host else host
