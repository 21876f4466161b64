"""What stands between a trace and its summary: words that columns, pages and jobs share."""

from __future__ import annotations

from typing import Final

from django.db.models import Case, Q, TextChoices, Value, When

from accounts.models import Visibility


class SummaryGate(TextChoices):
    """What a trace's own row says; of several the one that the fewest people can overrule."""

    UNPUBLISHED = "unpublished", "Taken back"
    WITHHELD = "withheld", "Withheld by a ban"
    EXCLUDED = "excluded_by_author", "Excluded by its author"
    PRIVATE = "private", "Private"
    TRACE_OFF = "trace_off", "Off for the trace"
    STAFF_OFF = "staff_off", "Off for the trace by staff"
    NAMESPACE_OFF = "namespace_off", "Off for its namespace"
    OPEN = "open", "Open"


class SummaryState(TextChoices):
    """Where the work on a trace's summary stands."""

    IDLE = "idle", "Nothing asked"
    QUEUED = "queued", "Asked for"
    RUNNING = "running", "Being written"
    RETRYING = "retrying", "Tried again soon"
    WAITING = "waiting", "Waits for budget"
    FAILED = "failed", "Failed"


class SummaryTrigger(TextChoices):
    """Why a summary was attempted."""

    BATCH = "batch", "Upload"
    SWEEP = "sweep", "Sweep"
    AUTHOR = "author", "Author"
    STAFF = "staff", "Staff"
    RUN = "run", "Run"
    COMMAND = "command", "Command line"


class SummaryOutcome(TextChoices):
    """What became of an attempt."""

    RUNNING = "running", "Under way"
    STORED = "stored", "Stored"
    # Nothing was sent: there is nothing new, or nothing that could be summarised.
    SKIPPED = "skipped", "Skipped"
    # Nothing was sent: the budget has no room.
    DEFERRED = "deferred", "Deferred"
    # An answer came that nobody may keep any more: switched off, taken back, taken over.
    DISCARDED = "discarded", "Discarded"
    FAILED = "failed", "Failed"
    # Its worker died: charged as if it had used all that was reserved.
    LOST = "lost", "Lost"


class SummaryError(TextChoices):
    """The class of what went wrong; `traces/services/summaries.py` says what follows from it."""

    TIMEOUT = "timeout", "Timeout"
    CONNECTION = "connection", "Connection lost"
    RATE_LIMITED = "rate_limited", "Rate limited"
    SERVER_ERROR = "server_error", "Error of the model's server"
    QUOTA = "quota", "Quota used up"
    KEY_REFUSED = "key_refused", "Key refused"
    MODEL_MISSING = "model_missing", "Model not found"
    BAD_REQUEST = "bad_request", "Request refused"
    TOO_LONG = "too_long", "Text too long"
    TRUNCATED = "truncated", "Answer cut off"
    FILTERED = "filtered", "Content filter"
    REFUSED = "refused", "Model refused"
    EMPTY = "empty", "Empty answer"
    WRONG_SHAPE = "wrong_shape", "Wrong shape"
    NOT_JSON = "not_json", "Not JSON"
    UNEXPECTED = "unexpected", "Unexpected"
    WORKER_DIED = "worker_died", "Worker died"
    UNPRICED = "unpriced", "No price known"
    OVER_BUDGET = "over_budget", "Over budget"
    SWITCHED_OFF = "switched_off", "Switched off"
    TAKEN_OVER = "taken_over", "Taken over"
    NOTHING_NEW = "nothing_new", "Nothing new"
    NO_TEXT = "no_text", "No conversation"


# The row's own part of the verdict (`traces/due.py`); the database keeps it true.
GATE: Final = Case(
    When(Q(unpublished_at__isnull=False), then=Value(SummaryGate.UNPUBLISHED)),
    When(Q(is_withheld=True), then=Value(SummaryGate.WITHHELD)),
    When(Q(exclude_from_ai=True), then=Value(SummaryGate.EXCLUDED)),
    When(Q(visibility=Visibility.PRIVATE), then=Value(SummaryGate.PRIVATE)),
    When(Q(ai_summary_enabled=False), then=Value(SummaryGate.TRACE_OFF)),
    When(Q(summary_off_by_staff=True), then=Value(SummaryGate.STAFF_OFF)),
    When(Q(namespace_summarises=False), then=Value(SummaryGate.NAMESPACE_OFF)),
    default=Value(SummaryGate.OPEN),
)
IS_TIMED: Final = Q(summary_gate=SummaryGate.OPEN, summary_due_at__isnull=False)
"""The rows that the sweep looks through: its index holds no others."""
# Of those that nothing forbids: a switch goes before what the work came to.
IS_WAITING: Final = Q(summary_gate=SummaryGate.OPEN, summary_state=SummaryState.WAITING)
IS_FAILED: Final = Q(summary_gate=SummaryGate.OPEN, summary_state=SummaryState.FAILED)
IS_OFF: Final = Q(
    summary_gate__in=[
        SummaryGate.EXCLUDED,
        SummaryGate.TRACE_OFF,
        SummaryGate.STAFF_OFF,
        SummaryGate.NAMESPACE_OFF,
    ]
)
"""Somebody turned it off; private traces and those taken back are their members' own matter."""
