"""Recorded requests as people read them, for the pages and the JSON API alike.

- ``query`` is the query string of a list; ``listing`` reads the rows it asks for, never a body.
- ``detail`` finds one request among the trains of a principal and reads its bodies.
- ``bodies`` makes stored bytes readable: any bytes give valid JSON, and what was changed or left out is said.
- ``answers`` are the models of the JSON API.
"""
