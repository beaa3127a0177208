"""The recorder: develops tapes into rows, exactly once.

``service`` finds tapes and takes those nobody reads (``claim``); ``line`` is one tape's way: frames are read and folded
into ``exchanges``, changes cut into batches (``batch``), bytes loaded at the end of a call, derived (``derivation``,
``developed``, bombs in ``worker``, what cannot be derived is left ``undeveloped``) and written (``writing``).

``writing`` is one short transaction per train: the train's row locked, rows by one statement (``columns``) that goes
only from in flight to complete and adds the roll-up of what it completed, ``bodies`` (requests' in ``pieces``), and
last the tape's position, fenced by a generation. So everything may be done twice and counts once. Only then are
segments deleted.

``linker`` links them in that transaction: ``linking`` has ``core.linking`` decide over the ``ledger`` (look-ups under
the train's lock, in a thread) and writes what follows, with ``rollups``, ``sessions`` and ``tool_calls``. ``notes`` is
what is remembered of a request; ``notes_memory`` and ``facts_memory`` spare reading it. ``rebuild`` does all that again
from what is ``stored``. ``windows`` keeps what answers said of their account's windows.

``accounts`` learns whose credential it was, ``filing`` finds a place for ids of a wrong clock (``clock`` is the
server's), ``letters`` keeps what the database refuses, ``schema`` asks whether we may write, ``backoff`` and
``outage`` wait.

Every database error but a row's own is transient: the batch is held and tried again, for ever.
"""

from proxy.recorder.service import run

__all__ = ["run"]
