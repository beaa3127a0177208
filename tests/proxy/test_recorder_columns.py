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
    RETURNING id, outcome
)
SELECT id FROM written WHERE outcome IS NOT NULL"""  # noqa: S608 - rendered to be compared, never run


def test_the_statement_says_what_the_table_of_columns_says():
    """Whitespace aside, record_rows is the rendering of the table: neither can change alone."""
    assert " ".join(queries()["record_rows"].text.split()) == " ".join(rendered().split())


def test_every_column_that_is_compared_exists_once():
    """No column is written twice."""
    names = [column.name for column in COLUMNS]
    assert len(names) == len(set(names))
