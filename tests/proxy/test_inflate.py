"""Encoded bodies are undone chunk by chunk, under limits; what breaks off or turns bad gives what could be decoded."""

import gzip
import random
import zlib
from uuid import UUID

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from core.exchange import Inflated, Taped
from core.models import Chunk, End, Head, Outcome, Start
from proxy.inflate import MAX_BYTES, inflate

BODY = b'data: {"type":"ping"}\n\n' * 500 + random.Random(7).randbytes(3000)


def raw_deflate(body):
    """Deflate without its zlib wrapper, as some servers send it."""
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(body) + coder.flush()


CODERS = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "two members": ("gzip", lambda body: gzip.compress(body[:999]) + gzip.compress(body[999:])),
    "padded": ("gzip", lambda body: gzip.compress(body) + b"\0" * 20),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "two frames": ("zstd", lambda body: zstandard.compress(body[:999]) + zstandard.compress(body[999:])),
    "stacked": ("gzip, br", lambda body: brotli.compress(gzip.compress(body))),
    "three": ("deflate,zstd , gzip", lambda body: gzip.compress(zstandard.compress(zlib.compress(body)))),
    "identity too": ("identity, gzip", gzip.compress),
}


def taped(coding, body, cut=1 << 16, request=b"", request_coding=None):
    """A call whose response came in chunks of this size."""
    encoded = () if request_coding is None else (("Content-Encoding", request_coding),)
    return Taped(
        Start(UUID(int=1), 1, "boot", "POST", "/v1/messages", encoded, "default"),
        request,
        Head(200, () if coding is None else (("content-encoding", coding),)),
        body,
        tuple(Chunk(len(body[at : at + cut]), at) for at in range(0, len(body), cut)),
        End(Outcome.OK, len(request), len(body), len(body)),
    )


@pytest.mark.parametrize("cut", [1, 13, 1000, 1 << 20])
@pytest.mark.parametrize("case", CODERS)
def test_a_body_comes_back_and_every_chunk_says_what_it_gave(case, cut):
    """In any coding and any chunking."""
    coding, encode = CODERS[case]
    call = taped(coding, encode(BODY), cut)
    inflated = inflate(call)
    assert inflated.response == BODY
    assert inflated.error is None
    assert len(inflated.response_sizes) == len(call.chunks)
    assert sum(inflated.response_sizes) == len(BODY)


@pytest.mark.parametrize("case", CODERS)
def test_cut_at_every_position_gives_a_prefix(case):
    """The size of each chunk still adds up, and the break is named (where the coding can tell)."""
    coding, encode = CODERS[case]
    encoded = encode(b"the quick brown fox " * 30)
    whole = inflate(taped(coding, encoded)).response
    for cut in range(1, len(encoded)):
        inflated = inflate(taped(coding, encoded[:cut], 7))
        assert whole.startswith(inflated.response)
        assert sum(inflated.response_sizes) == len(inflated.response)
        assert inflated.error == "response: the encoded body breaks off" or inflated.response


