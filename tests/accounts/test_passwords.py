"""A person's password: changed and set, what it must be, and which sessions it ends."""

from __future__ import annotations

from functools import partial

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.closing import close
from accounts.models import AuditEvent, User
from accounts.passwords import set_password
from accounts.services import authenticate_token, create_token
from accounts.sessions import sign_out_everywhere
from tests.config.rivals import meet
from tests.factories.accounts import password_of, sign_in, sign_in_with_app, with_app

pytestmark = pytest.mark.django_db
ADDRESS = "/me/security/password/"
NEW = "grey otters swim at dusk"


def change(client: Client, password: str = NEW, again: str | None = None):
    return client.post(
        ADDRESS, {"password": password, "again": password if again is None else again}
    )


def opens(person: User, password: str) -> bool:
    said = {"username": person.handle, "password": password}
    return Client().post("/login/", said).status_code == 302


def is_signed_in(client: Client) -> bool:
    return client.get("/me/tokens/").status_code == 200


def test_the_new_one_opens_the_account_and_the_old_one_no_more(client, alice):
    sign_in(client, alice)

    answer = change(client)

    assert answer.headers["Location"] == "/me/security/"
    assert "Your password is changed." in client.get("/me/security/").content.decode()
    assert opens(alice, NEW)
    assert not opens(alice, password_of(alice))
    event = AuditEvent.objects.get(verb="password.change")
    assert (event.actor, event.before, event.after) == (alice, {}, {})


def test_other_browsers_are_signed_out_and_tokens_stay(client, alice, charlie):
    sign_in(client, alice)
    other = sign_in(Client(), alice)
    stranger = sign_in(Client(), charlie)
    token, text = create_token(user=alice, label="laptop")
    before = client.session.session_key

    change(client)

    assert is_signed_in(client)
    assert client.session.session_key != before
    assert not is_signed_in(other)
    assert is_signed_in(stranger)
    assert authenticate_token(str(text)) == token


def test_blanks_around_it_are_part_of_it(client, alice):
    sign_in(client, alice)

    change(client, f" {NEW} ")

    assert opens(alice, f" {NEW} ")
    assert not opens(alice, NEW)


@pytest.mark.parametrize(
    ("password", "again", "why"),
    [
        ("otters dusk", None, "at least 12 characters"),
        ("qwerty123456", None, "too common"),
        ("Alice-Liddell", None, "too similar"),
        (NEW, NEW.upper(), "type both again"),
        (NEW, "", "This field is required."),
        ("", NEW, "This field is required."),
        ("x" * 1001, None, "at most 1000 characters"),
        (f"{NEW}\0", None, "Null characters are not allowed."),
    ],
)
def test_what_may_not_be_one_is_refused_and_the_old_one_stays(client, alice, password, again, why):
    alice.display_name = "Alice Liddell"
    alice.save(update_fields=["display_name"])
    sign_in(client, alice)

    answer = change(client, password, again)

    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert opens(alice, password_of(alice))
    assert not AuditEvent.objects.filter(verb__startswith="password").exists()


def test_two_that_differ_are_told_beside_what_else_is_wrong(client, alice):
    sign_in(client, alice)

    page = change(client, "short", "other").content.decode()

    assert "at least 12 characters" in page
    assert "type both again" in page


def test_no_page_says_what_was_typed(client, alice):
    sign_in(client, alice)

    refused = change(client, NEW, "something else")

    assert NEW not in refused.content.decode()
    assert (
        refused.headers["Cache-Control"]
        == "max-age=0, no-cache, no-store, must-revalidate, private"
    )


def test_a_password_manager_learns_whose_it_is(client, alice):
    sign_in(client, alice)

    page = client.get(ADDRESS).content.decode()

    assert '<input name="username" value="alice" autocomplete="username" hidden>' in page
    assert page.count('autocomplete="new-password"') == 2
    assert "at least 12 characters" in page


def test_who_was_not_asked_lately_is_asked_first(client, alice):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        sign_in(client, alice)
        clock.shift(601)

        for answer in (client.get(ADDRESS), change(client)):
            assert answer.headers["Location"] == f"/me/security/confirm/?next={ADDRESS}"

        assert opens(alice, password_of(alice))


def test_who_has_a_factor_shows_it(client, alice):
    secret = with_app(alice)
    sign_in_with_app(client, alice, secret)

    change(client)

    assert is_signed_in(client)
    assert AuditEvent.objects.filter(verb="password.change").exists()
    # The factor is asked as before.
    half = Client()
    half.post("/login/", {"username": "alice", "password": NEW})
    assert not is_signed_in(half)


@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_signed_out_everywhere_meanwhile_stays_out(client, alice):
    sign_in(client, alice)

    meet(
        partial(sign_out_everywhere, user=User.objects.get(pk=alice.pk), actor=alice),
        partial(change, client),
    )

    assert not is_signed_in(client)
    assert opens(alice, NEW)


@pytest.mark.django_db(transaction=True)
def test_a_closed_account_gets_none(alice):
    done = meet(
        partial(close, user=User.objects.get(pk=alice.pk)),
        partial(set_password, user=alice, password=NEW),
    )

    assert done == [True, False]
    assert not User.objects.get(pk=alice.pk).has_usable_password()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_the_later_one_counts(alice):
    first, second = (User.objects.get(pk=alice.pk) for _ in range(2))

    meet(
        partial(set_password, user=first, password=f"{NEW} 1"),
        partial(set_password, user=second, password=f"{NEW} 2"),
    )

    assert User.objects.get(pk=alice.pk).check_password(f"{NEW} 2")
    assert AuditEvent.objects.filter(verb="password.change").count() == 2
