"""The jobs of traces, as `jobs.schedules` names them. Each is bounded, resumable, safe twice."""

from __future__ import annotations

from typing import Any

from jobs.progress import Progress
from traces.services.publishing import purge_generations


def purge_messages(progress: Progress) -> dict[str, Any]:
    """Delete the messages of traces that were taken back."""
    for _trace, gone in purge_generations():
        progress.advance(gone)
    return {"messages": progress.run.done}
