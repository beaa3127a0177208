"""The table of processes that `up` keeps running."""

from dataclasses import dataclass

from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Role:
    """One process: how it is started and how long it may take to stop after SIGTERM, in seconds."""

    name: str
    module: str
    arguments: tuple[str, ...]
    stop_seconds: float


def proxies(settings: Settings) -> list[Role]:
    """One relay worker a slot. Draining may take twice the time set: once for streams, once for stuck handlers."""
    patience = 2 * settings.drain_seconds + 5
    return [Role(f"proxy {slot}", "proxy", ("--slot", str(slot)), patience) for slot in range(settings.proxy_workers)]


def recorder() -> Role:
    """The recorder waits for migrations: it writes only to a schema it knows."""
    return Role("recorder", "proxy", ("record",), 15)


def last_recording() -> Role:
    """What is still on the tapes when everything else has stopped."""
    return Role("recorder", "proxy", ("record", "--once"), 30)


def dashboard() -> Role:
    """The dashboard starts at once: without a database it says so."""
    return Role("dashboard", "dashboard", (), 10)
