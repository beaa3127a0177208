"""A recorded call as something to run again: curl, the Python SDK, the TypeScript SDK. Keys stand as placeholders.

What was recorded is hostile here too: it becomes part of a command that somebody pastes into a shell. Everything is
quoted, nothing reaches another host, and a body goes into a file unless it is short and shows all it has.
"""

import json
import pprint
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson

from core.redact import find_secrets
from dashboard.render.hidden import spelled

LONGEST_INLINE = 6_000
"""Characters of a body that stand in the command itself."""
MOST_HEADERS = 40
FILE = "body.json"
_NAME = re.compile(r"[a-z0-9-]{1,100}")
_VALUE = re.compile(r"[ -~]{0,4000}")
_METHOD = re.compile(r"[A-Z]{1,20}")
_LEFT_OUT = ("[redacted:", "[not kept]")
_NOT_SENT_AGAIN = frozenset({"content-length"})
_MESSAGES = frozenset(
    {
        *("model", "max_tokens", "messages", "metadata", "service_tier", "stop_sequences", "stream", "system"),
        *("temperature", "thinking", "tool_choice", "tools", "top_k", "top_p"),
    }
)
_COUNTED = frozenset({"model", "messages", "system", "thinking", "tool_choice", "tools"})
_SDK_CALLS = {
    ("POST", "/v1/messages"): ("messages.create", "messages.create", _MESSAGES),
    ("POST", "/v1/messages/count_tokens"): ("messages.count_tokens", "messages.countTokens", _COUNTED),
}
"""Python's and TypeScript's method of a call, and the parameters that it has by name."""
_VERBS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The recorded call. ``body`` is None where none is stored or it is too large to look into."""

    method: str
    path: str
    query: str | None
    headers: Sequence[Sequence[str]]
    body: bytes | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Recipes:
    """The call in three languages; ``file`` says why its body is a file of its own, empty where it is not."""

    curl: str
    python: str
    typescript: str
    file: str
    secrets: int
    """Secrets in the body: they are in the file, which is the exact bytes, and on no page."""
    left_out: int
    """Recorded headers that cannot stand in a command."""
    redacted_query: bool


class NotRepeatableError(ValueError):
    """This call cannot be made into a command; the reason is for people."""


def recipes(asked: Asked) -> Recipes:
    """The call as commands. Raises NotRepeatableError."""
    if not asked.path.startswith("/") or not _METHOD.fullmatch(asked.method):
        raise NotRepeatableError("its method or address is none that a client would send")
    value = _value(asked.body)
    text, reason, secrets = _inline(asked, value)
    kept, left_out = _headers(asked.headers)
    call = _Call(asked, kept, text, value, bearer=_pays_by_token(asked.headers))
    redacted = "[redacted" in (asked.query or "")
    return Recipes(call.curl(), call.python(), call.typescript(), reason, secrets, left_out, redacted)


def _inline(asked: Asked, value: Any) -> tuple[str | None, str, int]:
    """The body's text where it can stand in a command, else why not; and how many secrets it holds."""
    if not asked.size:
        return None, "", 0
    text = _text(asked.body)
    secrets = len(find_secrets(text))
    checks = (
        (asked.body is None or len(asked.body) > LONGEST_INLINE, "it is large"),
        (not text, "it is not text"),
        # A key of that name would set the prototype of a literal.
        (value is None or "__proto__" in text, "it is no plain JSON object"),
        ('"base64"' in text, "it holds a picture or a document"),
        ("\r" in text or _hides(text), "it holds characters that do not show"),
    )
    fault = next((words for holds, words in checks if holds), "")
    reason = "it holds secrets, which no page shows" if secrets else fault
    return (None if reason else text), reason, secrets


def _text(body: bytes | None) -> str:
    try:
        return (body or b"").decode()
    except UnicodeDecodeError:
        return ""


def _hides(text: str) -> bool:
    return len(text) <= LONGEST_INLINE and spelled(text) != text


def _value(body: bytes | None) -> Any:
    """The body's JSON object; None where it is none."""
    try:
        value = orjson.loads(body or b"")
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _headers(recorded: Sequence[Sequence[str]]) -> tuple[list[tuple[str, str]], int]:
    kept: list[tuple[str, str]] = []
    left_out = 0
    for field in recorded:
        name, value = str(field[0]).lower(), str(field[1])
        if not name.startswith(("anthropic-", "content-")) or name in _NOT_SENT_AGAIN or value.startswith(_LEFT_OUT):
            continue
        if len(kept) < MOST_HEADERS and _NAME.fullmatch(name) and _VALUE.fullmatch(value) and not find_secrets(value):
            kept.append((name, value.strip()))
        else:
            left_out += 1
    return kept, left_out


def _pays_by_token(recorded: Sequence[Sequence[str]]) -> bool:
    """Whether the caller brought a bearer token and no API key."""
    names = {str(field[0]).lower() for field in recorded}
    return "authorization" in names and "x-api-key" not in names


