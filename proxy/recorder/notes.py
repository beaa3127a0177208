"""A recorded request as linking remembers it: its call, its link and its figures, in some 300 bytes.

Whole conversations are read at once, so this is packed rather than spread over columns: a thousand are unpacked in a
few milliseconds. Only the recorder reads it; what others want to know stands in the row of the request.
"""

from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple, get_type_hints
from uuid import UUID

import msgspec

from core.errors import FootplateError
from core.identity import Call
from core.launches import Pair
from core.linking.ledger import Known
from core.linking.link import Link
from core.rollup import Figures

VERSION: Final = 3
"""Grows when a field of what is packed is added, goes or changes its meaning; then a rebuild is needed."""


class OtherVersionError(FootplateError):
    """Another version packed this note: as long as nothing was rebuilt, the request is as if it were not there."""


class Note(NamedTuple):
    """What is remembered of one request."""

    known: Known
    figures: Figures

    @property
    def id(self) -> UUID:
        """The request."""
        return self.known.call.id

    @property
    def link(self) -> Link:
        """Its place in the forest."""
        return self.known.link

    def relinked(self, link: Link) -> "Note":
        """The same request with another link."""
        return self._replace(known=self.known._replace(link=link))


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _types(kind: type) -> Any:
    hints = get_type_hints(kind)
    return tuple.__class_getitem__(tuple(hints[name] for name in _names(kind)))


_call, _link, _figures = (attrgetter(*_names(kind)) for kind in (Call, Link, Figures))
_ENCODER: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
_DECODER: Final = msgspec.msgpack.Decoder(
    tuple.__class_getitem__((Literal[VERSION], _types(Call), tuple[Pair, ...], _types(Link), _types(Figures)))
)


def pack(note: Note) -> bytes:
    """The note as it is stored."""
    call, pairs, link = note.known
    return _ENCODER.encode((VERSION, _call(call), pairs, _link(link), _figures(note.figures)))


def unpack(record: bytes) -> Note:
    """The note that was stored. Raises OtherVersionError."""
    try:
        _, call, pairs, link, figures = _DECODER.decode(record)
    except msgspec.DecodeError as exc:
        raise OtherVersionError("a note of another version") from exc
    return Note(Known(Call(*call), pairs, Link(*link)), Figures(*figures))
