"""Sums over a period as pages show them: read from the roll-ups by time, never from requests.

- ``slots`` cuts a period into hours, days, weeks … of a zone; ``sums`` adds figures up without losing what is unknown.
- ``usage`` reads them by slot and by train, account, model or type; ``latency`` finds percentiles in buckets.
- ``classes`` are the kinds of tokens, ``wording`` what is measured and by what, ``pictures`` the charts of it.
- ``comparison`` sets a period beside the same weekdays before it.
"""
