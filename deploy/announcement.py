"""What `up` prints when everything answers."""

import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

from core.settings import Settings
from deploy.listening import dashboard_url, proxy_url


def version() -> str:
    """The installed version, or `0` in a checkout that was never installed."""
    try:
        return installed_version("footplate")
    except PackageNotFoundError:
        return "0"


def ready(settings: Settings, database: str, seconds: float) -> str:
    """A block for a person at a terminal, one line for scripts."""
    if not sys.stdout.isatty():
        return f"ready proxy={proxy_url(settings)} dashboard={dashboard_url(settings)}"
    return f"""
  footplate {version()}  ready in {seconds:.1f} s
  Dashboard   {dashboard_url(settings)}
  Proxy       {proxy_url(settings)}
  Database    {database}

  Try it:     ANTHROPIC_BASE_URL={proxy_url(settings)} claude
  or          footplate run -- claude            (sets it for you)
  Stop:       Ctrl-C
"""
