"""Windows as the JSON API answers them. Pure: the moment is an argument."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, cast

from core.windows.past import Move, Window
from core.windows.reading import CLAIM, FALLBACK, OVERALL, Source, length_of, name_of, share
from core.windows.span import elapsed, pace, started_at
from dashboard.render.secrets import safe
from dashboard.windows import answers, said
from dashboard.windows.accounts import Account, View
from dashboard.windows.estimate import Estimate
from dashboard.windows.outlook import Outlook
from dashboard.windows.said import Key
from dashboard.windows.usage import Stretch, Sum
from dashboard.windows.use import Use
from sql.rows.windows import AccountRateLimit, WindowNow

STALE: Final = timedelta(minutes=10)
MINUTE: Final = timedelta(minutes=1)


def window_answer(row: WindowNow, now: datetime) -> answers.WindowAnswer:
    """The last word on a window."""
    length = length_of(row.window_name)
    gone = elapsed(row.reset_at, length, now)
    return answers.WindowAnswer(
        window=row.window_name,
        source=Source(row.source),
        window_minutes=length // MINUTE if length is not None else None,
        utilization=row.utilization,
        percentage=percent(row.utilization),
        status=row.status,
        started_at=started_at(row.reset_at, length),
        reset_at=row.reset_at,
        elapsed=gone,
        pace=pace(row.utilization, gone),
        peak=row.peak,
        rejected_at=row.rejected_at,
        observed_at=row.last_at,
        stale=now - row.last_at > STALE,
        over=not said.live(row, now),
        more=dict(said.members(row)),
    )


def account_fields(
    account: Account,
    words: Mapping[Key, WindowNow],
    limits: Sequence[AccountRateLimit],
    estimate: Estimate,
    now: datetime,
) -> answers.AccountWindows:
    """An account's windows."""
    overall = words.get((OVERALL, Source.REPORTED))
    members = said.members(overall) if overall is not None else {}
    return answers.AccountWindows(
        account_id=account.account_id,
        display_name=account.display_name,
        kind=cast("Literal['api_key', 'oauth']", account.kind),  # a CHECK on the table
        status=overall.status if overall is not None else None,
        representative_window=name_of(members[CLAIM]) if CLAIM in members else None,
        fallback_percentage=share(members.get(FALLBACK, "")),
        windows=[window_answer(words[key], now) for key in said.named(words)],
        rate_limits=[_rate_limit(row) for row in limits],
        inferred=inferred_answer(estimate),
    )


def _rate_limit(row: AccountRateLimit) -> answers.RateLimitAnswer:
    return answers.RateLimitAnswer(
        name=row.name,
        model=row.model or None,
        limit=row.quota,
        remaining=row.remaining,
        reset_at=row.reset_at,
        observed_at=row.observed_at,
    )


def inferred_answer(estimate: Estimate) -> answers.InferredAnswer:
    """Our own estimate."""
    return answers.InferredAnswer(
        window_minutes=estimate.length // MINUTE,
        period=period(estimate.over),
        sum=sum_answer(estimate.sum),
        limit=estimate.limit.tokens if estimate.limit is not None else None,
        limit_basis=estimate.limit.basis if estimate.limit is not None else None,
        utilization=estimate.utilization,
        reset_at=estimate.reset_at,
    )


def period(over: Stretch) -> answers.PeriodAnswer:
    """The time of own sums."""
    return answers.PeriodAnswer(start=over.start, end=over.end)


def sum_answer(one: Sum) -> answers.SumAnswer:
    """Own sums."""
    return answers.SumAnswer(**_sum_fields(one))


def _sum_fields(one: Sum) -> dict[str, int | float]:
    return {
        "requests": one.requests,
        "input_tokens": one.input_tokens,
        "output_tokens": one.output_tokens,
        "total_tokens": one.total_tokens,
        "cache_creation_input_tokens": one.cache_creation_input_tokens,
        "cache_read_input_tokens": one.cache_read_input_tokens,
        "estimated_cost": float(one.cost_usd),
        "unpriced_requests": one.unpriced,
    }


def use_answer(use: Use, view: View) -> answers.UseAnswer:
    """Who and what used a window."""
    trains = {view.trains.get(train): part for train, part in use.trains.items()}
    return answers.UseAnswer(
        period=period(use.over),
        sum=sum_answer(use.sum),
        trains=_shares(trains, use.sum),
        models=_shares(use.models, use.sum),
        request_types=_shares(use.request_types, use.sum),
        subagent_share=use.subagent_tokens / use.told_tokens if use.told_tokens else None,
        told_requests=use.told,
        conversations=[
            answers.ConversationShareAnswer(
                conversation_id=one.conversation_id,
                train_id=view.trains[one.train],
                title=safe(one.title) if one.title is not None else None,
                requests=one.requests,
                total_tokens=one.total_tokens,
                estimated_cost=float(one.cost_usd),
            )
            for one in use.conversations
        ],
    )


def _shares(parts: Mapping[str | None, Sum] | Mapping[str, Sum], whole: Sum) -> list[answers.ShareAnswer]:
    def part_of(one: Sum) -> float:
        if whole.cost_usd:
            return float(one.cost_usd / whole.cost_usd)
        return one.total_tokens / whole.total_tokens if whole.total_tokens else 0.0

    return [
        answers.ShareAnswer(name=name or None, share=part_of(one), **_sum_fields(one)) for name, one in parts.items()
    ]


def outlook_answer(row: WindowNow, outlook: Outlook) -> answers.OutlookAnswer:
    """Where a window leads."""
    rate, made, cost, past = outlook.burn, outlook.forecast, outlook.worth, outlook.calibration
    return answers.OutlookAnswer(
        window=row.window_name,
        source=Source(row.source),
        reset_at=row.reset_at,
        utilization=row.utilization,
        burn=rate
        and answers.BurnAnswer(per_hour=rate.per_hour, samples=rate.samples, active_minutes=rate.active / MINUTE),
        forecast=made
        and answers.ForecastAnswer(
            exhausted_at=made.exhausted_at, earliest=made.earliest, latest=made.latest, probability=made.probability
        ),
        worth=cost
        and answers.WorthAnswer(usd_per_percent=cost.usd_per_percent, r_squared=cost.r_squared, steps=cost.steps),
        calibration=past and answers.CalibrationAnswer(right=past.right, windows=past.windows, brier=past.brier),
    )


def moves(given: Sequence[Move]) -> list[answers.MoveAnswer]:
    """Ends that were moved."""
    return [answers.MoveAnswer(at=move.at, before=move.before, after=move.after) for move in given]


def past_window(window: Window, length: timedelta | None, now: datetime) -> answers.PastWindowAnswer:
    """One of the windows of a history."""
    return answers.PastWindowAnswer(
        started_at=started_at(window.reset_at, length),
        reset_at=window.reset_at,
        first_at=window.first_at,
        last_at=window.last_at,
        peak=window.peak,
        exhausted=window.exhausted,
        rejected_at=window.rejected_at,
        over=window.reset_at <= now,
        moves=moves(window.moves),
    )


def percent(utilization: float | None) -> float | None:
    """A share in per cent."""
    # Through decimal: 0.29 is 29 per cent, not 28.999999999999996.
    return float(Decimal(str(utilization)) * 100) if utilization is not None else None
