"""The gallery is for whoever builds pages, at home: nowhere else, and nothing of it is recorded."""

import pytest

from core.models import Outcome
from dashboard.gallery.rows import every_row
from dashboard.pages.gallery import PROBLEMS

HTML = {"Accept": "text/html"}


async def test_it_is_served_at_home(client):
    """Without a key, on this machine's own name, all of it is drawn, on an empty database too."""
    answer = await client.get("/dev/gallery", headers=HTML)
    page = await answer.text()
    assert answer.status == 200
    assert "<script>alert" not in page
    for words in ("Statuses", "Nothing matches these filters", "hologram", "Five-hour window", "could not be read"):
        assert words in page
    assert (await client.get("/dev/gallery", headers=HTML | {"Host": "evil.example"})).status == 403


def test_every_outcome_is_in_it():
    """A new way to end is shown as soon as it exists."""
    assert {row.outcome for row in every_row()} == {None, *(outcome.value for outcome in Outcome)}


@pytest.mark.parametrize("status", PROBLEMS)
async def test_error_pages_are_what_they_show(client, status):
    """Each is served with its own status and says what to do."""
    answer = await client.get(f"/dev/gallery/{status}", headers=HTML, allow_redirects=False)
    assert answer.status == status
    assert f"Status {status}" in await answer.text()


async def test_with_a_key_there_is_nothing(settings, serve, database):
    """An installation that others can reach has no gallery, also not for whoever has the key."""
    client = await serve(settings.model_copy(update={"dashboard_api_key": "k" * 20}), database)
    for path in ("/dev/gallery", "/dev/gallery/first-run", "/dev/gallery/500"):
        answer = await client.get(path, headers=HTML | {"X-Dashboard-Key": "k" * 20})
        assert answer.status == 404
