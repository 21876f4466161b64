"""What authors and admins see of traces: usable by keyboard and script-free, sound for axe."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.accounts import organisation, password_of
from tests.factories.traces import Uploader, said, session
from traces.models import Trace

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "w" * 180


def fill(person) -> Trace:
    """Traces of every visibility, one with a long title and things taken out."""
    acme = organisation("acme", owner=person)
    Uploader(person, acme).share("at-work", session(4), visibility="private", title="At work")
    Uploader(person).share("long", session(3), visibility="public", title=LONG)
    secret = "AKIA" + "QRSTUVWXYZ234567"
    return Uploader(person).share(
        "first",
        [said(1, f"Round the totals, with {secret}"), *session(6)[1:]],
        projectPath="/home/alice/invoices",
        gitRemoteUrl="https://git.example/acme/invoices",
    )


def enter(page, site, person) -> None:
    page.goto(f"{site}/login/")
    page.get_by_label("Name").fill(person.handle)
    page.get_by_label("Password").fill(password_of(person))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(site, page, ada, size):
    enter(page, site, ada)
    addresses = {"nothing shared": "/me/traces/", "no search": "/t/search/"}
    _check(page, site, size, addresses)
    trace = fill(ada)
    ended = Uploader(ada).share("ended", session(2), title="Until yesterday")
    Trace.objects.filter(pk=ended.pk).update(link_ends_at=timezone.now() - timedelta(days=1))
    Trace.objects.filter(pk=trace.pk).update(link_ends_at=timezone.now() + timedelta(days=3))
    addresses = {
        "ended link": f"/me/traces/{ended.public_id}/",
        "page of an ended link": f"/s/{ended.public_id}",
        "list": "/me/traces/",
        "of anybody": "/me/traces/?by=anybody&visibility=private",
        "settings": f"/me/traces/{trace.public_id}/",
        "unshare": f"/me/traces/{trace.public_id}/unshare/",
        "results": "/t/search/?q=totals",
        "no result": "/t/search/?q=nothing-like-this",
        "staff find": "/staff/traces/?q=nobody",
        "staff": f"/staff/traces/{trace.public_id}/",
    }
    _check(page, site, size, addresses)


def _check(page, site, size, addresses) -> None:
    page.set_viewport_size(size)
    faults = {}
    for name, address in addresses.items():
        assert page.goto(f"{site}{address}").status == 200, name
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"
    assert faults == {}


def test_a_person_renames_hides_and_takes_back_a_trace(site, page, alice):
    fill(alice)
    enter(page, site, alice)
    page.goto(f"{site}/me/traces/")
    page.get_by_role("link", name="Fix the rounding bug", exact=True).click()

    page.get_by_label("Your title").fill("Totals to the cent")
    page.get_by_role("button", name="Save title").click()
    page.get_by_role("heading", name="Totals to the cent", level=1).wait_for()
    page.get_by_label("Members only").check()
    page.get_by_role("button", name="Save who may read").click()
    page.get_by_text("Saved who may read it.").wait_for()
    switch = page.get_by_role("switch", name="Keep it from every AI")
    assert switch.get_attribute("aria-checked") == "false"
    switch.click()
    page.get_by_text("Its author keeps it from every AI.").wait_for()
    assert switch.get_attribute("aria-checked") == "true"
    page.get_by_role("link", name="Unshare").click()
    page.get_by_role("button", name="Unshare").click()
    page.get_by_text("is not shared any more").wait_for()

    trace = Trace.objects.get(external_id="first")
    assert (trace.title, trace.visibility, trace.exclude_from_ai) == (
        "Totals to the cent",
        "private",
        True,
    )
    assert trace.unpublished_at is not None
