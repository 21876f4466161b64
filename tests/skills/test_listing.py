"""The public list by cursor: everything once, in order, whatever comes and goes between pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.pagination import CursorRefused, sign_cursor
from skills.listing import (
    FacetRefused,
    ListQuery,
    SortRefused,
    content_hash,
    hash_below,
    list_query,
    page,
    page_below,
)
from skills.models import Skill
from skills.models.listing import SORT_COLUMNS
from tests.factories.bulk import list_skills
from tests.factories.skills import NamespaceFactory

pytestmark = pytest.mark.django_db

COUNT = 61
EPOCH = datetime(2025, 1, 1, 12, tzinfo=UTC)
FACETS = [{}, {"category": "data"}, {"topic": "csv"}, {"category": "data", "topic": "csv"}]


def row(n: int) -> dict[str, object]:
    """The columns of the n-th skill: most values are shared by many, times to the microsecond."""
    return {
        "slug": f"skill-{n % 7}-{n:04}",
        "display_name": ["Éclair", "eclair", "Zebra", "über", "Über", "alpha"][n % 6],
        "downloads": n % 3,
        "stars": 5,
        "installs_current": n % 2,
        "installs_all_time": n // 10,
        "categories": ["data"] if n % 2 else ["web"],
        "topics": ["csv", "json"] if n % 3 else [],
        "moderation_flags": ["flagged.suspicious"] if n % 4 == 0 else [],
        "created_at": EPOCH + timedelta(microseconds=n % 5),
        "updated_at": EPOCH + timedelta(days=n % 4, microseconds=n % 2),
    }


@pytest.fixture
def owner(db):
    return NamespaceFactory(handle="maker")


@pytest.fixture
def skills(owner):
    return list_skills(owner, (row(n) for n in range(COUNT)))


def expected(query: ListQuery) -> list[int]:
    """The same list by Python, from the plain rows."""
    plain = str.maketrans("éüÉÜ", "euEU")
    keys = {
        "name": lambda s: s.display_name.translate(plain).lower(),
        "slug": lambda s: s.slug,
    }
    column, descending = SORT_COLUMNS.get(query.sort, ("slug", False))
    key = keys.get(query.sort, lambda s: getattr(s, column))
    found = [
        s
        for s in Skill.objects.filter(moderation_status="active", soft_deleted_at=None)
        if (query.suspicious or "flagged.suspicious" not in s.moderation_flags)
        and (not query.category or query.category in s.categories)
        and (not query.topic or query.topic in s.topics)
        and s.slug.startswith(query.prefix)
        and query.owner in ("", s.namespace.handle)
    ]
    return [s.pk for s in sorted(found, key=lambda s: (key(s), s.pk), reverse=descending)]


def walk(query: ListQuery, limit: int, between=lambda _ids: None) -> list[int]:
    """Follow the cursor to the end; a page before the last one is full."""
    ids: list[int] = []
    cursor = ""
    while len(ids) < 10 * COUNT:
        found = page(query, cursor=cursor, limit=limit)
        ids += [card.skill_id for card in found.cards]
        if found.next is None:
            return ids
        assert len(found.cards) == limit
        cursor = found.next
        between(ids)
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("sort", SORT_COLUMNS)
def test_every_list_shows_everything_once_and_in_order(skills, sort):
    for suspicious in (True, False):
        for facet in FACETS:
            query = list_query(sort=sort, suspicious=suspicious, **facet)
            right = expected(query)
            assert right

            assert walk(query, 1) == walk(query, 7) == walk(query, 200) == right, query


def test_a_list_that_ends_with_a_full_page_says_so(skills):
    query = list_query()

    assert page(query, limit=COUNT).next is None
    almost = page(query, limit=COUNT - 1)
    assert almost.next is not None
    assert len(page(query, cursor=almost.next, limit=COUNT - 1).cards) == 1


@pytest.mark.parametrize("sort", SORT_COLUMNS)
def test_a_page_stands_below_the_rows_that_lead_to_it(skills, sort, monkeypatch):
    monkeypatch.setattr("skills.listing.ROWS_ABOVE", 20)
    query = list_query(sort=sort, suspicious=False)
    right, seen, cursor = expected(query), 0, ""

    while cursor is not None:
        found = page_below(query, cursor=cursor)
        shown = [card.skill_id for card in found.cards]
        seen += len(shown) - found.above
        assert shown == right[max(0, seen - len(shown)) : seen]
        assert found.above == min(20, seen - len(shown) + found.above)
        assert (found.previous is None) == (shown[0] == right[0])
        cursor = found.next
    assert seen == len(right)


def test_what_a_page_shows_above_changes_its_hash(skills):
    query = list_query(sort="name")
    first = page(query, limit=10)
    before = hash_below(query, cursor=first.next), hash_below(query, cursor=first.next, alone=True)

    Skill.objects.filter(pk=first.cards[3].skill_id).update(moderation_status="hidden")

    after = hash_below(query, cursor=first.next), hash_below(query, cursor=first.next, alone=True)
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_an_empty_list_ends_at_once(db):
    assert page(list_query()).cards == []
    assert page(list_query()).next is None


@pytest.mark.parametrize("sort", SORT_COLUMNS)
def test_rows_that_come_and_go_between_pages_make_no_gap_and_no_repeat(skills, owner, sort):
    query = list_query(sort=sort)
    right = expected(query)
    numbers = iter(range(1001, 2000))

    def disturb(ids: list[int]) -> None:
        number = next(numbers)
        if number > 1005:
            return
        # New rows share their values with old ones: before, at and behind the cursor.
        list_skills(owner, [row(1000 * number + n) for n in range(3)])
        # The row that the cursor stands on goes, and one of the page before.
        Skill.objects.filter(pk__in=(ids[-1], ids[-5])).update(moderation_status="hidden")

    seen = walk(query, 7, disturb)

    assert [pk for pk in seen if pk in set(right)] == right
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("limit", [1, 4, 200])
def test_a_prefix_lists_its_slugs_in_order(skills, limit):
    for prefix in ("skill-3", "skill-3-0003", "skill-", "nothing"):
        query = list_query(prefix=prefix)

        assert walk(query, limit) == expected(query)


def test_an_owner_lists_only_their_own_whatever_else_is_asked(skills):
    list_skills(NamespaceFactory(handle="other"), [row(n) for n in range(COUNT, COUNT + 20)])

    for facet in FACETS:
        query = list_query(owner="other", **facet)
        assert walk(query, 3) == expected(query)
        assert len(expected(query)) == 20 or facet


@pytest.mark.parametrize(
    "change",
    [
        {"moderation_status": "hidden"},
        {"moderation_status": "removed"},
        {"soft_deleted_at": EPOCH},
    ],
)
@pytest.mark.parametrize("door", ["save", "update"])
def test_what_becomes_invisible_is_gone_at_once_and_comes_back(skills, change, door):
    skill = skills[1]
    back = {name: getattr(skill, name) for name in change}
    queries = [list_query(), list_query(suspicious=False, category="data", topic="csv")]

    for columns, listed in ((change, False), (back, True)):
        if door == "save":
            for name, value in columns.items():
                setattr(skill, name, value)
            skill.save()
        else:
            Skill.objects.filter(pk=skill.pk).update(**columns)
        assert [skill.pk in walk(query, 50) for query in queries] == [listed, listed]


@pytest.mark.parametrize(
    "change",
    [
        {"moderation_flags": ["flagged.suspicious"]},
        {"moderation_reason": "scanner.static.suspicious"},
        {"moderation_reason": "scanner.vt.malicious"},
    ],
)
def test_what_becomes_suspicious_leaves_the_clean_list_only(skills, change):
    skill = skills[1]

    Skill.objects.filter(pk=skill.pk).update(**change)

    assert skill.pk not in walk(list_query(suspicious=False), 50)
    assert skill.pk in walk(list_query(), 50)


def test_a_skill_whose_last_version_is_withdrawn_leaves_the_list(skills):
    version = skills[0].versions.get()
    version.withdrawn_at = EPOCH
    version.save()

    assert skills[0].pk not in walk(list_query(), 50)


# --- Bad questions -------------------------------------------------------------------------------

OTHER_LISTS = [
    list_query(sort="stars"),
    list_query(suspicious=False, sort="downloads"),
    list_query(sort="downloads", category="data"),
    list_query(sort="downloads", topic="csv"),
    list_query(sort="downloads", owner="maker"),
]


@pytest.mark.parametrize("other", OTHER_LISTS)
def test_the_cursor_of_another_list_is_refused(skills, other):
    cursor = page(other, limit=2).next
    assert cursor

    with pytest.raises(CursorRefused):
        page(list_query(sort="downloads"), cursor=cursor)


@pytest.mark.parametrize(
    "text",
    [
        "x", "null", "0", ":", "::", ".", "a:b", "\0", "\ud800", "é", "x" * 10_000, ":" * 10_000,
        "WzEsMV0:" + "x" * 43, "../../etc/passwd", "' OR 1=1 --", "%00", " ", "\n",
    ],
)  # fmt: skip
def test_garbage_is_no_cursor(db, text):
    with pytest.raises(CursorRefused):
        page(list_query(), cursor=text)


def test_a_tampered_cursor_is_refused_at_every_character(skills):
    cursor = page(list_query(), limit=2).next
    assert cursor

    for place, letter in enumerate(cursor):
        tampered = cursor[:place] + ("A" if letter != "A" else "B") + cursor[place + 1 :]
        with pytest.raises(CursorRefused):
            page(list_query(), cursor=tampered)


@pytest.mark.parametrize("key", [(), (1,), (1, 2, 3), ("x", 1), (1, "x"), (None, 1), ([1], 1)])
def test_a_signed_cursor_of_another_shape_is_refused(db, key):
    with pytest.raises(CursorRefused):
        page(list_query(), cursor=sign_cursor(list_query().name, *key))


@pytest.mark.parametrize("sort", ["slug", "trending", "UPDATED", "updated_at", "\0", "1; --"])
def test_an_unknown_order_is_refused(sort):
    with pytest.raises(SortRefused):
        list_query(sort=sort)


@pytest.mark.parametrize("facet", [{"category": "nothing"}, {"category": "\0"}, {"topic": "!!"}])
def test_an_unknown_facet_is_refused_and_not_ignored(facet):
    with pytest.raises(FacetRefused):
        list_query(**facet)


# --- What a kept page is revalidated by ----------------------------------------------------------


def test_the_content_hash_changes_with_every_card_of_the_page_and_with_its_end(skills, owner):
    query = list_query(sort="downloads")
    first = page(query, limit=10)
    card = first.cards[4].skill_id
    hashes = {content_hash(query, limit=10)}

    Skill.objects.filter(pk=card).update(summary="Does something else.")
    hashes.add(content_hash(query, limit=10))
    Skill.objects.filter(pk=card).update(moderation_reason="scanner.static.clean")
    hashes.add(content_hash(query, limit=10))
    Skill.objects.filter(pk=card).update(moderation_status="hidden")
    hashes.add(content_hash(query, limit=10))
    hashes.add(content_hash(query, cursor=first.next or "", limit=10))
    list_skills(owner, [row(1) | {"slug": "new", "downloads": 1_000}])
    hashes.add(content_hash(query, limit=10))

    assert len(hashes) == 6


def test_the_content_hash_stays_when_nothing_of_the_page_changes(skills):
    query = list_query(sort="downloads")
    cards = page(query, limit=10).cards
    before = content_hash(query, limit=10)

    Skill.objects.get(pk=cards[0].skill_id).save()
    Skill.objects.filter(pk=cards[0].skill_id).update(restored_at=EPOCH)
    Skill.objects.filter(pk=expected(query)[-1]).update(summary="Far behind.")

    assert content_hash(query, limit=10) == before
    assert content_hash(query, limit=11) != before
