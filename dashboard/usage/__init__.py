"""What was used and what it cost, for the JSON API: sums of the roll-ups by day, hour, account and model; budgets.

- ``query`` is what the routes are asked, ``answers`` what they say, ``shape`` how rows become answers.
- ``reading`` finds trains, accounts and periods; sums begin and end at any five minutes, days at midnight of a zone.
"""
