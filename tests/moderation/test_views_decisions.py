"""Deciding by form and with htmx, taking back, deciding on several; the list and its export."""

from __future__ import annotations

import csv
import io
import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains

from moderation import decision_list
from moderation.models import Decision, ItemState, Report, ReviewItem
from moderation.services import items
from moderation.services.appeals import appeal
from tests.factories.accounts import sign_in
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.queue import HTMX
from tests.factories.scans import MALICIOUS, SUSPICIOUS, scan_all, stands
from tests.factories.skills import publish_skill
from tests.statements import asked

pytestmark = pytest.mark.django_db


@pytest.fixture
def moderator(client, mona) -> Client:
    return sign_in(client, mona)


@pytest.fixture
def two(publish):
    made = [publish(slug, SUSPICIOUS) for slug in ("first", "second")]
    scan_all()
    return made


def send(client: Client, item: ReviewItem, action: str, query: str = "", **said):
    said = {"action": action, "revision": item.revision, "request_key": str(uuid.uuid4())} | said
    headers = said.pop("headers", {})
    return client.post(f"/staff/queue/{item.pk}/decide/{query}", said, headers=headers)


# --- One item -------------------------------------------------------------------------------------


def test_deciding_leads_to_the_next_item_with_an_undo(moderator, two):
    item, following = (item_of(made.version) for made in two)

    response = send(moderator, item, "approve", "?tab=all&kind=scan")

    decision = Decision.objects.get()
    assert response.headers["Location"] == (
        f"/staff/queue/?tab=all&kind=scan&item={following.pk}&done={decision.pk}"
    )
    page = moderator.get(response.headers["Location"])
    assertContains(page, "Approved: @alice/first 1.0.0.")
    assertContains(page, f'class="undo" method="post" action="/staff/queue/{item.pk}/undo/')


def test_after_the_last_item_the_list_is_shown(moderator, two):
    for made in two:
        response = send(moderator, item_of(made.version), "approve", "?tab=all&alone=1")

    assert response.headers["Location"].startswith("/staff/queue/?tab=all&done=")


def test_htmx_gets_the_next_item_and_what_changed_around_it(moderator, two):
    item, following = (item_of(made.version) for made in two)

    response = send(moderator, item, "approve", "?tab=all", headers=HTMX)

    body = response.content.decode()
    assert response.status_code == 200
    assert body.startswith(f'<article id="pane" class="pane" data-item="{following.pk}"')
    assert f'<li id="item-{item.pk}" hx-swap-oob="delete">' in body
    assert re.search(r'id="counts"[^>]*hx-swap-oob', body)
    assert re.search(r'id="toast"[^>]*hx-swap-oob', body)
    assert re.search(r'id="live"[^>]*hx-swap-oob', body)
    assert response.headers["HX-Replace-Url"] == f"/staff/queue/?tab=all&item={following.pk}"


def test_the_text_is_that_of_the_reason_chosen_unless_it_was_written(moderator, two):
    filled = "first 1.0.0 does something else than its name and description say."
    send(moderator, item_of(two[0].version), "hide", template="misleading", text="")
    assert Decision.objects.get().text.startswith(filled)

    send(moderator, item_of(two[1].version), "hide", template="misleading", text="My own words.")
    last = Decision.objects.latest("pk")
    assert (last.text, last.template) == ("My own words.", "misleading")


def test_a_text_left_as_another_reason_filled_it_in_is_not_sent(moderator, two):
    item = item_of(two[0].version)
    page = moderator.get(f"/staff/queue/{item.pk}/").content.decode()
    filled = re.search(r'name="text"[^>]*>([^<]+)</textarea>', page)[1]

    send(moderator, item, "changes", template="low-quality", text=filled)

    assert Decision.objects.get().text.startswith("first 1.0.0 does not say enough")


def test_approving_sends_no_text_that_was_meant_for_hiding(moderator, two):
    send(moderator, item_of(two[0].version), "approve", template="injection", text="Bad words.")

    decision = Decision.objects.get()
    assert (decision.text, decision.template) == ("", "")


def test_what_is_refused_keeps_what_was_typed(moderator, two):
    item = item_of(two[0].version)

    response = send(moderator, item, "remove", text="My <own> words.", note="For us.", slug="fir")

    assertContains(response, "Not decided.", status_code=422)
    assertContains(response, "My &lt;own&gt; words.</textarea>", status_code=422)
    assertContains(response, "For us.</textarea>", status_code=422)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("action", ["", "nonsense", "undo", "block", "grant-appeal"])
