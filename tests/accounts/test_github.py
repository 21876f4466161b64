"""Signing in with GitHub, over real HTTP against a small server of our own."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Value
from django.test import Client
from django.utils import timezone

from accounts.github_links import GitHubRefused, connect
from accounts.handles import look_column, look_of
from accounts.models import AuditEvent, Namespace, User
from accounts.organisations import HandleRefused
from accounts.sign_up import sign_up
from tests.accounts.github_server import CLIENT, SECRET, serving
from tests.config.rivals import at_once
from tests.factories.accounts import code_at, with_app

pytestmark = pytest.mark.django_db
NAME = "/login/github/name/"


@pytest.fixture
def github(settings):
    with serving() as server:
        settings.GITHUB_CLIENT_ID, settings.GITHUB_CLIENT_SECRET = CLIENT, SECRET
        settings.GITHUB_URL = settings.GITHUB_API_URL = server.address
        settings.SITE_URL = "http://testserver"
        yield server


def go_there(client: Client, then: str = "", address: str = "/login/github/") -> str:
    """Press the button and let GitHub send the browser back; returns the address it is sent to."""
    sent = client.post(address, {"next": then} if then else {})
    assert sent.status_code == 302, sent.content.decode()
    there = urlsplit(sent.headers["Location"])
    asking = http.client.HTTPConnection(there.netloc, timeout=10)
    asking.request("GET", f"{there.path}?{there.query}")
    back = asking.getresponse().headers["Location"]
    asking.close()
    assert back.startswith("http://testserver/login/github/callback/?")
    return back.removeprefix("http://testserver")


def come_back(client: Client, then: str = ""):
    return client.get(go_there(client, then))


def join(client: Client, handle: str = "octo-cat"):
    come_back(client)
    return client.post(NAME, {"handle": handle})


def is_signed_in(client: Client) -> bool:
    return client.get("/me/tokens/").status_code == 200


# --- Off and on ----------------------------------------------------------------------------------


def test_without_keys_there_is_no_such_way_in(client, db):
    assert "GitHub" not in client.get("/login/").content.decode()
    for address in ("/login/github/callback/", NAME):
        assert client.get(address).status_code == 404
    assert client.post("/login/github/").status_code == 404


def test_with_keys_the_form_may_lead_there_and_nowhere_else(client, github):
    page = client.get("/login/")

    assert "Sign in with GitHub" in page.content.decode()
    assert f"form-action 'self' {github.address}" in page.headers["Content-Security-Policy"]
    assert github.address not in client.get("/about/").headers["Content-Security-Policy"]


def test_github_is_asked_who_it_is_and_nothing_more(client, github):
    come_back(client)

    asked = parse_qs(urlsplit(github.asked[0]).query)
    assert "scope" not in asked
    assert asked["code_challenge_method"] == ["S256"]
    assert [urlsplit(address).path for address in github.asked] == [
        "/login/oauth/authorize",
        "/user",
    ]


# --- New people ----------------------------------------------------------------------------------


def test_who_is_new_chooses_a_name_and_is_signed_in(client, github):
    response = come_back(client, "/me/traces/")
    assert response.headers["Location"] == NAME
    assert 'value="octo-cat"' in client.get(NAME).content.decode()
    assert not User.objects.exists()
    kept = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    assert "octo-cat" in kept
    assert not any(token in kept for token in github.tokens)

    made = client.post(NAME, {"handle": "Octo"})

    assert made.headers["Location"] == "/me/traces/"
    assert is_signed_in(client)
    person = User.objects.get()
    assert (person.handle, person.display_name, person.email) == ("octo", "Octo Cat", "")
    assert person.namespace.handle == "octo"
    assert not person.has_usable_password()
    account = SocialAccount.objects.get(user=person)
    assert (account.uid, account.extra_data) == ("583231", {"login": "octo-cat"})
    assert not SocialToken.objects.exists()
    assert not EmailAddress.objects.exists()
    assert AuditEvent.objects.filter(verb="user.create").count() == 1


def test_who_is_known_is_signed_in_whatever_their_name_there_is_now(client, github):
    join(client)
    github.person = {"id": 583231, "login": "renamed", "name": None}
    other = Client()

    assert come_back(other, "/me/traces/").headers["Location"] == "/me/traces/"

    assert is_signed_in(other)
    assert User.objects.get().handle == "octo-cat"


def test_a_name_there_that_changed_hands_opens_nothing(client, github):
    join(client)
    github.person = {"id": 99, "login": "octo-cat", "name": "Somebody else"}
    other = Client()

    assert come_back(other).headers["Location"] == NAME
    assert 'value="octo-cat-2"' in other.get(NAME).content.decode()
    assert not is_signed_in(other)


def test_no_account_is_found_by_a_mail_address(client, github, alice):
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    EmailAddress.objects.create(user=alice, email="alice@example.org", verified=True)
    github.person = {"id": 7, "login": "alice", "name": "Alice", "email": "alice@example.org"}

    assert come_back(client).headers["Location"] == NAME
    assert client.post(NAME, {"handle": "alice"}).status_code == 422
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("alice", "is taken"),
        ("ALICE", "is taken"),
        ("al1ce", "looks too much like alice"),
        ("a-lice", "looks too much like alice"),
        ("imported", "is taken"),
        ("admin", "is reserved"),
        ("adm1n", "looks like a reserved one"),
        ("skill-board", "looks like a reserved one"),
        ("x", "letters"),
        ("", "required"),
        ("--", "letters"),
        ("аlice", "looks too much like alice"),
        ("a\0b", "Null characters"),
    ],
)
def test_a_name_follows_our_rules(client, github, alice, wanted, told):
    Namespace.objects.create(handle="imported")
    if wanted == "аlice":  # With a Cyrillic first letter, which is no letter of names: "lice".
        Namespace.objects.create(handle="l-1ce")
        told = "looks too much like l-1ce"
    come_back(client)

    answer = client.post(NAME, {"handle": wanted})

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    ("login", "suggested"),
    [("alice", "alice-2"), ("admin", "admin-2"), ("x", ""), ("", ""), ("Mona_Lisa", "mona_lisa")],
)
def test_a_name_is_suggested_that_is_free(client, github, alice, login, suggested):
    github.person = {"id": 5, "login": login, "name": None}
    come_back(client)

    page = client.get(NAME).content.decode()

    assert (f'value="{suggested}"' in page) if suggested else ('id="id_handle" value' not in page)


def test_a_choice_that_is_sent_twice_makes_one_account(client, github):
    come_back(client)
    session = dict(client.cookies)
    join_again = Client()
    join_again.cookies.update(session)
    client.post(NAME, {"handle": "octo"})

    assert join_again.post(NAME, {"handle": "octo-two"}).status_code == 302
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("handles", [("octo", "octo"), ("octo", "cat")])
def test_of_two_windows_at_once_one_makes_the_account(handles):
    def attempt(handle):
        account = SocialAccount(provider="github", uid="1", extra_data={})
        return lambda: sign_up(handle=handle, display_name="", account=account)

    found = at_once(*map(attempt, handles))

    assert sum(isinstance(result, User) for result in found) == 1
    assert all(isinstance(result, User) or hasattr(result, "code") for result in found), found
    assert User.objects.count() == SocialAccount.objects.count() == 1


def account_of_github(uid: str) -> SocialAccount:
    return SocialAccount(provider="github", uid=uid, extra_data={})


def import_namespace(handle: str) -> None:
    """Make a namespace as an import does: it belongs to nobody yet."""
    Namespace.objects.bulk_create([Namespace(handle=handle)], ignore_conflicts=True)


def sign_up_too(handle: str) -> None:
    sign_up(handle=handle, display_name="", account=account_of_github(f"of-{handle}"))


class Rival:
    """Acts on a connection of its own before one statement of ours goes out."""

    def __init__(self, act: Callable[[], None], *, before: int) -> None:
        self.act, self.before = act, before
        self.sent: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        if len(self.sent) == self.before:
            assert at_once(self.act) == [None]
        self.sent.append(sql)
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("act", "table"), [(import_namespace, "accounts_namespace"), (sign_up_too, "accounts_user")]
)
def test_whoever_takes_the_name_a_moment_before_keeps_it(act, table):
    begins, number = f'INSERT INTO "{table}"', 0
    while True:
        account, handle = account_of_github("late"), f"name-{number}"
        rival = Rival(partial(act, handle), before=number)
        with (
            connection.execute_wrapper(rival),
            pytest.raises(HandleRefused, match="is taken") as refused,
        ):
            sign_up(handle=handle, display_name="", account=account)
        assert refused.value.code == "handle_taken"
        has_owner = Namespace.objects.get(handle=handle).is_claimed
        has_person = User.objects.filter(handle=handle).exists()
        assert has_owner == has_person == (act is sign_up_too)
        assert not SocialAccount.objects.filter(uid="late").exists()
        if rival.sent[number].startswith(begins):
            break  # Later the rival would wait for us.
        number += 1
    assert number > 3


@pytest.mark.parametrize("handle", ["ada-l0vel", "burn", "a.b_c", "11", "x-rn-x", "-"])
def test_the_look_of_a_text_is_that_of_a_column(handle):
    Namespace.objects.create(handle=handle)
    alike = Namespace.objects.annotate(look=look_column("handle")).filter(
        look=Value(look_of(handle))
    )

    assert alike.get().handle == handle


# --- What goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["denied", "token", "user"])
def test_a_failure_there_is_told_and_signs_nobody_in(client, github, fault):
    github.fault = fault

    answer = come_back(client)

    assert answer.status_code == 403
    assert "Not signed in" in answer.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "person",
    [
        {},
        [],
        "x",
        None,
        {"id": None, "login": "x"},
        {"id": "1", "login": "x"},
        {"id": 1},
        {"id": True, "login": "x"},
        {"id": -1, "login": "x"},
        {"id": 10**400, "login": "x"},
    ],
)
def test_an_odd_answer_is_a_failure_too(client, github, person):
    github.person = person

    assert come_back(client).status_code == 403


def test_hostile_names_are_cleaned(client, github):
    github.person = {"id": 5, "login": "a\0b\u202e<b>" + "x" * 500, "name": "\0" + "y" * 5_000}
    come_back(client)

    page = client.get(NAME).content.decode()
    assert "GitHub calls you <bdi>ab&lt;b&gt;xxx" in page
    assert client.post(NAME, {"handle": "fine-name"}).status_code == 302
    assert len(User.objects.get().display_name) == 120


def test_what_waits_for_a_name_is_in_no_session_that_was_planted(client, github):
    back = go_there(client)
    planted = client.cookies["session"].value

    client.get(back)

    stranger = Client()
    stranger.cookies["session"] = planted
    assert stranger.get(NAME).headers["Location"] == "/login/"
    assert client.get(NAME).status_code == 200


def test_an_answer_counts_once_and_for_whoever_asked(client, github):
    back = go_there(client)

    assert Client().get(back).status_code == 403
    assert client.get(back).headers["Location"] == NAME
    assert client.get(back).status_code == 403
    assert client.get("/login/github/callback/?code=x&state=y").status_code == 403


def test_a_link_leads_nobody_there(client, github):
    assert client.get("/login/github/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/login/github/").status_code == 403


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/"])
def test_it_leads_on_within_this_site_only(client, github, wanted):
    join(client)

    assert come_back(Client(), wanted).headers["Location"] == "/"


def test_a_second_factor_is_asked_for_all_the_same(client, github):
    join(client)
    secret = with_app(User.objects.get())
    other = Client()

    assert come_back(other, "/me/traces/").headers["Location"] == "/login/code/"
    assert not is_signed_in(other)
    done = other.post("/login/code/", {"code": code_at(secret)})
    assert done.headers["Location"] == "/me/traces/"
    assert is_signed_in(other)


def test_a_banned_person_hears_the_reason(client, github):
    join(client)
    User.objects.update(banned_at=timezone.now(), ban_reason="Sold <keys>.")
    other = Client()

    answer = come_back(other)

    assert answer.status_code == 403
    assert "Sold &lt;keys&gt;." in answer.content.decode()
    assert not is_signed_in(other)


def test_one_address_may_try_so_often(client, github, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": [1, 1, 1]}
    client.post("/login/github/")

    assert client.post("/login/github/").status_code == 429


def test_coming_back_and_looking_at_pages_count_as_no_try(client, github, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": [2, 2, 2]}

    with time_machine.travel("2026-03-03T12:00:10+00:00", tick=False):
        back = go_there(client)
        assert client.get(back).headers["Location"] == NAME
        for _ in range(3):
            assert client.get(NAME).status_code == 200
        assert client.post(NAME, {"handle": "octo-cat"}).headers["Location"] == "/"
        assert is_signed_in(client)
        assert Client().post("/login/github/").status_code == 429


def test_whoever_set_out_in_time_is_let_in_though_others_used_the_address_up(
    client, github, settings
):
    join(client)
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": [2, 2, 2]}
    with time_machine.travel("2026-03-03T12:00:10+00:00", tick=False):
        other = Client()
        back = go_there(other)
        for _ in range(2):
            Client().post("/login/", {"username": "nobody", "password": "x"})

        assert other.get(back).headers["Location"] == "/"


def test_each_failure_of_coming_back_counts_as_a_try(client, github, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": [2, 2, 2]}

    with time_machine.travel("2026-03-03T12:00:10+00:00", tick=False):
        address = "/login/github/callback/?code=x&state=y"
        found = [client.get(address).status_code for _ in range(3)]

        assert found == [403, 403, 429]
        assert client.post("/login/github/").status_code == 429


def test_without_a_password_signing_in_again_is_the_proof(client, github):
    join(client)

    page = client.get("/me/security/confirm/").content.decode()

    assert "You have no password here" in page
    assert client.get("/me/security/app/").status_code == 200


# --- Connecting an account that is here -----------------------------------------------------------

CONNECT = "/me/security/github/"
DISCONNECT = "/me/security/github/remove/"


@pytest.fixture
def password(alice) -> str:
    alice.set_password("Corncrake-Meadow-9")
    alice.save()
    return "Corncrake-Meadow-9"


@pytest.fixture
def at_home(client, alice, password) -> Client:
    """Alice's browser, signed in by her password a moment ago."""
    client.post("/login/", {"username": "alice", "password": password})
    assert is_signed_in(client)
    return client