@pytest.mark.parametrize("case", CODERS)
def test_damage_gives_what_came_before_it(case):
    """And says so, once."""
    coding, encode = CODERS[case]
    encoded = bytearray(encode(BODY))
    encoded[len(encoded) // 2 : len(encoded) // 2 + 40] = b"\xff" * 40
    inflated = inflate(taped(coding, bytes(encoded), 100))
    assert sum(inflated.response_sizes) == len(inflated.response)
    assert inflated.error in {None, "response: the encoded body is damaged", "response: the encoded body breaks off"}


def test_a_flushed_stream_is_attributed_to_the_chunk_that_carried_it():
    """A server that flushes after each event: every chunk gives its event."""
    coder = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    events = [b"data: %d\n\n" % number for number in range(5)]
    pieces = [coder.compress(event) + coder.flush(zlib.Z_SYNC_FLUSH) for event in events]
    pieces[-1] += coder.flush()
    call = taped("gzip", b"".join(pieces))
    chunks = tuple(Chunk(len(piece), number) for number, piece in enumerate(pieces))
    call = Taped(call.start, b"", call.head, call.response_body, chunks, call.end)
    assert inflate(call).response_sizes == tuple(len(event) for event in events)


def skipped(body):
    """A zstd frame that means nothing (RFC 8878, 3.1.2): all of the body disappears."""
    return b"\x50\x2a\x4d\x18" + len(body).to_bytes(4, "little") + body


BOMBS = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "br": ("br", lambda zeros: brotli.compress(zeros, quality=3)),
    "zstd": ("zstd", zstandard.compress),
    "many small frames": ("zstd", lambda zeros: zstandard.compress(zeros[: 1 << 20]) * 500),
    "two in one": ("gzip, gzip", lambda zeros: gzip.compress(gzip.compress(zeros))),
    "between two": ("zstd, gzip", lambda zeros: gzip.compress(skipped(zeros))),
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_bomb_is_left_as_it_is(case):
    """No copy, one error; not even one that only shows between two codings gets through."""
    coding, encode = BOMBS[case]
    inflated = inflate(taped(coding, encode(bytes(40 << 20))))
    assert inflated == Inflated(error="response: inflates to more than 100 times its size")


def test_a_body_over_64_mb_is_left_as_it_is():
    """Even one that is hardly compressed."""
    noise = random.Random(7).randbytes(1 << 20) * 65
    assert len(noise) > MAX_BYTES
    encoded = zlib.compress(noise, 0)
    assert inflate(taped("deflate", encoded)) == Inflated(error="response: inflates to more than 64 MB")


def test_a_short_repetitive_answer_is_no_bomb():
    """A stream of 200 like events shrinks to a hundredth."""
    body = b'event: content_block_delta\ndata: {"delta":"same"}\n\n' * 2000
    encoded = brotli.compress(body)
    assert len(body) > 100 * len(encoded)
    assert inflate(taped("br", encoded)).response == body


@pytest.mark.parametrize("coding", ["compress", "gzip, rot13", "gzip;q=1", ", ".join(["gzip"] * 50)])
def test_a_coding_we_do_not_know_is_named(coding):
    """And nothing is guessed."""
    assert inflate(taped(coding, b"x")) == Inflated(error="response: unknown content-encoding")


@pytest.mark.parametrize(("coding", "body"), [(None, BODY), ("identity", BODY), ("gzip", b"")])
def test_without_a_coding_or_a_body_there_is_no_copy(coding, body):
    """The raw bytes are what there is."""
    assert inflate(taped(coding, body)) == Inflated()


def test_requests_are_undone_too():
    """Independently of the response."""
    both = inflate(taped("br", b"no brotli at all", request=gzip.compress(BODY), request_coding="gzip"))
    assert both.request == BODY
    assert both.error == "response: the encoded body is damaged"
    bad = inflate(taped(None, b"", request=b"\x1f\x8b broken", request_coding="gzip"))
    assert bad.error.startswith("request: ")


def test_a_call_without_a_response_head_has_no_copy():
    """It crashed before."""
    call = taped(None, b"")
    assert inflate(Taped(call.start, b"", None, b"", (), call.end)) == Inflated()


def test_bytes_that_no_chunk_accounts_for_count_to_the_last():
    """A lost frame loses no byte that was kept."""
    call = taped("gzip", gzip.compress(BODY))
    short = Taped(call.start, b"", call.head, call.response_body, (Chunk(10, 1), Chunk(10, 2)), call.end)
    inflated = inflate(short)
    assert inflated.response == BODY
    assert len(inflated.response_sizes) == 2


@given(
    st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "identity"]), min_size=1, max_size=3).map(",".join),
    st.binary(max_size=200),
    st.integers(1, 50),
)
def test_random_bytes_never_raise(coding, body, cut):
    """Whatever they claim to be."""
    inflated = inflate(taped(coding, body, cut))
    assert inflated.response_sizes is None or sum(inflated.response_sizes) == len(inflated.response)
