"""What the gallery shows: one made-up example of everything a page is built from, in each of its states.

``rows`` are lines of lists, ``talk`` is a transcript with every kind of block, ``drawings`` are the charts. Nothing of
it was recorded; nothing of it reaches another page.
"""
