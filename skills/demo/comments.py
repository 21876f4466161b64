"""Lets the demo's people comment, and report two of the comments."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from typing import Any, Final

from accounts.models import User
from config.derived import deferred
from skills.demo.content import ROOT
from skills.models import CommentReport, ReportKind, Skill, SkillComment

COMMENTS_NAME: Final = "comments.toml"


def read_comments() -> list[dict[str, Any]]:
    """Return what `comments.toml` tells, as it stands there."""
    told = tomllib.loads((ROOT / COMMENTS_NAME).read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = told["comment"]
    return found


def write_demo_comments(anchor: datetime) -> int:
    """Write the demo's comments where none stands yet; return how many were written.

    Dates count back from `anchor`. What is about a skill or by a person that is not there is left
    out, so the content can be published without the accounts.
    """
    told = read_comments()
    people = {u.handle: u for u in User.objects.filter(handle__in={one["by"] for one in told})}
    skills = {
        str(skill).removeprefix("@"): skill
        for skill in Skill.objects.filter(slug__in={one["skill"].split("/")[1] for one in told})
    }
    fitting = [one for one in told if one["by"] in people and one["skill"] in skills]
    if not fitting or SkillComment.objects.filter(skill__in=skills.values()).exists():
        return 0
    with deferred():
        for one in fitting:
            _write(one, skills[one["skill"]], people, anchor)
    return len(fitting)


def _write(one: dict[str, Any], skill: Skill, people: dict[str, User], anchor: datetime) -> None:
    comment = SkillComment.objects.create(
        skill=skill,
        author=people[one["by"]],
        text=one["text"].strip(),
        created_at=anchor - timedelta(days=one["days_ago"]),
    )
    for report in one.get("report", ()):
        CommentReport.objects.create(
            comment=comment,
            reporter=people[report["by"]],
            kind=ReportKind(report["kind"]),
            text=report.get("text", ""),
            created_at=anchor - timedelta(days=report["days_ago"]),
        )
