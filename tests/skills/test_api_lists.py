"""List and search: every page, every sort, every filter, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from config.derived import deferred
from skills.api import SORT_ALIASES
from skills.models import Badge, Skill
from skills.services import give_badge
from tests.factories.skills import SkillFactory, SkillVersionFactory, publish_skill

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
# What the clients call a sort, the field of an item it shows in, and whether it descends.
SORTS = {
    "": (lambda item: item["updatedAt"], True),
    "updated": (lambda item: item["updatedAt"], True),
    "recommended": (lambda item: item["updatedAt"], True),
    "createdAt": (lambda item: item["createdAt"], True),
    "newest": (lambda item: item["createdAt"], True),
    "downloads": (lambda item: item["stats"]["downloads"], True),
    "stars": (lambda item: item["stats"]["stars"], True),
    "rating": (lambda item: item["stats"]["stars"], True),
    "installs": (lambda item: item["stats"]["installsAllTime"], True),
    "installsAllTime": (lambda item: item["stats"]["installsAllTime"], True),
    "installsCurrent": (lambda item: item["stats"]["installsCurrent"], True),
    "name": (lambda item: item["displayName"].lower(), False),
}


def walk(client, query: str = "", path: str = "/api/v1/skills") -> list[dict]:
    """Every item by following `nextCursor`; no page but the last is short."""
    items, cursor = [], ""
    limit = int(dict(part.split("=") for part in query.split("&") if part).get("limit", 25))
    while True:
        response = client.get(f"{path}?{query}&cursor={cursor}")
        assert response.status_code == 200, response.content
        page = response.json()
        items += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return items
        assert len(page["items"]) == limit


@pytest.fixture
def shelf(db):
    """31 skills with many equal values, so that only a keyset with a tie-break finds them all."""
    with deferred():
        for number in range(31):
            skill = SkillFactory(
                slug=f"skill-{number:02}",
                display_name=f"Name {number % 4}",
                downloads=number % 5,
                stars=number % 3,
                installs_current=number % 2,
                installs_all_time=7,
                created_at=START + timedelta(days=number % 6),
                updated_at=START + timedelta(days=number % 7),
                categories=["data"] if number % 2 else [],
                topics=["csv"] if number % 3 else [],
                moderation_flags=["flagged.suspicious"] if number % 5 == 0 else [],
            )
            version = SkillVersionFactory(skill=skill)
            skill.tag_rows.create(name="latest", version=version)
    return {f"skill-{number:02}" for number in range(31)}


def test_every_sort_lists_each_skill_once_in_order(client, shelf):
    for sort, (value, descending) in SORTS.items():
        items = walk(client, f"limit=7&sort={sort}")

        assert len(items) == len(shelf)
        assert {item["slug"] for item in items} == shelf, sort
        for before, after in pairwise(map(value, items)):
            assert before >= after if descending else before <= after, sort


def test_every_alias_of_a_sort_is_taken(client, db):
    for sort in SORT_ALIASES:
        assert client.get(f"/api/v1/skills?sort={sort}&limit=1").status_code == 200, sort


def test_every_limit_up_to_200_gives_the_whole_list(client, shelf):
    for limit in (1, 2, 25, 30, 31, 32, 200):
        items = walk(client, f"limit={limit}")
        assert sorted(item["slug"] for item in items) == sorted(shelf), limit
    assert len(client.get("/api/v1/skills").json()["items"]) == 25


def test_suspicious_skills_are_left_out_without_short_pages(client, shelf):
    for flag in ("nonSuspiciousOnly=true", "nonSuspicious=1"):
        items = walk(client, f"limit=5&{flag}")

        assert len(items) == 24
        assert not any(item["isSuspicious"] for item in items)
    assert len(walk(client, "limit=5&nonSuspiciousOnly=false")) == len(shelf)


def test_a_prefix_gives_slugs_in_ascending_order(client, shelf):
    slugs = [item["slug"] for item in walk(client, "limit=3&prefix=skill-1")]

    assert slugs == [f"skill-{number}" for number in range(10, 20)]
    assert walk(client, "prefix=skill-1&sort=name") == walk(client, "prefix=skill-1")
    assert walk(client, "prefix=nothing") == []


def test_facets_narrow_the_list(client, shelf):
    both = walk(client, "limit=4&category=data&topic=CSV")

    assert {item["slug"] for item in both} == {
        f"skill-{number:02}" for number in range(31) if number % 2 and number % 3
    }


def test_a_cursor_stays_where_it_stood_when_rows_come_and_go(client, shelf):
    first = client.get("/api/v1/skills?limit=10&sort=name").json()
    Skill.objects.filter(slug=first["items"][-1]["slug"]).delete()

    rest = client.get(f"/api/v1/skills?limit=200&sort=name&cursor={first['nextCursor']}").json()

    assert len(rest["items"]) == len(shelf) - 10
    assert rest["nextCursor"] is None


REFUSED = [
    *(f"/skills?limit={limit} limit_invalid" for limit in ("0", "201", "-1", "1.5", "ten", "1e2")),
    "/skills?limit=%D9%A5 limit_invalid",  # an Arabic digit five
    f"/skills?limit={'9' * 400} limit_invalid",
    "/search?q=pdf&limit=0 limit_invalid",
    "/skills/skill-01/versions?limit=201 limit_invalid",
    "/skills?sort=random sort_invalid",
    "/skills?sort=Updated sort_invalid",
    "/skills?cursor=nonsense cursor_invalid",
    "/skills?cursor=bm9uc2Vuc2U:abc cursor_invalid",
    f"/skills?cursor={'x' * 5000} cursor_invalid",
    "/skills/skill-01/versions?cursor=nonsense cursor_invalid",
    "/skills?prefix=-a prefix_invalid",
    "/skills?prefix=a%25 prefix_invalid",
    "/skills?prefix=A prefix_invalid",
    f"/skills?prefix={'a' * 97} prefix_invalid",
    "/skills?prefix=a&sort=stars prefix_invalid",
    "/skills?prefix=a&category=data prefix_invalid",
    "/skills?category=nonsense facet_invalid",
    "/skills?topic=!! facet_invalid",
    "/search?q=a&mode=fuzzy mode_invalid",
    "/resolve?hash=0 slug_missing",
    "/resolve?slug=skill-01 hash_invalid",
    f"/resolve?slug=skill-01&hash={'A' * 64} hash_invalid",
    f"/resolve?slug=skill-01&hash={'0' * 64}%0A hash_invalid",
    "/download slug_missing",
    "/skills/skill-01/file path_missing",
]


def test_a_wrong_parameter_is_refused_with_its_code_and_a_sentence(client, publish):
    publish("skill-01")
    for line in REFUSED:
        path, code = line.rsplit(" ", 1)
        response = client.get(f"/api/v1{path}")

        assert response.status_code == 400, path
        assert response.headers["X-Error-Code"] == code, path
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        sentence = response.content.decode()
        assert len(sentence) > 20
        assert sentence.endswith((".", "…")), sentence


def test_a_cursor_is_of_its_list_alone(client, shelf):
    cursor = client.get("/api/v1/skills?limit=2&sort=stars").json()["nextCursor"]

    for other in ("sort=downloads", "sort=stars&nonSuspicious=1", "sort=stars&topic=csv"):
        response = client.get(f"/api/v1/skills?limit=2&{other}&cursor={cursor}")
        assert response.headers["X-Error-Code"] == "cursor_invalid"


def test_versions_are_paged_to_the_end(client, publish):
    for number in range(7):
        publish(version=f"1.{number}.0", files={"SKILL.md": f"# {number}\n"})

    items = walk(client, "limit=3", "/api/v1/skills/pdf-tools/versions")

    assert [item["version"] for item in items] == [f"1.{n}.0" for n in reversed(range(7))]


# --- Search ---------------------------------------------------------------------------------------


def found(client, query: str) -> list[str]:
    response = client.get(f"/api/v1/search?{query}")
    assert response.status_code == 200, response.content
    return [result["slug"] for result in response.json()["results"]]


def test_an_empty_search_finds_nothing(client, shelf):
    assert found(client, "") == found(client, "q=") == found(client, "q=%20%09") == []


def test_search_puts_the_very_name_first_then_prefixes_then_words(client, publish):
    publish("pdf-tools-pro")
    publish("merger", summary="Merges what pdf tools split.")
    publish("pdf-tools")

    assert found(client, "q=pdf%20tools") == ["pdf-tools", "pdf-tools-pro", "merger"]
    assert found(client, "q=pdf-tools")[0] == "pdf-tools"
    assert found(client, "q=pdf-tools&limit=1") == ["pdf-tools"]
    assert found(client, "q=merge") == ["merger"]


def test_exact_search_finds_only_the_very_name(client, publish, charlie):
    publish("pdf-tools")
    publish("pdf-tools-pro")
    publish_skill(namespace=charlie.namespace, slug="pdf-tools")

    assert found(client, "q=pdf-tools&mode=exact") == ["pdf-tools", "pdf-tools"]
    assert found(client, "q=%40charlie/pdf-tools&mode=exact") == ["pdf-tools"]
    assert found(client, "q=pdf&mode=exact") == []


def test_search_narrows_to_highlighted_and_to_what_is_not_suspicious(client, publish):
    odd = publish("pdf-odd").skill
    odd.moderation_flags = ["flagged.suspicious"]
    odd.save()
    give_badge(skill=publish("pdf-best").skill, kind=Badge.HIGHLIGHTED, actor=None, reason="useful")

    assert set(found(client, "q=pdf")) == {"pdf-odd", "pdf-best"}
    assert found(client, "q=pdf&nonSuspiciousOnly=true") == ["pdf-best"]
    assert found(client, "q=pdf&nonSuspicious=1") == ["pdf-best"]
    assert found(client, "q=pdf&highlightedOnly=true") == ["pdf-best"]


def test_search_narrows_to_an_owner_and_to_badges_together(client, publish, charlie):
    publish_skill(namespace=charlie.namespace, slug="pdf-theirs")
    both, one = (publish(slug).skill for slug in ("pdf-both", "pdf-one"))
    for skill, kind in ((both, "highlighted"), (both, "official"), (one, "official")):
        give_badge(skill=skill, kind=kind, actor=None, reason="useful")

    assert found(client, "q=pdf&ownerHandle=charlie") == ["pdf-theirs"]
    assert found(client, "q=pdf&ownerHandle=%40Charlie") == ["pdf-theirs"]
    assert found(client, "q=pdf&ownerHandle=nobody") == []
    assert set(found(client, "q=pdf&badge=official")) == {"pdf-both", "pdf-one"}
    assert found(client, "q=pdf&badge=official&highlightedOnly=true") == ["pdf-both"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("badge=best", "badge_unknown"),
        ("category=cooking", "facet_invalid"),
        ("topic=%21", "facet_invalid"),
    ],
)
def test_search_refuses_what_it_cannot_narrow_to(client, query, code):
    answer = client.get(f"/api/v1/search?q=pdf&{query}")

    assert (answer.status_code, answer.headers["X-Error-Code"]) == (400, code)


def test_search_never_finds_what_is_hidden(client, publish):
    skill = publish("pdf-tools").skill
    skill.moderation_status = "hidden"
    skill.save()

    for query in ("q=pdf", "q=pdf-tools", "q=pdf-tools&mode=exact"):
        assert found(client, query) == []
