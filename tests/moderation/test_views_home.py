"""The first page of staff: each number is true and leads to its list."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.home_page import read_desk
from moderation.models import Decision, ReviewItem
from moderation.services import items
from moderation.services.appeals import appeal
from tests.factories.accounts import sign_in
from tests.factories.bulk import analyze, explain
from tests.factories.desk import decide_on, item_of
from tests.factories.jobs import make_run
from tests.factories.queue import many_items
from tests.factories.scans import SUSPICIOUS, scan_all
from traces.models import SummaryBudget

pytestmark = pytest.mark.django_db


@pytest.fixture
def five(publish, mona, ada, alice):
    """Five flagged skills: one claimed, one held for long, one appealed, one old, one proposed."""
    versions = [publish(f"notes-{n}", SUSPICIOUS).version for n in range(5)]
    scan_all()
    claimed, held, appealed, old, proposed = map(item_of, versions)
    items.claim_item(item_id=claimed.pk, actor=mona)
    decide_on(held, mona, "hide")
    ReviewItem.objects.filter(pk=held.pk).update(closed_at=timezone.now() - timedelta(days=8))
    contested = decide_on(appealed, ada, "caution")
    appeal(decision_id=contested.pk, actor=alice, text="It is a lesson.")
    waited = timezone.now() - timedelta(days=2)
    ReviewItem.objects.filter(pk=old.pk).update(opened_at=waited, due_at=waited)
    decide_on(proposed, mona, "propose-removal")
    return versions


def test_each_number_is_what_its_list_shows(five, mona):
    desk = read_desk(mona)
    pages = {
        "mine": "?tab=mine",
        "unclaimed": "?tab=all&claim=free",
        "appeals": "?tab=appeals",
    }

    assert (desk.mine, desk.overdue, desk.appeals) == (1, 1, 1)
    assert (desk.held_long, desk.removals, desk.comments) == (1, 1, 0)
    assert [age.count for age in desk.ages] == [3, 0, 1, 0]
    browser = sign_in(Client(), mona)
    for name, query in pages.items():
        listed = browser.get(f"/staff/queue/{query}").content.decode()
        assert len(re.findall(r"<li id=\"item-\d+\"", listed)) == getattr(desk, name), name
    home = browser.get("/staff/").content.decode()
    for query in (*pages.values(), "?tab=held", "?sort=oldest"):
        assert f'href="/staff/queue/{query.replace("&", "&amp;")}"' in home, query


def test_a_decision_can_be_taken_back_from_there(five, mona):
    browser = sign_in(Client(), mona)
    decision = Decision.objects.get(action="hide")
    page = browser.get("/staff/").content.decode()
    assert page.count('class="undo"') == 1

    browser.post(f"/staff/queue/{decision.item_id}/undo/", {"decision": decision.pk})

    assert "taken back" in browser.get("/staff/").content.decode()
    assert item_of(five[1]).state == "open"


def test_only_the_last_decision_on_an_item_is_offered_to_be_taken_back(publish, mona):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    decide_on(item_of(version), mona, "hide-version")
    decide_on(item_of(version), mona, "approve")

    offered = [(decision.action, is_offered) for decision, is_offered in read_desk(mona).decisions]

    assert offered == [("approve", True), ("hide-version", False)]


def test_an_empty_desk_says_so(mona):
    page = sign_in(Client(), mona).get("/staff/").content.decode()

    assert "Nothing waits for a decision." in page
    assert "None yet." in page


def test_the_summary_budget_and_a_refresh_under_way_are_told(mona):
    assert "0.0 %" in sign_in(Client(), mona).get("/staff/").content.decode()
    SummaryBudget.objects.create(day=timezone.now().date(), spent_tokens=1_000_000)
    run = make_run("summarize_traces", "running", scope="stale", total=200, done=122)

    page = sign_in(Client(), mona).get("/staff/").content.decode()

    assert "83.3 %" in page
    assert f"nearly used, run {run.pk}: 61.0 %" in page
    assert 'href="/staff/summaries/"' in page


def test_it_costs_the_same_however_much_waits(publish, mona):
    browser = sign_in(Client(), mona)
    costs = []
    for n in range(2):
        for m in range(1 + 4 * n):
            publish(f"notes-{n}-{m}", SUSPICIOUS)
        scan_all()
        with CaptureQueriesContext(connection) as queries:
            browser.get("/staff/")
        costs.append(len(queries))

    assert costs[0] == costs[1]
    assert costs[0] <= 15


@pytest.mark.allow_drift
def test_proposed_removals_are_counted_without_a_look_at_the_others(publish, mona):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    many_items(version, 3_000)
    decide_on(item_of(version), mona, "propose-removal")
    analyze(ReviewItem)

    plan = explain(*ReviewItem.objects.proposed().values("pk")[:1001].query.sql_with_params())

    assert plan.indexes == {"reviewitem_proposed"}
    assert plan.blocks <= 6
