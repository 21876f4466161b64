"""The desk in a browser: deciding without leaving the page, and no rule of axe broken."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from moderation.models import Decision, ReasonTemplate, ReviewItem
from moderation.services.appeals import appeal
from moderation.services.items import claim_item
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_job_room import enter
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.queue import OLD, SENDS
from tests.factories.scans import SUSPICIOUS, scan_all

pytestmark = pytest.mark.django_db(transaction=True)


def fill_desk(publish, alice, ada) -> dict[str, ReviewItem]:
    """A changed skill with a report, one that is claimed, and an appeal."""
    # Tests that commit before this one have cleared what the migration filled in.
    ReasonTemplate.objects.all().delete()
    ReasonTemplate.objects.create(
        key="injection",
        title="Gives agents orders",
        attack_class="prompt-injection",
        text="{skill} orders agents about ({file}:{line}, rule {rule}).",
    )
    publish("sql-helper", OLD, version="1.0.0")
    scan_all()
    changed = publish("sql-helper", SENDS, version="1.1.0")
    claimed, contested = publish("claimed", SUSPICIOUS), publish("contested", SUSPICIOUS)
    publish("plain", SUSPICIOUS)
    scan_all()
    report(changed.version, person("rita"))
    claim_item(item_id=item_of(claimed.version).pk, actor=ada)
    decision = decide_on(item_of(contested.version), ada, "hide")
    appeal(decision_id=decision.pk, actor=alice, text="It is an example.")
    return {
        "changed": item_of(changed.version),
        "claimed": item_of(claimed.version),
        "appeal": ReviewItem.objects.appeals().get(),
    }


def test_deciding_and_taking_back_stay_on_the_page(site, page, publish, alice, mona, ada):
    fill_desk(publish, alice, ada)
    enter(site, page, mona)
    page.goto(f"{site}/staff/queue/?tab=all")
    row = page.locator("#rows .row-link", has_text="plain")
    before = page.locator("#rows li[data-item]").count()

    row.click()
    expect(page.locator("#pane h2")).to_have_text("plain@1.0.0")
    page.locator("#do-hide").click()
    page.locator("#reason-dialog [data-confirm][value=hide]").click()

    expect(page.locator("#toast")).to_contain_text("Skill hidden: @alice/plain 1.0.0.")
    expect(page.locator("#rows li[data-item]")).to_have_count(before - 1)
    assert "rule injection.ignore-instructions" in Decision.objects.latest("pk").text

    page.locator("#toast form.undo button").click()

    expect(page.locator("#toast")).to_contain_text("Taken back")
    expect(page.locator("#rows li[data-item]")).to_have_count(before)
    expect(page.locator("#pane h2")).to_have_text("plain@1.0.0")


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_of_the_desk_breaks_a_rule_of_axe(site, page, publish, alice, ada, mona, size):
    items = fill_desk(publish, alice, ada)
    enter(site, page, mona)
    page.set_viewport_size(size)
    faults = {}
    addresses = {
        "queue": "/staff/queue/?tab=all",
        "with pane": f"/staff/queue/?tab=all&item={items['changed'].pk}",
        "empty": "/staff/queue/?tab=mine",
        **{name: f"/staff/queue/{item.pk}/" for name, item in items.items()},
        "bulk": "/staff/queue/bulk/",
        "decisions": "/staff/decisions/?who=all",
        "reasons": "/staff/reasons/",
        "new reason": "/staff/reasons/new/",
    }

    for name, address in addresses.items():
        if name == "new reason":
            page.context.clear_cookies()
            enter(site, page, ada)
        assert page.goto(f"{site}{address}").status == 200, name
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"

    assert faults == {}
