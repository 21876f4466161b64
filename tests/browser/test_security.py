"""Second factors in a real browser: a passkey from Chromium's virtual authenticator, and an app."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.factors import has_factor, renew_codes
from tests.accounts.github_server import CLIENT, SECRET, serving
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.accounts import code_at, password_of, with_app

pytestmark = pytest.mark.django_db(transaction=True)

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def key(page):
    """A key in the browser; returns the session that steers it and the key's id."""
    steer = page.context.new_cdp_session(page)
    steer.send("WebAuthn.enable")
    made = steer.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    return steer, made["authenticatorId"]


def sign_in(page, site, person, then="/me/security/"):
    page.goto(f"{site}/login/?next={then}")
    page.get_by_label("Name").fill(person.handle)
    page.get_by_label("Password").fill(password_of(person))
    page.get_by_role("button", name="Sign in").click()


def sign_out(page):
    page.context.clear_cookies()


def add_passkey(page, name):
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add passkey").click()
    # The form is sent once the key has answered, so the click is over before the page goes away.
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def test_a_passkey_is_added_and_signs_in(site, page, alice, key):
    sign_in(page, site, alice)
    add_passkey(page, "my phone")
    page.get_by_role("link", name="I keep them").click()
    expect(page.get_by_text("Passkey “my phone”")).to_be_visible()
    assert has_factor(alice)

    sign_out(page)
    sign_in(page, site, alice, "/me/tokens/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{site}/me/tokens/")

    page.goto(f"{site}/me/security/")
    page.get_by_role("link", name="Remove passkey my phone").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("Removed: my phone.")).to_be_visible()
    assert not has_factor(alice)


def test_another_key_than_the_accounts_opens_nothing(site, page, alice, key):
    steer, old = key
    sign_in(page, site, alice)
    add_passkey(page, "old key")
    page.get_by_role("link", name="I keep them").click()
    steer.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": old})
    steer.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})

    sign_out(page)
    sign_in(page, site, alice)
    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_text("No passkey came")).to_be_visible()
    page.goto(f"{site}/me/security/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_app_is_set_up_and_signs_in(site, page, alice):
    sign_in(page, site, alice)
    page.get_by_role("link", name="Set up an app").click()
    secret = page.locator("#totp-key").inner_text()
    assert page.locator("img").evaluate("image => image.naturalWidth") > 100
    page.get_by_label("Code").fill(code_at(secret, -1))
    page.get_by_role("button", name="Turn it on").click()
    code = page.locator("#recovery-codes").inner_text().split()[0]

    sign_out(page)
    sign_in(page, site, alice)
    page.get_by_label("Code").fill(code_at(secret))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site}/me/security/")

    sign_out(page)
    sign_in(page, site, alice)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site}/me/security/")
    expect(page.get_by_text("9 codes left.")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(site, page, alice, charlie, key, size):
    page.set_viewport_size(size)
    faults = {}

    def look(name):
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"

    sign_in(page, site, charlie)
    look("no factor")
    page.get_by_role("link", name="Set up an app").click()
    look("app")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    look("a wrong code")
    page.goto(f"{site}/me/security/confirm/")
    look("password again")
    page.goto(f"{site}/me/security/")
    add_passkey(page, "w" * 80)
    look("codes, once")
    page.get_by_role("link", name="I keep them").click()
    look("factors")
    page.get_by_role("link", name="Make new codes").click()
    look("new codes")
    page.goto(f"{site}/me/security/sign-out/")
    look("everywhere")
    page.goto(f"{site}/me/security/password/")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password, again").fill("other")
    page.get_by_role("button", name="Change password").click()
    look("a password that may not be one")
    page.goto(f"{site}/me/security/passkeys/")
    look("another passkey")
    page.goto(f"{site}/me/security/")
    page.get_by_role("link", name="Remove passkey").click()
    look("remove")
    page.goto(f"{site}/me/security/confirm/")
    look("passkey again")
    sign_out(page)
    sign_in(page, site, charlie)
    look("second step")
    sign_out(page)
    with_app(alice)
    renew_codes(user=alice)
    sign_in(page, site, alice)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    look("a wrong code at the second step")

    assert faults == {}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_somebody_new_comes_from_github(site, page, faults, settings, size):
    page.set_viewport_size(size)
    with serving() as github:
        settings.GITHUB_CLIENT_ID, settings.GITHUB_CLIENT_SECRET = CLIENT, SECRET
        settings.GITHUB_URL = settings.GITHUB_API_URL = github.address
        page.goto(f"{site}/login/?next=/me/security/")
        assert broken_in_a_scheme(page) == {}
        page.get_by_role("button", name="Sign in with GitHub").click()
        expect(page.get_by_label("Name")).to_have_value("octo-cat")
        assert broken_in_a_scheme(page) == {}
        page.get_by_role("button", name="Make my account").click()
        page.wait_for_url(f"{site}/me/security/")
        expect(page.get_by_role("heading", name="GitHub")).to_be_visible()
        assert broken_in_a_scheme(page) == {}

        sign_out(page)
        github.fault = "denied"
        page.goto(f"{site}/login/")
        page.get_by_role("button", name="Sign in with GitHub").click()
        expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
        assert broken_in_a_scheme(page) == {}
        # The way there is a request to another host, which is meant, and a refusal is told.
        meant = [told for told in faults if github.address in told or "(Forbidden)" in told]
        assert meant == faults
        faults.clear()
