"""How Postgres reads the log of alerts: as many rows as are shown, whatever it is narrowed to, however long it is."""

import itertools

import pytest

from dashboard.alerts.log import ALL_STATES, NEWEST, PAGE_ROWS, STATES
from dashboard.alerts.watcher import LASTING
from sql.loader import queries
from tests.dashboard.test_api_plans import ends_to_end, explained, read

FILL = """
    INSERT INTO trains (name) VALUES ('busy'), ('few'), ('none');
    INSERT INTO accounts (account_id, kind, strength) VALUES ('a', 'oauth', 'account_uuid');
    INSERT INTO alerts (kind, subject, dedupe_key, tone, train, told, raised_at, recovered_at, state, sent_at)
    SELECT CASE WHEN n % 1000 = 0 THEN 'burst' WHEN n % 4001 = 0 THEN 'future' WHEN n % 100 = 0 THEN 'digest'
        ELSE 'feed' END, 'x', n::text, 'info',
        CASE WHEN n % 1000 = 0 THEN 2 ELSE 1 END, '{}', at, CASE WHEN n % 1000 = 0 THEN at END,
        CASE WHEN n % 3000 = 0 THEN 'dropped' ELSE 'sent' END, CASE WHEN n % 3000 = 0 THEN NULL ELSE at END
    FROM generate_series(1, 40000) AS n
    CROSS JOIN LATERAL (SELECT now() - interval '80 days' + n * interval '2 minutes' AS at) AS x;
    INSERT INTO alerts (kind, subject, dedupe_key, tone, account, told, state, sent_at)
    SELECT 'window', 'x', 'window ' || n, 'info', 1, '{}', 'sent', now() FROM generate_series(1, 200) AS n;
    ANALYZE;
"""
"""40,000 turns told of one train, 40 bursts of another, 200 windows of an account that no train used."""
LIMIT = PAGE_ROWS + 1
MOST_READ = 12 * LIMIT
"""Of 40,200: numbers of four kinds at most, and each alert of the page with its train and channel."""


def listed(words):
    """Words as SQL, NULL for none."""
    return "NULL" if words is None else "'{" + ",".join(str(word) for word in words) + "}'"


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("whole", [True, False])
async def test_the_log_reads_what_it_shows(filled, whole, mode):
    """Narrowed to what is common, rare or not there at all, on the first page and behind the last."""
    text, kinds, trains = queries()["alerts_log"].text, (None, "feed", "digest", "burst", "tape"), (None, 1, 2, 3, 999)
    for kind, states, train, before in itertools.product(kinds, [ALL_STATES, *STATES.values()], trains, (NEWEST, 1)):
        of_kind, of_train = None if kind is None else [kind], None if train is None else [train]
        asked = f"'{{1,2,3}}', {whole}, {listed(of_kind)}, {listed(states)}, {listed(of_train)}, {before}"
        rows, found = await explained(filled, text, asked, mode)
        assert rows <= LIMIT
        assert "alerts" not in ends_to_end(found), asked
        most = MOST_READ if whole or train is not None or kind not in {None, "window"} else MOST_READ + 200
        assert read(found) <= most, asked


async def test_one_page_after_the_other_is_the_whole_log(filled):
    """Nothing is left out or shown twice, newest first; also of kinds that this version does not know."""
    for states, train, first in ((ALL_STATES, None, 5000), (STATES["dropped"], None, NEWEST), (ALL_STATES, 2, NEWEST)):
        seen, before = [], first
        while True:
            trains = None if train is None else [train]
            rows = await filled.fetch(queries()["alerts_log"].text, [1, 2, 3], True, None, list(states), trains, before)
            if not rows:
                break
            seen += [row["alert"] for row in rows]
            before = seen[-1]
        expected = await filled.fetch(
            "SELECT alert FROM alerts WHERE state = ANY ($1) AND ($2::integer IS NULL OR train = $2) AND alert < $3"
            " ORDER BY alert DESC",
            list(states), train, first,
        )  # fmt: skip
        assert seen == [row["alert"] for row in expected]


@pytest.mark.parametrize(
    ("name", "given", "most"),
    [
        ("alert_logged", "'{1,2,3}', false, 7", 10),
        ("alert_bursts_over", "now() - interval '10 days'", 10),
    ],
)
async def test_one_alert_and_what_was_over_lately_are_found_by_index(filled, name, given, most):
    """Not sought through the whole log."""
    _, found = await explained(filled, queries()[name].text, given)
    assert "alerts" not in ends_to_end(found)
    assert read(found) <= most


async def test_what_is_to_be_forgotten_is_found_by_index(connection):
    """Nothing is read where nothing is old enough, and of what is no more than a part."""
    await connection.execute(FILL)
    for days, rows in ((90, 0), (70, 100)):
        given = f"now() - interval '{days} days', {listed(LASTING)}, 100"
        _, found = await explained(connection, queries()["alerts_forget"].text, given)
        assert "alerts" not in ends_to_end(found)
        assert rows <= read(found) <= 10 * rows
