"""Everything that speaks to Postgres, and nothing else; imports nothing of ours.

- ``migrations/`` are numbered files, forward only; ``migrator`` applies them and refuses a file that was changed.
- ``queries/<noun>.sql`` holds the statements, each with a name and a sentence (``loader``); ``rows/<noun>.py`` the
  frozen row classes, one field per column. A test PREPAREs every query and compares.
- ``database`` is the lazy pool: fetch, execute, transaction; every wait has an end. ``connection`` opens one.
- ``union`` makes one statement over several trains of a query that lists one.
- ``translation`` turns the driver's errors into ``errors``, once: poison (this row, for ever), no partition, wrong
  schema, away (everything else: do it again). ``jsonb`` makes any JSON value fit.
- ``schema.sql`` is the schema the migrations give, for reading; written by `python -m tests.sql.schema_dump`, and a
  test proves it equal.

Requests and what hangs on them are train-owned: every key begins with the train, partitions are months of the UUIDv7 id
(``uuid7_floor``), made three months ahead by ``make_partitions``. Every query on them carries the train.
"""
