"""The page that explains moderation; every number on it comes from the module that decides."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from moderation import categories, modlog
from moderation.models import ReportKind
from moderation.querysets.report import ACCOUNT_AGE, HIDES_AT
from moderation.scanners import Severity
from moderation.services import appeals, items, reports, scans, undo
from skills.views import WORDS

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@require_safe
def moderation(request: HttpRequest) -> HttpResponse:
    """Say what the five words mean, how skills are checked, and by which rules people decide."""
    context = {
        "words": WORDS,
        "reports": reports,
        "hides_at": HIDES_AT,
        "account_days": ACCOUNT_AGE // DAY,
        "kinds": [(kind.label, reports.MEANING[kind]) for kind in ReportKind],
        "appeal_days": appeals.APPEAL_DAYS,
        "answer_days": items.APPEAL_DUE_AFTER // DAY,
        "undo_days": undo.UNDO_DAYS,
        "rescan_minutes": scans.RESCAN_AFTER // timedelta(minutes=1),
        "critical_hours": items.DUE_AFTER[Severity.CRITICAL] // HOUR,
        "high_hours": items.DUE_AFTER[Severity.HIGH] // HOUR,
        "other_days": items.DUE_OTHERWISE // DAY,
        "actions": [(modlog.ACTIONS[action], note) for action, note in modlog.NOTES.items()],
        "categories": [(key, *told) for key, told in categories.CATEGORIES.items()],
    }
    return render(request, "public/about_moderation.html", context)
