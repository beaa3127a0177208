"""A day of generated traffic, whose tokens and dollars a script that knows nothing of ours computes from the outside.

``upstream`` invents what the API said and keeps a log of it; ``audit`` reads only that log; ``day`` records the traffic
and compares. ``python -m tests.traffic 10000`` is the long form.
"""
