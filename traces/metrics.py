"""What AI summaries cost, how attempts ended and how long they wait, for `/metrics`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from config.metrics import gauge, gauges, source
from jobs.metrics import age
from traces.models import SummaryLog, Trace
from traces.services import budget
from traces.summarizer import has_model

A_DAY: Final = timedelta(hours=24)


@source
def summaries() -> Iterable[GaugeMetricFamily]:
    """Tell budget, outcomes, circuit and the oldest due trace: four statements."""
    now = timezone.now()
    told = budget.read_settings()
    standing = budget.standing(budget.today(), None, budget.site_cap(told))
    spent, reserved, cap = standing.spent, standing.reserved, standing.cap
    yield _today("summary_tokens_today", "Tokens", spent.tokens, reserved.tokens, cap.tokens)
    yield _today(
        "summary_micro_dollars_today", "Micro-dollars", spent.micros, reserved.micros, cap.micros
    )
    recent = SummaryLog.objects.filter(started_at__gt=now - A_DAY).order_by()
    counted = recent.values_list("outcome", "error").annotate(Count("pk"))
    yield gauges(
        "summary_attempts_24h",
        "Attempts of the last 24 hours, by how they ended and the class of error.",
        ("outcome", "error"),
        {(outcome, error): attempts for outcome, error, attempts in counted},
    )
    is_on = told.is_enabled and has_model()
    yield gauge("summary_enabled", "1 where a model is configured and summaries are on.", is_on)
    until = told.circuit_until
    yield gauge(
        "summary_circuit_open",
        "1 while nothing is sent, after an error that the next call would meet, too.",
        until is not None and until > now,
    )
    due = Trace.objects.summary_timed().values_list("summary_due_at", flat=True)
    yield gauge(
        "summary_oldest_due_seconds",
        "How long the trace that is due longest has waited; 0 where none is, or where it is off.",
        age(due.first() if is_on else None, now),
    )


def _today(name: str, unit: str, spent: int, reserved: int, cap: int | None) -> GaugeMetricFamily:
    meaning = f"{unit} of this UTC day: spent, reserved by calls under way, and the cap."
    values: dict[tuple[str, ...], float] = {
        ("spent",): spent,
        ("reserved",): reserved,
        ("cap",): cap or 0,
    }
    return gauges(name, meaning, ("kind",), values)
