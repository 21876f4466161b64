"""`{% load moderation %}`: what pages of the skills app show of moderation, which it knows not.

Imports point from moderation to skills; a template may know both.
"""

from __future__ import annotations

from typing import Final

from django import template

from moderation.models import Decision, Finding, Scan, ScannerName
from moderation.modlog import Entry, entry_of
from skills.evidence import Told
from skills.models import Skill, SkillVersion

DECISIONS_SHOWN: Final = 5
MINOR_SHOWN: Final = 30

register = template.Library()


@register.simple_tag
def decisions_on(skill: Skill) -> list[Entry]:
    """Return the newest decisions on a skill, as the public log tells them: one statement."""
    decided = Decision.objects.public().filter(skill=skill).newest_first()
    return [entry_of(row) for row in decided.log_rows(DECISIONS_SHOWN)]


@register.simple_tag
def minor_findings(version: SkillVersion) -> list[Told]:
    """Return what the rules found below medium; for owner and staff: one statement."""
    last = Scan.objects.of(ScannerName.STATIC).finished().filter(version=version).values("pk")[:1]
    found = Finding.objects.filter(scan__in=last, severity__in=["low", "info"]).order_by("pk")
    columns = ("severity", "attack_class", "rule", "file", "line", "snippet")
    return [Told(*row) for row in found.values_list(*columns)[:MINOR_SHOWN]]
