"""The proxy: a tape deck between a client and the upstream. It forwards, streams and tapes; it never parses a body.

One call is one straight line (``forward``):

- ``connection`` is aiohttp's server side with every default overridden that would echo, guess or wait
  (``parse_errors``, ``trailers``);
- ``admission`` checks the head in one pass and says where it goes; ``own_routes`` are our few paths;
- ``forward`` appends ``start``, sends upstream while the bytes go to the tape, holds the response head until the
  tape is synced (20 ms at most), then for each chunk: write to the client, append; ``end`` comes without an await;
  ``request_body`` is what comes in, ``response_writer`` what goes out, ``call_tape`` what is taped, ``clock`` when,
  ``breaks`` how a call breaks; ``relay`` is what all calls of a worker share;
- ``upstream`` is the narrow way out (``begin, write, drain, sent, head, pour, release``): a pool of connections;
  ``upstream_connection`` is one of them, ``response_parser`` reads its answers, ``headers`` says what may cross
  and what of it may be recorded;
- ``tape_writer`` takes frames from the event loop, its thread writes them; ``tape_reader`` reads them back;
- ``server`` listens, watches the clock for all calls at once and drains; ``worker`` puts it together;
- ``counters`` are shared by all workers through a mapped file each; ``metrics`` is their text, ``health`` their state;
- ``secret`` names credentials without keeping them; ``log`` writes lines that hold no input;
- ``recorder`` is the other process: tapes in, Postgres rows out.

No database connection is ever on the path of a call.
"""
