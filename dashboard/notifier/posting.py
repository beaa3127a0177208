"""Asking Slack, by slack-sdk: its own tries again, its log and its proxies of the environment are off."""

import logging
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from core.settings import Settings
from dashboard.notifier import connections
from dashboard.notifier.answers import TIMEOUT_SECONDS, Answer, of_code, of_failure, of_redirect, of_status
from dashboard.notifier.target import Target, trusted_hosts

# Not known by any name, so that no configuration wakes it: what slack-sdk logs quotes addresses and messages.
_SILENT: Final = logging.Logger("slack", logging.CRITICAL + 1)  # noqa: LOG001


class Slack:
    """Slack as the notifier sees it. Made within a running loop, closed at the end."""

    def __init__(self, settings: Settings, seconds: float = TIMEOUT_SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._ssl = ssl.create_default_context()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(self, target: Target, payload: Mapping[str, Any]) -> Answer:
        """Ask once; what came of it. Never raises, but where it is cancelled."""
        try:
            return await (self._by_bot(target, payload) if target.is_bot else self._by_webhook(target, payload))
        except Exception as exc:  # noqa: BLE001  the border: whatever went wrong, the message was not taken for sure
            return of_failure(exc)

    async def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()

    async def _by_webhook(self, target: Target, payload: Mapping[str, Any]) -> Answer:
        client = AsyncWebhookClient(
            target.secret, session=self._session(target.secret), ssl=self._ssl, logger=_SILENT, retry_handlers=[]
        )
        client.proxy = None  # the constructor takes HTTPS_PROXY from the environment where none is given
        try:
            answer = await client.send_dict(dict(payload))
        except connections.RedirectedError as exc:
            return of_redirect(exc.status)
        return of_status(answer.status_code, answer.body, _retry_after(answer.headers))

    async def _by_bot(self, target: Target, payload: Mapping[str, Any]) -> Answer:
        url = self._settings.slack_api_url
        client = AsyncWebClient(
            target.secret, base_url=url, session=self._session(url), ssl=self._ssl, logger=_SILENT, retry_handlers=[]
        )
        client.proxy = None
        body = {**payload, "channel": target.destination}
        if target.thread is not None:
            body |= {"thread_ts": target.thread, "reply_broadcast": False}
        try:
            answer = await client.api_call("chat.postMessage", json=body)
        except SlackApiError as exc:
            return _refused(exc.response)
        ts = answer.get("ts")
        return Answer("sent", "sent", answer.status_code, ts=ts if isinstance(ts, str) and len(ts) <= 64 else None)

    def _session(self, url: str) -> aiohttp.ClientSession:
        anywhere = urlsplit(url).hostname in trusted_hosts(self._settings)
        if anywhere not in self._sessions:
            self._sessions[anywhere] = connections.session(self._ssl, anywhere=anywhere, seconds=self._seconds)
        return self._sessions[anywhere]


def _refused(response: object) -> Answer:
    # Where the body was no JSON slack-sdk has put aiohttp's own answer here.
    if isinstance(response, aiohttp.ClientResponse):
        return _without_reason(response.status, _retry_after(response.headers))
    if not isinstance(response, AsyncSlackResponse):
        return _without_reason(500, None)
    code = response.data.get("error") if isinstance(response.data, dict) else None
    wait = _retry_after(response.headers)
    return (
        of_code(code, response.status_code, wait)
        if isinstance(code, str)
        else _without_reason(response.status_code, wait)
    )


def _without_reason(status: int, wait: str | None) -> Answer:
    """Slack's API always says why; what does not is not Slack's API, or not well: what stands in between may mend."""
    if status == 429:
        return of_code("", status, wait)
    return Answer("again", f"what answered is not Slack's API, or is not well: HTTP {status}", status)


def _retry_after(headers: Mapping[str, Any]) -> str | None:
    return next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), None)
