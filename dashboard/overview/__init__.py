"""What the overview shows: values made from sums, before any of it is laid out.

- ``tiles`` are the six figures on top, ``attention`` the few things that want somebody, each with its evidence.
- ``savings`` is what the cache saved and how fast answers came, ``weeks`` the conversations of twelve weeks, ``keys``
  whose cost it is: they are read when the page is there.
- ``budgets`` says how budgets stand and how they went.
- ``cards`` runs the parts of a page beside one another: one that fails says so and takes nothing else with it.
"""
