"""Runs of jobs for programs of admins: how one stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.policy import Verb
from accounts.users_api import NEEDS_TOKEN, allowed
from config.api import endpoint, error_response, json_response, milliseconds
from config.errors import DomainError
from jobs.models import JobRun
from jobs.words import headline

router = Router(tags=["summaries"])

operators = allowed(Verb.OPERATE, "Only admins may do this, with a token that administers.")


class RunMissing(DomainError):
    code = "run_not_found"

    def __init__(self) -> None:
        super().__init__("There is no run of this number; old ones are deleted.")


@router.get("/admin/runs/{int:run_id}", summary="One run of a job", openapi_extra=NEEDS_TOKEN)
@endpoint("read", operators, error_response)
def get_run(request: HttpRequest, run_id: int) -> HttpResponse:  # noqa: ARG001
    """How a run stands: `state`, `done` of `total`, what it did, and its error. Admins only."""
    run = JobRun.objects.select_related("asked_by").filter(pk=run_id).first()
    if run is None:
        raise RunMissing
    return json_response(told_run(run))


def told_run(run: JobRun) -> dict[str, Any]:
    """Return a run as answers hold it; times are milliseconds."""
    return {
        "id": str(run.pk),
        "job": run.kind,
        "scope": run.scope,
        "options": run.options,
        "trigger": run.trigger,
        "by": run.asked_by.handle if run.asked_by else None,
        "state": run.state,
        "wish": run.wish or None,
        "done": run.done,
        "total": run.total,
        "result": run.result,
        "error": headline(run.error) or None,
        "createdAt": milliseconds(run.created_at),
        "startedAt": _moment(run.started_at),
        "heartbeatAt": _moment(run.heartbeat_at),
        "finishedAt": _moment(run.finished_at),
    }


def _moment(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)
