"""The page /me/tokens/ and revoking."""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, AuditEvent, Scope
from accounts.services import create_token, revoke_token
from tests.factories.accounts import sign_in

pytestmark = pytest.mark.django_db
TOKEN = re.compile(r"skb_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}")
WANTED = {"label": "laptop", "scopes": ["skills:read"], "expires": "90"}


@pytest.fixture
def own(client, alice):
    return sign_in(client, alice)


def test_a_visitor_signs_in_first_and_comes_back(client):
    assert client.get("/me/tokens/").headers["Location"] == "/login/?next=/me/tokens/"
    assert client.post("/me/tokens/", WANTED).headers["Location"] == "/login/?next=/me/tokens/"
    assert not ApiToken.objects.exists()


def test_a_made_token_is_shown_once_and_opens_the_api(own, alice):
    answer = own.post("/me/tokens/", WANTED)

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    (text,) = set(TOKEN.findall(answer.content.decode()))
    assert f"npx clawhub --registry http://localhost:8000 login --token {text}" in (
        answer.content.decode()
    )
    assert TOKEN.search(own.get("/me/tokens/").content.decode()) is None
    said = Client().get("/api/v1/whoami", headers={"authorization": f"Bearer {text}"})
    assert said.json()["user"]["handle"] == "alice"


def test_the_secret_is_kept_nowhere(own, alice, caplog):
    caplog.set_level(logging.DEBUG)

    text = TOKEN.search(own.post("/me/tokens/", WANTED).content.decode())[0]

    secret = text.split("_")[2]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{secret}%"]
            )
            assert cursor.fetchone() == (0,), table
    logged = [r.getMessage() for r in caplog.records if r.name != "django.db.backends"]
    assert secret not in json.dumps(logged)
    event = AuditEvent.objects.get(verb="token.create")
    assert (event.actor, event.after) == (alice, {"scopes": ["skills:read"]})


@pytest.mark.parametrize(("choice", "days"), [("30", 30), ("90", 90), ("365", 365)])
def test_the_token_ends_when_asked(own, choice, days):
    own.post("/me/tokens/", WANTED | {"expires": choice})

    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=days) - timedelta(minutes=1) < left <= timedelta(days=days)


def test_a_token_may_have_no_end(own):
    own.post("/me/tokens/", WANTED | {"expires": "never"})

    assert ApiToken.objects.get().expires_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": ""},
        {"label": "\u202e\u200b"},
        {"label": "x" * 81},
        {"label": "a\0b"},
        {"scopes": []},
        {"scopes": ["skills:read", "moderate"]},
        {"scopes": ["admin"]},
        {"scopes": ["everything"]},
        {"scopes": ["\0"]},
        {"expires": "9999"},
        {"expires": ""},
    ],
)
def test_a_wrong_form_makes_nothing_and_keeps_what_was_typed(own, wrong):
    answer = own.post("/me/tokens/", WANTED | wrong)

    assert answer.status_code == 422
    assert "Not saved." in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_scopes_on_offer_follow_the_role(own, client, mona):
    assert 'value="moderate"' not in own.get("/me/tokens/").content.decode()

    staff = sign_in(Client(), mona).get("/me/tokens/").content.decode()
    assert 'value="moderate"' in staff
    assert 'value="admin"' not in staff


def test_a_hostile_label_is_text(own):
    label = "<script>alert(1)</script>\"'&"

    made = own.post("/me/tokens/", WANTED | {"label": label}).content.decode()
    listed = own.get("/me/tokens/").content.decode()
    asked = own.get(f"/me/tokens/{ApiToken.objects.get().lookup_id}/revoke/").content.decode()

    for page in (made, listed, asked):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_too_many_tokens_are_refused_with_a_sentence(own, monkeypatch):
    monkeypatch.setattr("accounts.services.TOKENS_PER_USER", 1)
    own.post("/me/tokens/", WANTED)

    answer = own.post("/me/tokens/", WANTED)

    assert answer.status_code == 422
    assert "Revoke a token first" in answer.content.decode()
    assert ApiToken.objects.count() == 1


