"""What the payloads of ``start``, ``head`` and ``end`` frames say: JSON of our own, open to fields added later.

An older reader ignores what it does not know; a newer one fills in what an older writer did not say.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any, Final, TypeVar, get_type_hints
from uuid import UUID

import msgspec
import orjson

from core.errors import BadFrameError
from core.models import End, Head, Headers, Outcome, Start, Timings

R = TypeVar("R")


def encode_start(start: Start) -> bytes:
    """The payload of a ``start`` frame."""
    return _dump(start)


def encode_head(head: Head) -> bytes:
    """The payload of a ``head`` frame."""
    return _dump(head)


def encode_end(end: End) -> bytes:
    """The payload of an ``end`` frame."""
    return _dump(end)


def decode_start(payload: bytes, make_id: Callable[[str], UUID] = UUID) -> Start:
    """The Start of a payload; ``make_id`` reads the id. Raises BadFrameError where it is none."""
    quick = _quickly(_START, payload)
    try:
        if quick is not None:
            return Start(make_id(quick.request_id), *_BEHIND_ID(quick))
        values = _load(payload, Start)
        values["request_id"] = make_id(values["request_id"])
        values["headers"] = _headers(values["headers"])
        return Start(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise BadFrameError("a start frame lacks a field or has one of another type") from exc


def decode_head(payload: bytes) -> Head:
    """The Head of a payload. Raises BadFrameError where it is none."""
    quick = _quickly(_HEAD, payload)
    if quick is not None:
        return quick
    values = _load(payload, Head)
    try:
        values["headers"] = _headers(values["headers"])
        return Head(**values)
    except (KeyError, TypeError, ValueError) as exc:
        raise BadFrameError("a head frame lacks a field or has one of another type") from exc


def decode_end(payload: bytes) -> End:
    """The End of a payload. Raises BadFrameError where it is none."""
    quick = _quickly(_END, payload)
    if quick is not None:
        return quick
    values = _load(payload, End)
    try:
        values["outcome"] = Outcome(values["outcome"])
        values["timings"] = Timings(**_known(values.get("timings") or {}, Timings))
        values["trailers"] = _headers(values.get("trailers") or [])
        return End(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise BadFrameError("an end frame lacks a field or has one of another type") from exc


def _dump(value: Start | Head | End) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # aiohttp decodes header bytes with surrogateescape; orjson refuses lone surrogates, the standard library keeps
        # them, and a header nobody can decode must not stop the tape.
        return json.dumps(_plain(value)).encode()


def _plain(value: Start | Head | End) -> dict[str, Any]:
    plain = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Start):
        plain["request_id"] = str(value.request_id)
    if isinstance(value, End):
        plain["timings"] = {field.name: getattr(value.timings, field.name) for field in fields(value.timings)}
    return plain


def _quickly(decoder: msgspec.json.Decoder[R], payload: bytes) -> R | None:
    """What nearly all payloads are; None where another look is due: versions differ, or a text is none."""
    try:
        return decoder.decode(payload)
    except (ValueError, RecursionError):
        return None


def _load(payload: bytes, kind: type[Start | Head | End]) -> dict[str, Any]:
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        value = _load_surrogates(payload)
    if not isinstance(value, dict):
        raise BadFrameError("the payload of a frame is not a JSON object")
    return _known(value, kind)


def _load_surrogates(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as exc:
        raise BadFrameError("the payload of a frame is not JSON") from exc


def _known(values: Mapping[str, Any], kind: type[Start | Head | End | Timings]) -> dict[str, Any]:
    """The fields this version knows; those that must be there are there (KeyError becomes BadFrameError above)."""
    names, required = _FIELDS[kind]
    known = {name: values[name] for name in names if name in values}
    missing = required.difference(known)
    if missing:
        raise BadFrameError(f"the payload of a frame lacks {min(missing)}")
    return known


def _fields(kind: type[Start | Head | End | Timings]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names of all fields, and of those that have no default."""
    required = (one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING)
    return tuple(one.name for one in fields(kind)), frozenset(required)


_FIELDS: Final = {kind: _fields(kind) for kind in (Start, Head, End, Timings)}


def _headers(pairs: list[list[str]]) -> Headers:
    return tuple((str(name), str(value)) for name, value in pairs)


def _start_decoder() -> msgspec.json.Decoder[Any]:
    """Decodes a start with its id as text: which kind of id is made of it is for the caller to say."""
    hints = get_type_hints(Start) | {"request_id": str}
    given = [(one.name, hints[one.name], *(() if one.default is MISSING else (one.default,))) for one in fields(Start)]
    return msgspec.json.Decoder(msgspec.defstruct("StartText", given))


_START: Final = _start_decoder()
_BEHIND_ID: Final = attrgetter(*(one.name for one in fields(Start)[1:]))
_HEAD: Final = msgspec.json.Decoder(Head)
_END: Final = msgspec.json.Decoder(End)
