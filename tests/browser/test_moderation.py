"""What the public, reporters and authors see of moderation: axe, long names, and without a script."""

from __future__ import annotations

import re

import pytest

from moderation.models import Appeal, Report
from moderation.services.reports import report_version
from moderation.services.undo import undo
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories.accounts import password_of
from tests.factories.desk import decide_on, item_of, person
from tests.factories.scans import MALICIOUS, SUSPICIOUS, scan_all
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "w" * 96
WIDE = """() => [...document.querySelectorAll("main *")]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1
    && !e.closest(".code-body, .command, pre, .sr"))
  .map(e => e.outerHTML.slice(0, 90))"""


@pytest.fixture
def decision(alice):
    """A decision on a skill with a long name, after one that was taken back, and a report."""
    mona, rita = person("mona", role="moderator"), person("rita")
    publish_skill(namespace=alice.namespace, slug="lure", files=MALICIOUS)
    version = publish_skill(
        namespace=alice.namespace,
        slug=LONG,
        display_name=LONG,
        keep_slug=True,
        files={f"{LONG}.md": SUSPICIOUS["SKILL.md"]} | SUSPICIOUS,
    ).version
    scan_all()
    undo(decision_id=decide_on(item_of(version), mona, "caution", text=LONG).pk, actor=mona)
    decision = decide_on(item_of(version), mona, "caution", text=LONG)
    report_version(version=version, reporter=rita, kind="broken", text=LONG, file=LONG, line=3)
    return decision


def sign_in(page, site, handle: str, password: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{site}/login/")
    page.get_by_label("Name", exact=True).fill(handle)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe_or_scrolls_sideways(site, page, alice, decision, size):
    page.set_viewport_size(size)
    faults = {}
    skill = f"/skills/alice/{LONG}/"
    own = (
        "/me/",
        f"/me/skills/{LONG}/",
        "/me/skills/lure/",
        f"/me/decisions/{decision.pk}/",
        f"/me/decisions/{decision.pk}/appeal/",
        f"{skill}?tab=security",
        "/skills/alice/lure/",
    )
    people = {
        "": ("/modlog/", f"/modlog/?q={LONG}", f"{skill}?tab=security", "/about/moderation/"),
        "rita": (f"{skill}report/", "/me/"),
        "alice": own,
    }

    for handle, addresses in people.items():
        if handle:
            sign_in(page, site, handle, f"{handle}-keeps-a-secret")
        for address in addresses:
            assert page.goto(f"{site}{address}").status == 200, address
            for scheme, told in broken_in_a_scheme(page).items():
                faults[f"{address[:30]}, {scheme}"] = told
            assert page.evaluate(WIDE) == [], address

    assert faults == {}


def test_a_person_reports_and_its_author_appeals_without_a_script(
    site, browser, alice, decision, live_server
):
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, site, "rita", "rita-keeps-a-secret")
    page.goto(f"{site}/skills/alice/{LONG}/")
    page.get_by_role("link", name="Report", exact=True).click()
    page.get_by_label(re.compile("^Misleading")).check()
    page.get_by_label("What did you find?").fill("It is not what it says.")
    page.get_by_role("button", name="Send report").click()
    page.get_by_text("Added to your open report on this version.").wait_for()
    assert "It is not what it says." in Report.objects.get().text

    sign_in(page, site, "alice", password_of(alice))
    page.goto(f"{site}/me/")
    page.get_by_role("link", name=re.compile("^Caution advised")).click()
    page.get_by_role("link", name="Appeal", exact=True).click()
    page.get_by_role("button", name="Send appeal").click()
    page.get_by_label("Why is the decision wrong?").fill("It is an example.")
    page.get_by_role("button", name="Send appeal").click()
    page.get_by_text("Open: somebody who did not decide will answer it.").wait_for()
    assert Appeal.objects.get().text == "It is an example."
    page.context.close()


def test_the_log_loads_more_in_place(site, page, alice, decision):
    from tests.factories.desk import decision_on

    for _ in range(60):
        decision_on(decision.version, "approve")
    page.goto(f"{site}/modlog/")
    assert page.locator("tbody tr[id]").count() == 50

    page.get_by_role("link", name="Load more").click()
    page.wait_for_url(re.compile("until="))
    page.locator("tbody tr[id]").nth(60).wait_for()
    shown = page.locator("tbody tr[id]").count()
    page.reload()

    assert page.locator("tbody tr[id]").count() == shown == 64
