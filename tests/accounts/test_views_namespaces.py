"""The pages of organisations, invites and keys: who sees what, and what posting does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.invites import create_invite, revoke_invite
from accounts.models import ApiToken, AuditEvent, Invite, Membership, Namespace
from accounts.services import authenticate_token, create_token
from tests.factories.accounts import organisation, sign_in

pytestmark = pytest.mark.django_db
BASE = "/me/namespaces/acme/"
SETTINGS = {
    "display_name": "Acme Inc.",
    "trace_visibilities": ["direct", "private"],
    "trace_policy": "reject",
}


@pytest.fixture
def acme(alice, charlie):
    """Alice owns it, Charlie is a member, Mona a stranger."""
    return organisation("acme", owner=alice, member=charlie)


@pytest.fixture
def as_alice(client, alice, acme):
    return sign_in(client, alice)


@pytest.fixture
def as_charlie(client, charlie, acme):
    return sign_in(client, charlie)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


# --- Mine ----------------------------------------------------------------------------------------


def test_one_sees_where_one_belongs_and_nothing_else(as_charlie, alice):
    organisation("others", owner=alice)

    page = text_of(as_charlie.get("/me/namespaces/"))

    assert ("@charlie" in page, "@acme" in page, "@others" in page) == (True, True, False)


def test_an_organisation_is_made_from_its_name(as_alice):
    response = as_alice.post("/me/namespaces/", {"display_name": "Beta Co"})

    assert (response.status_code, response["Location"]) == (302, "/me/namespaces/beta-co/")
    assert Namespace.objects.get(handle="beta-co").name == "Beta Co"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"display_name": "", "slug": "x"}, "This field is required"),
        ({"display_name": "Acme"}, "The name acme is taken"),
        ({"display_name": "X", "slug": "admin"}, "The name admin is reserved"),
        ({"display_name": "日本 <b>"}, "choose another one"),
    ],
)
def test_what_cannot_be_made_is_told_with_what_was_typed(as_alice, said, sentence):
    response = as_alice.post("/me/namespaces/", said)

    page = text_of(response)
    assert response.status_code == 422
    assert sentence in page
    assert said["display_name"].replace("<", "&lt;").replace(">", "&gt;") in page
    assert Namespace.objects.filter(kind="org").count() == 1


# --- Settings ------------------------------------------------------------------------------------


def test_settings_are_saved(as_alice, acme):
    response = as_alice.post(BASE, SETTINGS)

    acme.refresh_from_db()
    assert response.status_code == 302
    assert (acme.name, acme.trace_policy, acme.ai_summary_enabled) == ("Acme Inc.", "reject", False)
    assert acme.trace_visibilities == ["direct", "private"]
    page = text_of(as_alice.get(BASE))
    assert 'value="public" checked' not in page
    assert 'value="direct" checked' in page


def test_settings_without_a_visibility_are_refused(as_alice, acme):
    response = as_alice.post(BASE, SETTINGS | {"trace_visibilities": []})

    assert response.status_code == 422
    assert "Allow at least one." in text_of(response)
    acme.refresh_from_db()
    assert acme.name == "Acme"


def test_the_own_name_has_settings_and_keys_and_no_members(as_alice, alice):
    own = "/me/namespaces/alice/"

    assert as_alice.post(own, SETTINGS).status_code == 302
    assert as_alice.get(f"{own}keys/").status_code == 200
    page = text_of(as_alice.get(own))
    assert ("/keys/" in page, "/members/" in page) == (True, False)
    for path in ("members/", f"members/{alice.pk}/", "invites/"):
        assert as_alice.get(f"{own}{path}").status_code == 404


def test_a_member_sees_members_and_changes_nothing(as_charlie, alice, charlie, acme):
    invite, _ = create_invite(namespace=acme, actor=alice)
    key, _ = create_token(user=alice, label="x", namespace=acme)

    assert as_charlie.get(BASE)["Location"] == f"{BASE}members/"
    page = text_of(as_charlie.get(f"{BASE}members/"))
    assert "alice" in page
    assert ("Change" in page, "Leave" in page) == (False, True)
    for method, path in (
        ("post", ""),
        ("get", f"members/{alice.pk}/"),
        ("post", f"members/{charlie.pk}/"),
        ("get", f"members/{alice.pk}/remove/"),
        ("post", f"members/{alice.pk}/remove/"),
        ("get", "invites/"),
        ("post", "invites/"),
        ("post", f"invites/{invite.pk}/revoke/"),
        ("get", "keys/"),
        ("post", "keys/"),
        ("post", f"keys/{key.lookup_id}/revoke/"),
    ):
        response = getattr(as_charlie, method)(f"{BASE}{path}", SETTINGS | {"role": "owner"})
        assert response.status_code == 404, (method, path)


def test_strangers_and_staff_find_nothing(client, acme, ada):
    sign_in(client, ada)

    for path in ("", "members/", "invites/", "keys/"):
        assert client.get(f"{BASE}{path}").status_code == 404


# --- Members -------------------------------------------------------------------------------------


def test_a_role_is_given_and_a_member_removed(as_alice, charlie):
    page = f"{BASE}members/{charlie.pk}/"

    assert as_alice.post(page, {"role": "admin"})["Location"] == f"{BASE}members/"
    assert Membership.objects.get(user=charlie).role == "admin"
    assert as_alice.post(page, {"role": "boss"}).status_code == 422
    assert as_alice.get(f"{page}remove/").status_code == 200
    assert Membership.objects.filter(user=charlie).exists()
    assert as_alice.post(f"{page}remove/").status_code == 302
    assert not Membership.objects.filter(user=charlie).exists()
    assert as_alice.get(page).status_code == 404


def test_the_last_owner_is_told_to_make_another_one(as_alice, alice):
    for path, said in (
        (f"members/{alice.pk}/", {"role": "member"}),
        (f"members/{alice.pk}/remove/", {}),
    ):
        response = as_alice.post(f"{BASE}{path}", said)

        assert response.status_code == 422
        assert "@acme needs an owner: make somebody else one first." in text_of(response)
    assert Membership.objects.get(user=alice).role == "owner"


def test_a_member_leaves(as_charlie, charlie):
    response = as_charlie.post(f"{BASE}members/{charlie.pk}/remove/")

    assert response["Location"] == "/me/namespaces/"
    assert as_charlie.get(f"{BASE}members/").status_code == 404


def test_members_come_in_parts_by_one_statement_more(as_alice, acme, django_assert_max_num_queries):
    from accounts.models import User

    people = User.objects.bulk_create(User(handle=f"p{number:03}") for number in range(60))
    Membership.objects.bulk_create(Membership(namespace=acme, user=user) for user in people)

    with django_assert_max_num_queries(8):
        page = text_of(as_alice.get(f"{BASE}members/"))
    after = re.search(r'rel="next" href="(\?after=[^"]+)"', page)[1]
    rest = text_of(as_alice.get(f"{BASE}members/{after}"))

    seen = re.findall(r'href="/u/(p\d+)/"', page) + re.findall(r'href="/u/(p\d+)/"', rest)
    more = re.search(r'rel="next" href="(\?after=[^"]+)"', rest)
    while more:
        rest = text_of(as_alice.get(f"{BASE}members/{more[1]}"))
        seen += re.findall(r'href="/u/(p\d+)/"', rest)
        more = re.search(r'rel="next" href="(\?after=[^"]+)"', rest)
    assert seen == [user.handle for user in people]
    assert "cannot be found" in text_of(as_alice.get(f"{BASE}members/?after=x"))


# --- Invites -------------------------------------------------------------------------------------


def test_an_invite_is_shown_once(as_alice, settings):
    settings.SITE_URL = "https://skills.example"

    response = as_alice.post(f"{BASE}invites/", {"max_uses": "3", "email": "z@example.test"})

    link = re.search(r"https://skills\.example/invite/(\w+)/", text_of(response))
    assert response.status_code == 200
    page = text_of(as_alice.get(f"{BASE}invites/"))
    assert ("z@example.test" in page, link[1] in page, "0 of 3" in page) == (True, False, True)
    invite = Invite.objects.get()
    assert as_alice.post(f"{BASE}invites/{invite.pk}/revoke/").status_code == 302
    assert "revoked" in text_of(as_alice.get(f"{BASE}invites/"))


@pytest.mark.parametrize(
    "said", [{"max_uses": "-1"}, {"max_uses": "x"}, {"max_uses": "1", "email": "z"}]
)
def test_an_invite_that_cannot_be_is_told(as_alice, said):
    assert as_alice.post(f"{BASE}invites/", said).status_code == 422
    assert not Invite.objects.exists()


def test_an_invite_of_another_organisation_is_not_found(as_alice, mona):
    others = organisation("others", owner=mona)
    invite, _ = create_invite(namespace=others, actor=mona)

    assert as_alice.post(f"{BASE}invites/{invite.pk}/revoke/").status_code == 404


@pytest.fixture
def sent(alice, acme):
    """An invite into Acme and its code."""
    return create_invite(namespace=acme, actor=alice)


def test_an_invite_says_who_invites_and_waits_for_the_button(client, mona, sent):
    sign_in(client, mona)
    for slash in ("", "/"):
        page = client.get(f"/invite/{sent[1]}{slash}")
        assert page.status_code == 200
        assert all(word in text_of(page) for word in ("@acme", "alice", "member"))
    assert not Membership.objects.filter(user=mona).exists()

    response = client.post(f"/invite/{sent[1]}")

    assert response["Location"] == f"{BASE}members/"
    assert Membership.objects.get(user=mona).role == "member"
    assert "already" in text_of(client.get(f"/invite/{sent[1]}/"))


def test_a_visitor_signs_in_and_comes_back_to_the_invite(client, sent):
    response = client.get(f"/invite/{sent[1]}/")

    assert response["Location"] == f"/login/?next=/invite/{sent[1]}/"


@pytest.mark.parametrize("why", ["used up", "expired", "revoked"])
def test_an_invite_that_is_over_says_so(client, mona, alice, ada, sent, acme, why):
    invite, code = sent
    if why == "used up":
        Invite.objects.update(uses=1)
    elif why == "expired":
        Invite.objects.update(expires_at=timezone.now() - timedelta(days=1))
    else:
        revoke_invite(invite=invite, actor=alice)
    sign_in(client, mona)

    page = client.get(f"/invite/{code}/")
    posted = client.post(f"/invite/{code}/")

    assert (page.status_code, posted.status_code) == (200, 409)
    for answer in (page, posted):
        assert "Ask whoever sent it for another one." in text_of(answer)
        assert "Join" not in text_of(answer)
    assert not Membership.objects.filter(user=mona).exists()


def test_a_code_that_is_none_is_told(client, mona, acme):
    sign_in(client, mona)

    for method in (client.get, client.post):
        assert method("/invite/nosuch/").status_code == 404
    assert "There is no such invite" in text_of(client.get("/invite/nosuch"))


# --- Keys ----------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_opens_its_namespace(as_alice, acme, alice):
    said = {"label": "hooks", "scopes": ["traces:write", "traces:read"], "expires": "90"}

    response = as_alice.post(f"{BASE}keys/", said)

    key = re.search(r"trk_\w+", text_of(response))[0]
    found = authenticate_token(key)
    assert (found.namespace, found.scopes) == (acme, ["traces:read", "traces:write"])
    page = text_of(as_alice.get(f"{BASE}keys/"))
    assert (key in page, "hooks" in page) == (False, True)
    assert as_alice.get(f"{BASE}keys/{found.lookup_id}/revoke/").status_code == 200
    assert ApiToken.objects.get().state == "active"
    assert as_alice.post(f"{BASE}keys/{found.lookup_id}/revoke/").status_code == 302
    assert ApiToken.objects.get().state == "revoked"
    assert AuditEvent.objects.filter(verb="token.revoke", actor=alice).exists()


@pytest.mark.parametrize("scope", ["skills:write", "moderate", "admin", "x"])
def test_a_key_is_for_traces_only(as_alice, scope):
    said = {"label": "hooks", "scopes": [scope], "expires": "90"}

    assert as_alice.post(f"{BASE}keys/", said).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_key_of_another_namespace_is_not_found(as_alice, alice):
    own, _ = create_token(user=alice, label="elsewhere", namespace=alice.namespace)

    assert as_alice.post(f"{BASE}keys/{own.lookup_id}/revoke/").status_code == 404
    assert "elsewhere" not in text_of(as_alice.get(f"{BASE}keys/"))
