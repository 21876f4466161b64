"""The sums of an owner: exact, public, as of the hourly copy."""

from __future__ import annotations

import re

import pytest

from skills import kept
from skills.statistics import copy_totals
from tests.factories.histories import count_days, star_by
from tests.factories.skills import NamespaceFactory, publish_skill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    kept.cards.clear()


def sums(client, handle: str = "alice") -> list[str]:
    page = client.get(f"/u/{handle}/").content.decode()
    inside = page.partition('<div class="stats">')[2].partition('<p class="as-of')[0]
    return re.findall(r'<b title="([\d,]+)">', inside)


def copy() -> None:
    for _batch in copy_totals():
        pass


def test_they_are_the_sums_of_what_the_cards_show(client, publish, charlie):
    for slug, downloads in (("one-skill", 1_000), ("two-skills", 234)):
        skill = publish(slug, categories=["data"], topics=["csv", "json"]).skill
        count_days(skill, {1: {"downloads": downloads, "installs_all_time": 3}})
        star_by(skill, charlie)
    other = publish_skill(namespace=NamespaceFactory(), slug="of-another").skill
    count_days(other, {1: {"downloads": 5}})
    assert sums(client) == ["0", "0", "0", "2"]

    copy()

    assert sums(client) == ["1,234", "6", "2", "2"]


def test_what_is_hidden_adds_nothing_at_once(client, publish):
    skill = publish().skill
    count_days(skill, {1: {"downloads": 7}})
    copy()
    skill.refresh_from_db()

    skill.moderation_status = "hidden"
    skill.save()

    assert sums(client) == ["0", "0", "0", "0"]


def test_an_owner_of_nothing_has_zeros(client, alice):
    assert sums(client) == ["0", "0", "0", "0"]


def test_more_rows_of_the_list_do_not_ask_for_them_again(client, publish, monkeypatch):
    publish()
    monkeypatch.setattr(
        "skills.querysets.SkillListingQuerySet.totals_of_owner", lambda *_: pytest.fail("asked")
    )

    partial = client.get("/u/alice/", headers={"HX-Request": "true", "HX-Request-Type": "partial"})

    assert partial.status_code == 200
