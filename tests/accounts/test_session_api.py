"""The calls of the traces contract about people, as its client makes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import DeviceLogin, DeviceSession, Invite, MemberRole, Membership, Namespace
from accounts.services import create_token
from accounts.sessions import answer_login, end_session
from tests.factories.accounts import organisation, session_of

pytestmark = pytest.mark.django_db


class Caller:
    """A client with a token: `caller.get("/v1/session")` gives status and body."""

    def __init__(self, token: object = None) -> None:
        self.client = Client()
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def __call__(self, method: str, path: str, body=None):
        response = self.client.generic(
            method,
            path,
            b"" if body is None else body if isinstance(body, bytes) else _json(body),
            content_type="application/json",
            headers=self.headers,
        )
        assert response["Content-Type"] == "application/json"
        return response.status_code, response.json()


def _json(body) -> bytes:
    return json.dumps(body).encode()


def refused(answer) -> tuple[int, str]:
    """Status and code of a refusal, whose message is a sentence that the client prints."""
    status, body = answer
    assert body["ok"] is False
    assert body["error"]["message"].endswith((".", "?")), body
    return status, body["error"]["code"]


@pytest.fixture
def signed_in(alice):
    """Alice's command line."""
    return Caller(session_of(alice)[1])


@pytest.fixture
def acme(alice):
    return organisation("acme", admin=alice)


# --- Login ---------------------------------------------------------------------------------------


def test_a_login_goes_as_the_client_walks_it(alice, settings):
    settings.SITE_URL = "https://skills.example"
    call = Caller()
    told = {"provider": "github", "deviceId": "00000000-0000-4000-8000-000000000001"}

    status, begun = call("POST", "/v1/auth/cli/start", told)
    data = begun["data"]
    login = DeviceLogin.objects.get()
    assert (status, begun["ok"]) == (200, True)
    assert data["verificationUrl"].startswith("https://skills.example/login/device/?state=")
    # Who sees the address of the page cannot ask for the session.
    assert data["state"] not in data["verificationUrl"]
    assert (data["pollInterval"], data["expiresIn"]) == (2, 900)

    ask = f"/v1/auth/cli/status?state={data['state']}"
    assert call("GET", ask)[1]["data"] == {"status": "pending"}
    answer_login(login=login, user=alice, approve=True)
    _, done = call("GET", ask)
    assert done["data"]["status"] == "complete"
    assert call("GET", ask)[1] == done  # Asked twice, told the same.

    sent = {"state": data["state"], "exchangeCode": done["data"]["exchangeCode"]}
    status, fetched = call("POST", "/v1/auth/cli/complete", sent)
    assert status == 200
    assert fetched["data"]["session"] == {
        "token": fetched["data"]["session"]["token"],
        "userId": str(alice.pk),
        "namespaceId": str(alice.namespace.pk),
        "namespaceSlug": "alice",
        "namespaceType": "individual",
    }
    assert refused(call("POST", "/v1/auth/cli/complete", sent)) == (409, "LOGIN_USED")
    assert call("GET", ask)[1]["data"]["status"] == "error"
    assert Caller(fetched["data"]["session"]["token"])("GET", "/v1/session")[0] == 200


@pytest.mark.parametrize(
    ("how", "word"), [("denied", "error"), ("late", "expired"), ("unknown", "expired")]
)
def test_a_login_that_comes_to_nothing_is_told_in_words(alice, how, word):
    call = Caller()
    state = call("POST", "/v1/auth/cli/start", {"deviceId": "x"})[1]["data"]["state"]
    if how == "denied":
        answer_login(login=DeviceLogin.objects.get(), user=alice, approve=False)
    elif how == "late":
        DeviceLogin.objects.update(expires_at=timezone.now())
    else:
        state = "%C3%A9"

    status, body = call("GET", f"/v1/auth/cli/status?state={state}")

    assert (status, body["data"]["status"]) == (200, word)
    assert body["data"]["error"].endswith(".")


def test_what_cannot_be_completed_says_why(alice):
    call = Caller()
    state = call("POST", "/v1/auth/cli/start", {"deviceId": "x"})[1]["data"]["state"]
    complete = lambda **body: refused(call("POST", "/v1/auth/cli/complete", body))  # noqa: E731

    assert complete() == (404, "LOGIN_NOT_FOUND")
    assert complete(state="nobody", exchangeCode="x") == (404, "LOGIN_NOT_FOUND")
    assert complete(state=state, exchangeCode="x") == (400, "CODE_INVALID")
    assert complete(state=7) == (400, "BODY_INVALID")
    assert refused(call("POST", "/v1/auth/cli/start", {})) == (400, "DEVICE_INVALID")
    assert refused(call("POST", "/v1/auth/cli/start", b"[]")) == (400, "BODY_INVALID")
    assert refused(call("POST", "/v1/auth/cli/start", b"{")) == (400, "BODY_INVALID")
    assert refused(call("GET", "/v1/auth/cli/start")) == (405, "METHOD_NOT_ALLOWED")


