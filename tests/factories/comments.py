"""Comments for tests: through the services, or straight as rows with a time of their own."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from skills.comments import add_comment, report_comment
from skills.models import Skill, SkillComment


def comment_on(skill: Skill, author: User, text: str = "It works.") -> SkillComment:
    return add_comment(skill=skill, author=author, text=text).comment


def reported(skill: Skill, author: User, reporter: User, **said: Any) -> SkillComment:
    """A comment with one open report."""
    comment = comment_on(skill, author)
    assert report_comment(comment=comment, reporter=reporter, **{"kind": "spam"} | said)
    comment.refresh_from_db()
    return comment


def many_comments(skill: Skill, author: User, count: int, **columns: Any) -> list[SkillComment]:
    """Rows in one statement; the last is the newest."""
    return SkillComment.objects.bulk_create(
        SkillComment(skill=skill, author=author, text=f"Comment {n}", **columns)
        for n in range(count)
    )
