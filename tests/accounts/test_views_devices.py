"""The page that answers a command line's login, and the page of those that are signed in."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import DeviceLogin, DeviceSession
from accounts.services import create_token
from accounts.sessions import answer_login, complete_login, exchange_code, start_login
from tests.factories.accounts import session_of, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked():
    """A login that waits, its state, and the address of its page."""
    login, state = start_login(device_id="<b>laptop")
    return login, state, f"/login/device/?state={login.state_sha256}"


@pytest.fixture
def as_alice(client, alice):
    return sign_in(client, alice)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_visitor_signs_in_and_comes_back(client, asked):
    response = client.get(asked[2])

    assert (
        response["Location"] == f"/login/?next={asked[2].replace('?', '%3F').replace('=', '%3D')}"
    )
    assert client.post(asked[2], {"answer": "approve"}).status_code == 302
    assert DeviceLogin.objects.get().status == "pending"


def test_looking_approves_nothing(as_alice, asked):
    page = text_of(as_alice.get(asked[2]))

    assert "&lt;b&gt;laptop" in page
    assert "If somebody sent you this link, deny it" in page
    as_alice.get(f"{asked[2]}&answer=approve")
    assert DeviceLogin.objects.get().status == "pending"


def test_a_strangers_page_cannot_approve(asked, alice):
    strict = sign_in(Client(), alice)
    strict.handler.enforce_csrf_checks = True

    assert strict.post(asked[2], {"answer": "approve"}).status_code == 403
    assert DeviceLogin.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("answer", "status", "title"),
    [
        ("approve", "approved", "<h1>Approved</h1>"),
        ("deny", "denied", "<h1>Denied</h1>"),
        ("", "denied", "<h1>Denied</h1>"),
    ],
)
def test_an_answer_is_kept_and_told(as_alice, asked, answer, status, title):
    response = as_alice.post(asked[2], {"answer": answer})

    assert (response.status_code, response["Location"]) == (302, asked[2])
    assert DeviceLogin.objects.get().status == status
    assert title in text_of(as_alice.get(asked[2]))


def test_a_login_is_answered_once(as_alice, asked, charlie):
    answer_login(login=asked[0], user=charlie, approve=False)

    response = as_alice.post(asked[2], {"answer": "approve"})

    assert response.status_code == 409
    assert "This login has been answered" in text_of(response)
    assert "This login has been answered" in text_of(as_alice.get(asked[2]))
    assert DeviceLogin.objects.get().status == "denied"


def test_a_login_that_was_used_says_what_to_do(as_alice, asked, alice):
    login, state, address = asked
    answer_login(login=login, user=alice, approve=True)
    complete_login(state=state, code=exchange_code(state))

    assert "run <code>traces login</code> there" in text_of(as_alice.get(address))


def test_a_login_that_is_over_says_what_to_do(as_alice, asked):
    DeviceLogin.objects.update(expires_at=timezone.now())

    for response in (as_alice.get(asked[2]), as_alice.post(asked[2], {"answer": "approve"})):
        assert "This login has expired" in text_of(response)
    assert DeviceLogin.objects.get().status == "pending"


@pytest.mark.parametrize("state", ["", "x", "0" * 64, "%00", "é" * 64])
def test_an_address_of_no_login_is_told_as_one_that_is_over(as_alice, state):
    response = as_alice.get(f"/login/device/?state={state}")

    assert response.status_code in {400, 404}
    if response.status_code == 404:
        assert "This login has expired" in text_of(response)


def test_the_state_itself_opens_no_page(as_alice, asked):
    assert as_alice.get(f"/login/device/?state={asked[1]}").status_code == 404


def test_my_command_lines_are_listed_and_signed_out(as_alice, alice, charlie):
    session, _ = session_of(alice, "laptop")
    session_of(alice, "tablet")
    theirs, _ = session_of(charlie, "phone")

    page = text_of(as_alice.get("/me/devices/"))
    assert ("laptop" in page, "tablet" in page, "phone" in page) == (True, True, False)
    end = f"/me/devices/{session.lookup_id}/end/"
    assert as_alice.get(end).status_code == 200
    assert DeviceSession.objects.filter(revoked_at__isnull=False).count() == 0
    as_alice.post(end)
    as_alice.post(end)
    assert "laptop" not in text_of(as_alice.get("/me/devices/")).split("<main")[1]
    assert as_alice.post(f"/me/devices/{theirs.lookup_id}/end/").status_code == 404
    as_alice.post("/me/devices/end/")
    assert "No command line is signed in" in text_of(as_alice.get("/me/devices/"))
    assert DeviceSession.objects.filter(revoked_at__isnull=True).get() == theirs


def test_the_list_asks_nothing_for_each_row(as_alice, alice, django_assert_max_num_queries):
    for _ in range(5):
        session_of(alice)

    with django_assert_max_num_queries(5):
        as_alice.get("/me/devices/")


def test_ending_one_or_all_and_revoking_a_token_count_as_writes(as_alice, alice, settings):
    session, _text = session_of(alice)
    token, _text = create_token(user=alice, label="laptop")
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"write": [0, 0, 0]}

    for address in (
        f"/me/devices/{session.lookup_id}/end/",
        "/me/devices/end/",
        f"/me/tokens/{token.lookup_id}/revoke/",
    ):
        assert as_alice.get(address).status_code == 200
        assert as_alice.post(address).status_code == 429
    assert alice.device_sessions.usable().count() == alice.api_tokens.usable().count() == 1
