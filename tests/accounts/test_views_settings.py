"""`/me/settings/`: a person's time zone, and in which pages it tells exact times."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.closing import close
from accounts.models import AuditEvent, User
from accounts.services import TimeZoneUnknown
from config.zones import current_zone, zone_names
from tests.factories.accounts import sign_in
from tests.factories.traces import Uploader, session

pytestmark = pytest.mark.django_db
PAGE = "/me/settings/"
ZONE = "Asia/Kathmandu"
MARK = "UTC+5:45"


@pytest.fixture
def as_alice(alice, client) -> Client:
    return sign_in(client, alice)


def text(response) -> str:
    return response.content.decode()


def test_the_page_tells_what_can_be_set_and_where_the_rest_is(as_alice):
    page = text(as_alice.get(PAGE))

    assert '<option value="" selected>UTC</option>' in page
    assert '<optgroup label="Europe">' in page
    assert "Argentina, Buenos Aires" in page
    assert "data-keys-switch" in page
    assert "without JavaScript there are no such keys" in page
    assert 'href="/me/namespaces/alice/"' in page
    assert "Nothing is mailed to you" in page
    assert len(page) < 50_000
    assert f'href="{PAGE}"' in text(as_alice.get("/me/account/"))


def test_a_time_zone_is_kept_and_exact_times_are_told_in_it(as_alice, alice):
    Uploader(alice).share("one", session(2), visibility="public")
    before = text(as_alice.get("/me/traces/"))
    assert ' UTC"' in before

    response = as_alice.post(PAGE, {"time_zone": ZONE}, follow=True)

    assert "The time zone is saved." in text(response)
    assert MARK in text(response)
    after = text(as_alice.get("/me/traces/"))
    assert f'{MARK}"' in after
    assert "just now" in after
    # What machines read stays UTC.
    assert after.count('Z" title=') == after.count("<time ") == before.count("<time ")
    event = AuditEvent.objects.get(verb="user.settings")
    assert (event.actor, event.after) == (alice, {"time_zone": "not kept"})


def test_choosing_it_again_writes_nothing(as_alice):
    for _ in range(2):
        assert as_alice.post(PAGE, {"time_zone": ZONE}).status_code == 302
    assert AuditEvent.objects.filter(verb="user.settings").count() == 1

    as_alice.post(PAGE, {"time_zone": ""})

    assert User.objects.get(handle="alice").time_zone == ""
    assert "UTC+" not in text(as_alice.get(PAGE)).split("Now it is")[1][:40]


def test_nobody_else_is_told_times_in_it(as_alice, alice, charlie):
    Uploader(alice).share("one", session(2), visibility="public")
    as_alice.post(PAGE, {"time_zone": ZONE})
    page = "/t/"
    cache.clear()

    for path in (page, "/", "/skills/", "/leaderboards/trending/"):
        as_alice.get(path)
        assert MARK not in text(Client().get(path)), path
        assert MARK not in text(sign_in(Client(), charlie).get(path)), path
        assert str(current_zone()) == "UTC"
    assert MARK in text(as_alice.get(page))
    assert MARK not in text(as_alice.get("/t.atom"))


def test_it_costs_no_statement(as_alice, alice):
    def statements() -> int:
        with CaptureQueriesContext(connection) as caught:
            as_alice.get("/me/traces/")
        return len(caught)

    without = statements()
    services.set_time_zone(user=alice, name=ZONE)

    assert statements() == without


@pytest.mark.parametrize(
    "typed",
    [
        "Mars/Olympus",
        "../../etc/passwd",
        "/etc/localtime",
        "europe/paris",
        "Etc/GMT+5",
        "Europe/Paris\r\nX: y",
        "x" * 5_000,
        "<script>alert(1)</script>",
    ],
)
def test_what_is_no_zone_of_the_list_is_refused(as_alice, alice, typed):
    response = as_alice.post(PAGE, {"time_zone": typed})

    assert response.status_code == 422
    assert "Choose one of the time zones of the list." in text(response)
    assert "<script>alert" not in text(response)
    assert User.objects.get(pk=alice.pk).time_zone == ""
    with pytest.raises(TimeZoneUnknown):
        services.set_time_zone(user=alice, name=typed)


def test_a_form_without_a_zone_changes_nothing(as_alice, alice):
    services.set_time_zone(user=alice, name=ZONE)

    assert as_alice.post(PAGE, {}).status_code == 422
    assert as_alice.post(PAGE, {"time_zone": "a\0b"}).status_code == 422

    assert User.objects.get(pk=alice.pk).time_zone == ZONE


def test_a_zone_that_is_known_no_more_is_utc(as_alice, alice):
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Atlantis")

    assert as_alice.get(PAGE).status_code == 200
    assert "UTC+" not in text(as_alice.get("/me/traces/"))


def test_it_goes_with_the_account(alice):
    services.set_time_zone(user=alice, name=ZONE)

    close(user=alice)

    assert User.objects.get(pk=alice.pk).time_zone == ""


def test_every_zone_can_be_chosen_and_the_form_needs_its_token(alice):
    assert {"Europe/Paris", "America/Indiana/Knox", ZONE} <= set(zone_names())
    strict = sign_in(Client(), alice)
    strict.handler.enforce_csrf_checks = True

    assert strict.post(PAGE, {"time_zone": ZONE}).status_code == 403


def test_a_link_ends_with_the_day_of_whoever_names_it(as_alice, alice):
    services.set_time_zone(user=alice, name="Asia/Tokyo")
    trace = Uploader(alice).share("one", session(2))
    day = f"{trace.created_at.year + 1}-01-01" if trace.created_at.month == 12 else ""
    address = f"/me/traces/{trace.public_id}/"
    assert "as that day does in Asia/Tokyo" in text(as_alice.get(address))
    for far in ("9999-12-31", "0001-01-01"):
        assert as_alice.post(address, {"link_end": "day", "link_end_day": far}).status_code == 422

    day = day or f"{trace.created_at.year}-12-31"
    as_alice.post(address, {"link_end": "day", "link_end_day": day})

    trace.refresh_from_db()
    assert f"{trace.link_ends_at:%H:%M:%S}" == "14:59:59"
