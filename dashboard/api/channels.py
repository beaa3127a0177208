"""``/api/channels``: where messages go. A secret goes in and never comes out."""

from core.access import Permission
from dashboard.alerts import channels
from dashboard.alerts.answers import ChannelAnswer, ChannelChange, ChannelGiven, ChannelsAnswer, TestAnswer
from dashboard.alerts.channels import channel_answer
from dashboard.routing import Call, Query, body_of, route
from dashboard.usage.answers import Done


@route("GET", "/api/channels", permission=Permission.READ_STATISTICS, returns=ChannelsAnswer, errors=(503,))
async def list_channels(call: Call[Query]) -> ChannelsAnswer:
    """Every channel without its secret."""
    rows = await channels.channels_seen(call.database, call.principal)
    return ChannelsAnswer(channels=[channel_answer(row) for row in rows])


@route(
    "POST",
    "/api/channels",
    permission=Permission.ADMINISTER,
    body=ChannelGiven,
    returns=ChannelAnswer,
    errors=(400, 403, 404, 409, 422, 503),
)
async def create_channel(call: Call[Query]) -> ChannelAnswer:
    """Add a webhook or a bot, for a train, an account, or the whole installation."""
    given = await body_of(ChannelGiven, call.request)
    return channel_answer(await channels.add(call.database, call.settings, call.principal, given))


@route(
    "PATCH",
    "/api/channels/{id}",
    permission=Permission.ADMINISTER,
    body=ChannelChange,
    returns=ChannelAnswer,
    errors=(400, 403, 404, 409, 422, 503),
)
async def change_channel(call: Call[Query]) -> ChannelAnswer:
    """Rename a channel, or switch it on or off."""
    given = await body_of(ChannelChange, call.request)
    number = channels.number_of(call.request.match_info["id"])
    return channel_answer(await channels.change(call.database, call.principal, number, given))


@route("DELETE", "/api/channels/{id}", permission=Permission.ADMINISTER, returns=Done, errors=(403, 404, 409, 503))
async def remove_channel(call: Call[Query]) -> Done:
    """Delete a channel; what was sent on it stays in the log."""
    await channels.delete(call.database, call.principal, channels.number_of(call.request.match_info["id"]))
    return Done()


@route("POST", "/api/channels/{id}/test", permission=Permission.ADMINISTER, returns=TestAnswer, errors=(403, 404, 503))
async def try_channel(call: Call[Query]) -> TestAnswer:
    """Send a message that tries a channel, switched off or not; the log says what became of it."""
    number = channels.number_of(call.request.match_info["id"])
    return TestAnswer(alert=await channels.test(call.database, call.principal, number))
