"""Frames become exchanges: in any order of calls, with repeats and gaps, holding no more than a little of them."""

from dataclasses import replace
from uuid import UUID

import pytest

from core.frames import encode_end, encode_head, encode_start
from core.kept import DAMAGED, Cause, cause
from core.models import End, Head, Outcome, Start
from core.tape import HEADER_SIZE, Frame, Kind
from proxy.recorder import exchanges as held
from proxy.recorder.exchanges import DAMAGE_NOTE, Exchanges, damaged
from proxy.tape_places import Position

FIRST, SECOND = UUID(int=1), UUID(int=2)


class Tape:
    """Makes frames that follow each other."""

    def __init__(self) -> None:
        self.at = 0

    def frame(self, call: int, sequence: int, kind: Kind, payload: bytes = b"", segment: UUID = FIRST) -> Frame:
        """The next frame; its bytes lie nowhere."""
        length = HEADER_SIZE + len(payload)
        offset, self.at = self.at, self.at + length
        return Frame(kind, UUID(int=call).bytes, sequence, self.at, payload, segment, offset, length)

    def start(self, call: int, segment: UUID = FIRST) -> Frame:
        """A start."""
        start = Start(UUID(int=call), 0, "boot", "POST", "/v1/messages", (), "default")
        return self.frame(call, 0, Kind.START, encode_start(start), segment)

    def end(self, call: int, sequence: int) -> Frame:
        """An end."""
        return self.frame(call, sequence, Kind.END, encode_end(End(Outcome.OK, 0, 0, 0)))


def test_the_position_is_the_earliest_unfinished_call() -> None:
    """Calls end in another order than they began."""
    tape, exchanges = Tape(), Exchanges()
    one, two, three = tape.start(1), tape.start(2), tape.start(3)
    for frame in (one, two, three):
        exchanges.take(frame)
    exchanges.take(tape.end(2, 1))
    assert exchanges.unfinished() == Position(FIRST, one.offset)
    exchanges.take(tape.end(1, 1))
    assert exchanges.unfinished() == Position(FIRST, three.offset)
    exchanges.take(tape.end(3, 1))
    assert exchanges.unfinished() is None


def test_what_the_writer_repeats_counts_once() -> None:
    """After a failed sync frames come again in a new segment: from the first repeated one on, the earlier are void."""
    tape, exchanges = Tape(), Exchanges()
    exchanges.take(tape.start(1))
    for sequence, size in ((1, 5), (2, 6)):
        exchanges.take(tape.frame(1, sequence, Kind.BODY, b"x" * size))
    head = encode_head(Head(200, ()))
    exchanges.take(tape.frame(1, 3, Kind.HEAD, head))
    exchanges.take(tape.frame(1, 4, Kind.CHUNK, b"lost"))
    exchanges.take(tape.frame(1, 2, Kind.BODY, b"y" * 6, SECOND))
    exchanges.take(tape.frame(1, 3, Kind.HEAD, head, SECOND))
    exchanges.take(tape.frame(1, 4, Kind.CHUNK, b"kept", SECOND))
    ended = exchanges.take(tape.end(1, 5))
    assert ended is not None
    assert ended.end is not None
    assert (ended.body.sizes(), ended.chunks.sizes(), ended.end.lost_frames) == ([5, 6], [4], 0)
    assert [place.segment for place in ended.body.places(exchanges.segments)] == [FIRST, SECOND]
    assert [place.segment for place in ended.chunks.places(exchanges.segments)] == [SECOND]
    assert (ended.body.payloads, ended.chunks.payloads) == ([b"x" * 5, b"y" * 6], [b"kept"])


def test_open_calls_hold_no_more_than_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that what frames brought is let go, and loaded again at the end; later calls are held again."""
    monkeypatch.setattr(held, "HELD", 10 * (HEADER_SIZE + 100))
    tape, exchanges = Tape(), Exchanges()
    for call in (1, 2):
        exchanges.take(tape.start(call))
    for sequence in range(1, 7):
        for call in (1, 2):
            exchanges.take(tape.frame(call, sequence, Kind.CHUNK, b"x" * 100))
    exchanges.take(tape.start(3))
    exchanges.take(tape.frame(3, 1, Kind.CHUNK, b"abc"))
    ended = [exchanges.take(tape.end(call, sequence)) for call, sequence in ((1, 7), (2, 7), (3, 2))]
    assert [one and one.chunks.payloads for one in ended] == [None, None, [b"abc"]]
    assert [len(one.chunks.places(exchanges.segments)) for one in ended if one] == [6, 6, 1]


def test_calls_that_have_ended_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, one behind the other, each comes with what its frames brought."""
    monkeypatch.setattr(held, "HELD", 1000)
    tape, exchanges = Tape(), Exchanges()
    for call in range(1, 20):
        exchanges.take(tape.start(call))
        exchanges.take(tape.frame(call, 1, Kind.CHUNK, b"x" * 100))
        ended = exchanges.take(tape.end(call, 2))
        assert ended is not None
        assert ended.chunks.payloads == [b"x" * 100]


