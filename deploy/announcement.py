"""What `up` prints when everything answers."""

import sys

from core.settings import Settings
from core.version import VERSION
from deploy.listening import dashboard_url, proxy_url


def ready(settings: Settings, database: str, seconds: float) -> str:
    """A block for a person at a terminal, one line for scripts."""
    if not sys.stdout.isatty():
        return f"ready proxy={proxy_url(settings)} dashboard={dashboard_url(settings)}"
    return f"""
  footplate {VERSION}  ready in {seconds:.1f} s
  Dashboard   {dashboard_url(settings)}
  Proxy       {proxy_url(settings)}
  Database    {database}

  Try it:     ANTHROPIC_BASE_URL={proxy_url(settings)} claude
  or          footplate run -- claude            (sets it for you)
  Stop:       Ctrl-C
"""
