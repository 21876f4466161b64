"""Every list of comments is answered by the index that holds just its rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from skills.comment_tab import read_page
from skills.models import Skill, SkillComment
from tests.factories.bulk import analyze, explain

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

NOW = timezone.now()
# A page of 51 rows, from anywhere in the table, and the way down the index.
BLOCKS = 70


def many_comments(skill, author, count: int, **columns) -> list[SkillComment]:
    """Rows behind the back of the derived fields, which no list reads from elsewhere."""
    return SkillComment._base_manager.bulk_create(
        SkillComment(skill=skill, author=author, text=f"Comment {n}", **columns)
        for n in range(count)
    )


@pytest.fixture
def crowd(publish, charlie, mona):
    """Two skills with thousands of comments; a few of one are hidden, deleted or reported."""
    for slug in ("crowded", "other"):
        publish(slug=slug)
    crowded, other = Skill.objects.order_by("slug")
    for skill in (crowded, other):
        many_comments(skill, charlie, 2_000, deleted_at=NOW - timedelta(days=9))
        many_comments(skill, charlie, 2_000)
    many_comments(crowded, mona, 60, hidden_at=NOW)
    many_comments(crowded, mona, 60, reported_at=NOW)
    analyze(SkillComment)
    return crowded


def test_each_list_of_comments_reads_its_own_index(crowd, mona):
    comments, key = SkillComment.objects, (NOW.isoformat(), 2**40)
    tab = comments.filter(skill=crowd).visible().newest_first()
    lists = {
        "skillcomment_visible": [tab[:51], tab.before(*key)[:51]],
        "skillcomment_reported": [comments.reported()[:26]],
        "skillcomment_hidden": [comments.hidden()[:26], comments.hidden().hidden_before(*key)[:26]],
        "skillcomment_of_author": [
            comments.filter(skill=crowd).seen_by_author_only(mona.pk, NOW)[:5],
            comments.filter(skill=crowd, author=mona).order_by("-id")[:1],
        ],
    }

    for index, queries in lists.items():
        for rows in queries:
            plan = explain(*rows.query.sql_with_params())
            assert plan.indexes == {index}, rows.query
            assert plan.blocks <= BLOCKS, rows.query


def test_the_tab_of_a_person_reads_both_lists_in_one_statement(crowd, mona):
    rows = SkillComment.objects.filter(skill=crowd).visible().newest_first()

    plan = explain(*read_page(crowd, rows, mona).query.sql_with_params())

    assert plan.indexes >= {"skillcomment_visible", "skillcomment_of_author"}
    assert plan.blocks <= 2 * BLOCKS


def test_the_list_of_all_comments_reads_an_index_too(crowd):
    rows = SkillComment.objects.last_written()

    for part in (rows, rows.written_before("", 3_000)):
        plan = explain(*part[:26].query.sql_with_params())
        assert plan.indexes == {"skills_skillcomment_pkey"}
        assert plan.blocks <= BLOCKS
