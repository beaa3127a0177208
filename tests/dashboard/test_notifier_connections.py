"""Messages go to the public internet, or to hosts that the environment names, and nowhere else."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.settings import Settings
from dashboard.notifier import connections
from dashboard.notifier.posting import Slack as Posting
from dashboard.notifier.target import Target
from tests.slack import CHANNEL, TOKEN, Answer, Slack


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("3.120.10.4", True), ("2606:4700::1", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("ff02::1", False), ("::ffff:127.0.0.1", False), ("::ffff:3.120.10.4", True), ("64:ff9b::a00:1", False),
        ("64:ff9b::378:a04", True), ("2002:7f00:1::", False), ("2002:0a00:0001::1", False), ("no address", False),
    ],
)  # fmt: skip
def test_only_public_addresses_are_public(address: str, public: bool) -> None:
    """Also where an address of IPv4 is wrapped in one of IPv6."""
    assert connections.is_public(address) is public


async def posted(settings: Settings, url: str) -> Any:
    """What came of a message to an address."""
    posting = Posting(settings)
    try:
        return await posting.post(Target(url), {"text": "x y", "blocks": []})
    finally:
        await posting.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_address_is_not_even_connected_to(host: str, tmp_path: Path) -> None:
    """As a number or behind a name, unless the environment names the host."""
    async with Slack() as slack:
        url = slack.webhook.replace("127.0.0.1", host)
        answer = await posted(Settings(data_dir=tmp_path), url)
        assert (answer.outcome, slack.got) == ("again", [])
        assert "private network" in answer.detail
        assert (await posted(Settings(data_dir=tmp_path, webhook_hosts=host), url)).outcome == "sent"


async def test_the_address_that_was_checked_is_the_one_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is asked for first and private afterwards (rebinding) leads nowhere."""
    async with Slack() as slack:
        given = iter(["127.0.0.1", "3.120.10.4"])

        async def resolved(host: str, port: int, **_: Any) -> list[Any]:
            del host
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(given), port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
        answer = await posted(Settings(data_dir=tmp_path), slack.webhook.replace("127.0.0.1", "rebound.example"))
        assert (answer.outcome, slack.got) == ("again", [])
        assert "private network" in answer.detail


async def test_nobody_is_followed(tmp_path: Path) -> None:
    """A redirect ends the try; the message is not sent a second time. A webhook's is for good, an API's is not."""
    async with Slack() as slack:
        slack.always = Answer(307, location=slack.webhook)
        answer = await posted(Settings(data_dir=tmp_path, webhook_hosts="127.0.0.1"), slack.webhook)
        assert (answer.outcome, answer.off, answer.status, len(slack.got)) == ("never", True, 307, 1)
        posting = Posting(Settings(data_dir=tmp_path, slack_api_url=slack.api))
        answer = await posting.post(Target(TOKEN, CHANNEL), {"text": "x y", "blocks": []})
        await posting.close()
        assert (answer.outcome, answer.off, len(slack.got)) == ("again", False, 2)
        assert "elsewhere" in answer.detail


async def test_an_answer_that_never_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    """Neither a webhook's nor that of Slack's API; it is tried again, as anything that is not Slack's answer."""
    async with Slack() as slack:
        url = f"http://127.0.0.1:{slack.port}/endless/"
        settings = Settings(data_dir=tmp_path, webhook_hosts="127.0.0.1", slack_api_url=url)
        posting = Posting(settings)
        for target in (Target(url), Target(TOKEN, CHANNEL)):
            answer = await posting.post(target, {"text": "x y", "blocks": []})
            assert (answer.outcome, answer.detail) == ("again", "the call failed (TooLongError)")
        await posting.close()


async def test_no_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither slack-sdk nor aiohttp takes one: the secret goes to nobody else."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Slack() as slack:
        settings = Settings(data_dir=tmp_path, slack_webhook_url=slack.webhook, slack_api_url=slack.api)
        assert (await posted(settings, slack.webhook)).outcome == "sent"
        posting = Posting(settings)
        assert (await posting.post(Target(TOKEN, CHANNEL), {"text": "x y", "blocks": []})).outcome == "sent"
        await posting.close()


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    began = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    (folder / "pem").write_bytes(pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "pem")
    return context


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    """Nothing is sent to who shows one, not even where the environment names the host."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=self_signed(tmp_path)) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await posted(Settings(data_dir=tmp_path, webhook_hosts="127.0.0.1"), f"https://127.0.0.1:{port}/x")
    assert (answer.outcome, answer.detail) == ("again", "its certificate was not accepted")
    assert b"".join(heard) == b""
