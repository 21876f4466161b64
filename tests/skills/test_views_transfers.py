"""`/me/transfers/`: what waits, for whom, and the three answers."""

from __future__ import annotations

import pytest
from django.test import Client

from skills.models import SkillTransfer
from skills.transfer_views import OFFERS_SHOWN
from skills.transfers import request_transfer
from tests.factories.accounts import sign_in

pytestmark = pytest.mark.django_db

URL = "/me/transfers/"


@pytest.fixture
def taker(charlie):
    return sign_in(Client(), charlie)


@pytest.fixture
def giver(alice):
    return sign_in(Client(), alice)


@pytest.fixture
def offer(alice, charlie, publish) -> SkillTransfer:
    skill = publish("notes").skill
    return request_transfer(skill=skill, to=charlie.namespace, actor=alice, message="<b>Yours?</b>")


def page(client, query: str = "") -> str:
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200
    return response.content.decode()


def owner(offer: SkillTransfer) -> str:
    offer.skill.refresh_from_db()
    return offer.skill.owner_handle


def test_both_see_the_offer_and_the_taker_takes_it_over(giver, taker, offer):
    assert "Take back" in page(giver)
    shown = page(taker)
    assert "&lt;b&gt;Yours?&lt;/b&gt;" in shown
    assert "Take over" in shown
    assert "Take back" not in shown

    answer = taker.post(f"{URL}{offer.pk}/accept/")

    assert answer.url == "/me/skills/notes/?owner=charlie"
    assert owner(offer) == "charlie"
    assert "Nothing is offered to you" in page(taker)
    assert taker.post(f"{URL}{offer.pk}/accept/").url == URL
    assert "That offer is gone" in page(taker)


@pytest.mark.parametrize(("answer", "state"), [("reject", "rejected"), ("cancel", "cancelled")])
def test_an_offer_is_turned_down_or_taken_back_by_the_right_one(giver, taker, offer, answer, state):
    right, wrong = (taker, giver) if answer == "reject" else (giver, taker)

    wrong.post(f"{URL}{offer.pk}/{answer}/")
    assert SkillTransfer.objects.get().state == "pending"
    right.post(f"{URL}{offer.pk}/{answer}/")

    assert SkillTransfer.objects.get().state == state
    assert owner(offer) == "alice"
    assert right.get(f"{URL}{offer.pk}/{answer}/").url == URL
    assert right.post(f"{URL}{offer.pk}/nonsense/").status_code == 404


def test_what_cannot_be_taken_over_is_said(taker, offer, charlie, publish):
    publish("notes", namespace=charlie.namespace)

    taker.post(f"{URL}{offer.pk}/accept/")

    assert "@charlie has a skill notes already" in page(taker)
    assert SkillTransfer.objects.get().state == "pending"


def test_long_lists_have_pages(giver, alice, charlie, publish, django_assert_max_num_queries):
    for number in range(OFFERS_SHOWN + 2):
        request_transfer(
            skill=publish(f"notes-{number:02}").skill, to=charlie.namespace, actor=alice
        )

    with django_assert_max_num_queries(12):
        first = page(giver)

    assert first.count("Take back") == OFFERS_SHOWN
    query = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert page(giver, query.partition("#")[0]).count("Take back") == 2
    assert "not one of ours" in page(giver, "?outgoing=nonsense")
