"""Usage windows of accounts, for the pages and the JSON API alike (usage.md, windows).

- ``query`` is what can be asked; ``accounts`` are those a principal may see, under all numbers calls were filed under.
- ``said`` is what was reported or polled of windows; ``usage`` our own sums beside it, ``estimate`` what follows from
  them where nothing was said, ``use`` who and what used a window.
- ``history`` is the windows that are over, ``outlook`` where the running ones lead, ``job`` whether one can be started.
- ``glance`` is all of it by one query, ``course`` the figures of one window, ``wording`` windows in words.
- ``answers`` are the models of the JSON API; ``shape`` makes them.

What was said of an account is the account's: who may see any train that used it sees that. Our own sums are of the
trains a principal may see; a limit is inferred only for who sees all of them.
"""