def linked() -> dict[str, str]:
    """Whom GitHub signs in: handles by numbers there."""
    return dict(SocialAccount.objects.values_list("uid", "user__handle"))


def notices(client: Client) -> str:
    return client.get("/me/security/").content.decode()


def test_somebody_with_a_password_connects_github_and_signs_in_by_it(at_home, github, alice):
    assert "Sign in with your account there" in notices(at_home)
    assert "Go to GitHub" in at_home.get(CONNECT).content.decode()

    back = at_home.get(go_there(at_home, address=CONNECT))

    assert (back.status_code, back.headers["Location"]) == (302, "/me/security/")
    page = notices(at_home)
    assert "GitHub signs you in from now on." in page
    assert DISCONNECT in page
    assert linked() == {"583231": "alice"}
    assert not SocialToken.objects.exists()
    [event] = AuditEvent.objects.filter(verb="github.connect")
    assert event.actor == alice
    other = Client()
    come_back(other)
    assert is_signed_in(other)
    assert User.objects.filter(handle="alice").count() == User.objects.count() == 1


def test_an_account_there_signs_one_person_in(at_home, github, alice):
    join(Client())

    at_home.get(go_there(at_home, address=CONNECT))

    assert "signs somebody else in here" in notices(at_home)
    assert linked() == {"583231": "octo-cat"}
    assert is_signed_in(at_home)


