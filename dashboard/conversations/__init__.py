"""Conversations and sessions as people read them, for the pages and the JSON API alike.

- ``query`` is the query string of a list; ``listing`` reads the rows it asks for, never a body.
- ``detail`` finds one conversation among the trains of a principal, also under an id it no longer has, and its tree.
- ``address`` finds the one that a path names; an old id leads to the new one.
- ``thread`` chooses a window of a path and the few bodies that hold all of it.
- ``cost`` adds a conversation up; ``repriced`` is what it would have cost on other models and its part of budgets,
  ``sources`` for which words it was paid.
- ``answers`` are the models of the JSON API, ``shape`` makes them from rows.
"""
