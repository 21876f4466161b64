"""Leaderboards: dated snapshots, replaced whole and never changed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from skills.models.skill import Skill
from skills.querysets import LeaderboardQuerySet


class Board(models.TextChoices):
    TRENDING = "trending", "Trending"
    RISING = "rising", "Rising"
    ALL_TIME = "all-time", "All time"


class Window(models.TextChoices):
    DAY = "24h", "24 hours"
    WEEK = "7d", "7 days"
    MONTH = "30d", "30 days"
    EVER = "ever", "All time"


class Leaderboard(models.Model):
    """A snapshot of one board: up to 200 ranks, of all public skills or without suspicious ones."""

    board = models.CharField(max_length=8, choices=Board)
    window = models.CharField(max_length=4, choices=Window)
    with_suspicious = models.BooleanField()

    built_at = models.DateTimeField(db_default=Now())
    # Events up to here are in its numbers.
    counted_until = models.DateTimeField(null=True)
    # The snapshot its movement is measured against.
    compared_with = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    entry_count = models.PositiveSmallIntegerField()
    # Suspicious skills on the board of all: what the board without them leaves out.
    suspicious_count = models.PositiveSmallIntegerField(default=0)
    # Of the first rank: what the bars of all others are drawn against.
    top_downloads = models.BigIntegerField(default=0, db_default=0)
    # Of every skill in the window, whether it is on the board or not.
    window_downloads = models.BigIntegerField(default=0, db_default=0)

    objects = LeaderboardQuerySet.as_manager()

    class Meta:
        indexes = [
            # The newest snapshot of a board, the one nearest to a moment, those to prune.
            models.Index(
                fields=["board", "window", "with_suspicious", "-built_at"],
                name="leaderboard_newest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.board} {self.window} of {self.built_at}"


class LeaderboardEntry(models.Model):
    """One rank of a snapshot."""

    pk = models.CompositePrimaryKey("leaderboard_id", "rank")
    leaderboard = models.ForeignKey(
        Leaderboard, on_delete=models.CASCADE, related_name="entries", db_index=False
    )
    rank = models.PositiveSmallIntegerField()
    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    # None: it was not on the board then.
    previous_rank = models.PositiveSmallIntegerField(null=True)
    # In the window.
    downloads = models.BigIntegerField()
    installs = models.BigIntegerField()
    stars = models.BigIntegerField()
    # Downloads of the last 14 UTC days, oldest first, today the last.
    days = ArrayField(models.BigIntegerField())

    class Meta:
        # Where one skill stood, over time.
        indexes = [models.Index(fields=["skill", "leaderboard"], name="entry_of_skill")]

    def __str__(self) -> str:
        return f"{self.rank} of {self.leaderboard_id}: {self.skill_id}"