def test_what_is_no_decision_of_this_item_is_422(moderator, two, action):
    assert send(moderator, item_of(two[0].version), action).status_code == 422
    assert not Decision.objects.exists()


def test_a_critical_finding_passes_with_a_reason_only(publish, moderator):
    made = publish("bad", MALICIOUS)
    scan_all()

    assert send(moderator, item_of(made.version), "approve", text="x").status_code == 422
    assert send(moderator, item_of(made.version), "approve", why="A lesson.").status_code == 302
    assert Decision.objects.latest("pk").text == "A lesson."


def test_removing_takes_the_slug_and_a_second_moderator(moderator, mona, two):
    item = item_of(two[0].version)
    assert send(moderator, item, "remove", text="Bad.", slug="first").status_code == 422
    assert send(moderator, item, "propose-removal", text="Bad.").status_code == 302
    other = sign_in(Client(), person("max", role="moderator"))

    page = other.get(f"/staff/queue/{item.pk}/")
    assertContains(page, "Removal proposed")
    assertContains(page, "Confirm removal")
    item = item_of(two[0].version)
    assert send(other, item, "remove", text="Bad.", slug="firs").status_code == 422
    assert send(other, item, "remove", text="Bad.", slug="first").status_code == 302

    assert stands(two[0].skill)[0] == "removed"


# --- Conflicts ------------------------------------------------------------------------------------


def test_a_stale_page_decides_nothing_and_shows_the_item_anew(moderator, two):
    item = item_of(two[0].version)
    report(two[0].version, person("rita"))

    response = send(moderator, item, "approve", headers=HTMX)

    assertContains(response, "The item changed since you opened it", status_code=409)
    assertContains(response, f'data-revision="{item.revision + 1}"', status_code=409)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("revision", ["", "x", "-1", "0", "9" * 30])
def test_nobody_decides_without_having_seen_the_item(moderator, two, revision):
    response = send(moderator, item_of(two[0].version), "approve", revision=revision)

    assert response.status_code == 409
    assert not Decision.objects.exists()


def test_what_was_decided_meanwhile_shows_the_decision(moderator, ada, two):
    item = item_of(two[0].version)
    decide_on(item, ada, "approve")

    response = send(moderator, item, "hide", text="Bad.")

    assertContains(response, "It is decided already: approved, by ada.", status_code=409)
    assertNotContains(response, 'id="decide"', status_code=409)
    assert Decision.objects.count() == 1


def test_what_somebody_else_claims_is_theirs(moderator, ada, two):
    item = items.claim_item(item_id=item_of(two[0].version).pk, actor=ada)

    response = send(moderator, item, "hide", text="Bad.")

    assertContains(response, "ada is reviewing it", status_code=409)
    assertContains(response, 'name="take_over" value="1"', status_code=409)
    assert not Decision.objects.exists()


def test_a_form_sent_twice_decides_once(moderator, two):
    item, key = item_of(two[0].version), str(uuid.uuid4())
    first = send(moderator, item, "approve", request_key=key)

    second = send(moderator, item, "approve", request_key=key)

    assert second.status_code == 302
    assert second.headers["Location"] == first.headers["Location"]
    assert Decision.objects.count() == 1


def test_the_key_of_another_decision_is_refused(moderator, two):
    key = str(uuid.uuid4())
    send(moderator, item_of(two[0].version), "approve", request_key=key)

    response = send(moderator, item_of(two[1].version), "approve", request_key=key)

    assertContains(response, "This key belongs to another decision", status_code=409)


def test_nobody_decides_on_their_own_by_a_forged_form(moderator, mona):
    made = publish_skill(namespace=mona.namespace, slug="own-notes", files=SUSPICIOUS)
    scan_all()

    assert send(moderator, item_of(made.version), "approve").status_code == 409
    assert not Decision.objects.exists()


# --- Appeals --------------------------------------------------------------------------------------


def test_an_appeal_is_answered_on_its_item(moderator, alice, ada, two):
    decision = decide_on(item_of(two[0].version), ada, "hide")
    appeal(decision_id=decision.pk, actor=alice, text="It is an example.")
    item = ReviewItem.objects.appeals().get()
    page = moderator.get(f"/staff/queue/{item.pk}/")
    assertContains(page, "It is an example.")
    assertContains(page, "Because of what stands in line 3.")

    assert send(moderator, item, "grant-appeal", answer=" ").status_code == 422
    assert send(moderator, item, "grant-appeal", answer="You are right.").status_code == 302

    assert stands(two[0].skill)[:2] == ("active", "manual.approved")
    assert Decision.objects.latest("pk").text == "You are right."


