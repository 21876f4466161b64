"""The page of a trace by keys, and what comes while it is read."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.traces import Uploader, answered, called, failed, said, session

pytestmark = pytest.mark.django_db(transaction=True)
ID = "11111111-2222-4333-8444-555555555555"


def focused(page) -> str:
    return page.evaluate("document.activeElement.closest('.turns > li')?.id ?? ''")


def presses(page, keys: str) -> list[str]:
    """Where the focus is after each of these keys."""
    places = []
    for key in keys:
        page.keyboard.press(key)
        places.append(focused(page))
    return places


def test_keys_move_by_message_turn_and_error(site, page, alice):
    messages = [
        said(1),
        said(2, "I look.", "assistant"),
        called(3),
        answered(4, "Exit 1", "error"),
        said(5, "Go on."),
        failed(6),
    ]
    trace = Uploader(alice).share(ID, messages, visibility="public")
    page.goto(f"{site}/s/{trace.public_id}/full")

    assert presses(page, "jjkue") == ["m-1", "m-2", "m-1", "m-5", "m-6"]
    assert presses(page, "kkke") == ["m-5", "m-4", "m-3", "m-4"]
    # Not past the end, nor in front of the beginning.
    assert presses(page, "ujj") == ["m-5", "m-6", "m-6"]
    assert presses(page, "u") == ["m-6"]
    expect(page.locator("#live")).to_have_text("No more turns of a person.")

    page.get_by_role("button", name="Turn keys off").click()
    before = focused(page)
    assert presses(page, "jk") == [before] * 2
    page.reload()
    assert presses(page, "j") == [""]
    page.get_by_role("button", name="Turn keys on").click()
    page.locator("#site-search").focus()
    assert presses(page, "j") == [""]


def test_keys_lead_beyond_the_messages_that_are_loaded(site, page, alice):
    messages = [*session(150), said(151, "And now?"), failed(152)]
    trace = Uploader(alice).share(ID, messages, visibility="public")
    page.goto(f"{site}/s/{trace.public_id}/full?type=assistant")
    rows = page.locator(".turns > li[id]")
    count = rows.count()
    rows.last.get_by_role("link").first.focus()

    page.keyboard.press("j")
    expect(rows).not_to_have_count(count)
    expect(page.locator(".turns > li:focus-within")).to_be_visible()
    assert focused(page) == rows.nth(count).get_attribute("id")

    page.keyboard.press("e")
    page.wait_for_url(f"{site}/s/{trace.public_id}/full?from=152#m-152")


def test_new_messages_are_offered_and_come_where_the_reader_is(site, page, alice):
    uploader = Uploader(alice)
    trace = uploader.share(ID, session(3), visibility="public")
    page.goto(f"{site}/s/{trace.public_id}/full")
    rows, button = page.locator(".turns > li[id]"), page.locator(".load-more a")
    expect(button).to_have_text("Show newer messages")

    uploader.post(ID, [called(4), answered(5), said(6)])
    page.evaluate("htmx.trigger('.load-more', 'every')")

    expect(button).to_have_text("3 new, show")
    expect(rows).to_have_count(3)
    button.click()
    expect(rows).to_have_count(6)
    assert focused(page) == "m-4"
    expect(button).to_have_text("Show newer messages")
    # Asked again with nothing new, and quietly.
    page.evaluate("htmx.trigger('.load-more', 'every')")
    page.wait_for_load_state("networkidle")
    expect(button).to_have_text("Show newer messages")
    assert page.locator("#live").text_content() == "3 more, 6 shown."


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_live_trace_breaks_no_rule_of_axe(site, page, alice, size):
    trace = Uploader(alice).share(ID, session(6), visibility="public")
    page.set_viewport_size(size)
    page.goto(f"{site}/s/{trace.public_id}/full")

    assert broken_in_a_scheme(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
