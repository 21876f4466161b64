"""The reasons that moderators pick from, and what authors then read."""

from __future__ import annotations

from django.db import models

from moderation.models.decision import Action


class ReasonTemplate(models.Model):
    """A reason with a text of its own; admins edit them.

    In the text `{skill} {version} {file} {line} {rule}` are filled in and nothing else.
    """

    key = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=80)
    # The class of findings it fits; "" for any.
    attack_class = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=2000)
    default_action = models.CharField(max_length=16, choices=Action, default=Action.CHANGES)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.title