def test_the_list_says_what_state_a_token_is_in(own, alice):
    create_token(user=alice, label="one")
    create_token(user=alice, label="two", expires_at=timezone.now() - timedelta(days=1))
    third, _ = create_token(user=alice, label="three")
    revoke_token(token=third, actor=alice)

    page = own.get("/me/tokens/").content.decode()

    found = re.findall(r'data-label="State"><span>(\w+)', page)
    assert found == ["revoked", "expired", "active"]
    assert page.count("data-dialog=") == 1


def test_strangers_tokens_are_neither_listed_nor_found(own, charlie):
    token, _ = create_token(user=charlie, label="of charlie")

    assert "of charlie" not in own.get("/me/tokens/").content.decode()
    assert own.get(f"/me/tokens/{token.lookup_id}/revoke/").status_code == 404
    assert own.post(f"/me/tokens/{token.lookup_id}/revoke/").status_code == 404
    assert own.post("/me/tokens/nosuch12/revoke/").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_revoking_asks_then_works_at_once(own, alice):
    token, text = create_token(user=alice, label="laptop", scopes=[Scope.SKILLS_READ])
    url = f"/me/tokens/{token.lookup_id}/revoke/"

    assert own.get(url).status_code == 200
    token.refresh_from_db()
    assert token.revoked_at is None

    assert own.post(url).headers["Location"] == "/me/tokens/"
    said = Client().get("/api/v1/whoami", headers={"authorization": f"Bearer {text}"})
    assert (said.status_code, said.headers["X-Error-Code"]) == (401, "token_revoked")
    assert "Revoked “laptop”." in own.get("/me/tokens/").content.decode()
    own.post(url)
    assert AuditEvent.objects.filter(verb="token.revoke").count() == 1


def test_making_and_revoking_need_the_csrf_token(alice, client):
    token, _ = create_token(user=alice, label="laptop")
    sign_in(client, alice)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies

    assert strict.post("/me/tokens/", WANTED).status_code == 403
    assert strict.post(f"/me/tokens/{token.lookup_id}/revoke/").status_code == 403
    assert strict.post("/logout/").status_code == 403


def test_all_pages_together_list_every_token_once(own, alice):
    labels = [f"token {n}" for n in range(60)]
    for label in labels:
        create_token(user=alice, label=label)

    url, seen = "/me/tokens/", []
    while url:
        page = own.get(url).content.decode()
        seen += re.findall(r"<bdi>(token \d+)</bdi><span class", page)
        older = re.search(r'rel="next" href="\?after=([^"]+)"', page)
        url = f"/me/tokens/?after={older[1]}" if older else ""

    assert seen == labels[::-1]


@pytest.mark.parametrize("after", ["nonsense", "WzFd:abc", "%ff", "x" * 3_000])
def test_a_bad_cursor_is_the_first_page_with_a_notice(own, alice, after):
    create_token(user=alice, label="laptop")

    page = own.get("/me/tokens/", {"after": after})

    assert page.status_code == 200
    assert "That part of the list cannot be found." in page.content.decode()
    assert "laptop" in page.content.decode()


def test_a_cursor_of_somebody_else_is_refused(own, alice, charlie):
    for n in range(26):
        create_token(user=charlie, label=f"token {n}")
    theirs = sign_in(Client(), charlie).get("/me/tokens/").content.decode()
    cursor = re.search(r'href="\?after=([^"]+)"', theirs)[1]

    assert "cannot be found" in own.get(f"/me/tokens/?after={cursor}").content.decode()


@pytest.mark.parametrize("count", [1, 25])
def test_the_page_costs_four_queries_however_many_tokens(
    own, alice, count, django_assert_num_queries
):
    for n in range(count):
        create_token(user=alice, label=f"token {n}")

    with django_assert_num_queries(4):  # the session, the person, the tokens, the unread notices
        own.get("/me/tokens/")
