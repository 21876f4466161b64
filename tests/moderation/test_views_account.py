"""`/me/account/`: what the pages say, ask and refuse."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuditEvent, Membership, User
from moderation import account_page
from skills import events
from skills.models import Skill
from skills.transfers import request_transfer
from tests.factories.accounts import organisation, password_of, session_of, sign_in, with_app
from tests.factories.comments import comment_on
from tests.factories.skills import NamespaceFactory, publish_skill
from tests.factories.traces import Uploader, session

pytestmark = pytest.mark.django_db
DELETE = "/me/account/delete/"


@pytest.fixture
def signed(alice) -> Client:
    return sign_in(Client(), alice)


def typed(person: User, **other: str) -> dict[str, str]:
    return {"handle": person.handle, "password": password_of(person)} | other


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_my_account_is_one_link_away(signed):
    assert b'href="/me/account/"' in signed.get("/me/").content
    page = text(signed.get("/me/account/"))
    assert "<code>messages</code>" in page
    assert f'href="{DELETE}"' in page


def test_the_page_says_what_goes_and_what_stays(publish, alice, charlie, signed):
    theirs = publish_skill(slug="theirs", namespace=NamespaceFactory()).skill
    publish("one")
    two = publish("two").skill
    comment_on(theirs, alice)
    events.star(skill_id=theirs.pk, user_id=alice.pk)
    events.record_installs(user_id=alice.pk, skill_ids=[theirs.pk, two.pk])
    Uploader(alice).share("one", session(7))
    session_of(alice)
    request_transfer(skill=two, to=charlie.namespace, actor=alice)
    organisation("alone", owner=alice)
    acme = organisation("acme", owner=alice)
    Membership.objects.create(namespace=acme, user=charlie, role="owner")

    page = text(signed.get(DELETE))

    for told in (
        "1 token and 1 command line stop",
        "2 skills: off the site",
        "1 trace with 7 messages",
        "1 star and 2 installs",
        "from @alice to @charlie, which waits for an answer, is cancelled",
        "@alone, which has no other member",
        "You leave @acme",
        "1 comment: each keeps its words",
        "0 reports and 0 appeals",
        "This cannot be undone",
    ):
        assert told in page


def test_counts_end_at_a_bound_and_say_so(publish, alice, signed, monkeypatch):
    monkeypatch.setattr(account_page, "COUNTED", 2)
    for slug in ("one", "two", "three"):
        publish(slug)

    assert "2 or more skills: off the site" in text(signed.get(DELETE))


def test_deleting_signs_out_and_says_what_happens(alice, signed):
    answer = signed.post(DELETE, typed(alice))

    assert answer.status_code == 302
    assert answer.url == "/me/account/deleted/"
    assert User.objects.get(pk=alice.pk).is_closed
    assert signed.get(DELETE).url.startswith("/login/")
    assert "The account is deleted" in text(Client().get(answer.url))


def test_whoever_has_a_second_factor_shows_it_first(alice, signed):
    with_app(alice)

    for answer in (signed.get(DELETE), signed.post(DELETE, typed(alice))):
        assert answer.url.startswith("/me/security/confirm/")

    assert not User.objects.get(pk=alice.pk).is_closed


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"handle": "bob"}, "Type alice to say that you mean it."),
        ({"password": "wrong"}, "This is not your password."),
        ({"handle": ""}, "This field is required."),
        ({"handle": "a\0lice"}, "Null characters are not allowed."),
    ],
)
def test_a_mistake_deletes_nothing_and_keeps_what_was_typed(alice, signed, wrong, told):
    answer = signed.post(DELETE, typed(alice, **wrong))

    assert answer.status_code == 422
    page = text(answer)
    assert told in page
    assert "Nothing was deleted." in page
    assert password_of(alice) not in page
    assert not User.objects.get(pk=alice.pk).is_closed


def test_the_only_owner_is_told_what_to_do(alice, charlie, signed):
    organisation("acme", owner=alice, member=charlie)

    answer = signed.post(DELETE, typed(alice))

    assert answer.status_code == 422
    assert "@acme needs an owner: make somebody else one first." in text(answer)


def test_staff_read_why_it_is_not_possible(mona):
    signed = sign_in(Client(), mona)
    assert "Staff accounts are not deleted" in text(signed.get(DELETE))
    assert signed.post(DELETE, typed(mona)).status_code == 422


def test_passwords_cannot_be_guessed_here(alice, signed, monkeypatch):
    monkeypatch.setattr("moderation.account_views.TRIES_AN_HOUR", 2)
    for _ in range(2):
        assert signed.post(DELETE, typed(alice, password="wrong")).status_code == 422

    assert signed.post(DELETE, typed(alice)).status_code == 429
    assert not User.objects.get(pk=alice.pk).is_closed


def test_nothing_is_done_without_a_token_of_the_page(alice):
    signed = sign_in(Client(), alice)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed.cookies

    assert strict.post(DELETE, typed(alice)).status_code == 403
    assert strict.post("/me/account/export/").status_code == 403
    assert not AuditEvent.objects.filter(verb__in=["user.close", "user.export"]).exists()


def test_the_page_asks_as_much_however_much_there_is(
    publish, alice, signed, django_assert_max_num_queries
):
    for n in range(5):
        publish(f"s-{n}")
        Uploader(alice).share(f"t-{n}", session(2))
    assert Skill.objects.count() == 5

    with django_assert_max_num_queries(28):
        signed.get(DELETE)
