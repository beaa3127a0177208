"""Usage windows: how much of an account's 5 hours or 7 days is used up, by whom it was said, and when it runs dry.

Three sources, in this order, each shown under its name and never merged into one figure (usage.md): ``reported`` by
response headers, ``polled`` from the usage endpoint, ``inferred`` from our own sums. ``reading`` is what one of them
says of a window.

- ``sample``: utilisation over time; ``span``: how far a window has gone, and its pace; ``past``: windows one after
  another and ends that moved;
- ``burn``: how fast it goes; ``forecast``: when it is used up, with a range thrown by ``dice``; ``calibration``: how
  often such a range was right;
- ``worth``: what one per cent costs; ``room``: whether a job still fits; ``inferred``: our own estimate of the limit.

Moments are aware datetimes; utilisation is a share: 1 is all of it, and it can exceed 1.
"""
