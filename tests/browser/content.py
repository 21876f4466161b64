"""What the browser tests look at: a small registry of Alice's, published through the service."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from skills.boards import BOARDS, build
from skills.models import Skill
from tests.factories.boards import SUSPICIOUS, decided, decided_many, folded_at, on_day, week
from tests.factories.histories import rank, succeeded, two_months
from tests.factories.skills import publish_skill

README = """---
name: {slug}
description: Splits, merges and signs PDF files without leaving the terminal.
env: [PDF_API_KEY]
---
# {slug}

| Step | Command |
| --- | --- |
| split | `split.sh a.pdf` |

- [x] reads
- [ ] writes

```python
def split(path):
    return path.read_bytes()
```
"""
SCRIPT_1 = '#!/bin/sh\nset -e\necho split "$1"\n'
SCRIPT_2 = '#!/bin/sh\nset -eu\necho split "$1" into pages\nexit 0\n'


def fill(namespace, count: int = 30) -> None:
    """Publish one skill with two versions and `count` others."""
    for version, script in (("1.0.0", SCRIPT_1), ("1.1.0", SCRIPT_2)):
        publish_skill(
            namespace=namespace,
            slug="pdf-tools",
            version=version,
            display_name="PDF Tools",
            changelog=f"What {version} brings.",
            files={"SKILL.md": README.format(slug="pdf-tools"), "scripts/split.sh": script},
            categories=["documents"],
            topics=["pdf"],
        )
    for number in range(count):
        publish_skill(namespace=namespace, slug=f"note-taker-{number:02}", categories=["data"])


def count(slug: str = "pdf-tools") -> None:
    """Let a skill have been counted for two months, and ranked in the last, with gaps."""
    skill, now = Skill.objects.get(slug=slug), timezone.now()
    two_months(skill)
    rank(skill, [(now - timedelta(days=n), 1 + n * n % 37) for n in range(28) if n not in {4, 9}])
    succeeded("fold_events", now)
    succeeded("copy_totals", now - timedelta(hours=3))


def fill_boards(count: int = 70) -> None:
    """Make boards with `count` ranks that moved since yesterday, one of a suspicious skill."""
    now = timezone.now()
    skills = decided_many(
        count,
        display_name="Meeting minutes from recordings",
        summary="Turns a recording into minutes with decisions, owners and dates, and mails them.",
        categories=["documents"],
    )
    skills.append(decided(slug="doubtful", **SUSPICIOUS))
    for number, skill in enumerate(skills):
        for days in range(14):
            downloads = (number * 7919 + days * 31) % 400 + (days * number) % 90
            on_day(skill, now.date() - timedelta(days=days), downloads, installs=downloads // 5)
    folded_at(now - timedelta(minutes=1))
    week(now - timedelta(hours=25))
    for board, window in BOARDS:
        build(board, window, now)
