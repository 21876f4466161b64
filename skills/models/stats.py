"""What happened to skills, and how often: marks, queued events, and the counts folded from them.

An event is queued in the statement that makes its mark (a download's, a star's, an install's), so
repeats queue nothing. The fold (`skills/sql/fold_events.sql`) takes events off the queue and adds
them to hourly, daily and total counts in one statement. See docs/architecture.md, "Counting".
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from config.derived import DerivedModel, DerivedQuerySet
from skills.models.skill import Skill
from skills.querysets import StatQuerySet

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)


class EventKind(models.IntegerChoices):
    """The seven things that are counted. The numbers are stored, and used in skills/sql."""

    DOWNLOAD = 0, "download"
    STAR = 1, "star"
    UNSTAR = 2, "unstar"
    INSTALL_NEW = 3, "install_new"
    INSTALL_REACTIVATE = 4, "install_reactivate"
    INSTALL_DEACTIVATE = 5, "install_deactivate"
    INSTALL_CLEAR = 6, "install_clear"


class StatEvent(models.Model):
    """An event that waits for the fold, which deletes it. No foreign key: a queue checks nothing.

    `delta` belongs to `install_clear`: what current installs change by, -1 if the install was
    active and 0 if not.
    """

    skill_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=EventKind)
    delta = models.SmallIntegerField(default=0, db_default=0)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="statevent_kind_is_known", condition=Q(kind__in=EventKind.values)
            ),
            models.CheckConstraint(
                name="statevent_delta_is_of_a_clear",
                condition=Q(delta=0) | Q(kind=EventKind.INSTALL_CLEAR, delta=-1),
            ),
            models.CheckConstraint(
                name="statevent_is_not_prehistoric", condition=Q(occurred_at__gte=EARLIEST)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.skill_id}"


class Counts(models.Model):
    """The counts of a period. All but `downloads` and `installs_new` are net changes, so signed."""

    downloads = models.BigIntegerField(default=0, db_default=0)
    installs_new = models.BigIntegerField(default=0, db_default=0)
    installs_all_time = models.BigIntegerField(default=0, db_default=0)
    installs_current = models.BigIntegerField(default=0, db_default=0)
    stars = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class PeriodCounts(Counts):
    """Counts of a short period: half as wide, because every fold writes many such rows."""

    downloads = models.IntegerField(default=0, db_default=0)
    installs_new = models.IntegerField(default=0, db_default=0)
    installs_all_time = models.IntegerField(default=0, db_default=0)
    installs_current = models.IntegerField(default=0, db_default=0)
    stars = models.IntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class SkillHourlyStat(PeriodCounts):
    """What happened to a skill in one UTC hour; kept for 72 hours."""

    pk = models.CompositePrimaryKey("hour", "skill_id")
    hour = models.DateTimeField()
    # Without a constraint in the database: checking it would lock the skill's row in every fold.
    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    objects = StatQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.skill_id} at {self.hour}"


class SkillDailyStat(PeriodCounts):
    """What happened to a skill on one UTC day; kept for good, totals are the sum of these."""

    pk = models.CompositePrimaryKey("day", "skill_id")
    day = models.DateField()
    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    objects = StatQuerySet.as_manager()

    class Meta:
        # The chart of one skill, newest day first.
        indexes = [models.Index(fields=["skill", "-day"], name="dailystat_of_skill")]

    def __str__(self) -> str:
        return f"{self.skill_id} on {self.day}"


class SkillTotal(Counts, DerivedModel):
    """What ever happened to a skill: one narrow row, so that counting never touches the skill.

    Signed as the events make it, shown floored at 0. `stars` is derived: the number of star rows.
    """

    skill = models.OneToOneField(
        Skill,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="total",
        db_constraint=False,
    )
    stars = models.BigIntegerField(default=0, db_default=0, editable=False)

    objects = DerivedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Totals of {self.skill_id}"


class SkillStar(DerivedModel):
    """A person's star on a skill."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="star_rows")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="starred", db_index=False
    )

    starred_at = models.DateTimeField(db_default=Now())

    objects = DerivedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("user", "skill", name="skillstar_once_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} stars {self.skill_id}"


class SkillInstall(models.Model):
    """A person has installed a skill, and when a client of theirs last said so."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    is_active = models.BooleanField(default=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "skill", name="skillinstall_once_per_person"),
        ]
        indexes = [
            # The sweep of those not seen for long, oldest first.
            models.Index(
                fields=["last_seen_at"], name="skillinstall_active", condition=Q(is_active=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} installed {self.skill_id}"


class DownloadMark(models.Model):
    """Somebody downloaded a skill on a UTC day; a second time that day counts nothing.

    `visitor` is a keyed hash that changes every day: no address is stored, nobody is followed.
    """

    pk = models.CompositePrimaryKey("day", "skill_id", "visitor")
    day = models.DateField()
    skill_id = models.BigIntegerField()
    visitor = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.skill_id} on {self.day}"


class ListedChange(models.Model):
    """Skills that came onto (+) or left (-) the public list, not yet in the site's totals.

    Written by a trigger of the listing table, taken away by the fold: publishes that run at once
    would otherwise wait for each other at the one row of totals.
    """

    change = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.change:+}"


class SiteTotals(Counts):
    """The totals of the whole site: one row, kept by delta and recounted daily."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    skills = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="sitetotals_is_one_row", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "Totals of the site"


class CategoryTotal(models.Model):
    """How many skills the list shows of a category ("" = of all), as of the last copying."""

    category = models.CharField(primary_key=True, max_length=24, db_collation="C")
    skills = models.BigIntegerField()
    # Those that stand there when suspicious ones are left out.
    clean_skills = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.skills} in “{self.category}”"
