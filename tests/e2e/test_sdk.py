"""The real ``anthropic`` SDK through the whole product: byte for byte what a direct call gives, every call recorded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anthropic
import httpx2
import pytest

from tests.product import Product
from tests.scripted_anthropic import Failure, ScriptedAnthropic, Seen

pytestmark = [pytest.mark.product, pytest.mark.asyncio(loop_scope="module")]

KEY = "sk-ant-api03-" + "k" * 40
HAIKU = "claude-haiku-5-5"
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
Call = Callable[[anthropic.AsyncAnthropic], Awaitable[object]]


class Tape(httpx2.AsyncHTTPTransport):
    """Keeps the raw bytes of every response that crosses it."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[int, list[tuple[bytes, bytes]], bytes]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Read the whole answer, keep it, hand it on."""
        response = await super().handle_async_request(request)
        body = b"".join([chunk async for chunk in response.stream])
        self.answers.append((response.status_code, list(response.headers.raw), body))
        return httpx2.Response(response.status_code, headers=response.headers.raw, stream=_Once(body))


class _Once(httpx2.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body


def client(url: str, tape: Tape, **options: Any) -> anthropic.AsyncAnthropic:
    """The SDK pointed at a base URL, as a user would."""
    http = httpx2.AsyncClient(transport=tape, timeout=30)
    return anthropic.AsyncAnthropic(api_key=KEY, base_url=url, http_client=http, **options)


def hello(text: str = "Hi") -> list[Any]:
    """One user message."""
    return [{"role": "user", "content": text}]


async def create(sdk: anthropic.AsyncAnthropic) -> None:
    """A plain answer."""
    await sdk.messages.create(model=HAIKU, max_tokens=64, messages=hello())


async def stream(sdk: anthropic.AsyncAnthropic) -> None:
    """A stream, rebuilt by the SDK."""
    async with sdk.messages.stream(model=HAIKU, max_tokens=64, messages=hello("Stream, please")) as running:
        message = await running.get_final_message()
    assert message.content[0].type == "text"


async def tools(sdk: anthropic.AsyncAnthropic) -> None:
    """A tool call and its result."""
    messages = hello("Weather in Paris?")
    first = await sdk.messages.create(model=HAIKU, max_tokens=64, messages=messages, tools=[WEATHER])
    use = first.content[0]
    assert use.type == "tool_use"
    result: Any = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    last = await sdk.messages.create(model=HAIKU, max_tokens=64, messages=messages, tools=[WEATHER])
    assert last.stop_reason == "end_turn"


async def count_tokens(sdk: anthropic.AsyncAnthropic) -> None:
    """A count without a call."""
    assert (await sdk.messages.count_tokens(model=HAIKU, messages=hello())).input_tokens > 0


async def models(sdk: anthropic.AsyncAnthropic) -> None:
    """The list of models and one of them."""
    assert (await sdk.models.list()).data
    assert (await sdk.models.retrieve(HAIKU)).id == HAIKU


async def batches(sdk: anthropic.AsyncAnthropic) -> None:
    """A batch made, read, listed and cancelled."""
    params: Any = {"model": HAIKU, "max_tokens": 16, "messages": hello()}
    batch = await sdk.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    await sdk.messages.batches.retrieve(batch.id)
    await sdk.messages.batches.list()
    await sdk.messages.batches.cancel(batch.id)


async def files(sdk: anthropic.AsyncAnthropic) -> None:
    """A file up, down, listed and deleted."""
    uploaded = await sdk.beta.files.upload(file=("x.txt", b"abc" * 1000, "text/plain"))
    assert len(await (await sdk.beta.files.download(uploaded.id)).read()) == 16384
    await sdk.beta.files.list()
    await sdk.beta.files.delete(uploaded.id)


CALLS: dict[str, Call] = {
    "create": create,
    "stream": stream,
    "tools": tools,
    "count_tokens": count_tokens,
    "models": models,
    "batches": batches,
    "files": files,
}


def crossed(seen: list[Seen]) -> list[tuple[str, str, list[tuple[str, str]], bytes]]:
    """What reached the upstream, without what a hop sets for itself and what changes from run to run."""
    own = {"host", "connection", "transfer-encoding", "content-length", "idempotency-key"}
    return [
        (s.method, s.target, sorted((k.lower(), v) for k, v in s.headers if k.lower() not in own), s.body) for s in seen
    ]


def without_boundary(rows: list[Any]) -> list[Any]:
    """The same with the random boundary of multipart uploads left out."""
    kept = []
    for method, target, headers, body in rows:
        boundary = next((v.split("boundary=")[1] for k, v in headers if "boundary=" in v), None)
        clean = [(k, v.split("boundary=")[0]) for k, v in headers]
        kept.append((method, target, clean, body.replace(boundary.encode(), b"-") if boundary else body))
    return kept


def kept(answers: list[tuple[int, list[tuple[bytes, bytes]], bytes]]) -> list[Any]:
    """Answers as the client saw them, without what a hop sets for itself."""
    own = {b"date", b"transfer-encoding", b"content-length", b"connection", b"server"}
    return [(status, [(k, v) for k, v in headers if k.lower() not in own], body) for status, headers, body in answers]


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_through_the_proxy_is_identical_to_a_direct_one(
    name: str, product: Product, anthropic_api: ScriptedAnthropic
) -> None:
    """Requests reach the upstream, and answers the client, as they would without us."""
    direct, proxied = Tape(), Tape()
    before = len(anthropic_api.seen)
    async with client(anthropic_api.url, direct) as sdk:
        await CALLS[name](sdk)
    middle = len(anthropic_api.seen)
    async with client(product.proxy_url, proxied) as sdk:
        await CALLS[name](sdk)

    first, second = anthropic_api.seen[before:middle], anthropic_api.seen[middle:]
    assert without_boundary(crossed(second)) == without_boundary(crossed(first))
    assert kept(proxied.answers) == kept(direct.answers)
    rows = await product.recorded(len(second))
    assert [(row["method"], row["path"], row["status_code"], row["outcome"]) for row in rows] == [
        (s.method, s.target, s.status, "ok") for s in second
    ]
    for row, seen in zip(rows, second, strict=True):
        assert await product.raw(row["id"], "request") == seen.body
        assert await product.raw(row["id"], "response") == seen.answer


async def test_batch_results_are_fetched_by_path(product: Product, anthropic_api: ScriptedAnthropic) -> None:
    """The results' path goes through like any other; the absolute results_url stays as the upstream wrote it."""
    tape = Tape()
    async with client(product.proxy_url, tape) as sdk:
        batch = await sdk.messages.batches.retrieve("msgbatch_01")
        assert batch.results_url == f"{anthropic_api.url}/v1/messages/batches/msgbatch_01/results"
        answer = await sdk.get("/v1/messages/batches/msgbatch_01/results", cast_to=httpx2.Response)
    assert b'"custom_id": "a"' in answer.content
    assert [row["path"] for row in await product.recorded(2)][1] == "/v1/messages/batches/msgbatch_01/results"


@pytest.mark.parametrize(
    ("status", "headers"), [(529, {}), (429, {"retry-after": "0"}), (500, {"x-should-retry": "true"})]
)
async def test_retries_are_the_sdks_alone(
    status: int, headers: dict[str, str], product: Product, anthropic_api: ScriptedAnthropic
) -> None:
    """A failing answer passes unchanged; the SDK repeats the call, we never do, and each attempt is a row."""
    before = len(anthropic_api.seen)
    anthropic_api.fail = [Failure(status, headers)]
    tape = Tape()
    async with client(product.proxy_url, tape, max_retries=1) as sdk:
        await create(sdk)
    assert [answer[0] for answer in tape.answers] == [status, 200]
    seen = anthropic_api.seen[before:]
    assert [dict(s.headers).get("x-stainless-retry-count") for s in seen] == ["0", "1"]
    rows = await product.recorded(2)
    assert [row["outcome"] for row in rows] == ["upstream_error", "ok"]
    assert rows[0]["status_code"] == status


async def test_a_client_that_times_out_is_recorded_as_gone(product: Product, anthropic_api: ScriptedAnthropic) -> None:
    """The SDK gives up after its own timeout; the row says who left."""
    never = asyncio.Event()
    anthropic_api.fail = [Failure(529, hold=never)]
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=product.proxy_url, timeout=0.3, max_retries=0) as sdk:
        with pytest.raises(anthropic.APITimeoutError):
            await create(sdk)
    rows = await product.recorded(1)
    never.set()
    assert rows[0]["outcome"] == "client_cancelled"


async def test_the_sync_client_works_too(product: Product, anthropic_api: ScriptedAnthropic) -> None:
    """``anthropic.Anthropic`` in a thread, as scripts use it."""
    with anthropic.Anthropic(api_key=KEY, base_url=f"{product.proxy_url}/t/atlas") as sdk:
        message = await asyncio.to_thread(sdk.messages.create, model=HAIKU, max_tokens=64, messages=hello())
    rows = await product.recorded(1)
    assert rows[0]["trainId"] == "atlas"
    assert rows[0]["input_tokens"] == message.usage.input_tokens
    assert rows[0]["output_tokens"] == message.usage.output_tokens
