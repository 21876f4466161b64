"""Signing in and organisations, as the user of the traces client sees them."""

from __future__ import annotations

import pytest

from accounts.models import DeviceLogin, DeviceSession, Invite, MemberRole, Membership, Namespace
from accounts.services import create_token
from accounts.sessions import answer_login, end_session
from tests.clients.runner import wait_for

pytestmark = pytest.mark.client


def answered(traces, person, *, approve):
    """Run `login` and let this person answer it meanwhile."""
    with traces.started("login", "--no-browser") as running:
        login = wait_for(DeviceLogin.objects.filter(status="pending").first)
        answer_login(login=login, user=person, approve=approve)
        return login, running.finish()


@pytest.fixture
def alice_signed_in(traces, alice):
    """Alice, in whose name the client has signed in."""
    _login, ran = answered(traces, alice, approve=True)
    assert ran.code == 0, ran.text
    return alice


def test_a_login_is_approved_in_the_browser_and_ends(traces, alice):
    login, ran = answered(traces, alice, approve=True)

    assert ran.code == 0, ran.text
    assert f"{traces.address}/login/device/?state={login.state_sha256}" in ran.text
    whoami = traces.run("whoami")
    for line in (
        "Token verified",
        "Display name: alice",
        "Active namespace: @alice",
        "Role: admin",
    ):
        assert line in whoami.text, whoami.text

    assert traces.run("logout").code == 0
    assert DeviceSession.objects.get().revoked_at is not None
    assert "Not logged in" in traces.run("whoami").text


def test_a_login_that_is_denied_says_so(traces, alice):
    _login, ran = answered(traces, alice, approve=False)

    assert ran.code == 1
    assert "The login was denied in the browser." in ran.text


def test_a_session_that_was_ended_is_refused_with_our_sentence(traces, alice_signed_in):
    end_session(session=DeviceSession.objects.get(), actor=alice_signed_in)

    listed = traces.run("namespace", "list")

    assert listed.code == 1
    assert "This session was ended; run the login again." in listed.text


def test_namespaces_are_listed_and_used(traces, alice_signed_in):
    acme = Namespace.objects.create(handle="acme", kind="org", display_name="Acme")
    Namespace.objects.create(handle="others", kind="org")
    Membership.objects.create(namespace=acme, user=alice_signed_in)

    listed = traces.run("namespace", "list", "--json")
    assert ("acme" in listed.text, "others" in listed.text) == (True, False), listed.text
    used = traces.run("namespace", "use", "acme")
    assert used.code == 0, used.text
    assert DeviceSession.objects.get().active_namespace == acme
    for slug, code in (("others", "not a member"), ("nosuch", "not found")):
        refused = traces.run("namespace", "use", slug)
        assert refused.code == 1
        assert code in refused.text.lower(), refused.text


def test_an_organisation_is_made_and_others_are_invited(traces, alice_signed_in):
    made = traces.run("org", "new", "Beta Co")
    assert made.code == 0, made.text
    beta = Namespace.objects.get(handle="beta-co")
    assert beta.display_name == "Beta Co"
    assert Membership.objects.get(namespace=beta).role == MemberRole.OWNER
    assert DeviceSession.objects.get().active_namespace == beta

    invited = traces.run("org", "invite", "beta-co", "code", "--max-uses", "5")
    assert invited.code == 0, invited.text
    assert f"{traces.address}/invite/" in invited.text
    assert Invite.objects.get().max_uses == 5

    taken = traces.run("org", "new", "Beta Co")
    assert taken.code == 1
    assert "The name beta-co is taken" in taken.text


def test_a_key_lists_its_namespace_alone(traces, alice):
    acme = Namespace.objects.create(handle="acme", kind="org")
    Membership.objects.create(namespace=acme, user=alice, role=MemberRole.ADMIN)
    _key, text = create_token(
        user=alice, label="hooks", namespace=acme, scopes=["traces:write", "namespace:read"]
    )

    listed = traces.run("namespace", "list", "--json", "--key", str(text))

    assert listed.code == 0, listed.text
    assert ("acme" in listed.text, '"alice"' in listed.text) == (True, False)