def test_logins_are_limited_and_polling_is_not(settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": [2, 2, 2]}
    call = Caller()

    states = [call("POST", "/v1/auth/cli/start", {"deviceId": "x"}) for _ in range(3)]

    assert [status for status, _ in states] == [200, 200, 429]
    assert refused(states[2]) == (429, "RATE_LIMITED")
    ask = f"/v1/auth/cli/status?state={states[0][1]['data']['state']}"
    assert {call("GET", ask)[0] for _ in range(50)} == {200}


# --- Session -------------------------------------------------------------------------------------


def test_a_session_says_who_and_where(signed_in, alice, acme):
    status, body = signed_in("GET", "/v1/session")

    own = {
        "id": str(alice.namespace.pk),
        "slug": "alice",
        "displayName": "alice",
        "type": "individual",
        "role": "admin",
    }
    assert (status, body["ok"]) == (200, True)
    assert body["data"]["user"] == {"id": str(alice.pk), "handle": "alice", "displayName": "alice"}
    assert body["data"]["activeNamespace"] == body["data"]["namespace"] == own


def test_a_session_switches(signed_in, acme, charlie):
    organisation("others", owner=charlie)
    switch = lambda slug: signed_in("POST", "/v1/session/switch", {"slug": slug})  # noqa: E731

    status, body = switch("acme")
    assert status == 200
    assert body["data"]["namespace"] == body["data"]["activeNamespace"]
    assert body["data"]["namespace"]["role"] == "admin"
    assert signed_in("GET", "/v1/session")[1]["data"]["activeNamespace"]["slug"] == "acme"
    assert refused(switch("nosuch")) == (404, "NAMESPACE_NOT_FOUND")
    assert refused(switch("others")) == (403, "NOT_MEMBER")
    assert refused(switch("a\0")) == (400, "UNSTORABLE_TEXT")
    assert refused(switch(None)) == (404, "NAMESPACE_NOT_FOUND")
    assert switch("@alice")[1]["data"]["namespace"]["type"] == "individual"


def test_who_was_removed_is_back_in_their_own_name(signed_in, acme):
    signed_in("POST", "/v1/session/switch", {"slug": "acme"})
    Membership.objects.all().delete()

    active = signed_in("GET", "/v1/session")[1]["data"]["activeNamespace"]

    assert (active["slug"], active["role"]) == ("alice", "admin")


def test_a_member_is_told_to_be_one(signed_in, alice):
    organisation("acme", member=alice)
    signed_in("POST", "/v1/session/switch", {"slug": "acme"})

    assert signed_in("GET", "/v1/session")[1]["data"]["activeNamespace"]["role"] == "member"


def test_a_logout_ends_the_session(signed_in):
    assert signed_in("DELETE", "/v1/session") == (200, {"ok": True, "data": {}})
    assert refused(signed_in("GET", "/v1/session")) == (401, "TOKEN_REVOKED")
    assert refused(signed_in("DELETE", "/v1/session")) == (401, "TOKEN_REVOKED")
    assert DeviceSession.objects.get().revoked_at is not None


SESSION_CALLS = [
    ("GET", "/v1/session"),
    ("DELETE", "/v1/session"),
    ("POST", "/v1/session/switch"),
    ("POST", "/v1/namespaces"),
    ("POST", "/v1/namespaces/acme/invites"),
]


@pytest.mark.parametrize(("method", "path"), SESSION_CALLS)
def test_what_needs_a_session_takes_no_key(alice, acme, method, path):
    _, key = create_token(user=alice, label="x", namespace=acme)
    _, token = create_token(user=alice, label="x")

    for text in (key, token):
        assert refused(Caller(text)(method, path, {})) == (403, "SESSION_REQUIRED")
    assert refused(Caller()(method, path, {})) == (401, "TOKEN_MISSING")
    assert refused(Caller("sks_x")(method, path, {})) == (401, "TOKEN_INVALID")


def test_a_session_is_no_key_to_skills_or_the_desk(alice, ada, publish):
    publish()
    for person in (alice, ada):
        call = Client()
        headers = {"authorization": f"Bearer {session_of(person)[1]}"}
        assert call.get("/api/v1/whoami", headers=headers).json()["user"]["role"] == "user"
        assert call.get("/api/v1/users", headers=headers).status_code == 403
        star = call.post("/api/v1/stars/pdf-tools", headers=headers)
        assert star.status_code == 403


def test_a_session_that_was_ended_reads_nothing(alice):
    session, text = session_of(alice)
    end_session(session=session, actor=alice)

    assert refused(Caller(text)("GET", "/v1/namespaces")) == (401, "TOKEN_REVOKED")


# --- Namespaces ----------------------------------------------------------------------------------


def test_everybody_lists_where_they_belong(signed_in, alice, acme, charlie):
    organisation("others", owner=charlie)
    organisation("zoo", member=alice)
    _, token = create_token(user=alice, label="x")
    _, key = create_token(user=alice, label="x", namespace=acme)
    listed = lambda call: [  # noqa: E731
        (row["slug"], row["role"]) for row in call("GET", "/v1/namespaces")[1]["data"]["namespaces"]
    ]

    everywhere = [("alice", "admin"), ("acme", "admin"), ("zoo", "member")]
    assert listed(signed_in) == listed(Caller(token)) == everywhere
    assert listed(Caller(key)) == [("acme", "admin")]
    rows = signed_in("GET", "/v1/namespaces")[1]["data"]["namespaces"]
    assert all(isinstance(value, str) for row in rows for value in row.values())
    assert refused(Caller()("GET", "/v1/namespaces")) == (401, "TOKEN_MISSING")


def test_an_organisation_is_made_and_its_slug_told(signed_in, alice):
    told = {"slug": "Beta Co", "displayName": "Beta Co", "type": "org"}

    status, body = signed_in("POST", "/v1/namespaces", told)

    made = Namespace.objects.get(handle="beta-co")
    assert (status, body["data"]["namespace"]) == (
        201,
        {
            "id": str(made.pk),
            "slug": "beta-co",
            "displayName": "Beta Co",
            "type": "org",
            "role": "admin",
        },
    )
    assert Membership.objects.get(namespace=made).role == MemberRole.OWNER
    again = signed_in("POST", "/v1/namespaces", told)
    assert refused(again) == (409, "HANDLE_TAKEN")
    assert again[1]["error"]["details"] == {"field": "slug"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "HANDLE_INVALID"),
        ({"slug": "日本"}, "HANDLE_INVALID"),
        ({"slug": "admin"}, "HANDLE_RESERVED"),
        ({"slug": "beta", "type": "individual"}, "HANDLE_INVALID"),
        ({"slug": ["beta"]}, "BODY_INVALID"),
        ({"slug": "beta", "displayName": "a\0"}, "UNSTORABLE_TEXT"),
    ],
)
def test_an_organisation_that_cannot_be_is_refused(signed_in, body, code):
    assert refused(signed_in("POST", "/v1/namespaces", body)) == (400, code)
    assert Namespace.objects.count() == 1


