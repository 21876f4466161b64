"""Pages about the site that explain what the skills app decides."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from skills.skill_stats import DEFINITIONS
from skills.views import WORDS


@require_safe
def moderation(request: HttpRequest) -> HttpResponse:
    """Say what the five words mean and how skills are checked today."""
    return render(request, "public/about_moderation.html", {"words": WORDS})


@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """Say what each number means, when it is counted, and what is kept to count it."""
    definitions = list(DEFINITIONS.items())
    return render(request, "public/about_counts.html", {"definitions": definitions})
