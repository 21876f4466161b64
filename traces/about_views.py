"""`/about/ai-summaries/`: what is sent to a model, and who decides about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from traces import due, summarizer, transcript
from traces.services import budget, refreshes
from traces.services.summaries import CIRCUIT_OPEN

MINUTE: Final = timedelta(minutes=1)


@require_safe
def summaries(request: HttpRequest) -> HttpResponse:
    """Say what a summary is made of; every number comes from the module that decides."""
    told = budget.read_settings()
    caps = budget.site_cap(told)
    context = {
        "is_on": told.is_enabled,
        "has_model": summarizer.has_model(),
        "is_demo": summarizer.is_demo(),
        "host": summarizer.host(),
        "model": settings.SUMMARY_MODEL,
        "due": due,
        "quiet": due.quiet_for(),
        "transcript": transcript,
        "summarizer": summarizer,
        "asked_every": refreshes.ASKED_EVERY,
        "circuit_minutes": CIRCUIT_OPEN // MINUTE,
        "token_cap": caps.tokens,
        "log_days": settings.SUMMARY_LOG_DAYS,
        "micro_cap": caps.micros,
    }
    return render(request, "public/about_ai_summaries.html", context)