def test_an_invite_is_made_with_its_end_in_milliseconds(signed_in, acme):
    told = {"email": "z@example.test", "maxUses": 5}
    status, body = signed_in("POST", "/v1/namespaces/acme/invites", told)
    _, single = signed_in("POST", "/v1/namespaces/@ACME/invites", {})
    _, endless = signed_in("POST", "/v1/namespaces/acme/invites", {"maxUses": 0})

    invite = body["data"]["invite"]
    assert (status, invite["maxUses"]) == (201, 5)
    assert (single["data"]["invite"]["maxUses"], endless["data"]["invite"]["maxUses"]) == (1, 0)
    ends = datetime.fromtimestamp(invite["expiresAt"] / 1000, UTC)
    assert timedelta(days=6) < ends - timezone.now() <= timedelta(days=7)
    assert Invite.objects.get(pk=int(invite["id"])).email == "z@example.test"
    assert invite["code"].isalnum()


def test_an_invite_that_cannot_be_is_refused(signed_in, alice, acme, charlie):
    organisation("others", owner=charlie, member=alice)
    make = lambda slug, **body: refused(  # noqa: E731
        signed_in("POST", f"/v1/namespaces/{slug}/invites", body)
    )

    assert make("nosuch") == (404, "NAMESPACE_NOT_FOUND")
    assert make("others") == (403, "ADMIN_REQUIRED")
    assert make("charlie") == (409, "NOT_ORGANISATION")
    assert make("alice") == (409, "NOT_ORGANISATION")
    assert make("acme", maxUses=-1) == (400, "INVITE_INVALID")
    assert make("acme", maxUses="5") == (400, "BODY_INVALID")
    assert make("acme", maxUses=10**15) == (400, "INVITE_INVALID")
    assert make("acme", email="nobody") == (400, "INVITE_INVALID")
    assert not Invite.objects.exists()
