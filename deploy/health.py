"""Asking proxy and dashboard how they are."""

import http.client
import json
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from core.settings import Settings
from deploy.listening import dashboard_url, proxy_url

PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one process said; ``status`` is None when nobody answered."""

    name: str
    url: str
    status: int | None
    database: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the process does its work."""
        return self.status == http.HTTPStatus.OK


def ask_proxy(settings: Settings) -> Answer:
    """Ask the proxy's /health. Blocks up to 5 s."""
    return _ask("proxy", proxy_url(settings), {})


def ask_dashboard(settings: Settings) -> Answer:
    """Ask the dashboard's /health. Blocks up to 5 s."""
    key = settings.dashboard_api_key
    return _ask("dashboard", dashboard_url(settings), {"X-Dashboard-Key": key} if key else {})


def ask_all(settings: Settings) -> list[Answer]:
    """Ask both."""
    return [ask_proxy(settings), ask_dashboard(settings)]


def as_lines(answers: list[Answer]) -> str:
    """One line for each, to be read by people."""
    return "\n".join(
        f"{answer.name:<10} {answer.url}  {'ok' if answer.ok else _trouble(answer)}"
        + (f"  database {answer.database}" if answer.database else "")
        for answer in answers
    )


def as_json(answers: list[Answer]) -> str:
    """The same as one JSON object by name."""
    return json.dumps({answer.name: asdict(answer) | {"ok": answer.ok} for answer in answers})


def _trouble(answer: Answer) -> str:
    return "does not answer" if answer.status is None else f"answers {answer.status}"


def _ask(name: str, url: str, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health", headers=headers)
        response = connection.getresponse()
        return Answer(name, url, response.status, _database(response.read(65_536)))
    except (OSError, http.client.HTTPException):
        return Answer(name, url, None)
    finally:
        connection.close()


def _database(body: bytes) -> str | None:
    try:
        said: Any = json.loads(body)
    except ValueError:
        return None
    value = said.get("database") if isinstance(said, dict) else None
    return value if isinstance(value, str) else None
