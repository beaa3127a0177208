"""The table of columns and the statement that writes them are one thing."""

from proxy.recorder.columns import COLUMNS
from sql.loader import queries


def rendered() -> str:
    """The statement of ``record_rows`` as the table of columns says it must be."""
    names = [column.name for column in COLUMNS]
    types = ["text" if column.type == "jsonb" else column.type for column in COLUMNS]
    parameters = [f"${n}::{kind}[]" for n, kind in enumerate(types, start=2)]
    picked = [f"n.{column.name}::jsonb" if column.type == "jsonb" else f"n.{column.name}" for column in COLUMNS]
    changed = [f"{name} = excluded.{name}" for name in names if name not in {"id", "original_id"}]
    return f"""WITH written AS (
    INSERT INTO requests AS r (train, {", ".join(names)})
    SELECT $1::integer, {", ".join(picked)}
    FROM unnest({", ".join(parameters)}) AS n ({", ".join(names)})
    ON CONFLICT (train, id) DO UPDATE SET {", ".join(changed)}, updated_at = now()
    WHERE r.outcome IS NULL AND excluded.outcome IS NOT NULL
    RETURNING id, outcome, account, started_at, coalesce(answered_model, model, '') AS model, request_type,
        input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, duration_us
), added AS (
    INSERT INTO usage_hourly AS u (train, hour, account, model, request_type, requests, ok, cancelled, rejected,
        input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ok_duration_us)
    SELECT $1::integer, date_trunc('hour', started_at, 'UTC'), coalesce(account, 0), model, coalesce(request_type, ''),
        count(*), count(*) FILTER (WHERE outcome = 'ok'), count(*) FILTER (WHERE outcome = 'client_cancelled'),
        count(*) FILTER (WHERE outcome = 'rejected'), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
        coalesce(sum(cache_creation_input_tokens), 0), coalesce(sum(cache_read_input_tokens), 0),
        coalesce(sum(duration_us) FILTER (WHERE outcome = 'ok'), 0)
    FROM written
    WHERE outcome IS NOT NULL
    GROUP BY 2, 3, 4, 5
    ON CONFLICT (train, hour, account, model, request_type) DO UPDATE SET
        requests = u.requests + excluded.requests, ok = u.ok + excluded.ok,
        cancelled = u.cancelled + excluded.cancelled, rejected = u.rejected + excluded.rejected,
        input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
        cache_creation_input_tokens = u.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
        cache_read_input_tokens = u.cache_read_input_tokens + excluded.cache_read_input_tokens,
        ok_duration_us = u.ok_duration_us + excluded.ok_duration_us
)
SELECT id FROM written WHERE outcome IS NOT NULL"""  # noqa: S608 - rendered to be compared, never run


def test_the_statement_says_what_the_table_of_columns_says():
    """Whitespace aside, record_rows is the rendering of the table: neither can change alone."""
    assert " ".join(queries()["record_rows"].text.split()) == " ".join(rendered().split())


def test_every_column_that_is_compared_exists_once():
    """No column is written twice."""
    names = [column.name for column in COLUMNS]
    assert len(names) == len(set(names))
