"""The domain of Footplate, pure: no I/O, no clock, no logging, no globals that change.

Bytes come in, values go out; ``now``, keys and random bytes are arguments.

- ``ids`` makes request ids; ``tape`` is the frame format, ``frames`` what each frame's payload says.
- ``sse`` cuts bytes into events, ``message`` folds events into one assistant message, ``usage`` reads the report.
- ``transcript`` reads a request body, ``answer`` a response, ``origin`` says who sent it and who paid.
- ``redact`` decides which headers may be kept, ``headers`` finds one; ``bodies`` is JSON under limits, ``labels`` words
  fit for a column.
- ``normal_form`` makes items of a transcript (``canonical`` bytes), ``chain`` their hashes, ``recognition`` knows what
  clients send beside the talk; ``identity`` composes them into the ``Facts`` that ``linking`` makes one forest of.
- ``pieces`` divides a request body into what is stored once (``seams``, ``texts`` find where), ``lanes`` what repeats.
- ``rollup`` is what lists say of a conversation, ``tools`` the calls of tools.
- ``pricing`` says what a request cost, ``repricing`` what it would have on another model, ``savings`` what a cache
  saved; ``composition`` is what a prompt is made of, ``carrying`` what each part of it cost.
- ``exchange`` composes all of these into one frozen ``models.Recording``: the only thing the recorder writes.
- ``settings`` names every setting once; ``access`` says who may do what; ``refusals`` holds the errors we generate.

Everything derived is a pure function of the stored bytes, so a rebuild is this same code run again.
"""