# --- Taking back ----------------------------------------------------------------------------------


def take_back(client: Client, decision: Decision, **headers: str):
    address = f"/staff/queue/{decision.item_id}/undo/?tab=all"
    return client.post(address, {"decision": decision.pk}, headers=headers)


def test_an_undo_leads_back_to_the_item(moderator, mona, two):
    item = item_of(two[0].version)
    send(moderator, item, "hide", text="Bad.")

    response = take_back(moderator, Decision.objects.get())

    assert response.headers["Location"] == f"/staff/queue/?tab=all&item={item.pk}"
    item = item_of(two[0].version)
    assert (item.state, item.claimed_by) == (ItemState.OPEN, mona)


def test_htmx_gets_the_item_back_into_its_list(moderator, two):
    item = item_of(two[0].version)
    send(moderator, item, "hide", text="Bad.")

    body = take_back(moderator, Decision.objects.get(), **HTMX).content.decode()

    assert body.startswith(f'<article id="pane" class="pane" data-item="{item.pk}"')
    assert re.search(r'<ol id="rows"[^>]*hx-swap-oob="true"', body)
    assert body.count('<li id="item-') == 2


def test_somebody_elses_decision_is_not_taken_back(moderator, ada, two):
    decision = decide_on(item_of(two[0].version), ada, "hide")

    response = take_back(moderator, decision)

    assertContains(response, "ask an admin for this one", status_code=409)
    assert item_of(two[0].version).state == ItemState.HELD


def test_a_decision_is_taken_back_at_its_own_item_only(moderator, two):
    send(moderator, item_of(two[0].version), "hide", text="Bad.")
    decision, other = Decision.objects.get(), item_of(two[1].version)

    answer = moderator.post(f"/staff/queue/{other.pk}/undo/", {"decision": decision.pk})

    assert answer.status_code == 404
    assert moderator.post(f"/staff/queue/{other.pk}/undo/", {"decision": "x"}).status_code == 404


# --- Several at once ------------------------------------------------------------------------------


@pytest.fixture
def several(publish, ada):
    """Two items that can be decided, one that is critical, one that somebody claims."""
    made = {
        slug: publish(slug, MALICIOUS if slug == "critical" else SUSPICIOUS)
        for slug in ("one", "two", "critical", "claimed")
    }
    scan_all()
    items.claim_item(item_id=item_of(made["claimed"].version).pk, actor=ada)
    return {slug: item_of(published.version) for slug, published in made.items()}


def pairs(several: dict[str, ReviewItem]) -> list[str]:
    return [f"{item.pk}:{item.revision}" for item in several.values()]


def test_a_bulk_is_previewed_before_it_is_done(moderator, several):
    response = moderator.post("/staff/queue/bulk/", {"item": pairs(several), "action": "hide"})

    assertContains(response, "Hide skill: 2 items")
    assertContains(response, "A finding is critical; look at it by itself.")
    assertContains(response, "ada is reviewing it")
    assert not Decision.objects.filter(actor__isnull=False).exists()


def test_a_bulk_decides_what_it_can_and_is_undone_at_once(moderator, several):
    sent = {"item": pairs(several), "action": "hide", "step": "apply", "template": "injection"}

    result = moderator.post("/staff/queue/bulk/?tab=all", sent, follow=True)

    assertContains(result, "2 of 4 decided")
    assertContains(result, "A finding is critical")
    decided = Decision.objects.filter(actor__isnull=False)
    assert {row.text.split()[0] for row in decided} == {"one", "two"}
    batch = decided[0].batch

    moderator.post("/staff/queue/bulk/?tab=all", {"step": "undo", "batch": str(batch)})

    states = {item.state for item in ReviewItem.objects.all()}
    assert states == {ItemState.OPEN}


def test_a_bulk_sent_twice_decides_once(moderator, several):
    sent = {"item": pairs(several), "action": "hide", "step": "apply", "text": "Bad."}
    moderator.post("/staff/queue/bulk/", sent)

    again = moderator.post("/staff/queue/bulk/", sent, follow=True)

    assertContains(again, "0 of 4 decided")
    assert Decision.objects.filter(actor__isnull=False).count() == 2


def test_a_bulk_without_a_reason_is_shown_again(moderator, several):
    sent = {"item": pairs(several), "action": "hide", "step": "apply", "note": "For us."}

    response = moderator.post("/staff/queue/bulk/", sent)

    assertContains(response, "Give the authors a reason.", status_code=422)
    assertContains(response, "For us.</textarea>", status_code=422)


