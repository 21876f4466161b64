"""What the browser tests look at: a small registry of Alice's, published through the service."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from skills.boards import BOARDS, build
from skills.models import Skill
from tests.factories.boards import SUSPICIOUS, decided, decided_many, folded_at, on_day, week
from tests.factories.histories import rank, succeeded, two_months
from tests.factories.skills import publish_skill
from tests.factories.traces import Uploader, answered, called, failed, said, session, thought
from traces.models import Trace

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


ANSWER = """I found it: `round()` rounds half to even, and the invoice wants half up.

1. `totals.py` now uses `Decimal.quantize`.
2. Three tests are new.

```python
def total(lines: list[Line]) -> Decimal:
    return sum(line.price for line in lines).quantize(CENT, ROUND_HALF_UP)
```
"""


def fill_traces(person, name: str = "rounding") -> None:
    """Share one session with all kinds of messages, and some more for the list."""
    edit = {"old_string": "round(x, 2)", "new_string": "x.quantize(CENT)"}
    messages = [
        said(1, "The totals of invoices are off by a cent, since the last release.\nWhy?"),
        said(2, "<environment_context>Linux, 2 cores</environment_context>"),
        thought(3),
        called(4, "Bash", command="pytest -q tests/test_totals.py | tail -20"),
        answered(5, "E   assert 10.12 == 10.13\n" * 200, "error"),
        called(6, "Edit", file_path="src/totals.py", **edit),
        answered(7, "The file was changed.", tool="Edit"),
        said(8, ANSWER, "assistant"),
        failed(9),
        *session(120)[10:],
    ]
    uploader = Uploader(person)
    uploader.share(
        name,
        messages,
        title="Totals of invoices are off by a cent",
        visibility="public",
        model="claude-sonnet-4-5-20250929",
        projectName="invoices",
        gitRemoteUrl="https://git.example/alice/invoices",
    )
    Trace.objects.filter(external_id=name).update(
        ai_summary="The totals were a cent off; they are rounded as decimals now.",
        summary_generated_at=Now(),
        summary_message_count=100,
        summary_model="gpt-4.1-mini",
    )
    for n in range(4):
        uploader.share(f"other-{n}", session(3 + n), visibility="public", title=f"Session {n}")
