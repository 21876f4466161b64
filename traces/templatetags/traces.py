"""`{% load traces %}`: what pages of the skills app show of traces, which it knows not.

Neither app imports the other; a template may know both.
"""

from __future__ import annotations

from typing import Any, Final

from django import template

from accounts.models import Namespace
from traces.feed_views import row_of
from traces.models import Trace

SHOWN: Final = 6

register = template.Library()


@register.simple_tag
def public_traces(owner: Namespace) -> list[dict[str, Any]]:
    """Return the newest public traces of a namespace: one statement."""
    found = Trace.objects.public().filter(namespace=owner).newest_first().without_texts()
    return [row_of(trace) for trace in found[:SHOWN]]
