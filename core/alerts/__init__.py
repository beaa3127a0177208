"""Alerts (alerts.md): what is worth telling, by which rules, and how it is said. Pure.

``kinds`` is the table of what there is; ``told`` what is said of one; ``rules`` what people set; ``watch…`` finds what
is to be raised or is over; ``plan`` decides what of the outbox is sent, summed up, held or dropped; ``message`` makes
Slack's payload of it.
"""
