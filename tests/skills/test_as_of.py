"""As of when the numbers of lists are: asked rarely, and never claimed too early."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine

from jobs import as_of
from skills import kept
from tests.factories.histories import succeeded

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 3, 14, 5, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_kept():
    kept.cards.clear()
    kept.frames.clear()
    kept.pages.clear()


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def freshness(response) -> str:
    """What the page says, and whether it looks like a warning."""
    page = unescape(response.content.decode())
    found = re.search(r'<p class="as-of[^>]*>.*?</p>', page)
    return re.sub(r"<[^>]+>", "", found[0]) + (" LATE" if "data-late" in found[0] else "")


def test_lists_say_when_their_numbers_were_copied(client, publish, clock):
    publish()
    pages = ("/skills/", "/skills/?q=pdf", "/u/alice/")
    for address in pages:
        assert "nothing has been counted yet" in freshness(client.get(address))
    succeeded("copy_totals", NOW)
    as_of.forget()
    for address in pages:
        assert freshness(client.get(address)) == "Counts as of 14:05 UTC · What they count"
    clock.move_to(NOW + 2 * HOUR + MINUTE)
    for address in pages:
        assert freshness(client.get(address)).endswith("LATE")


def test_a_kept_list_is_written_anew_when_a_copy_ran_or_is_late(client, publish, clock):
    publish()
    succeeded("copy_totals", NOW)
    first = client.get("/skills/")
    clock.move_to(NOW + MINUTE)
    assert client.get("/skills/").content == first.content
    etag = {"If-None-Match": first.headers["ETag"]}

    succeeded("copy_totals", NOW + MINUTE)
    as_of.forget()
    second = client.get("/skills/", headers=etag)

    assert second.status_code == 200
    assert "14:06 UTC" in freshness(second)


def test_as_of_is_asked_once_in_half_a_minute_and_never_claimed_too_early(
    client, publish, monkeypatch, django_assert_num_queries
):
    succeeded("copy_totals", NOW)
    with django_assert_num_queries(1):
        found = {as_of.as_of("copy_totals") for _ in range(3)}
    succeeded("copy_totals", NOW + MINUTE)

    assert found == {as_of.as_of("copy_totals")} == {as_of.AsOf(NOW, is_late=False)}
    monkeypatch.setattr("jobs.as_of.KEPT_SECONDS", 0)
    assert as_of.as_of("copy_totals").moment == NOW + MINUTE
