"""Lists as files: every row of a filtered list as ``PAGE.jsonl`` or ``PAGE.csv``, read and sent batch by batch.

- ``cells`` writes rows as CSV that no spreadsheet takes for a formula.
- ``sending`` walks a list by its cursor and sends it, up to a stated number of rows.

Which lists there are, ``api.lists`` says.
"""
