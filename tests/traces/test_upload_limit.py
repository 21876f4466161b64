"""How much an account may upload: what is new or changed counts, by the hour and exactly."""

from __future__ import annotations

import pytest
from django.conf import settings as site_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.config.rivals import at_once
from tests.factories.traces import Uploader, refusal, said, session
from traces.models import Message
from traces.v1_views import MAX_BODY

DEFAULT = tuple(site_settings.UPLOAD_MIB_AN_HOUR)
pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"
BIG = "word " * 100_000  # Half a MiB, and of it one part and one text: a MiB a message.


@pytest.fixture(autouse=True)
def _small_limits(settings, time_machine):
    time_machine.move_to("2026-11-30 10:20:00Z", tick=False)
    settings.UPLOAD_MIB_AN_HOUR = [3, 6]


@pytest.fixture
def uploader(alice) -> Uploader:
    uploader = Uploader(alice)
    uploader.put(ID)
    return uploader


def fill(uploader: Uploader, *numbers: int, trace: str = ID):
    return uploader.post(trace, [said(n, BIG) for n in numbers])


def test_more_than_an_hour_allows_is_refused_until_the_next(uploader, time_machine):
    time_machine.move_to("2026-11-30 10:20:00Z", tick=False)
    assert fill(uploader, 1, 2, 3).status_code == 200

    answer = fill(uploader, 4)

    assert refusal(answer) == (429, "UPLOAD_LIMIT_REACHED")
    assert answer.headers["Retry-After"] == "2400"
    assert "share again in 40 minutes" in answer.json()["error"]["message"]
    assert Message.objects.count() == 3
    time_machine.move_to("2026-11-30 11:00:01Z", tick=False)
    assert fill(uploader, 4).status_code == 200


def test_what_is_sent_again_is_free_however_much_was_used_up(uploader):
    fill(uploader, 1, 2, 3)

    for _ in range(5):
        assert fill(uploader, 1, 2, 3).status_code == 200
    # Of a batch only what is new counts.
    assert uploader.post(ID, [said(1, BIG), said(2, BIG), said(9)]).status_code == 200
    assert uploader.put(ID, title="Another title").status_code == 200


def test_a_refused_batch_is_charged_nothing(uploader):
    fill(uploader, 1, 2)

    assert refusal(fill(uploader, 3, 4, 5))[0] == 429
    assert fill(uploader, 3).status_code == 200


def test_it_is_of_the_account_whatever_key_and_trace(alice, uploader):
    fill(uploader, 1, 2, 3)
    second = Uploader(alice)
    second.put("other")

    assert refusal(fill(second, 1, trace="other"))[0] == 429
    message = said(1, BIG)
    assert refusal(second.put_message("other", message))[0] == 429


def test_others_and_admins_have_their_own(uploader, charlie, ada):
    fill(uploader, 1, 2, 3)

    for person, status in ((charlie, 429), (ada, 200)):
        other = Uploader(person)
        other.put(ID)
        assert fill(other, 1, 2, 3).status_code == 200
        assert fill(other, 4).status_code == status


def test_the_largest_body_fits_into_what_a_fresh_installation_allows():
    assert min(DEFAULT) * 1024 * 1024 >= 2 * MAX_BODY


def test_a_batch_that_changes_nothing_asks_no_counter_of_bytes(uploader):
    uploader.post(ID, session(5))

    with CaptureQueriesContext(connection) as same:
        uploader.post(ID, session(5))
    with CaptureQueriesContext(connection) as more:
        uploader.post(ID, session(6))

    def charges(caught) -> int:
        return sum("config_rate_limit" in query["sql"] for query in caught)

    # The call itself is counted each time.
    assert (charges(same), charges(more)) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_uploads_that_meet_store_no_more_than_is_allowed(uploader, alice):
    for n in range(4):
        Uploader(alice).put(f"t{n}")

    answers = at_once(
        *(lambda n=n: fill(Uploader(alice), 1, trace=f"t{n}").status_code for n in range(4))
    )

    assert sorted(answers) == [200, 200, 200, 429]
    assert Message.objects.count() == 3
