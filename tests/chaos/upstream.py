"""An upstream in a process of its own that streams answers, breaks some of them, and logs what it saw and sent.

    python -m tests.chaos.upstream PORT LOG SEED

The answer is a function of the request's chaos id, so that anybody can compute what it should have been. One line of
JSON per event in LOG: ``seen`` once a request is complete, ``sent`` when the answer ended, and how.
"""

import asyncio
import json
import random
import re
import socket
import struct
import sys
from pathlib import Path

CHAOS_ID = re.compile(rb"[?&]chaos=([0-9a-z-]+)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RESET_SHARE = 0.08


def answer(chaos_id: str) -> list[bytes]:
    """The events of the answer to one request; the same every time."""
    dice = random.Random(chaos_id)
    usage = {"input_tokens": dice.randrange(1, 999), "cache_read_input_tokens": 7, "cache_creation_input_tokens": 3}
    message = {
        "id": f"msg_{chaos_id}", "type": "message", "role": "assistant", "model": "claude-haiku-5-5", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1},
    }  # fmt: skip
    words = [f"w{dice.getrandbits(64):x} " for _ in range(dice.randrange(10, 60))]
    events: list[tuple[str, dict[str, object]]] = [
        ("message_start", {"message": message}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *(("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": w}}) for w in words),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": len(words)}}),
        ("message_stop", {}),
    ]
    return [f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode() for name, data in events]


class Upstream:
    """Serves until killed."""

    def __init__(self, log: Path, seed: int) -> None:
        self.log = log.open("a", buffering=1)
        self.dice = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length:
            await reader.readexactly(int(length[1]))
        found = CHAOS_ID.search(head)
        if not found:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            return True
        chaos_id = found[1].decode()
        self._say("seen", chaos_id)
        events = answer(chaos_id)
        reset_at = self.dice.randrange(len(events)) if self.dice.random() < RESET_SHARE else None
        try:
            return await self._stream(writer, chaos_id, events, reset_at)
        except OSError:
            self._say("sent", chaos_id, end="gone")
            raise

    async def _stream(
        self, writer: asyncio.StreamWriter, chaos_id: str, events: list[bytes], reset_at: int | None
    ) -> bool:
        if self.dice.random() < 0.2:
            await asyncio.sleep(self.dice.random() * 0.3)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for index, event in enumerate(events):
            if index == reset_at:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                self._say("sent", chaos_id, end="reset")
                return False
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await writer.drain()
            await asyncio.sleep(self.dice.random() * 0.02)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        self._say("sent", chaos_id, end="complete")
        return True

    def _say(self, what: str, chaos_id: str, **more: str) -> None:
        self.log.write(json.dumps({"what": what, "id": chaos_id, **more}) + "\n")


async def main(port: int, log: Path, seed: int) -> None:
    """Listen on 127.0.0.1 until the process is ended."""
    upstream = Upstream(log, seed)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
