"""Command lines, organisations, invites and keys, as a person with a browser does it all."""

from __future__ import annotations

import re
import urllib.request

import orjson
import pytest
from playwright.sync_api import expect

from accounts.invites import create_invite
from accounts.models import ApiToken, DeviceSession, Membership
from accounts.services import create_token, create_user
from accounts.sessions import start_login
from tests.browser.axe import broken, broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.accounts import organisation, password_of, session_of

pytestmark = pytest.mark.django_db(transaction=True)

# As long as may be, without a place to break.
LONG = "w" * 100


def sign_in(page, site, person, then="/me/"):
    page.goto(f"{site}/login/?next={then}")
    page.get_by_label("Name").fill(person.handle)
    page.get_by_label("Password").fill(password_of(person))
    page.get_by_role("button", name="Sign in").click()


def ask(address, body=None):
    """What the command line asks of the server."""
    data = None if body is None else orjson.dumps(body)
    with urllib.request.urlopen(urllib.request.Request(address, data)) as answer:
        return orjson.loads(answer.read())["data"]


@pytest.fixture
def acme(alice, charlie):
    return organisation("acme", owner=alice, member=charlie)


def test_a_command_line_is_signed_in_by_a_press_of_the_button_and_by_nothing_less(
    site, page, alice
):
    begun = ask(f"{site}/v1/auth/cli/start", {"deviceId": "laptop-of-alice"})
    status = f"{site}/v1/auth/cli/status?state={begun['state']}"

    page.goto(begun["verificationUrl"])
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(password_of(alice))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("laptop-of-alice")).to_be_visible()
    page.reload()
    assert ask(status) == {"status": "pending"}

    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    done = ask(status)
    assert done["status"] == "complete"
    sent = {"state": begun["state"], "exchangeCode": done["exchangeCode"]}
    session = ask(f"{site}/v1/auth/cli/complete", sent)["session"]
    assert session["namespaceSlug"] == "alice"

    page.goto(f"{site}/me/devices/")
    expect(page.get_by_text("laptop-of-alice").first).to_be_visible()
    page.get_by_role("link", name="Sign out laptop-of-alice").click()
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(page.get_by_text("No command line is signed in")).to_be_visible()
    assert DeviceSession.objects.get().revoked_at is not None


def test_an_organisation_is_made_and_somebody_joins_it(site, page, browser, alice, charlie):
    sign_in(page, site, alice, "/me/namespaces/")
    page.get_by_label("Name", exact=True).fill("Beta Co")
    page.get_by_role("button", name="Make organisation").click()
    page.get_by_role("checkbox", name=re.compile("^Public")).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("checkbox", name=re.compile("^Public"))).not_to_be_checked()

    page.get_by_role("link", name="Invites").click()
    page.get_by_role("button", name="Make invite").click()
    link = page.locator("#new-invite").inner_text()

    with browser.new_context(viewport=PHONE) as other:
        theirs = other.new_page()
        theirs.goto(link)
        theirs.get_by_label("Name").fill("charlie")
        theirs.get_by_label("Password").fill(password_of(charlie))
        theirs.get_by_role("button", name="Sign in").click()
        expect(theirs.get_by_text("alice invites you")).to_be_visible()
        assert not Membership.objects.filter(user=charlie).exists()
        theirs.get_by_role("button", name="Join").click()
        expect(theirs.get_by_text("Welcome: you are a member of @beta-co now.")).to_be_visible()

    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Change charlie").click()
    page.get_by_label("Role").select_option("admin")
    page.get_by_role("button", name="Give role").click()
    assert Membership.objects.get(user=charlie).role == "admin"


def test_a_key_is_shown_once_and_revoked(site, page, alice, acme):
    sign_in(page, site, alice, "/me/namespaces/acme/keys/")
    page.get_by_role("textbox", name="Name").fill("hooks")
    page.get_by_role("button", name="Make key").click()
    expect(page.locator("#new-key")).to_have_text(re.compile("^trk_"))
    page.get_by_role("link", name="Revoke hooks").click()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Revoked “hooks”")).to_be_visible()
    assert ApiToken.objects.get().scopes == ["traces:write"]


@pytest.mark.parametrize("size", [DESKTOP, {"width": 360, "height": 740}], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(site, page, alice, acme, size):
    bob = create_user(handle="b" * 60, display_name=LONG)
    Membership.objects.create(namespace=acme, user=bob)
    acme.display_name = LONG
    acme.save()
    login, _ = start_login(device_id=LONG)
    session, _ = session_of(alice, LONG)
    invite, code = create_invite(namespace=acme, actor=alice, email=f"{'z' * 60}@example.test")
    foreign = organisation("others", owner=bob)
    _, join = create_invite(namespace=foreign, actor=bob)
    key, _ = create_token(user=alice, label="k" * 80, namespace=acme, scopes=["traces:read"])
    base = "/me/namespaces/acme"
    page.set_viewport_size(size)
    sign_in(page, site, alice)
    faults = {}

    for address in (
        "/me/",
        f"/login/device/?state={login.state_sha256}",
        "/me/devices/",
        "/me/devices/end/",
        f"/me/devices/{session.lookup_id}/end/",
        "/me/namespaces/",
        "/me/namespaces/alice/",
        f"{base}/",
        f"{base}/members/",
        f"{base}/members/{bob.pk}/",
        f"{base}/members/{bob.pk}/remove/",
        f"{base}/invites/",
        f"{base}/invites/{invite.pk}/revoke/",
        f"{base}/keys/",
        f"{base}/keys/{key.lookup_id}/revoke/",
        f"/invite/{code}/",
        f"/invite/{join}",
    ):
        assert page.goto(f"{site}{address}").status == 200, address
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{address}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{address} scrolls sideways: {width}"
    for address in ("/login/device/?state=x", "/invite/nosuch/"):
        assert page.goto(f"{site}{address}").status == 404
        if told := broken(page):
            faults[address] = told

    assert faults == {}
