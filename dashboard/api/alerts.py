"""``/api/alerts``: the log of alerts, their rules and feeds."""

from core.access import Permission
from dashboard.alerts import feeds, log, rules
from dashboard.alerts.answers import (
    AlertAnswer,
    AlertsAnswer,
    FeedGiven,
    FeedsAnswer,
    RuleChange,
    RulesAnswer,
    SnoozeAnswer,
    SnoozeGiven,
)
from dashboard.alerts.log import LogQuery
from dashboard.routing import Call, Query, body_of, route


@route(
    "GET",
    "/api/alerts",
    permission=Permission.READ_STATISTICS,
    query=LogQuery,
    returns=AlertsAnswer,
    errors=(400, 503),
)
async def list_alerts(call: Call[LogQuery]) -> AlertsAnswer:
    """The log of alerts, newest first, each with what became of it."""
    view = await log.view_of(call.database, call.principal)
    return await log.log_answer(call.database, view, call.query)


@route(
    "POST",
    "/api/alerts/{id}/acknowledge",
    permission=Permission.ADMINISTER,
    returns=AlertAnswer,
    errors=(404, 409, 503),
)
async def acknowledge_open_alert(call: Call[Query]) -> AlertAnswer:
    """Somebody saw what runs: what waits of it is not told any more."""
    number = log.number_of(call.request.match_info["id"])
    await log.acknowledge(call.database, call.principal, number)
    view = await log.view_of(call.database, call.principal)
    row = await log.alert_numbered(call.database, view, number)
    tries = await log.tries_of(call.database, [row])
    return log.alert_answer(row, tries[number], view, await log.rules_in_force(call.database))


@route(
    "POST",
    "/api/alerts/{id}/snooze",
    permission=Permission.ADMINISTER,
    body=SnoozeGiven,
    returns=SnoozeAnswer,
    errors=(400, 404, 422, 503),
)
async def snooze_open_alert(call: Call[Query]) -> SnoozeAnswer:
    """Nothing more is told of what an alert is about, for some hours."""
    given = await body_of(SnoozeGiven, call.request)
    number = log.number_of(call.request.match_info["id"])
    return await log.snooze(call.database, call.principal, number, given.hours)


@route("GET", "/api/alerts/rules", permission=Permission.READ_STATISTICS, returns=RulesAnswer, errors=(503,))
async def list_alert_rules(call: Call[Query]) -> RulesAnswer:
    """When something is told: every kind's rule."""
    return await rules.rules_answer(call.database)


@route(
    "PATCH",
    "/api/alerts/rules/{kind}",
    permission=Permission.ADMINISTER,
    body=RuleChange,
    returns=RulesAnswer,
    errors=(400, 403, 404, 422, 503),
)
async def change_alert_rule(call: Call[Query]) -> RulesAnswer:
    """Change what is named of a rule; returns all rules."""
    kind = rules.kind_of(call.request.match_info["kind"])
    await rules.change(call.database, call.principal, kind, await body_of(RuleChange, call.request))
    return await rules.rules_answer(call.database)


@route("GET", "/api/alerts/feeds", permission=Permission.READ_STATISTICS, returns=FeedsAnswer, errors=(503,))
async def list_alert_feeds(call: Call[Query]) -> FeedsAnswer:
    """What trains want to hear besides incidents."""
    return await feeds.feeds_answer(call.database, call.principal)


@route(
    "PUT",
    "/api/alerts/feeds/{train}",
    permission=Permission.ADMINISTER,
    body=FeedGiven,
    returns=FeedsAnswer,
    errors=(400, 404, 422, 503),
)
async def set_alert_feed(call: Call[Query]) -> FeedsAnswer:
    """Set what a train is to hear besides incidents; returns that of all trains."""
    given = await body_of(FeedGiven, call.request)
    await feeds.put(call.database, call.principal, call.request.match_info["train"], given)
    return await feeds.feeds_answer(call.database, call.principal)
