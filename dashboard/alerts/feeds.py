"""What trains want to hear besides incidents: the conversation feed, and a digest each day."""

from core.access import Principal
from dashboard.alerts.answers import FeedAnswer, FeedGiven, FeedsAnswer
from dashboard.problems import Problem
from dashboard.trains import visible_trains
from sql.database import Database
from sql.rows.alerts_pages import TrainFeedRow


async def feeds_now(database: Database, principal: Principal) -> list[FeedAnswer]:
    """What the trains that a principal may see want to hear; those where nobody set anything are not there."""
    trains = await visible_trains(database, principal)
    rows = await database.fetch("feeds_of", TrainFeedRow, sorted(trains))
    return sorted((_answer(row, trains[row.train]) for row in rows), key=lambda feed: feed.train_id)


async def feeds_answer(database: Database, principal: Principal) -> FeedsAnswer:
    """The same as the JSON API says it."""
    return FeedsAnswer(feeds=await feeds_now(database, principal))


async def put(database: Database, principal: Principal, train_id: str, given: FeedGiven) -> None:
    """Set what a train is to hear. Raises Problem 404 for a train that is not to be seen, 422 for an hour in a zone."""
    # No text of the database has a NUL, and it refuses to be asked for one.
    trains = {} if "\0" in train_id else await visible_trains(database, principal, [train_id])
    if not trains:
        raise Problem(404, "there is no such train, or it is not yours to see")
    if given.digest_at.tzinfo is not None:
        words = "name the hour alone; its zone is a field of its own"
        raise Problem(422, words, [{"field": "digest_at", "message": words}])
    await database.execute(
        "feed_put", next(iter(trains)), given.feed, given.digest, given.digest_at, given.zone, principal.name
    )


def _answer(row: TrainFeedRow, train_id: str) -> FeedAnswer:
    return FeedAnswer(
        train_id=train_id,
        feed=row.feed,
        digest=row.digest,
        digest_at=row.digest_at,
        zone=row.zone,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )
