"""A trace: one recorded session of a coding agent, as its author shares it."""

from __future__ import annotations

import secrets
from typing import Final

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Case, F, GeneratedField, Q, When
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import HANDLE_LENGTH, Namespace, User, Visibility
from accounts.tokens import ALPHABET
from config.derived import DerivedModel
from traces.querysets import LINK_ENDS, OPEN_AT_SOME_TIME, TraceQuerySet
from traces.summary_state import (
    GATE,
    IS_FAILED,
    IS_OFF,
    IS_TIMED,
    IS_WAITING,
    SummaryGate,
    SummaryState,
)

PUBLIC_ID_LENGTH: Final = 22  # base 62 digits: 131 random bits
EXTERNAL_ID_LENGTH: Final = 255
TITLE_LENGTH: Final = 200

# What others than staff may find at all.
_PUBLISHED: Final = Q(unpublished_at__isnull=True, is_withheld=False)
_PUBLIC: Final = _PUBLISHED & Q(visibility=Visibility.PUBLIC)


class VisibilitySource(models.TextChoices):
    """Who chose the visibility that a trace has."""

    CLIENT = "client", "Command line"
    WEB = "web", "Its page"
    API = "api", "API"


class TitleSource(models.TextChoices):
    """Where the title that pages show comes from."""

    OWN = "own", "Author"
    AI = "ai", "AI"
    CLIENT = "client", "Client"


