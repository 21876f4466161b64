"""Fill the demo with the invented skills of `skills/demo`."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from jobs.models import Trigger
from jobs.services import execute_run, start_run
from skills.demo.boards import build_demo_boards
from skills.demo.comments import write_demo_comments
from skills.demo.content import DemoSkill, read_owners, read_skills
from skills.demo.publishing import publish_demo_skill
from skills.demo.statistics import stargazers
from skills.models import SkillVersion
from skills.statistics import recount_site

COUNTING: Final = ("fold_events", "copy_totals")
"""Pages say "counts as of" the last success of these: what the demo wrote is counted now."""


class Command(BaseCommand):
    help = "Publish the demo's invented skills. Safe to repeat; what stands is left as it is."

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Invented skills belong into the demo; start it with `make demo`.")
        skills = read_skills()
        missing = _missing(skills)
        owners, anchor = read_owners(), timezone.now()
        if missing:
            people = stargazers(max(demo.counts.stars for demo in skills))
            for demo in tqdm(missing, unit="skill", disable=None, file=self.stderr):
                publish_demo_skill(
                    demo=demo,
                    owner_name=owners.get(demo.owner, ""),
                    anchor=anchor,
                    people=people,
                )
            write_demo_comments(anchor)
            recount_site()
            build_demo_boards(anchor)
            for job in COUNTING:
                run = start_run(kind=job, trigger=Trigger.COMMAND, enqueue=False).run
                execute_run(run.pk)
        self.stdout.write(f"{len(missing)} of {len(skills)} demo skills published.")


def _missing(skills: list[DemoSkill]) -> list[DemoSkill]:
    """Return the skills of which a version does not stand yet: one query."""
    owners = {demo.owner for demo in skills}
    standing = set(
        SkillVersion.objects.filter(skill__namespace__handle__in=owners).values_list(
            "skill__namespace__handle", "skill__slug", "version"
        )
    )
    return [demo for demo in skills if not demo.keys <= standing]
