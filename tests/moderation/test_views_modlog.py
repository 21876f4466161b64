"""The public log: what it tells, to whom it leads, and what it never says."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.models import Action
from moderation.modlog import ACTIONS, NOTES
from moderation.services.undo import undo
from skills.models import SkillAlias
from tests.factories.desk import decide_on, decision_on, item_of
from tests.factories.scans import SUSPICIOUS, scan_all

pytestmark = pytest.mark.django_db

LOG, ATOM, JSON = "/modlog/", "/modlog.atom", "/modlog.json"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def flagged(publish):
    published = publish("notes", SUSPICIOUS)
    scan_all()
    return published


def text(client, url: str = LOG, **headers) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def ids(client, url: str = JSON) -> list[int]:
    return [item["id"] for item in client.get(url).json()["items"]]


def test_a_decision_is_in_the_log_with_its_reason_and_not_with_its_words(client, flagged, ada):
    decision = decide_on(item_of(flagged.version), ada, "caution", note="Ada knows him.")

    page = text(client)

    assert f'id="decision-{decision.pk}"' in page
    assert "Caution advised" in page
    assert 'href="/skills/alice/notes/versions/1.0.0/"' in page
    assert f'href="/about/moderation/#reason-{decision.category}"' in page
    assert "Moderator" in page
    for secret in ("Because of what stands in line 3.", "Ada knows him.", ">ada<", "SKILL.md"):
        assert secret not in page


def test_what_is_only_proposed_is_not_in_the_log(client, flagged, mona):
    decide_on(item_of(flagged.version), mona, "propose-removal")

    assert ids(client) == []
    assert "Removal proposed" not in text(client)


def test_a_decision_taken_back_says_so_and_the_new_row_leads_to_it(client, flagged, mona):
    former = decide_on(item_of(flagged.version), mona, "caution")
    taken_back = undo(decision_id=former.pk, actor=mona)

    page = text(client)
    newest, oldest = client.get(JSON).json()["items"]

    assert "Taken back" in page
    assert f'href="/modlog/?q=alice%2Fnotes#decision-{former.pk}"' in page
    assert (newest["id"], newest["takesBack"]) == (taken_back.pk, former.pk)
    assert (oldest["id"], oldest["takenBackBy"]) == (former.pk, taken_back.pk)


def test_the_name_of_a_hidden_skill_leads_nowhere(client, flagged, ada):
    decide_on(item_of(flagged.version), ada, "hide")

    assert "@alice/notes 1.0.0" in text(client)
    assert "/skills/alice/notes/" not in text(client)


def test_a_category_that_a_moderator_typed_is_other(client, flagged, ada):
    decide_on(item_of(flagged.version), ada, "caution", category="rita told me")

    page = text(client)

    assert "rita told me" not in page
    assert 'href="/about/moderation/#reason-other"' in page


def test_filters_narrow_the_log(client, publish, mona):
    version = publish("notes").version
    other = publish("other").version
    hidden = decision_on(version, "hide", actor=mona, category="remote-code")
    blocked = decision_on(other, "block", category="reverse-shell")
    old = decision_on(version, "approve", actor=mona, created_at=timezone.now() - timedelta(days=8))

    assert ids(client) == [blocked.pk, hidden.pk, old.pk]
    assert ids(client, f"{JSON}?action=hide") == [hidden.pk]
    assert ids(client, f"{JSON}?category=reverse-shell") == [blocked.pk]
    assert ids(client, f"{JSON}?automatic=1") == [blocked.pk]
    assert ids(client, f"{JSON}?automatic=0") == [hidden.pk, old.pk]
    assert ids(client, f"{JSON}?period=7d") == [blocked.pk, hidden.pk]
    assert ids(client, f"{JSON}?period=30d&action=approve") == [old.pk]
    for name in ("notes", "@alice/notes", "alice/notes", "Notes"):
        assert ids(client, f"{JSON}?q={name}") == [hidden.pk, old.pk], name
    for name in ("bob/notes", "note", "%F0%9F%98%80", "x" * 300, "/", "@"):
        assert ids(client, f"{JSON}?q={name}") == [], name


def test_an_old_name_finds_what_was_decided(client, publish, alice):
    skill = publish("notes").skill
    SkillAlias.objects.create(namespace=alice.namespace, slug="old-notes", skill=skill)
    decision = decision_on(skill.versions.get(), "caution")

    assert ids(client, f"{JSON}?q=old-notes") == [decision.pk]


def test_nonsense_is_a_notice_on_the_page_and_refused_by_the_feeds(client):
    page = text(client, f"{LOG}?action=%3Cb%3E&period=x")

    assert "There is no action “&lt;b&gt;”; it is ignored." in page
    assert client.get(f"{JSON}?action=nope").status_code == 400
    assert client.get(f"{LOG}?q=%00").status_code == 400
    assert "That place in the list is not one of ours" in text(client, f"{LOG}?until=nonsense")


def test_a_search_is_text(client):
    answer = client.get(f"{LOG}?q=%22%3E%3Cimg+src%3Dx%3E%E2%80%AE", follow=True)

    page = answer.content.decode()
    assert "&lt;img src=x&gt;" in page
    assert "<img src=x>" not in page
    assert "\u202e" not in page


def test_empty_parameters_leave_the_address(client):
    assert client.get(f"{LOG}?q=&action=hide&period=").headers["Location"] == f"{LOG}?action=hide"


def test_the_log_is_read_by_pages_and_an_address_shows_again_what_was_there(client, publish):
    version = publish().version
    made = [decision_on(version, "caution").pk for _ in range(120)][::-1]

    def shown(page: str) -> list[int]:
        return [int(part.split('"')[0]) for part in page.split('id="decision-')[1:]]

    first = text(client)
    second_url = first.split('rel="next" href="')[1].split('"')[0]
    second = text(client, second_url, **PARTIAL)
    third_url = second.split('rel="next" href="')[1].split('"')[0]
    third = text(client, third_url, **PARTIAL)

    assert shown(first) + shown(second) + shown(third) == made
    assert shown(text(client, third_url)) == made
    assert "<html" not in second
    assert client.get(second_url, headers=PARTIAL).headers["HX-Replace-Url"] == second_url


def test_the_log_costs_one_statement_however_much_there_is(client, publish, mona):
    for n in range(30):
        skill = publish(f"skill-{n}").skill
        decision_on(skill.versions.get(), "hide", actor=mona)

    with CaptureQueriesContext(connection) as captured:
        response = client.get(LOG)

    assert len(captured) == 1
    assert not response.cookies
    assert len(response.content) < 50_000


def test_a_page_somebody_has_is_not_sent_again_until_something_is_decided(client, publish):
    version = publish().version
    tag = client.get(LOG).headers["ETag"]
    assert client.get(LOG, headers={"If-None-Match": tag}).status_code == 304

    decision_on(version, "caution")

    answer = client.get(LOG, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=60"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "decision_newest"),
        ("action=hide", "decision_by_action"),
        ("category=quality", "decision_by_category"),
        ("automatic=1", "decision_automatic"),
        ("q=pdf-tools", "decision_of_skill"),
    ],
)
def test_each_filter_has_an_index(client, publish, query, index):
    decision_on(publish().version, "hide")
    with CaptureQueriesContext(connection) as captured:
        client.get(f"{JSON}?{query}")
    (statement,) = [q["sql"] for q in captured if 'FROM "moderation_decision"' in q["sql"]]
    with connection.cursor() as cursor:
        # A few rows are read faster without an index; whether one fits is asked here.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert index in plan


def test_every_action_that_is_public_has_its_words():
    assert set(NOTES) == set(ACTIONS) == set(Action.values) - {"propose-removal"}


# --- Feeds ----------------------------------------------------------------------------------------


def test_the_feed_is_atom_with_ids_that_last(client, flagged, mona):
    decision = decide_on(item_of(flagged.version), mona, "caution")
    name = "{http://www.w3.org/2005/Atom}"

    def entry(number: int) -> ET.Element:
        feed = ET.fromstring(client.get(ATOM).content)
        return list(feed.iter(f"{name}entry"))[number]

    before = entry(0)
    undo(decision_id=decision.pk, actor=mona)
    after = entry(1)

    place = f"http://localhost:8000/modlog/#decision-{decision.pk}"
    assert before.findtext(f"{name}id") == after.findtext(f"{name}id") == place
    assert before.findtext(f"{name}title") == "Caution advised: @alice/notes 1.0.0"
    assert "Taken back since." in after.findtext(f"{name}summary")
    assert client.get(ATOM).headers["Content-Type"] == "application/atom+xml; charset=utf-8"


@pytest.mark.parametrize("path", [ATOM, JSON])
def test_a_feed_somebody_has_is_not_sent_again_until_something_is_decided(client, publish, path):
    version = publish().version
    decision_on(version, "caution")
    first = client.get(path)
    tag = first.headers["ETag"]

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert first.headers["Cache-Control"] == "public, max-age=60"
    decision_on(version, "hide")
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.headers["ETag"] != tag) == (200, True)


def test_a_feed_has_at_most_fifty_entries(client, publish):
    version = publish().version
    for _ in range(60):
        decision_on(version, "caution")

    assert len(ids(client)) == 50


def test_what_strangers_write_cannot_break_the_feed(client, publish):
    decision_on(publish().version, "caution", skill_label="@x/<b>]]>&\x01\u202e")

    (title,) = [
        entry.findtext("{http://www.w3.org/2005/Atom}title")
        for entry in ET.fromstring(client.get(ATOM).content)
        if entry.tag.endswith("entry")
    ]

    assert title == "Caution advised: @x/<b>]]>& 1.0.0"


def test_pages_lead_to_the_log_and_its_feeds(client):
    home, page = text(client, "/"), text(client)

    assert 'href="/modlog/"' in home
    for address in (ATOM, JSON):
        assert f'href="{address}"' in page
        assert address in text(client, "/about/feeds/")
    assert "/modlog/</loc>" in text(client, "/sitemap-pages-0.xml")


def test_the_rules_are_those_of_the_code_and_every_reason_has_its_place(client, monkeypatch):
    from moderation import about_views
    from moderation.categories import CATEGORIES
    from moderation.scanners.catalogue import rules

    monkeypatch.setattr(about_views, "HIDES_AT", 7)
    page = text(client, "/about/moderation/")

    assert "When 7 people" in page
    classes = {rule.attack_class for rule in rules().values()}
    assert classes | {"known-malware", "antivirus-alarm"} <= set(CATEGORIES)
    for key in CATEGORIES:
        assert f'id="reason-{key}"' in page
    places = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(places) == len(set(places))