def test_a_person_has_one_account_there(at_home, github, alice):
    at_home.get(go_there(at_home, address=CONNECT))
    address = at_home.post(CONNECT).headers["Location"]
    assert address == "/me/security/"

    held = SocialAccount(provider="github", uid="7", extra_data={})
    with pytest.raises(GitHubRefused, match="disconnect that one first"):
        connect(user=alice, account=held)
    assert connect(user=alice, account=SocialAccount(provider="github", uid="583231")) is False
    assert linked() == {"583231": "alice"}


@pytest.mark.django_db(transaction=True)
def test_of_two_who_connect_one_account_at_once_one_does(alice, charlie):
    def by(person: User) -> str:
        try:
            return str(connect(user=person, account=SocialAccount(provider="github", uid="7")))
        except GitHubRefused as refusal:
            return refusal.code

    told = at_once(partial(by, alice), partial(by, charlie))

    assert sorted(told) == ["True", "github_refused"]
    assert SocialAccount.objects.count() == 1


def test_it_is_taken_away_again_where_a_password_is_left(at_home, github, alice):
    at_home.get(go_there(at_home, address=CONNECT))
    assert "octo-cat" in at_home.get(DISCONNECT).content.decode()

    assert at_home.post(DISCONNECT).headers["Location"] == "/me/security/"

    assert linked() == {}
    assert "GitHub signs you in no more." in notices(at_home)
    assert AuditEvent.objects.filter(verb="github.disconnect", actor=alice).exists()
    assert at_home.post(DISCONNECT).headers["Location"] == "/me/security/"


