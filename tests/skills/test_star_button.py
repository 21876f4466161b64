"""The star on a skill's page: for people, once, at once, with and without htmx."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from skills.models import EventKind, SkillStar, StatEvent
from tests.factories.accounts import sign_in
from tests.factories.histories import star_by

pytestmark = pytest.mark.django_db

URL = "/skills/alice/pdf-tools/"
STAR = f"{URL}star/"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def skill(publish):
    return publish().skill


@pytest.fixture
def charlies(client, charlie):
    return sign_in(client, charlie)


def button(response) -> tuple[str, str]:
    """The count beside the button, and whether it is pressed."""
    page = response.content.decode()
    count = re.search(r'<div id="star"><b title="[^"]*">([^<]+)</b>', page)[1]
    return count, re.search(r'id="star-button" aria-pressed="(\w+)"', page)[1]


def test_a_person_stars_and_takes_the_star_back_without_a_script(charlies, skill):
    assert button(charlies.get(URL)) == ("0", "false")

    starred = charlies.post(STAR, {"on": "1"}, follow=True)

    assert starred.redirect_chain == [(URL, 302)]
    assert button(starred) == ("1", "true")
    assert "You starred Pdf Tools." in starred.content.decode()
    assert button(charlies.post(STAR, {"on": "0"}, follow=True)) == ("0", "false")


def test_htmx_gets_the_button_the_count_and_a_sentence_for_the_live_region(charlies, skill, ada):
    star_by(skill, ada)

    answer = charlies.post(STAR, {"on": "1"}, headers=HTMX)

    assert answer.status_code == 200
    assert button(answer) == ("2", "true")
    said = '<div id="live" hx-swap-oob="innerHTML">You starred Pdf Tools. 2 stars now.</div>'
    assert said in answer.content.decode()
    assert b"<html" not in answer.content


def test_saying_so_twice_changes_nothing_and_counts_once(charlies, skill):
    for on in ("1", "1", "0", "0", "1"):
        assert charlies.post(STAR, {"on": on}, headers=HTMX).status_code == 200

    assert SkillStar.objects.count() == 1
    kinds = list(StatEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == [EventKind.STAR, EventKind.UNSTAR, EventKind.STAR]


def test_each_person_sees_their_own_star(client, skill, alice, charlie):
    star_by(skill, charlie)

    assert button(sign_in(Client(), charlie).get(URL)) == ("1", "true")
    assert button(sign_in(Client(), alice).get(URL)) == ("1", "false")


def test_a_visitor_is_sent_to_sign_in_and_back_to_the_page(client, skill):
    page = client.get(URL).content.decode()
    posted = client.post(STAR, {"on": "1"})
    by_htmx = client.post(STAR, {"on": "1"}, headers=HTMX)

    assert f'href="/login/?next={URL}"' in page
    assert "csrfmiddlewaretoken" not in page
    assert posted.headers["Cache-Control"] == "private, no-cache"
    assert posted.headers["Location"] == f"/login/?next={URL}"
    assert by_htmx.headers["HX-Redirect"] == f"/login/?next={URL}"
    assert not SkillStar.objects.exists()


def test_a_get_changes_nothing_and_leads_to_the_page(charlies, skill):
    answer = charlies.get(f"{STAR}?on=1")

    assert (answer.status_code, answer.headers["Location"]) == (302, URL)
    assert not SkillStar.objects.exists()


def test_a_banned_person_stars_nothing(charlies, charlie, skill):
    charlie.banned_at = timezone.now()
    charlie.save()

    assert charlies.post(STAR, {"on": "1"}).headers["Location"].startswith("/login/")
    assert not SkillStar.objects.exists()


def test_a_form_of_another_site_stars_nothing(charlie, skill):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(charlie, backend="django.contrib.auth.backends.ModelBackend")

    assert strict.post(STAR, {"on": "1"}).status_code == 403
    assert not SkillStar.objects.exists()


@pytest.mark.parametrize("said", [{}, {"on": ""}, {"on": "2"}, {"on": "true"}, {"on": "1\x00"}])
def test_anything_but_on_or_off_is_refused(charlies, skill, said):
    assert charlies.post(STAR, said).status_code == 400
    assert not SkillStar.objects.exists()


def test_what_is_hidden_cannot_be_starred_or_found_out_about(charlies, skill):
    skill.moderation_status = "hidden"
    skill.save()

    assert charlies.post(STAR, {"on": "1"}).status_code == 404
    assert charlies.post("/skills/alice/no-such/star/", {"on": "1"}).status_code == 404
    assert not SkillStar.objects.exists()


def test_too_many_writes_are_told_to_wait(charlies, skill, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"write": [1, 1, 1]}
    charlies.post(STAR, {"on": "1"})

    answer = charlies.post(STAR, {"on": "0"})

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert SkillStar.objects.exists()


def test_whether_one_has_starred_is_asked_for_people_only(client, skill, charlie):
    def reads() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(URL)
        return sum("skills_skillstar" in query["sql"] for query in captured)

    assert reads() == 0
    sign_in(client, charlie)
    assert reads() == 1
