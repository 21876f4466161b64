"""What summaries cost and may cost, and the record of every attempt at one."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Namespace
from traces.models.trace import Trace
from traces.querysets import SummaryLogQuerySet
from traces.summary_state import SummaryError, SummaryOutcome, SummaryTrigger

MODEL_LENGTH: Final = 100
DETAIL_LENGTH: Final = 300


class SummarySettings(models.Model):
    """What admins set for the whole site, and what stops every summary. One row, id 1.

    Money is in millionths of a US dollar.
    """

    is_enabled = models.BooleanField(default=True)
    daily_token_cap = models.PositiveBigIntegerField(default=1_200_000)
    daily_micro_cap = models.PositiveBigIntegerField(default=2_000_000)
    # After an error that the next call would meet, too: nothing is sent before this moment.
    circuit_until = models.DateTimeField(null=True)
    circuit_reason = models.CharField(max_length=DETAIL_LENGTH, blank=True)
    # How many traces had which verdict when they were last counted.
    coverage = models.JSONField(default=dict)
    covered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="summarysettings_one_row", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "settings of AI summaries"


class SummaryBudget(models.Model):
    """What one UTC day has cost the site (`namespace` NULL) or a namespace, and what is reserved.

    `traces/services/budget.py` is its only writer: it reserves before a call and settles after.
    """

    day = models.DateField()
    namespace = models.ForeignKey(
        Namespace, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    spent_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    reserved_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    spent_micros = models.PositiveBigIntegerField(default=0, db_default=0)
    reserved_micros = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "namespace", "day", name="summarybudget_once_per_day", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} of {self.namespace_id or 'the site'}"


class SummaryLog(models.Model):
    """One attempt at a summary: why, with what, what it cost, how it ended.

    While it is under way it is the reservation of its budget, too. Holds nothing of the prompt and
    nothing of the answer.
    """

    trace = models.ForeignKey(
        Trace, null=True, on_delete=models.SET_NULL, related_name="summary_logs", db_index=False
    )
    namespace = models.ForeignKey(
        Namespace, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    run = models.ForeignKey(
        "jobs.JobRun", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    # Whose wish it was, where somebody asked.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    trigger = models.CharField(max_length=8, choices=SummaryTrigger)
    attempt = models.PositiveSmallIntegerField(default=1)
    generation = models.PositiveIntegerField()
    # How many messages the trace had when its text was read.
    message_count = models.PositiveIntegerField()
    token = models.UUIDField(null=True)

    model = models.CharField(max_length=MODEL_LENGTH, blank=True)
    prompt_version = models.PositiveSmallIntegerField(default=0)
    redactions = models.PositiveIntegerField(default=0)

    # The budget's day, what was set aside, and the moment from which it counts as spent.
    day = models.DateField()
    reserved_tokens = models.PositiveIntegerField(default=0)
    reserved_micros = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)

    outcome = models.CharField(
        max_length=9, choices=SummaryOutcome, default=SummaryOutcome.RUNNING, db_collation="C"
    )
    error = models.CharField(max_length=14, choices=SummaryError, blank=True, db_collation="C")
    http_status = models.PositiveSmallIntegerField(null=True)
    # The provider's own code and the id under which it knows the call.
    provider_code = models.CharField(max_length=60, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    # False: the answer told no usage, so what was reserved is charged. The sums of a day's charges
    # are what its budget says is spent.
    has_usage = models.BooleanField(default=False)
    charged_tokens = models.PositiveIntegerField(default=0)
    cost_micros = models.PositiveBigIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(default=0)

    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = SummaryLogQuerySet.as_manager()

    class Meta:
        indexes = [
            # The attempts at one trace, newest first.
            models.Index(fields=["trace", "-id"], name="summarylog_of_trace"),
            # The log page by outcome, and by class of error.
            models.Index(fields=["outcome", "-id"], name="summarylog_by_outcome"),
            models.Index(
                fields=["error", "-id"], name="summarylog_by_error", condition=~Q(error="")
            ),
            models.Index(fields=["run", "-id"], name="summarylog_of_run"),
            # The same page by what led to an attempt, and by namespace.
            models.Index(fields=["trigger", "-id"], name="summarylog_by_trigger"),
            models.Index(fields=["namespace", "-id"], name="summarylog_of_namespace"),
            # Reservations nobody settled.
            models.Index(
                fields=["lease_until"],
                name="summarylog_open",
                condition=Q(outcome=SummaryOutcome.RUNNING),
            ),
            # The failures of the last day, and what is pruned.
            models.Index(fields=["-started_at"], name="summarylog_by_time"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.pk} at trace {self.trace_id}: {self.outcome}"
