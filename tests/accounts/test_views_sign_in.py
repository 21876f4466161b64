"""The pages /login/, /logout/ and /theme/."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.factories.accounts import password_of, sign_in

pytestmark = pytest.mark.django_db
NOON = "2026-03-03T12:00:10+00:00"


def attempt(client: Client, name: str, password: str, **said):
    return client.post("/login/", {"username": name, "password": password}, **said)


def fail(client: Client, name: str, times: int, **said):
    return [attempt(client, name, "wrong", **said) for _ in range(times)][-1]


# --- Signing in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["alice", "Alice", " ALICE "])
def test_the_name_may_be_typed_in_any_case(client, alice, typed):
    response = attempt(client, typed, password_of(alice))

    assert (response.status_code, response.headers["Location"]) == (302, "/")


def test_unknown_name_and_wrong_password_get_the_same_answer(client, alice):
    unknown = attempt(client, "nobody", "wrong")
    wrong = attempt(client, "alice", "wrong")

    assert unknown.status_code == wrong.status_code == 422
    assert (
        unknown.content.decode().replace("nobody", "alice").split("csrfmiddlewaretoken")[0]
        == (wrong.content.decode().split("csrfmiddlewaretoken")[0])
    )


def test_the_form_helps_password_managers(client):
    page = client.get("/login/").content.decode()

    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page


def test_a_session_begun_before_signing_in_is_given_up(client, alice):
    client.get("/")
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    planted = session.session_key

    sign_in(client, alice)

    assert client.cookies[settings.SESSION_COOKIE_NAME].value != planted
    stranger = Client()
    stranger.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert stranger.get("/me/tokens/").status_code == 302


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/me/tokens/", "/me/tokens/"),
        ("/skills/?q=pdf&sort=name", "/skills/?q=pdf&sort=name"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("http:///evil.example", "/"),
    ],
)
def test_next_leads_only_to_this_site(client, alice, wanted, reached):
    typed = {"username": "alice", "password": password_of(alice), "next": wanted}

    response = client.post("/login/", typed)

    assert (response.status_code, response.headers["Location"]) == (302, reached)
    assert client.get("/login/", {"next": wanted}).headers["Location"] == reached


def test_a_signed_in_visitor_is_passed_on(client, alice):
    sign_in(client, alice)

    assert client.get("/login/").headers["Location"] == "/"


def test_a_banned_person_hears_the_reason_only_with_the_right_password(client, alice):
    User.objects.filter(pk=alice.pk).update(
        banned_at=timezone.now(), ban_reason="Sold <other people's> keys."
    )

    guessed = attempt(client, "alice", "wrong").content.decode()
    known = attempt(client, "alice", password_of(alice))

    assert "banned" not in guessed
    assert known.status_code == 422
    assert (
        "This account is banned: Sold &lt;other people&#x27;s&gt; keys." in known.content.decode()
    )
    assert client.get("/me/tokens/").status_code == 302


def test_a_ban_ends_what_a_session_opens(client, alice):
    sign_in(client, alice)
    User.objects.filter(pk=alice.pk).update(banned_at=timezone.now())

    assert client.get("/me/tokens/").headers["Location"] == "/login/?next=/me/tokens/"
    assert client.get("/login/").status_code == 200


def test_signing_in_needs_the_csrf_token(alice):
    strict = Client(enforce_csrf_checks=True)

    response = attempt(strict, "alice", password_of(alice))

    assert response.status_code == 403
    assert "This form is too old to send" in response.content.decode()


@pytest.mark.parametrize("field", ["username", "password"])
@pytest.mark.parametrize("text", ["a\0b", "\0"])
def test_a_nul_in_the_form_is_refused(client, alice, field, text):
    typed = {"username": "alice", "password": "x"} | {field: text}

    assert client.post("/login/", typed).status_code == 422


@pytest.mark.parametrize("field", ["username", "password", "next"])
def test_half_a_surrogate_pair_is_refused(client, alice, field):
    """Only a declared charset can spell one: UTF-8 is decoded with replacement."""
    typed = {"username": "alice", "password": "x"} | {field: r"\ud800"}
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in typed.items()
    )

    response = client.post(
        "/login/",
        f"{parts}--b--\r\n".encode(),
        content_type="multipart/form-data; boundary=b; charset=raw_unicode_escape",
    )

    assert response.status_code == 415


def test_an_over_long_name_reaches_neither_table(client, db):
    assert attempt(client, "x" * 5_000, "wrong").status_code == 422
    assert not AccessAttempt.objects.exists()


# --- Lock-out and limit --------------------------------------------------------------------------


def test_too_many_failures_lock_the_name_at_that_address(client, alice, charlie):
    fail(client, "alice", settings.AXES_FAILURE_LIMIT - 1)
    locking = fail(client, "ALICE", 1)

    locked = attempt(client, "alice", password_of(alice))

    assert locking.status_code == locked.status_code == 429
    assert "Too many wrong passwords" in locked.content.decode()
    assert 0 < int(locked.headers["Retry-After"]) <= 15 * 60
    assert attempt(client, "charlie", password_of(charlie)).status_code == 302
    elsewhere = attempt(Client(), "alice", password_of(alice), REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 302


def test_an_unknown_name_locks_like_a_known_one(client, db):
    assert fail(client, "nobody", settings.AXES_FAILURE_LIMIT).status_code == 429


def test_the_lock_opens_after_the_cool_off(client, alice):
    with time_machine.travel(NOON, tick=False) as clock:
        locked = fail(client, "alice", settings.AXES_FAILURE_LIMIT)
        wait = int(locked.headers["Retry-After"])
        clock.shift(timedelta(seconds=wait + 1))

        assert attempt(client, "alice", password_of(alice)).status_code == 302


def test_a_success_forgets_the_failures(client, alice):
    for _ in range(2):
        fail(client, "alice", settings.AXES_FAILURE_LIMIT - 1)
        assert attempt(client, "alice", password_of(alice)).status_code == 302
        client.logout()


def test_no_password_is_kept_of_a_failure(client, alice):
    attempt(client, "alice", "my-other-password")

    kept = AccessAttempt.objects.values().get()

    assert "my-other-password" not in str(kept)


def test_one_address_may_try_so_often(client, alice, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": [2, 2, 2]}
    with time_machine.travel(NOON, tick=False):
        fail(client, "nobody", 2)

        refused = attempt(client, "alice", password_of(alice))

        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "50"
        assert "You can try again in 50 s." in refused.content.decode()
        other = attempt(Client(), "alice", password_of(alice), REMOTE_ADDR="192.0.2.7")
        assert other.status_code == 302


# --- Signing out ---------------------------------------------------------------------------------


def test_a_link_to_logout_signs_nobody_out(client, alice):
    sign_in(client, alice)

    assert client.get("/logout/").status_code == 200
    assert client.get("/me/tokens/").status_code == 200


def test_signing_out_ends_the_session(client, alice):
    sign_in(client, alice)
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value

    assert client.post("/logout/").headers["Location"] == "/"

    client.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert client.get("/me/tokens/").status_code == 302
    assert client.get("/logout/").headers["Location"] == "/"


# --- Theme ---------------------------------------------------------------------------------------


def test_the_theme_is_kept_for_a_year_and_written_by_the_server(client, db):
    response = client.post(
        "/theme/", {"theme": "dark"}, headers={"referer": "http://testserver/about/"}
    )

    assert (response.status_code, response.headers["Location"]) == (
        302,
        "http://testserver/about/",
    )
    cookie = response.cookies["theme"]
    assert (cookie["max-age"], cookie["samesite"], cookie["path"]) == (31_536_000, "Lax", "/")
    assert '<html lang="en" data-theme="dark">' in client.get("/about/").content.decode()


@pytest.mark.parametrize(
    "said",
    [
        {"theme": "dark", "next": "https://evil.example/"},
        {"theme": "dark", "next": "//evil.example/"},
        {"theme": "dark"},
    ],
)
def test_the_theme_leads_back_to_this_site_only(client, said):
    response = client.post("/theme/", said, headers={"referer": "https://evil.example/x"})

    assert response.headers["Location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_another_site_cannot_set_the_theme(client, headers):
    response = client.post("/theme/", {"theme": "dark"}, headers=headers)

    assert response.status_code == 403
    assert "theme" not in response.cookies


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://testserver"}, {}]
)
def test_a_page_of_ours_sets_the_theme_without_a_token(headers):
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/theme/", {"theme": "light"}, headers=headers).status_code == 302


def test_a_script_that_sets_the_theme_gets_no_page(client):
    headers = {"sec-fetch-site": "same-origin", "sec-fetch-dest": "empty"}

    response = client.post("/theme/", {"theme": "light"}, headers=headers)

    assert response.status_code == 204
    assert response.cookies["theme"].value == "light"


@pytest.mark.parametrize("theme", ["", "neon", "dark\0", "<b>"])
def test_an_unknown_theme_is_refused(client, theme):
    assert client.post("/theme/", {"theme": theme}).status_code == 400
