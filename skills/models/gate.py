"""What stands before a new skill: names that nobody may take, and the quality gate."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from skills.models.skill import SLUG_LENGTH


class ReservedSlug(models.Model):
    """A name that staff keep from new skills; a skill that has it keeps it.

    The words that are reserved by rule, ours and those of our addresses, stand in skills/slugs.py.
    """

    slug = models.CharField(max_length=SLUG_LENGTH, unique=True, db_collation="C")
    reason = models.CharField(max_length=300)
    # None: it came with the product.
    reserved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reserved_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.slug


class QualityGate(models.Model):
    """What the first version of a new skill must show to be public before a moderator looked.

    At most one row; without one the defaults hold (`skills.gates.read_gate`).
    """

    is_enabled = models.BooleanField(default=True)
    min_readme_characters = models.PositiveIntegerField(default=60)
    min_description_characters = models.PositiveIntegerField(default=10)
    min_account_age_days = models.PositiveIntegerField(default=0)
    # An owner with a clean or approved skill so old passes unasked.
    trusted_after_days = models.PositiveIntegerField(default=14)

    class Meta:
        constraints = [models.CheckConstraint(name="qualitygate_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return "the quality gate"