def test_a_start_that_was_rescued_takes_nothing_away() -> None:
    """A killed proxy's start comes again, alone: what was taped of the call stays, and so does its place."""
    tape, exchanges = Tape(), Exchanges()
    first = tape.start(1)
    exchanges.take(first)
    exchanges.take(tape.frame(1, 1, Kind.BODY, b"kept"))
    assert exchanges.take(tape.start(1, SECOND)) is None
    assert exchanges.unfinished() == Position(FIRST, first.offset)
    ended = exchanges.take(tape.end(1, 2))
    assert ended is not None
    assert len(ended.body) == 1


def test_what_is_repeated_from_its_start_on_counts_once() -> None:
    """After a failed sync the writer repeats a call from its start: each frame is there once, the later one."""
    tape, exchanges = Tape(), Exchanges()
    for segment in (FIRST, SECOND):
        exchanges.take(tape.start(1, segment))
        exchanges.take(tape.frame(1, 1, Kind.BODY, b"body", segment))
        exchanges.take(tape.frame(1, 2, Kind.CHUNK, b"chunk", segment))
    ended = exchanges.take(tape.frame(1, 3, Kind.END, encode_end(End(Outcome.OK, 4, 5, 5)), SECOND))
    assert ended is not None
    assert (len(ended.body), len(ended.chunks)) == (1, 1)
    assert {place.segment for place in ended.chunks.places(exchanges.segments)} == {SECOND}


def test_a_gap_is_a_loss() -> None:
    """Frames that the reader had to skip are counted, though the writer knows nothing of it."""
    tape, exchanges = Tape(), Exchanges()
    exchanges.take(tape.start(1))
    exchanges.take(tape.frame(1, 3, Kind.CHUNK, b"x"))
    ended = exchanges.take(tape.end(1, 5))
    assert ended is not None
    assert ended.end is not None
    assert ended.end.lost_frames == 3


def test_frames_without_a_start_are_passed_over() -> None:
    """They belong to calls recorded before, or to a start that was damaged."""
    tape, exchanges = Tape(), Exchanges()
    assert exchanges.take(tape.end(9, 4)) is None
    assert exchanges.take(tape.frame(9, 0, Kind.START, b"no json")) is None
    assert (exchanges.strays, exchanges.unfinished()) == (2, None)


def test_a_crash_closes_only_the_dead_writers_calls() -> None:
    """Calls that began in a living writer's segment stay open."""
    tape, exchanges = Tape(), Exchanges()
    exchanges.take(tape.start(1))
    exchanges.take(tape.frame(1, 1, Kind.CHUNK, b"12345"))
    exchanges.take(tape.start(2, SECOND))
    (crashed,) = exchanges.crash(lambda segment: segment == FIRST)
    assert crashed.end is not None
    assert (crashed.end.outcome, crashed.end.response_bytes) == (Outcome.PROXY_CRASH, 5)
    assert len(exchanges) == 1


def test_a_call_whose_end_was_damaged_does_not_hold_the_tape_for_ever() -> None:
    """Nothing came of it for longer than any call may be silent: it is given up, the others are not."""
    tape, exchanges = Tape(), Exchanges()
    exchanges.take(tape.start(1))
    tape.at += 10_000
    exchanges.take(tape.start(2))
    (given_up,) = exchanges.expire(5_000, 0)
    assert given_up.start.request_id == UUID(int=1)
    assert given_up.end is not None
    assert given_up.end.note == DAMAGE_NOTE
    assert len(exchanges) == 1


def test_a_tape_that_stands_still_gives_its_calls_up_too() -> None:
    """A full tape took the end of nobody and writes nothing more: the time since its last frame counts."""
    tape, exchanges = Tape(), Exchanges()
    exchanges.take(tape.start(1))
    assert exchanges.expire(5_000, 4_000) == []
    assert len(exchanges.expire(5_000, 6_000)) == 1


def test_what_damage_took_is_noted_beside_what_a_full_tape_did_not_take() -> None:
    """Frames that the writer did not count as lost are damage: counted, noted once, whatever else was noted."""
    end = End(Outcome.OK, 1, 1, 1, lost_frames=2)
    assert damaged(end, 0) is end
    assert damaged(end, -1) is end
    once = damaged(end, 1)
    assert (once.lost_frames, once.note) == (3, DAMAGED)
    again = damaged(replace(end, note="said before"), 3)
    assert (again.lost_frames, again.note) == (5, f"said before; {DAMAGED}")
    assert damaged(again, 1).note == again.note
    assert cause(once.note, Outcome.OK) is Cause.DAMAGED
    assert cause(end.note, Outcome.OK) is Cause.FULL
    assert cause(DAMAGE_NOTE, Outcome.PROXY_CRASH) is Cause.EITHER
