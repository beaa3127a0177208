"""The frame format: every frame comes back, in whatever pieces; damage costs the frames it hit and no other."""

import random
from bisect import bisect_right
from itertools import accumulate, pairwise
from uuid import UUID

import pytest
from google_crc32c import extend
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tape import (
    HEADER_SIZE,
    MAX_PAYLOAD,
    PREALLOCATED,
    Decoder,
    Frame,
    Kind,
    Skipped,
    encode,
    payload_at,
    seed_of,
    written_us,
)

SEGMENT = UUID(int=1)
SEED, OTHER = seed_of(SEGMENT), seed_of(UUID(int=2))
RID = bytes(range(16))


def frame(payload: bytes = b"", sequence: int = 0, kind: Kind = Kind.BODY, seed: int = SEED) -> bytes:
    """A whole frame."""
    return encode(kind, RID, sequence, 10 + sequence, payload, seed) + payload


def tape(*payloads: bytes) -> bytes:
    """Frames of these payloads, numbered."""
    return b"".join(frame(payload, number) for number, payload in enumerate(payloads))


def decode(data: bytes, *cuts: int, segment: UUID = SEGMENT) -> list[Frame | Skipped]:
    """Everything in the bytes, fed in pieces."""
    decoder, found, edges = Decoder(segment), [], [0, *cuts, len(data)]
    for begin, end in pairwise(edges):
        found += decoder.feed(data[begin:end])
    return found + decoder.finish()


def sequences(found: list[Frame | Skipped]) -> list[int]:
    """The numbers of the whole frames."""
    return [item.sequence for item in found if isinstance(item, Frame)]


def test_layout() -> None:
    """The header is what tape.md says, byte for byte."""
    header = encode(Kind.CHUNK, RID, 3, 5, b"abc", SEED, PREALLOCATED)
    assert len(header) == HEADER_SIZE == 44
    expected = "f74650f8 01 04 0100 03000000 000102030405060708090a0b0c0d0e0f 03000000 0500000000000000"
    assert header[:40] == bytes.fromhex(expected)


def test_a_frame_comes_back() -> None:
    """Kind, id, sequence, time, payload, place and flags survive."""
    data = frame(b"x") + encode(Kind.END, RID, 9, 2**63, b"abc", SEED, PREALLOCATED) + b"abc"
    assert decode(data)[1] == Frame(Kind.END, RID, 9, 2**63, b"abc", SEGMENT, 45, 47, PREALLOCATED)


@pytest.mark.parametrize(("request_id", "payload"), [(b"short", b""), (RID, bytes(MAX_PAYLOAD + 1))])
def test_what_no_frame_can_hold_is_refused(request_id: bytes, payload: bytes) -> None:
    """An id of another size or too large a payload is the caller's fault."""
    with pytest.raises(ValueError, match="a frame takes"):
        encode(Kind.BODY, request_id, 0, 0, payload, SEED)


@pytest.mark.parametrize(("at", "value"), [(0, 0xF6), (4, 2), (5, 0), (5, 6), (6, 2), (7, 1)])
def test_a_header_nobody_knows_is_no_frame(at: int, value: int) -> None:
    """Another magic, version, kind or flag: also with the right CRC, as a later version may write it."""
    header = bytearray(frame()[: HEADER_SIZE - 4])
    header[at] = value
    unknown = bytes(header) + extend(SEED, bytes(header)).to_bytes(4, "little")
    assert payload_at(unknown, 0, len(unknown), SEED) is None
    assert decode(unknown + frame(b"next", 1))[0] == Skipped(0, len(unknown))


def samples() -> list[bytes]:
    """Sound and damaged bytes."""
    sound = tape(b"", b"a" * 100, b"\xf7FP", b"\xf7FP\xf8" * 20)
    hole = sound[:60] + bytes([sound[60] ^ 1]) + sound[61:]
    return [sound, hole, b"\xf7\xf7FP" + sound, sound + b"garbage", sound + frame(b"torn")[:-2], sound[:-1], sound[1:]]


@pytest.mark.parametrize("data", samples())
def test_cut_at_every_position(data: bytes) -> None:
    """Where the bytes are cut changes nothing: whole, in two pieces, byte by byte."""
    whole = decode(data)
    assert decode(data, *range(1, len(data))) == whole
    for cut in range(len(data)):
        assert decode(data, cut) == whole


