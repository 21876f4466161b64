"""What waits for a moderator, and what they note about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Namespace
from moderation.querysets.review import ReviewItemQuerySet
from skills.models import SkillVersion


class ItemKind(models.TextChoices):
    """What brought the item up first; an appeal is an item of its own."""

    SCAN = "scan", "Scan"
    REPORT = "report", "Report"
    HOLD = "hold", "Hold"
    APPEAL = "appeal", "Appeal"


class ItemState(models.TextChoices):
    OPEN = "open", "Open"
    # Decided for now: what is hidden or waits for its author needs a final decision.
    HELD = "held", "Held"
    DONE = "done", "Done"


class ReviewItem(models.Model):
    """One version (or one appeal) that somebody has to decide on.

    A version has one item for good: new evidence opens it again, and reports join it. Whoever
    reviews it holds a claim, a lease of minutes. `revision` goes up with everything that a
    reviewer must have seen, so that nobody decides on a page that is out of date.
    """

    kind = models.CharField(max_length=6, choices=ItemKind)
    state = models.CharField(max_length=4, choices=ItemState, default=ItemState.OPEN)
    version = models.ForeignKey(
        SkillVersion, on_delete=models.CASCADE, related_name="review_items", db_index=False
    )
    # The owner's, as the skill's; so that the filter by author is an index away.
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="+")
    appeal = models.OneToOneField(
        "moderation.Appeal", null=True, on_delete=models.CASCADE, related_name="item"
    )

    # The worst finding, as a row of the queue shows it. Severity by rank, -1 without any.
    severity = models.SmallIntegerField(default=-1)
    top_rule = models.CharField(max_length=64, blank=True)
    top_class = models.CharField(max_length=40, blank=True)
    top_file = models.CharField(max_length=500, blank=True)
    top_line = models.PositiveIntegerField(default=0)
    # Distinct people with an open report on the version.
    reporters = models.PositiveIntegerField(default=0)
    # New installs of the skill in the 7 days before the item last changed.
    installs_week = models.PositiveIntegerField(default=0)

    opened_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    # The place in the queue, earliest first: the opening, moved forward by what weighs.
    rank_at = models.DateTimeField()

    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)

    revision = models.PositiveIntegerField(default=1)
    # The decision that closed it last, and the removal that waits for a second moderator.
    decision = models.ForeignKey(
        "moderation.Decision", null=True, on_delete=models.PROTECT, related_name="+"
    )
    proposal = models.ForeignKey(
        "moderation.Decision", null=True, on_delete=models.PROTECT, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "version", name="reviewitem_one_per_version", condition=Q(appeal__isnull=True)
            ),
        ]
        indexes = [
            # The queue by priority, by age and by reach.
            models.Index(
                fields=["rank_at", "id"], name="reviewitem_by_rank", condition=Q(state="open")
            ),
            models.Index(
                fields=["opened_at", "id"], name="reviewitem_by_age", condition=Q(state="open")
            ),
            models.Index(
                fields=["-installs_week", "-id"],
                name="reviewitem_by_reach",
                condition=Q(state="open"),
            ),
            # "What is due?", counted and listed.
            models.Index(fields=["due_at", "id"], name="reviewitem_due", condition=Q(state="open")),
            models.Index(
                fields=["rank_at", "id"],
                name="reviewitem_appeals",
                condition=Q(state="open", kind="appeal"),
            ),
            # "How many removals wait for a second moderator?"
            models.Index(
                fields=["id"],
                name="reviewitem_proposed",
                condition=Q(state="open", proposal__isnull=False),
            ),
            models.Index(
                fields=["claimed_by", "claimed_until"],
                name="reviewitem_claimed",
                condition=Q(claimed_by__isnull=False),
            ),
            # What is held, longest first; what is done, newest first.
            models.Index(
                fields=["closed_at", "id"], name="reviewitem_held", condition=Q(state="held")
            ),
            models.Index(
                fields=["-closed_at", "-id"], name="reviewitem_done", condition=Q(state="done")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} item {self.pk} of version {self.version_id}: {self.state}"


class ItemNote(models.Model):
    """What a moderator notes for the others; never shown to the author."""

    item = models.ForeignKey(ReviewItem, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.CharField(max_length=2000)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"note {self.pk} on item {self.item_id}"