def new_public_id() -> str:
    """Return an id for links; nobody guesses the link of a trace that is shared by it alone."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PUBLIC_ID_LENGTH))


class Trace(DerivedModel):
    """A shared session. `generation` rises with every unpublish; older messages are garbage.

    The counts are of the live generation. Ingest moves them by what one statement wrote
    (`sql/upsert_messages.sql`); `derived.py` holds the rule they are checked against.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, db_collation="C"
    )
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="traces")
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="traces", db_index=False
    )
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH, db_collation="C")
    # Copies, so that a list of traces joins nothing.
    owner_handle = models.CharField(max_length=HANDLE_LENGTH, default="", editable=False)
    author_handle = models.CharField(max_length=HANDLE_LENGTH, default="", editable=False)

    agent_id = models.CharField(max_length=64)
    model = models.CharField(max_length=128, blank=True)
    client_title = models.CharField(max_length=TITLE_LENGTH)
    own_title = models.CharField(max_length=TITLE_LENGTH, blank=True)
    ai_title = models.CharField(max_length=TITLE_LENGTH, blank=True)
    # What pages and clients show: the author's title, else the AI's, else the client's.
    title = GeneratedField(
        expression=Case(
            When(~Q(own_title=""), then=F("own_title")),
            When(~Q(ai_title=""), then=F("ai_title")),
            default=F("client_title"),
        ),
        output_field=models.CharField(max_length=TITLE_LENGTH),
        db_persist=True,
    )
    project_path = models.CharField(max_length=1024, blank=True)
    project_name = models.CharField(max_length=255, blank=True)
    git_remote_url = models.CharField(max_length=1024, blank=True, db_collation="C")
    git_branch = models.CharField(max_length=255, blank=True)
    git_ref = models.CharField(max_length=255, blank=True)
    related_to = models.CharField(max_length=255, blank=True)
    relationship_type = models.CharField(max_length=64, blank=True)
    # What was taken out of the fields above: rule, place and how often; never the secret.
    redactions = models.JSONField(default=list)

    visibility = models.CharField(max_length=8, choices=Visibility)
    visibility_source = models.CharField(
        max_length=8, choices=VisibilitySource, default=VisibilitySource.CLIENT
    )
    # What its link opens is open to others until then (`visibility_now`); NULL is for ever. It
    # stays behind when the job has made the trace private: that is how it came to be so.
    link_ends_at = models.DateTimeField(null=True)
    ai_summary_enabled = models.BooleanField(default=True)
    exclude_from_ai = models.BooleanField(default=False)
    summary_off_by_staff = models.BooleanField(default=False, db_default=False)
    # A copy: neither its admins nor staff have switched the namespace off.
    namespace_summarises = models.BooleanField(default=True, db_default=True, editable=False)
    summary_gate = GeneratedField(
        expression=GATE,
        output_field=models.CharField(max_length=18, choices=SummaryGate, db_collation="C"),
        db_persist=True,
    )
    ai_summary = models.TextField(blank=True)
    summary_generated_at = models.DateTimeField(null=True)
    # What the summary covers, and what wrote it.
    summary_message_count = models.PositiveIntegerField(default=0)
    summary_model = models.CharField(max_length=100, blank=True, db_default="")
    summary_prompt_version = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The work on the next one. While it is `running`, `summary_due_at` is the end of the lease.
    summary_state = models.CharField(
        max_length=8,
        choices=SummaryState,
        default=SummaryState.IDLE,
        db_default=SummaryState.IDLE,
        db_collation="C",
    )
    # When the sweep looks at it; NULL while there is nothing to do. Set by ingest, so that most
    # batches write no indexed column.
    summary_due_at = models.DateTimeField(null=True)
    summary_token = models.UUIDField(null=True)
    summary_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    # When its author last asked for one.
    summary_asked_at = models.DateTimeField(null=True)

    generation = models.PositiveIntegerField(default=1)
    unpublished_at = models.DateTimeField(null=True)
    # Its author or the owner of its namespace is banned; what it says stays as it is.
    is_withheld = models.BooleanField(default=False, db_default=False, editable=False)
    # Messages of generations below this one are deleted already.
    purged_below = models.PositiveIntegerField(default=1)

    message_count = models.PositiveIntegerField(default=0, editable=False)
    user_count = models.PositiveIntegerField(default=0, editable=False)
    assistant_count = models.PositiveIntegerField(default=0, editable=False)
    tool_count = models.PositiveIntegerField(default=0, editable=False)
    error_count = models.PositiveIntegerField(default=0, editable=False)
    # The text of people and of the agent, as a summary would read it: what one is likely to cost.
    conversation_bytes = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # The last change of anything a reader sees; an upload that changes nothing leaves it.
    updated_at = models.DateTimeField(db_default=Now())

    objects = TraceQuerySet.as_manager()

    class Meta:
        constraints = [
            # The claim of a client's id within its owner; its index finds a trace again.
            models.UniqueConstraint("namespace", "external_id", name="trace_once_per_owner"),
        ]
        indexes = [
            # The feed: what everybody may list, newest first.
            models.Index(fields=["-id"], name="trace_feed", condition=_PUBLIC),
            # The feed of one agent, and of one repository.
            models.Index(fields=["agent_id", "-id"], name="trace_feed_of_agent", condition=_PUBLIC),
            models.Index(
                fields=["git_remote_url", "-id"],
                name="trace_feed_of_repository",
                condition=_PUBLIC & ~Q(git_remote_url=""),
            ),
            # What a namespace shares with everybody, newest first.
            models.Index(fields=["namespace", "-id"], name="trace_public_of_ns", condition=_PUBLIC),
            # All that a namespace has, newest first: its members' lists.
            models.Index(fields=["namespace", "-id"], name="trace_of_ns", condition=_PUBLISHED),
            # What one person shares in a namespace: the list their client asks for every 6 s.
            models.Index(
                fields=["created_by", "namespace", "-id"],
                name="trace_of_author",
                condition=_PUBLISHED,
            ),
            # The same two lists, of one visibility: the filter of "My traces".
            models.Index(
                fields=["created_by", "namespace", "visibility", "-id"],
                name="trace_of_author_open_to",
                condition=_PUBLISHED,
            ),
            models.Index(
                fields=["namespace", "visibility", "-id"],
                name="trace_of_ns_open_to",
                condition=_PUBLISHED,
            ),
            # What members share of one repository.
            models.Index(
                fields=["namespace", "git_remote_url", "-id"],
                name="trace_of_ns_repository",
                condition=_PUBLISHED & ~Q(git_remote_url=""),
            ),
            # What a ban withholds and gives back, and what a deleted person leaves.
            models.Index(fields=["created_by", "is_withheld", "-id"], name="trace_by_person"),
            # A client's id named by somebody who owns no such trace: the oldest that was open.
            models.Index(
                fields=["external_id", "id"],
                name="trace_by_external_id",
                condition=OPEN_AT_SOME_TIME,
            ),
            # The links that end, the next first: what the job makes private.
            models.Index(
                fields=["link_ends_at", "id"], name="trace_link_ends", condition=LINK_ENDS
            ),
            # What the purge has to do.
            models.Index(
                fields=["id"],
                name="trace_to_purge",
                condition=Q(generation__gt=F("purged_below")),
            ),
            # What the sweep looks at next.
            models.Index(
                fields=["summary_due_at", "id"], name="trace_summary_timed", condition=IS_TIMED
            ),
            # What goes on when there is budget again, and what people may have retried.
            models.Index(fields=["id"], name="trace_summary_waiting", condition=IS_WAITING),
            models.Index(fields=["id"], name="trace_summary_failed", condition=IS_FAILED),
            # Whose summaries somebody turned off, by who did: lists of staff.
            models.Index(
                fields=["summary_gate", "-id"], name="trace_summary_off", condition=IS_OFF
            ),
            # The words of titles and summaries.
            GinIndex(
                SearchVector("title", "ai_summary", config="english"),
                name="trace_by_words",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} of {self.namespace_id}"

    @property
    def is_published(self) -> bool:
        """Say what `TraceQuerySet.published` says of this row."""
        return self.unpublished_at is None and not self.is_withheld

    @property
    def link_has_ended(self) -> bool:
        """Say whether it was open to others by its link, until a moment that has passed."""
        ends_at = None if self.visibility == Visibility.PUBLIC else self.link_ends_at
        return ends_at is not None and ends_at <= timezone.now()

    @property
    def visibility_now(self) -> Visibility:
        """Return who may read it at this moment: where its link has ended, its members alone.

        Readers are judged by this, so that no job has to run for a link to end.
        """
        return Visibility.PRIVATE if self.link_has_ended else Visibility(self.visibility)
