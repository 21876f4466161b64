"""AI summaries for programs of admins: refresh many or one, and the log of attempts."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse
from ninja import P, QueryEx, Router

from accounts.users_api import NEEDS_TOKEN, user_of
from config.api import endpoint, error_response, json_response, milliseconds
from config.bodies import flag_of, number_of, read_object, text_of
from config.errors import DomainError
from config.pagination import parse_limit, read_cursor, sign_cursor
from jobs.models import JobRun
from jobs.runs_api import operators, told_run
from traces.due import Verdict
from traces.models import SummaryError, SummaryLog, SummaryOutcome, SummaryTrigger, Trace
from traces.services import budget, refreshes
from traces.services.publishing import TraceNotFound

router = Router(tags=["summaries"])

reads = endpoint("read", operators, error_response)
writes = endpoint("write", operators, error_response)
STARTED: Final = 202
AGAIN: Final = 200


class FilterRefused(DomainError):
    code = "filter_invalid"


# --- Many -----------------------------------------------------------------------------------------


@router.post("/admin/summaries:run", summary="Refresh many summaries", openapi_extra=NEEDS_TOKEN)
@writes
def run_summaries(request: HttpRequest) -> HttpResponse:
    """Body: `scope` (`stale`, `all`, or `@` and a handle), `dryRun`, `maxTokens`. Admins only.

    A dry run counts traces, tokens and price. One run a scope: a second start answers 200 with the
    first and `created` false.
    """
    body = read_object(request)
    scope, max_tokens = text_of(body, "scope"), number_of(body, "maxTokens")
    if flag_of(body, "dryRun"):
        return json_response(_preview(scope))
    started = refreshes.start(actor=user_of(request), scope=scope, max_tokens=max_tokens)
    # Read anew: its times are the database's.
    run = JobRun.objects.select_related("asked_by").get(pk=started.run.pk)
    told = {"ok": True, "created": started.created, "run": told_run(run)}
    return json_response(told, status=STARTED if started.created else AGAIN)


def _preview(scope: str) -> dict[str, Any]:
    found = refreshes.preview(scope)
    standing = budget.standing(budget.today(), None, budget.site_cap(budget.read_settings()))
    return {
        "ok": True,
        "dryRun": True,
        "scope": found.scope,
        "traces": found.traces,
        "expectedTokens": found.tokens,
        # Millionths of a dollar.
        "expectedMicros": found.micros,
        "leftAlone": {str(verdict): n for verdict, n in found.others.items()},
        "today": {
            "spentTokens": standing.spent.tokens,
            "reservedTokens": standing.reserved.tokens,
            "capTokens": standing.cap.tokens,
            "spentMicros": standing.spent.micros,
            "reservedMicros": standing.reserved.micros,
            "capMicros": standing.cap.micros,
        },
    }


# --- One ------------------------------------------------------------------------------------------


@router.post(
    "/admin/summaries/{trace_id}:refresh", summary="Refresh a summary", openapi_extra=NEEDS_TOKEN
)
@writes
def refresh_summary(request: HttpRequest, trace_id: str) -> HttpResponse:
    """Queue the summary of a trace; `queued` is false where it is fresh or being written.

    Admins only. Where a switch is off it is refused, and the body says which.
    """
    trace = Trace.objects.filter(public_id=trace_id).first()
    if trace is None:
        raise TraceNotFound
    verdict = refreshes.ask(trace=trace, actor=user_of(request), trigger=SummaryTrigger.STAFF)
    queued = verdict == Verdict.DUE
    return json_response({"ok": True, "queued": queued, "verdict": verdict})


# --- The log --------------------------------------------------------------------------------------

Outcome = QueryEx[str, P(description="Such as `stored` or `failed`")]
ErrorClass = QueryEx[str, P(description="Such as `timeout`")]
AskedBy = QueryEx[str, P(description="Such as `sweep` or `author`")]
OfTrace = QueryEx[str, P(description="A trace's own id")]


@router.get("/admin/summaries/logs", summary="Attempts at summaries", openapi_extra=NEEDS_TOKEN)
@reads
def list_logs(
    request: HttpRequest,  # noqa: ARG001
    *,
    outcome: Outcome = "",
    error: ErrorClass = "",
    trigger: AskedBy = "",
    trace: OfTrace = "",
    limit: str = "",
    cursor: str = "",
) -> HttpResponse:
    """Newest first, with cost and cause; nothing of what was sent or answered. Admins only."""
    told = {
        "outcome": _one_of(SummaryOutcome, outcome, "outcome"),
        "error": _one_of(SummaryError, error, "error"),
        "trigger": _one_of(SummaryTrigger, trigger, "trigger"),
    }
    wanted = {name: value for name, value in told.items() if value}
    size = parse_limit(limit)
    listing = f"summary-logs:{outcome}:{error}:{trigger}:{trace}"
    rows = SummaryLog.objects.filter(**wanted)
    if trace:
        # Looked up inside the statement; an id of nothing finds nothing.
        rows = rows.filter(trace=Trace.objects.filter(public_id=trace[:64]).values("pk")[:1])
    if cursor:
        (after,) = read_cursor(listing, cursor, int)
        rows = rows.filter(pk__lt=after)
    found = list(rows.newest_with_names()[: size + 1])
    more = len(found) > size
    return json_response(
        {
            "items": [_told_log(log) for log in found[:size]],
            "nextCursor": sign_cursor(listing, found[size - 1].pk) if more else None,
        }
    )


def _one_of(choices: type[TextChoices], text: str, name: str) -> str:
    if text and text not in choices.values:
        raise FilterRefused(f"{name} is one of {', '.join(choices.values)}.", field=name)
    return text


def _told_log(log: SummaryLog) -> dict[str, Any]:
    finished_at = log.finished_at
    return {
        "id": str(log.pk),
        "traceId": log.trace.public_id if log.trace else None,
        "namespace": log.namespace.handle if log.namespace else None,
        "runId": str(log.run_id) if log.run_id else None,
        "by": log.asked_by.handle if log.asked_by else None,
        "trigger": log.trigger,
        "attempt": log.attempt,
        "messageCount": log.message_count,
        "outcome": log.outcome,
        "error": log.error or None,
        "httpStatus": log.http_status,
        "providerCode": log.provider_code or None,
        "requestId": log.request_id or None,
        "model": log.model,
        "promptVersion": log.prompt_version,
        "redactions": log.redactions,
        "reservedTokens": log.reserved_tokens,
        "inputTokens": log.input_tokens,
        "outputTokens": log.output_tokens,
        "hasUsage": log.has_usage,
        "chargedTokens": log.charged_tokens,
        "costMicros": log.cost_micros,
        "latencyMs": log.latency_ms,
        "startedAt": milliseconds(log.started_at),
        "finishedAt": None if finished_at is None else milliseconds(finished_at),
    }