@pytest.mark.parametrize("item", ["", "x:y", "99999999999999999999:1", ":", "5"])
def test_nonsense_in_a_bulk_decides_nothing(moderator, several, item):
    for step in ("preview", "apply"):
        sent = {"item": item, "action": "approve", "step": step}
        assert moderator.post("/staff/queue/bulk/", sent).status_code in {200, 302}

    assert not Decision.objects.filter(actor__isnull=False).exists()


@pytest.mark.parametrize("action", ["remove", "grant-appeal", "nonsense", ""])
def test_only_mild_decisions_are_made_in_bulk(moderator, several, action):
    sent = {"item": pairs(several), "action": action, "step": "apply", "text": "Bad."}

    assert moderator.post("/staff/queue/bulk/", sent).status_code == 422
    assert not Decision.objects.filter(actor__isnull=False).exists()


def test_a_batch_that_is_none_is_404(moderator):
    answer = moderator.post("/staff/queue/bulk/", {"step": "undo", "batch": "x"})

    assert answer.status_code == 404
    assert moderator.get("/staff/queue/bulk/?batch=x&item=y&item=7").status_code == 200


# --- The list -------------------------------------------------------------------------------------


def test_the_list_shows_my_decisions_and_all_on_request(moderator, mona, ada, two):
    decide_on(item_of(two[0].version), mona, "hide", text="Mine.")
    decide_on(item_of(two[1].version), ada, "hide", text="Hers.")

    mine, every = (moderator.get(f"/staff/decisions/{q}") for q in ("", "?who=all"))

    assertContains(mine, "Mine.")
    assertNotContains(mine, "Hers.")
    assertContains(every, "Hers.")
    assert every.content.count(b'class="undo"') == 1


def test_the_list_goes_on_by_cursor(moderator, mona, two):
    for _ in range(13):
        decision = decide_on(item_of(two[0].version), mona, "hide")
        take_back(moderator, decision)

    first = moderator.get("/staff/decisions/").content.decode()
    after = re.search(r'href="\?after=([^"]+)"', first)[1]
    rest = moderator.get(f"/staff/decisions/?after={after}", headers=HTMX).content.decode()

    ids = re.findall(r'id="decision-(\d+)"', first + rest)
    assert ids == [str(row.pk) for row in Decision.objects.order_by("-created_at", "-pk")]
    assertContains(moderator.get("/staff/decisions/?after=x"), "cannot be found")


def test_the_export_is_a_table_no_spreadsheet_runs(moderator, mona, two):
    decide_on(item_of(two[0].version), mona, "hide", text='=HYPERLINK("x"),\nsecond line')

    response = moderator.get("/staff/decisions.csv")

    body = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(body)))
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert [row["action"] for row in rows] == ["hide"]
    assert rows[0]["text"] == '\'=HYPERLINK("x"),\nsecond line'


def test_the_export_ends(moderator, mona, two, monkeypatch):
    for _ in range(3):
        take_back(moderator, decide_on(item_of(two[0].version), mona, "hide"))
    monkeypatch.setattr(decision_list, "EXPORT_BATCH", 2)
    monkeypatch.setattr(decision_list, "EXPORT_MOST", 4)

    lines = list(decision_list.csv_lines(mona, is_all=False))

    assert len(lines) == 5
    assert len(set(lines)) == 5


# --- Cost -----------------------------------------------------------------------------------------


def cost(client: Client, item: ReviewItem, action: str, **said: str) -> int:
    """How many statements a decision takes."""
    with CaptureQueriesContext(connection) as found:
        assert send(client, item, action, "?tab=all", **said).status_code == 302
    return len(asked(found))


@pytest.mark.parametrize("action", ["hide", "approve", "caution"])
def test_deciding_costs_the_same_for_one_report_and_a_hundred(publish, moderator, action):
    made = [publish(slug, SUSPICIOUS) for slug in ("first", "second", "third")]
    scan_all()
    for published, count in zip(made[:2], (1, 100), strict=True):
        for n in range(count):
            Report.objects.create(
                skill=published.skill,
                version=published.version,
                reporter=person(f"rita{count}-{n}", days_old=1),
                kind="broken",
                text="x",
            )

    costs = [
        cost(moderator, item_of(published.version), action, template="injection")
        for published in made[:2]
    ]

    assert costs[0] == costs[1] <= 25
