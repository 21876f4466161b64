"""The pages of the queue: what they show, claiming, noting, and who may not."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent
from moderation.models import ItemNote, ReviewItem
from moderation.services import items
from tests.factories.accounts import sign_in
from tests.factories.desk import decide_on, item_of, person
from tests.factories.queue import HTMX, many_items
from tests.factories.scans import SUSPICIOUS, scan_all
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db


@pytest.fixture
def flagged(publish):
    made = publish("notes", SUSPICIOUS)
    scan_all()
    return made


@pytest.fixture
def moderator(client, mona) -> Client:
    return sign_in(client, mona)


def address(item: ReviewItem, act: str = "", query: str = "") -> str:
    return f"/staff/queue/{item.pk}/" + (f"{act}/" if act else "") + query


# --- Reading --------------------------------------------------------------------------------------


def test_the_queue_shows_rows_and_the_chosen_item(moderator, flagged):
    item = item_of(flagged.version)

    response = moderator.get(f"/staff/queue/?item={item.pk}")

    assertContains(response, f'<li id="item-{item.pk}" data-item="{item.pk}" data-revision="1">')
    assertContains(response, f'<article id="pane" class="pane" data-item="{item.pk}"')
    assertContains(response, f'name="item" value="{item.pk}:1"')
    assertContains(response, 'id="decide"')
    assert "no-store" in response.headers["Cache-Control"]


def test_reading_changes_nothing(moderator, flagged):
    item = item_of(flagged.version)
    before = ReviewItem.objects.values().get()

    moderator.get(f"/staff/queue/?item={item.pk}")
    moderator.get(address(item))

    assert ReviewItem.objects.values().get() == before


def test_htmx_gets_the_pane_alone_and_the_address_to_show(moderator, flagged):
    item = item_of(flagged.version)

    response = moderator.get(address(item, query="?tab=all&sev=high"), headers=HTMX)

    assert response.content.startswith(b'<article id="pane"')
    assert response.headers["HX-Replace-Url"] == f"/staff/queue/?tab=all&sev=high&item={item.pk}"
    assert "HX-Request-Type" in response.headers["Vary"]


def test_rows_and_forms_carry_the_filters(moderator, flagged):
    item = item_of(flagged.version)

    response = moderator.get(f"/staff/queue/?tab=all&kind=scan&item={item.pk}")

    assertContains(response, f'href="/staff/queue/?tab=all&amp;kind=scan&amp;item={item.pk}"')
    assertContains(response, f'action="/staff/queue/{item.pk}/decide/?tab=all&amp;kind=scan"')


def test_empty_fields_of_a_form_leave_the_address(moderator):
    response = moderator.get("/staff/queue/?tab=all&q=&sev=&kind=scan")

    assert response.headers["Location"] == "/staff/queue/?tab=all&kind=scan"


def test_more_rows_come_alone(moderator, flagged):
    many_items(flagged.version, 40)
    page = moderator.get("/staff/queue/?tab=all").content.decode()
    until = page.partition("until=")[2].partition('"')[0]

    response = moderator.get(f"/staff/queue/?tab=all&until={until}", headers=HTMX)

    assert response.content.count(b"data-item=") == 16
    assertNotContains(response, "<main")


@pytest.mark.parametrize("query", ["until=nonsense", "item=999999", "item=x", "tab=x&sort=y"])
def test_nonsense_in_the_address_is_survived(moderator, flagged, query):
    assertContains(moderator.get(f"/staff/queue/?{query}"), 'id="rows"')


def test_an_empty_queue_says_what_that_means(moderator):
    response = moderator.get("/staff/queue/")

    assertContains(response, "No item has ever come.")
    assertContains(response, "No worker")


def test_a_filter_without_hits_offers_to_clear_it(moderator, flagged):
    assertContains(moderator.get("/staff/queue/?tab=all&rule=none"), "Clear filters")


@pytest.mark.parametrize("address", ["/staff/queue/", "/staff/decisions/", "/staff/reasons/"])
def test_the_desk_is_not_there_for_others(client, alice, address):
    assert client.get(address).status_code == 404
    assert sign_in(client, alice).get(address).status_code == 404


# --- Claiming -------------------------------------------------------------------------------------


def test_the_next_item_is_claimed_and_shown(moderator, mona, flagged):
    response = moderator.post("/staff/queue/next/?tab=all")

    item = item_of(flagged.version)
    assert response.headers["Location"] == f"/staff/queue/?tab=all&item={item.pk}"
    assert item.claimed_by == mona


def test_nothing_free_is_said(moderator, flagged, ada):
    items.claim_item(item_id=item_of(flagged.version).pk, actor=ada)

    assertContains(moderator.post("/staff/queue/next/", follow=True), "Nothing is free")


def test_claiming_and_releasing(moderator, mona, flagged):
    item = item_of(flagged.version)

    assert moderator.post(address(item, "claim")).status_code == 302
    assert item_of(flagged.version).claimed_by == mona
    assert moderator.post(address(item, "release")).status_code == 302
    assert item_of(flagged.version).claimed_by is None


def test_whoever_comes_second_is_told_and_can_take_over(moderator, mona, ada, flagged):
    item = item_of(flagged.version)
    items.claim_item(item_id=item.pk, actor=ada)

    refused = moderator.post(address(item, "claim"))
    assertContains(refused, "ada is reviewing it; watch, or take it over.", status_code=409)
    assert item_of(flagged.version).claimed_by == ada

    moderator.post(address(item, "claim"), {"take_over": "1"})
    assert item_of(flagged.version).claimed_by == mona
    assert AuditEvent.objects.filter(verb="review.take-over", actor=mona).count() == 1


def test_a_heartbeat_prolongs_the_claim(moderator, mona, flagged):
    item = items.claim_item(item_id=item_of(flagged.version).pk, actor=mona)
    ReviewItem.objects.filter(pk=item.pk).update(claimed_until=timezone.now())

    assert moderator.post(address(item, "heartbeat")).status_code == 204
    assert item_of(flagged.version).claimed_until > timezone.now()


def test_a_heartbeat_tells_that_it_was_taken_over(moderator, ada, flagged):
    item = items.claim_item(item_id=item_of(flagged.version).pk, actor=ada)

    response = moderator.post(address(item, "heartbeat"), headers=HTMX)

    assertContains(response, "Take over", status_code=409)
    assert response.content.startswith(b'<article id="pane"')


def test_a_heartbeat_tells_that_it_was_decided(moderator, ada, flagged):
    decide_on(item_of(flagged.version), ada, "approve")

    response = moderator.post(address(item_of(flagged.version), "heartbeat"), headers=HTMX)

    assertContains(response, "It is decided already: approved, by ada.", status_code=409)


def test_releasing_what_is_not_mine_takes_it_from_nobody(moderator, ada, flagged):
    item = items.claim_item(item_id=item_of(flagged.version).pk, actor=ada)

    assertContains(moderator.post(address(item, "release"), follow=True), "not yours any more")
    assert item_of(flagged.version).claimed_by == ada


def test_nobody_claims_what_is_their_own(moderator, mona):
    made = publish_skill(namespace=mona.namespace, slug="own-notes", files=SUSPICIOUS)
    scan_all()

    response = moderator.post(address(item_of(made.version), "claim"))

    assertContains(response, "This skill is yours", status_code=409)
    assert item_of(made.version).claimed_by is None


@pytest.mark.parametrize("act", ["claim", "release", "heartbeat", "note", "decide", "undo"])
def test_an_item_that_is_not_there_is_404(moderator, act):
    sent = {"action": "approve", "note": "x", "decision": "1", "revision": "1"}

    assert moderator.post(f"/staff/queue/999999/{act}/", sent).status_code == 404


def test_forms_need_their_token(mona, flagged):
    client = Client(enforce_csrf_checks=True)
    sign_in(Client(), mona)
    client.force_login(mona)

    assert client.post(address(item_of(flagged.version), "claim")).status_code == 403
    assert item_of(flagged.version).claimed_by is None


# --- Notes ----------------------------------------------------------------------------------------


def test_a_note_is_for_the_other_moderators(moderator, mona, flagged):
    item = item_of(flagged.version)

    response = moderator.post(address(item, "note"), {"note": "Asked <b>ada</b>."}, follow=True)

    assertContains(response, "Asked &lt;b&gt;ada&lt;/b&gt;.")
    assert ItemNote.objects.get().author == mona


@pytest.mark.parametrize("text", ["", "  \n", "nul \0"])
def test_a_note_that_cannot_be_kept_is_refused(moderator, flagged, text):
    item = item_of(flagged.version)

    response = moderator.post(address(item, "note"), {"note": text})

    assert response.status_code == 422
    assert not ItemNote.objects.exists()


def test_a_note_makes_an_open_page_out_of_date(moderator, flagged):
    item = item_of(flagged.version)
    moderator.post(address(item, "note"), {"note": "Look at line 3."})
    sent = {"action": "approve", "revision": item.revision}

    response = moderator.post(address(item, "decide"), sent)

    assertContains(response, "The item changed since you opened it", status_code=409)


def test_a_visitor_and_a_banned_moderator_are_strangers(client, flagged):
    banned = person("max", role="moderator")
    sign_in(client, banned)
    banned.banned_at = timezone.now()
    banned.save()

    assert client.get(address(item_of(flagged.version))).status_code == 404
    assert client.post(address(item_of(flagged.version), "claim")).status_code == 404
