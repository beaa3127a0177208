"""Connections to Slack that lead nowhere else: the address is checked at the socket, and nobody is followed.

A name can be resolved to another address a moment after it was checked (rebinding); so the check is where the resolved
address is used. Only hosts that the environment names may be of a private network.
"""

import json
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext
from typing import Any, Final

import aiohttp
from aiohttp import AddrInfoType, ClientHandlerType, ClientRequest, ClientResponse

LONGEST_ANSWER: Final = 64 * 1024
_NAT64: Final = IPv6Network("64:ff9b::/96")


class NotAllowedError(OSError):
    """The address is not one of the public internet."""


class RedirectedError(aiohttp.ClientError):
    """The answer names another place; which is not kept, it may quote a secret."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class TooLongError(aiohttp.ClientError):
    """The answer is longer than any of Slack's."""


class ShortResponse(ClientResponse):
    """An answer of which no more is read than Slack ever says: what is at an address may never end."""

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        """What was read of it."""
        del encoding, errors
        read = bytearray()
        async for chunk in self.content.iter_any():
            read += chunk
            if len(read) > LONGEST_ANSWER:
                self.close()
                raise TooLongError
        return read.decode(errors="replace")

    async def json(
        self, *, encoding: str | None = None, loads: Any = json.loads, content_type: str | None = "application/json"
    ) -> Any:
        """The same as JSON. Raises ContentTypeError, or what ``loads`` raises."""
        text = await self.text(encoding)
        if self.content_type != content_type:
            raise aiohttp.ContentTypeError(self.request_info, self.history)
        return loads(text)


def is_public(address: str) -> bool:
    """Whether an address is of the public internet, also where it wraps one of IPv4."""
    try:
        found = _unwrapped(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return found.is_global and not found.is_multicast


def session(ssl: SSLContext, *, anywhere: bool, seconds: float) -> aiohttp.ClientSession:
    """A session whose connections go to public addresses only, or ``anywhere``. No proxy, cookie or redirect."""
    connector = aiohttp.TCPConnector(
        ssl=ssl, use_dns_cache=False, socket_factory=_any_socket if anywhere else _public_socket
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        response_class=ShortResponse,
        middlewares=(_stay,),
    )


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _any_socket(info: AddrInfoType) -> socket.socket:
    return socket.socket(info[0], info[1], info[2])


def _public_socket(info: AddrInfoType) -> socket.socket:
    if not is_public(str(info[4][0])):
        raise NotAllowedError("not a public address")
    return _any_socket(info)


async def _stay(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise RedirectedError(response.status)
    return response
