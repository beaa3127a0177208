"""What the overview shows: values made from sums, before any of it is laid out.

- ``tiles`` are the six figures on top, ``attention`` the few things that want somebody, each with its evidence.
- ``budgets`` says how budgets stand and how they went.
- ``cards`` runs the parts of a page beside one another: one that fails says so and takes nothing else with it.
"""
