"""The staff's pages of AI summaries in a browser: sound for axe, at a phone's width, in place."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP
from tests.browser.test_my_traces import enter
from tests.factories.jobs import make_beat, make_run
from tests.factories.traces import Uploader, session
from traces.models import SummaryBudget, SummaryError, SummaryLog, SummarySettings, Trace
from traces.services import coverage, summary_switches
from traces.services.budget import Cap
from traces.tasks import summarize_trace

pytestmark = pytest.mark.django_db(transaction=True)

NARROW = {"width": 360, "height": 740}
HOME = "/staff/summaries/"


def share(person, name, **told) -> Trace:
    return Uploader(person).share(name, session(6), visibility="public", **told)


def fill(person, ada) -> dict[str, Trace]:
    """Traces that are due, written and failed, thirty days of cost, switches and a run."""
    now = timezone.now()
    found = {
        "due": share(person, "due", title="w" * 180),
        "written": share(person, "written"),
        "failed": share(person, "failed", title="Round the totals of invoices"),
    }
    summarize_trace(found["written"].pk, "batch")
    for days in range(1, 30):
        SummaryBudget.objects.create(
            day=now.date() - timedelta(days=days), spent_tokens=days * 7919 * 37 % 1_200_000
        )
    SummaryBudget.objects.filter(day=now.date(), namespace=None).update(
        spent_tokens=780_000, reserved_tokens=200_000, spent_micros=390_000
    )
    for error in (SummaryError.TIMEOUT, SummaryError.QUOTA):
        SummaryLog.objects.create(
            trace=found["failed"],
            namespace=person.namespace,
            trigger="staff",
            asked_by=ada,
            generation=1,
            message_count=6,
            day=now.date(),
            outcome="failed",
            error=error,
            http_status=429,
            provider_code="insufficient_quota",
            request_id="req_" + "7" * 60,
            model="demo-model",
            reserved_tokens=14_210,
            charged_tokens=14_210,
            cost_micros=2_400,
            latency_ms=30_020,
            finished_at=now,
        )
    Trace.objects.filter(pk=found["failed"].pk).update(summary_state="failed", summary_due_at=None)
    summary_switches.switch_namespace(
        actor=ada, namespace=ada.namespace, off=True, reason="A trial that has ended. " * 5
    )
    summary_switches.set_namespace_caps(
        actor=ada, namespace=person.namespace, cap=Cap(90_000, 250_000), reason="Too dear."
    )
    summary_switches.set_site_caps(actor=ada, cap=Cap(1_200_000, 5_000_000), reason="As agreed.")
    SummarySettings.objects.update(
        circuit_until=now + timedelta(minutes=9),
        circuit_reason="Quota used up (429 insufficient_quota)",
    )
    coverage.count()
    make_run("summarize_traces", "running", scope="stale", asked_by=ada, total=2_030, done=1_240)
    return found


@pytest.mark.parametrize("size", [DESKTOP, NARROW], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(site, page, alice, ada, mona, model, size):
    enter(page, site, ada)
    empty = {"nothing yet": HOME, "no attempt": f"{HOME}logs/", "scopes": f"{HOME}refresh/"}
    check(page, site, size, empty)
    found = fill(alice, ada)
    log = SummaryLog.objects.filter(outcome="failed").first()
    run = make_run("summarize_traces", "paused", scope="all", result={"waits_for": "budget"})
    check(
        page,
        site,
        size,
        {
            "home of staff": "/staff/",
            "dashboard": HOME,
            "failed": f"{HOME}?show=failed",
            "preview": f"{HOME}refresh/?scope=stale",
            "refused": f"{HOME}refresh/?scope=namespace&handle=nobody",
            "attempts": f"{HOME}logs/?outcome=failed&trace={found['failed'].public_id}",
            "attempt": f"{HOME}logs/{log.pk}/",
            "namespace": f"{HOME}namespaces/alice/",
            "trace": f"/staff/traces/{found['written'].public_id}/",
            "run": f"/staff/jobs/{run.pk}/",
        },
    )


def check(page, site, size, addresses) -> None:
    page.set_viewport_size(size)
    faults = {}
    for name, address in addresses.items():
        assert page.goto(f"{site}{address}").status == 200, name
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"
    assert faults == {}


def test_a_row_becomes_its_new_text_without_a_reload(site, page, alice, ada, model):
    trace = share(alice, "due")
    make_beat("ai")
    enter(page, site, ada)
    page.goto(f"{site}{HOME}")
    row = page.locator(f"#trace-{trace.public_id}")
    asked = []
    page.on("request", lambda r: asked.append(r) if r.url.endswith("?as=row") else None)

    row.get_by_role("button", name="Refresh").click()

    expect(row.locator(".badge")).to_have_text("asked for")
    expect(page.locator("#toast")).to_contain_text("A summary is asked for.")
    summarize_trace(trace.pk, "staff", ada.pk)
    expect(row.locator(".badge")).to_have_text("fresh", timeout=8_000)
    expect(row).to_contain_text("Asked was: Fix the rounding")
    assert page.url == f"{site}{HOME}"
    count = len(asked)
    page.wait_for_timeout(2_500)
    assert len(asked) == count


def test_keys_lead_there_and_a_switch_is_turned_by_its_form(site, page, ada, model):
    enter(page, site, ada)
    page.goto(f"{site}/staff/")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page).to_have_url(f"{site}{HOME}")
    switch = page.get_by_role("switch", name="Summaries on this site")
    expect(switch).to_have_attribute("aria-checked", "true")

    page.locator("#switch-reason").fill("A leak.")
    switch.click()

    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("list").filter(has_text="A leak.")).to_be_visible()
    assert not SummarySettings.objects.get().is_enabled
