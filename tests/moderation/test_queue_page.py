"""The list of the queue: which items, in which order, at what cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from config.pagination import CursorRefused
from moderation import queue_page
from moderation.models import ReviewItem
from moderation.queue_forms import QueueFilter
from moderation.services import items
from moderation.services.undo import undo
from tests.factories.accounts import sign_in
from tests.factories.bulk import explain
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.jobs import make_beat
from tests.factories.queue import many_items, statements
from tests.factories.scans import MALICIOUS, SUSPICIOUS, scan_all

pytestmark = pytest.mark.django_db


def asked(query: str = "tab=all") -> QueueFilter:
    return QueueFilter.parse(QueryDict(query))


def names(query: str, viewer: User) -> list[str]:
    """The slugs of the list, in its order."""
    page = queue_page.read_page(asked(query), viewer)
    return [row.item.version.skill.slug for row in page.rows]


def counts(viewer: User) -> dict[str, str]:
    return {tab.key: tab.count for tab in queue_page.read_tabs(asked(), viewer)}


@pytest.fixture
def three(publish):
    """A blocked, a flagged and a reported skill, oldest first."""
    made = {
        name: publish(name, files)
        for name, files in (("blocked", MALICIOUS), ("flagged", SUSPICIOUS), ("clean", None))
    }
    scan_all()
    report(made["clean"].version, person("rita"))
    now = timezone.now()
    for hours, name in enumerate(("clean", "flagged", "blocked")):
        opened = ReviewItem.objects.filter(version=made[name].version)
        opened.update(opened_at=now - timedelta(hours=9 - hours), installs_week=hours)
    return made


# --- Tabs, filters, orders ------------------------------------------------------------------------


def test_the_most_urgent_stands_first(three, mona):
    assert names("tab=all", mona) == ["blocked", "flagged", "clean"]
    assert names("tab=all&sort=oldest", mona) == ["clean", "flagged", "blocked"]
    assert names("tab=all&sort=reach", mona) == ["blocked", "flagged", "clean"]


def test_due_is_what_is_to_be_decided_within_two_days(three, mona):
    assert names("", mona) == ["blocked", "flagged"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=report", ["clean"]),
        ("sev=critical", ["blocked"]),
        ("rule=injection.ignore-instructions", ["flagged"]),
        ("author=alice", ["blocked", "flagged", "clean"]),
        ("author=@Alice", ["blocked", "flagged", "clean"]),
        ("author=bob", []),
        ("q=fla", ["flagged"]),
        ("q=lag", []),
        ("claim=free", ["flagged", "clean"]),
        ("claim=mine", []),
        ("claim=others", ["blocked"]),
        ("kind=nonsense&sev=worst", ["blocked", "flagged", "clean"]),
    ],
)
def test_filters_narrow_the_list(three, mona, ada, query, found):
    items.claim_item(item_id=item_of(three["blocked"].version).pk, actor=ada)

    assert names(f"tab=all&{query}", mona) == found


def test_what_is_ignored_is_said():
    told = asked("tab=x&kind=y&sort=z&author=&item=-1&done=²")

    assert len(told.notices) == 3
    assert (told.tab, told.item, told.done) == ("due", 0, 0)
    assert told.parameters() == {}


def test_a_decided_item_goes_to_its_tab(three, mona):
    decide_on(item_of(three["flagged"].version), mona, "hide")
    decide_on(item_of(three["clean"].version), mona, "approve")
    items.claim_item(item_id=item_of(three["blocked"].version).pk, actor=mona)

    assert (names("tab=held", mona), names("tab=done", mona)) == (["flagged"], ["clean"])
    assert names("tab=mine", mona) == ["blocked"]
    assert counts(mona) == {
        "due": "1",
        "all": "1",
        "mine": "1",
        "appeals": "0",
        "held": "1",
        "done": "1",
    }


def test_a_claim_that_ran_out_is_nobodys(three, mona, ada):
    item = item_of(three["flagged"].version)
    items.claim_item(item_id=item.pk, actor=ada)
    ReviewItem.objects.filter(pk=item.pk).update(claimed_until=timezone.now())

    row = queue_page.read_row(item.pk, asked(), mona)

    assert row is not None
    assert row.holder == ""
    assert "flagged" in names("tab=all&claim=free", mona)


def test_a_row_tells_strikes_and_new_authors(three, mona, ada):
    decision = decide_on(item_of(three["clean"].version), ada, "hide")
    rows = queue_page.read_page(asked(), mona).rows
    assert [(row.strikes, row.is_new_author) for row in rows] == [(1, True)] * 2

    undo(decision_id=decision.pk, actor=ada)

    assert {row.strikes for row in queue_page.read_page(asked(), mona).rows} == {0}


# --- Pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", ["priority", "oldest", "reach"])
def test_pages_follow_each_other_without_gap_or_repeat(publish, mona, sort):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    many_items(version, 60)
    query, seen = asked(f"tab=all&sort={sort}"), []

    while True:
        page = queue_page.read_page(query, mona, only_more=True)
        seen += [row.item.pk for row in page.rows]
        if page.next_url is None:
            break
        query = asked(page.next_url.partition("?")[2])

    order = {"priority": ("rank_at", "id"), "oldest": ("opened_at", "id")}.get(
        sort, ("-installs_week", "-id")
    )
    assert seen == list(ReviewItem.objects.order_by(*order).values_list("pk", flat=True))


def test_the_address_of_more_shows_what_was_on_the_screen(publish, mona):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    many_items(version, 60)
    first = queue_page.read_page(asked(), mona)
    assert first.next_url is not None

    again = queue_page.read_page(asked(first.next_url.partition("?")[2]), mona)

    shown = [row.item.pk for row in again.rows]
    assert shown[:25] == [row.item.pk for row in first.rows]
    assert len(shown) == 50


def test_a_cursor_of_another_order_is_refused(publish, mona):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    many_items(version, 30)
    until = queue_page.read_page(asked(), mona).next_url.partition("until=")[2]

    with pytest.raises(CursorRefused):
        queue_page.read_page(asked(f"tab=all&sort=oldest&until={until}"), mona)


def test_the_next_item_is_the_one_below_then_the_first(three, mona):
    by_rank = [item_of(three[name].version) for name in ("blocked", "flagged", "clean")]

    found = [queue_page.next_after(item, asked(), mona) for item in by_rank]

    assert found == [by_rank[1].pk, by_rank[2].pk, by_rank[0].pk]
    assert queue_page.next_after(by_rank[0], asked("tab=all&q=blo"), mona) == 0


# --- Nothing to do --------------------------------------------------------------------------------


def test_an_empty_queue_says_whether_anything_works(publish):
    assert queue_page.read_quiet() == queue_page.Quiet(None, None, has_worker=False)

    waiting = publish("notes").version
    make_beat()
    quiet = queue_page.read_quiet()

    assert (quiet.oldest_pending_at, quiet.has_worker) == (waiting.scan_requested_at, True)


# --- Cost -----------------------------------------------------------------------------------------


@pytest.fixture
def crowded(publish):
    """A skill whose item is copied."""
    published = publish("notes", SUSPICIOUS)
    scan_all()
    return published


@pytest.mark.parametrize("tab", ["due", "all"])
def test_ten_thousand_items_cost_as_many_statements_as_ten(crowded, client, mona, tab):
    sign_in(client, mona)
    many_items(crowded.version, 10)
    address = f"/staff/queue/?tab={tab}&item={item_of(crowded.version).pk}"
    few = statements(client, address)

    many_items(crowded.version, 10_000, first=100)

    many = statements(client, address)
    assert len(many) == len(few) <= 15
    assert "1k+" in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("tab=all", "reviewitem_by_rank"),
        ("tab=all&sort=oldest", "reviewitem_by_age"),
        ("tab=all&sort=reach", "reviewitem_by_reach"),
    ],
)
def test_a_page_in_the_depth_is_read_by_its_index(crowded, mona, query, index):
    many_items(crowded.version, 10_000)
    first = queue_page.read_page(asked(query), mona)
    deep = asked(first.next_url.partition("?")[2])
    column, downwards = queue_page._order(deep)
    key = queue_page._key(deep, ReviewItem.objects.order_by("rank_at")[5_000])
    rows = queue_page.items_of(deep, mona).filter(queue_page._behind(deep, key))
    rows = queue_page._ordered(rows, column, downwards=downwards)[:26]

    plan = explain(*rows.query.sql_with_params())

    assert index in plan.indexes
    assert plan.blocks < 60
