"""Holds: what keeps a whole skill from the public, apart from what its versions say."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from skills.models.skill import Skill


class HoldKind(models.TextChoices):
    """Why a skill is held, strongest first: the first one gives the skill its reason."""

    REMOVED = "removed", "Removed by staff"
    BAN = "ban", "Its author is banned"
    HIDDEN = "hidden", "Hidden by staff"
    REPORTS = "reports", "Hidden by reports"
    QUALITY = "quality", "Held for its quality"


class SkillHold(models.Model):
    """One reason to hold a skill. Several may stand at once; lifting one leaves the others.

    Written together with `skills.standing.settle`, under the skill's lock.
    """

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="holds", db_index=False)
    kind = models.CharField(max_length=8, choices=HoldKind)
    # None: the system itself.
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    placed_at = models.DateTimeField(db_default=Now())
    # What failed, in sentences for the owner; only of a quality hold.
    detail = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint("skill", "kind", name="skillhold_one_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} hold of {self.skill_id}"
