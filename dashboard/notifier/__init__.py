"""Delivers alerts to Slack (alerts.md). Any number of notifiers work beside one another; the rows say who does what.

``service`` looks once a second what is due; ``turn`` takes a channel, decides by ``core.alerts.plan`` and claims one
alert; ``delivery`` tells it and notes what came of it: "sending" is committed before Slack is asked. ``target`` opens a
channel's secret, ``posting`` asks Slack over ``connections`` that go nowhere they should not, ``answers`` says what an
answer means. ``presence`` says to the others that this notifier is there.
"""