@given(st.lists(st.binary(max_size=300)), st.data())
def test_cut_anywhere(payloads: list[bytes], data: st.DataObject) -> None:
    """Any payloads in any pieces come back whole and in order."""
    whole = tape(*payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    found = decode(whole, *cuts)
    assert [item.payload for item in found if isinstance(item, Frame)] == payloads
    assert len(found) == len(payloads)


@given(st.binary(), st.lists(st.integers(0, 50)))
def test_random_bytes_never_raise(data: bytes, cuts: list[int]) -> None:
    """Random bytes are damage or a torn tail."""
    assert decode(data) == decode(data, *sorted(cuts))
    assert not sequences(decode(data))


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_a_flipped_bit_costs_its_frame_only(seed: int) -> None:
    """Whatever bit of whatever bytes is hit: the other frames come back, and the hit bytes are set aside."""
    chance = random.Random(seed)
    payloads = [chance.randbytes(chance.choice([0, 1, 44, 212, 300])) for _ in range(20)]
    whole = tape(*payloads)
    data, ends = bytearray(whole), [*accumulate(HEADER_SIZE + len(payload) for payload in payloads)]
    for _ in range(chance.randrange(1, 4)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    hit = {bisect_right(ends, place) for place in range(len(data)) if data[place] != whole[place]}
    found = decode(bytes(data))
    assert sequences(found) == [number for number in range(20) if number not in hit]
    # Everything is accounted for, but that damaged lengths at the very end look like a torn tail.
    covered = sum(item.length for item in found)
    assert covered in {0, *ends}
    assert all(number in hit for number, end in enumerate(ends) if end > covered)


def test_many_flips_one_by_one() -> None:
    """2,000 single flips over one tape: only the hit frame is missing, each time (faults.md, row 20)."""
    payloads = [bytes([number]) * (number * 7) for number in range(12)]
    whole = tape(*payloads)
    chance = random.Random(20)
    for _ in range(2000):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        assert len(set(range(12)) - set(sequences(decode(bytes(data))))) == 1


@pytest.mark.parametrize("kept", range(1, 48))
def test_a_torn_tail_waits(kept: int) -> None:
    """The beginning of a frame gives nothing, is no damage, and is completed by the rest."""
    decoder = Decoder(SEGMENT)
    whole = frame(b"done")
    assert sequences(decoder.feed(frame(b"first", 7) + whole[:kept])) == [7]
    assert decoder.offset == 49
    assert decoder.fed == 49 + kept
    assert sequences(decoder.feed(whole[kept:])) == [0]
    torn = Decoder(SEGMENT)
    torn.feed(frame(b"first") + whole[:kept])
    assert torn.finish() == []
    assert torn.offset == 49


def test_when_a_frame_was_written() -> None:
    """Its header says so; a part of one, or other bytes, say nothing."""
    header = frame(b"", 7)
    assert written_us(header + b"more") == written_us(header) == 17
    assert written_us(header[:-1]) is written_us(b"") is written_us(header[1:] + b"x") is None


def test_a_writer_that_cut_its_torn_tail_off() -> None:
    """After ``rewind`` other bytes may stand where the torn ones stood."""
    decoder = Decoder(SEGMENT)
    decoder.feed(frame(b"first") + frame(b"x" * 1000)[:500])
    assert decoder.rewind() == 49
    assert sequences(decoder.feed(frame(b"other", 5))) == [5]


def test_frames_of_another_segment_do_not_count() -> None:
    """A frame left over from another segment, or forged inside a body, is never taken for one of this segment."""
    stale = frame(b"old", 1, seed=OTHER)
    found = decode(frame(b"new") + stale + frame(stale, 2))
    assert sequences(found) == [0, 2]
    assert found[1] == Skipped(47, 47)


def test_frames_behind_a_damaged_length_are_found_at_the_end() -> None:
    """A length that reaches past the end of a finished segment does not swallow what follows it."""
    data = bytearray(tape(b"a", b"b", b"c"))
    data[45 + 9] = 2  # the second frame now claims 512 bytes more
    decoder = Decoder(SEGMENT)
    assert sequences(decoder.feed(bytes(data))) == [0]
    assert sequences(decoder.finish()) == [2]


def test_a_frame_knows_where_it_stands() -> None:
    """Also where the bytes fed do not begin with the segment."""
    found = Decoder(SEGMENT, 100).feed(frame(b"body") + frame(b"start", kind=Kind.START))
    assert [(item.segment, item.offset, item.length) for item in found if isinstance(item, Frame)] == [
        (SEGMENT, 100, 48),
        (SEGMENT, 148, 49),
    ]


def test_large_frames_byte_by_byte_are_linear() -> None:
    """A quarter of a megabyte in single bytes is looked at once, not once a byte (it would take minutes)."""
    data = frame(bytes(MAX_PAYLOAD))
    assert sequences(decode(data, *range(1, len(data)))) == [0]
    assert decode(bytes(4 << 20), *range(0, 4 << 20, 64)) == [Skipped(0, 4 << 20)]


def test_without_resync_the_first_damage_is_the_end() -> None:
    """A recycled segment that is still written ends at what is no frame, however it is cut."""
    data = frame(b"new") + frame(b"old", 1, seed=OTHER) + frame(b"new", 2)
    for step in (1, 7, len(data)):
        decoder, found = Decoder(SEGMENT, resync=False), []
        for begin in range(0, len(data), step):
            found += decoder.feed(data[begin : begin + step])
        assert sequences(found) == [0]
        assert decoder.lost_at == 47
        assert decoder.fed == len(data)