@dataclass(frozen=True, slots=True)
class _Call:
    asked: Asked
    headers: Sequence[tuple[str, str]]
    text: str | None
    value: Any
    bearer: bool

    @property
    def target(self) -> str:
        query = f"?{self.asked.query}" if self.asked.query else ""
        return quote(self.asked.path + query, safe="/?&=%:;,+@!~*'()[]{}$-._")

    @property
    def has_body(self) -> bool:
        return bool(self.asked.size)

    def curl(self) -> str:
        credential = f"{'authorization: Bearer ' if self.bearer else 'x-api-key: '}${self._variable}"
        parts = [f'curl -g "${{ANTHROPIC_BASE_URL:-https://api.anthropic.com}}"{shlex.quote(self.target)}']
        if self.asked.method != ("POST" if self.has_body else "GET"):
            parts.append(f"-X {self.asked.method}")
        parts.append(f'-H "{credential}"')
        parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers]
        if self.has_body:
            if not any(name == "content-type" for name, _ in self.headers):
                parts.append("-H content-type:")  # curl would call it a form
            # --data-raw does not take a leading @ for a file's name.
            parts.append(f"--data-binary @{FILE}" if self.text is None else f"--data-raw {shlex.quote(self.text)}")
        return " \\\n  ".join([*parts, "--no-buffer"])

    def python(self) -> str:
        lines = ["from anthropic import Anthropic", ""]
        if self.has_body and not self._inlined:
            lines = ["import json", "from pathlib import Path", "", *lines]
        lines += [f"client = Anthropic()  # takes {self._variable} from the environment"]
        if self.has_body:
            lines += [f"body = {self._python_body()}"]
        return "\n".join([*lines, *self._python_call()]) + "\n"

    def _python_body(self) -> str:
        if self._inlined:
            return pprint.pformat(self.value, width=100, sort_dicts=False)
        return f'json.loads(Path("{FILE}").read_bytes())'

    def _python_call(self) -> list[str]:
        method, _, known = _SDK_CALLS.get((self.asked.method, self.asked.path), (None, None, frozenset()))
        options = self._options("extra_headers={}", "extra_query={}", repr)
        if self.asked.method not in _VERBS:
            return [f"# the SDK has no call for {self.asked.method}"]
        if method is None or not isinstance(self.value, dict):
            body = ["body=body"] if self.has_body else []
            verb = self.asked.method.lower()
            options = [f'options={{"headers": {_beta(self.headers)!r}}}'] if _beta(self.headers) else []
            arguments = ", ".join([repr(self.target), *body, "cast_to=object", *options])
            return [f"print(client.{verb}({arguments}))"]
        extra = [name for name in self.value if name not in known]
        lines = []
        if extra:
            lines.append(f"extra = {{name: body.pop(name) for name in {extra!r}}}")
            options = ["extra_body=extra", *options]
        call = f"client.{method}({', '.join(['**body', *options])})"
        return [*lines, f"for event in {call}:", "    print(event)"] if self._streams else [*lines, f"print({call})"]

    def typescript(self) -> str:
        lines = ['import Anthropic from "@anthropic-ai/sdk";']
        if self.has_body and not self._inlined:
            lines.append('import { readFileSync } from "node:fs";')
        lines += ["", f"const client = new Anthropic(); // takes {self._variable} from the environment"]
        if self.has_body:
            read = f'JSON.parse(readFileSync("{FILE}", "utf8"))'
            lines.append(f"const body = {_json(self.value, 2) if self._inlined else read};")
        return "\n".join([*lines, *self._typescript_call()]) + "\n"

    def _typescript_call(self) -> list[str]:
        _, method, _ = _SDK_CALLS.get((self.asked.method, self.asked.path), (None, None, frozenset()))
        options = self._options("headers: {}", "query: {}", _json)
        if self.asked.method not in _VERBS:
            return [f"// the SDK has no call for {self.asked.method}"]
        if method is None or not isinstance(self.value, dict):
            body = ["body"] if self.has_body else []
            options = [f"headers: {_json(_beta(self.headers))}"] if _beta(self.headers) else []
            given = f", {{ {', '.join([*body, *options])} }}" if body or options else ""
            return [f"console.log(await client.{self.asked.method.lower()}({_json(self.target)}{given}));"]
        given = f", {{ {', '.join(options)} }}" if options else ""
        call = f"await client.{method}(body{given})"
        return [f"for await (const event of {call}) console.log(event);" if self._streams else f"console.log({call});"]

    @property
    def _inlined(self) -> bool:
        return self.text is not None

    @property
    def _streams(self) -> bool:
        return isinstance(self.value, dict) and self.value.get("stream") is True

    @property
    def _variable(self) -> str:
        return "ANTHROPIC_AUTH_TOKEN" if self.bearer else "ANTHROPIC_API_KEY"

    def _options(self, headers: str, query: str, written: Any) -> list[str]:
        made = [headers.format(written(_beta(self.headers)))] if _beta(self.headers) else []
        asked = dict(parse_qsl(self.asked.query or "", keep_blank_values=True))
        return [*made, query.format(written(asked))] if asked else made


def _beta(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What of the headers the SDKs do not send by themselves."""
    return {name: value for name, value in headers if name == "anthropic-beta"}


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
