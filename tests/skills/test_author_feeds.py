"""The feed of an author: what changed last, told to programs, without what is hidden."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from skills.models import Skill
from tests.factories.bulk import list_skills

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"


def titles(client, handle: str = "alice") -> list[str]:
    response = client.get(f"/u/{handle}.atom")
    assert response.status_code == 200
    entries = ET.fromstring(response.content).iter(f"{ATOM}entry")
    return [entry.findtext(f"{ATOM}title") for entry in entries]


def test_a_new_version_moves_a_skill_to_the_top_and_keeps_its_id(client, publish):
    publish("one", display_name="One")
    publish("two", display_name="Two")
    assert titles(client) == ["Two 1.0.0", "One 1.0.0"]
    before = {entry_id(client, "One 1.0.0")}

    publish("one", {"SKILL.md": "# More\n"}, version="1.1.0", display_name="One")

    assert titles(client) == ["One 1.1.0", "Two 1.0.0"]
    assert {entry_id(client, "One 1.1.0")} == before


def entry_id(client, title: str) -> str:
    feed = ET.fromstring(client.get("/u/alice.atom").content)
    [found] = [e for e in feed.iter(f"{ATOM}entry") if e.findtext(f"{ATOM}title") == title]
    return found.findtext(f"{ATOM}id")


def test_the_page_leads_to_its_feed_and_the_feed_to_the_page(client, publish):
    skill = publish("one").skill

    page = client.get("/u/alice/").content.decode()
    feed = ET.fromstring(client.get("/u/alice.atom").content)

    assert page.count('href="/u/alice.atom"') == 2
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"].endswith("/u/alice.atom")
    assert links["alternate"].endswith("/u/alice/")
    shown = feed.find(f"{ATOM}entry/{ATOM}link").get("href")
    assert shown.endswith(f"/skills/alice/{skill.slug}/")


def test_what_is_hidden_is_gone_at_once_for_whoever_has_the_feed(client, publish):
    skill = publish("one").skill
    etag = client.get("/u/alice.atom")["ETag"]
    assert client.get("/u/alice.atom", headers={"If-None-Match": etag}).status_code == 304

    skill.moderation_status = "hidden"
    skill.save()

    assert client.get("/u/alice.atom", headers={"If-None-Match": etag}).status_code == 200
    assert titles(client) == []


def test_text_of_strangers_stays_text(client, publish):
    publish("one", display_name="</title><x>&\u202eb", summary="<script>\x0b</script>")

    feed = ET.fromstring(client.get("/u/alice.atom").content)

    assert feed.find(f".//{ATOM}x") is None
    assert feed.findtext(f"{ATOM}entry/{ATOM}title").startswith("</title><x>&b")


def test_a_feed_of_nobody_and_of_a_closed_account_is_missing(client, alice, publish):
    publish("one")
    assert client.get("/u/nobody.atom").status_code == 404
    assert client.get("/u/alice.atom").status_code == 200

    User.objects.filter(pk=alice.pk).update(closed_at=timezone.now())

    assert client.get("/u/alice.atom").status_code == 404


def test_many_skills_cost_two_statements_and_show_the_last_25(client, alice):
    list_skills(alice.namespace, ({"slug": f"s-{n:02}"} for n in range(60)))
    assert Skill.objects.count() == 60

    with CaptureQueriesContext(connection) as queries:
        assert len(titles(client)) == 25

    assert len(queries) == 2