def test_the_only_way_in_stays(client, github):
    join(client)
    page = notices(client)
    assert "your only way in" in page
    assert DISCONNECT not in page

    refused = client.post(DISCONNECT)

    assert refused.status_code == 409
    assert "your only way in" in refused.content.decode()
    assert list(linked().values()) == ["octo-cat"]


def test_with_a_password_it_is_no_more_the_only_one(client, github):
    join(client)
    new = "grey otters swim at dusk"
    assert "Set a password" in notices(client)

    answer = client.post("/me/security/password/", {"password": new, "again": new})

    assert answer.headers["Location"] == "/me/security/"
    page = notices(client)
    assert "Your password is set." in page
    assert "Change password" in page
    assert AuditEvent.objects.get(verb__startswith="password").verb == "password.set"
    assert client.post(DISCONNECT).status_code == 302
    assert linked() == {}
    other = Client()
    other.post("/login/", {"username": "octo-cat", "password": new})
    assert is_signed_in(other)


def test_whoever_was_not_asked_lately_is_asked_first(client, github, alice, password):
    client.force_login(alice)

    for address in (CONNECT, DISCONNECT):
        for sent in (client.get(address), client.post(address)):
            assert sent.headers["Location"].startswith("/me/security/confirm/?next=")
    assert linked() == {}


def test_who_set_out_to_connect_and_signed_out_connects_nobody(at_home, github, charlie):
    back = go_there(at_home, address=CONNECT)
    at_home.post("/logout/")
    at_home.force_login(charlie)

    assert at_home.get(back).headers["Location"] == "/"
    assert linked() == {}
    stranger = Client()
    assert stranger.get(back).status_code == 403
    assert linked() == {}


def test_a_way_in_that_was_begun_before_signing_in_connects_nothing(client, github, alice):
    back = go_there(client)
    client.force_login(alice)

    assert client.get(back).headers["Location"] == "/"
    assert linked() == {}


def test_a_failure_there_changes_nothing_and_says_so(at_home, github):
    back = go_there(at_home, address=CONNECT)
    github.fault = "token"

    failed = at_home.get(back)

    assert failed.status_code == 403
    assert "Not connected" in failed.content.decode()
    assert is_signed_in(at_home)
    assert linked() == {}


def test_where_github_is_no_way_in_nobody_connects(client, alice, password):
    client.post("/login/", {"username": "alice", "password": password})

    assert client.get(CONNECT).status_code == 404
    assert "GitHub" not in notices(client)
