"""A message of a trace, as the client sent it and redaction left it."""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Left, Lower, Now

from config.derived import DerivedModel
from traces.models.trace import EXTERNAL_ID_LENGTH, Trace
from traces.querysets import MessageQuerySet

HASH_LENGTH: Final = 16
SEARCHED_LENGTH: Final = 4_000


class Kind(models.TextChoices):
    """What a message is to its reader; a message of several parts is its weightiest part."""

    USER = "user", "User"
    WRAPPER = "wrapper", "Added by the agent"
    ASSISTANT = "assistant", "Assistant"
    THINKING = "thinking", "Thinking"
    TOOL_CALL = "tool_call", "Tool call"
    TOOL_RESULT = "tool_result", "Tool result"
    TOOL_ERROR = "tool_error", "Failed tool result"
    ERROR = "error", "Error"
    OTHER = "other", "Other"


class Message(DerivedModel):
    """One message; unique by its client's id within a generation of its trace."""

    trace = models.ForeignKey(
        Trace, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    generation = models.PositiveIntegerField()
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH, db_collation="C")

    position = models.IntegerField()
    role = models.CharField(max_length=32)
    kind = models.CharField(max_length=12, choices=Kind, db_collation="C")
    tool = models.CharField(max_length=128, blank=True)
    model = models.CharField(max_length=128, blank=True)
    # None is no text, which the client tells apart from an empty one.
    text = models.TextField(null=True)  # noqa: DJ001
    parts = models.JSONField()
    # What was taken out: rule, place and how often; never the secret.
    redactions = models.JSONField(default=list)
    # When the client first said it happened; a repeated upload carries another time.
    sent_at = models.DateTimeField()

    # Of the message as it was received, and of the redactor's version.
    content_hash = models.BinaryField(max_length=HASH_LENGTH)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "trace", "generation", "external_id", name="message_once_per_trace"
            ),
        ]
        indexes = [
            # A trace from top to bottom, from any message on.
            models.Index(fields=["trace", "generation", "position", "id"], name="message_in_order"),
            # The same for the readers of one kind: the person's turns, the errors.
            models.Index(
                fields=["trace", "generation", "kind", "position", "id"], name="message_of_kind"
            ),
            # Where something was taken out: what its author checks before opening a trace.
            models.Index(
                fields=["trace", "generation", "position", "id"],
                name="message_redacted",
                condition=~Q(redactions=[]),
            ),
            # What one tool did, however its agent spells its name.
            models.Index(
                "trace",
                "generation",
                Lower("tool"),
                "kind",
                "position",
                "id",
                name="message_of_tool",
                condition=~Q(tool=""),
            ),
            # What people asked for, by its words.
            GinIndex(
                SearchVector(Left("text", SEARCHED_LENGTH), config="english"),
                name="message_by_words",
                condition=Q(kind=Kind.USER),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} of trace {self.trace_id}"
