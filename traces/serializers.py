"""Traces and messages as the contract's answers hold them; times are milliseconds."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings

from config.api import milliseconds
from traces.models import TitleSource, Trace


def title_source(trace: Trace) -> str:
    """Return where the title that pages show comes from."""
    if trace.own_title:
        return TitleSource.OWN
    return TitleSource.AI if trace.ai_title else TitleSource.CLIENT


def shared_url(trace: Trace) -> str:
    """Return the link of a trace; it outlives unpublishing and moving."""
    return f"{settings.SITE_URL}/s/{trace.public_id}"


def trace_data(trace: Trace) -> dict[str, Any]:
    """Return a trace as lists tell it; the author stands in both of the client's spellings."""
    author = {"id": str(trace.created_by_id or ""), "slug": trace.author_handle}
    named = {
        "projectPath": trace.project_path,
        "projectName": trace.project_name,
        "model": trace.model,
        "gitRemoteUrl": trace.git_remote_url,
        "gitBranch": trace.git_branch,
        "gitRef": trace.git_ref,
        "relatedTo": trace.related_to,
        "relationshipType": trace.relationship_type,
        "userTitle": trace.own_title,
        "aiTitle": trace.ai_title,
    }
    return {
        "id": trace.public_id,
        "externalId": trace.external_id,
        "agentId": trace.agent_id,
        "title": trace.title,
        "clientTitle": trace.client_title,
        "titleSource": title_source(trace),
        "visibility": trace.visibility_now.value,
        "messageCount": trace.message_count,
        "createdAt": milliseconds(trace.created_at),
        "updatedAt": milliseconds(trace.updated_at),
        "namespace": {"id": str(trace.namespace_id), "slug": trace.owner_handle},
        "author": author,
        "createdBy": author["id"],
        "userSlug": author["slug"],
        "sharedUrl": shared_url(trace),
        **{name: value for name, value in named.items() if value},
    }


def trace_detail(trace: Trace) -> dict[str, Any]:
    """Return a trace as a call for this one tells it."""
    generated_at = trace.summary_generated_at
    summary_at = None if generated_at is None else milliseconds(generated_at)
    return {
        **trace_data(trace),
        "aiSummary": trace.ai_summary or None,
        "aiSummaryAt": summary_at,
        "summaryGeneratedAt": summary_at,
        "summaryMessageCount": trace.summary_message_count,
        "aiSummaryEnabled": trace.ai_summary_enabled,
        "excludeFromAiProcessing": trace.exclude_from_ai,
        "counts": {
            "user": trace.user_count,
            "assistant": trace.assistant_count,
            "tool": trace.tool_count,
            "error": trace.error_count,
        },
    }


# What `message_json` reads of a row; `parts` comes as the database's text and is not parsed.
MESSAGE_COLUMNS = ("external_id", "role", "text", "model", "position", "sent_at", "parts_json")


def message_json(row: tuple[Any, ...]) -> bytes:
    """Return one message, made of `MESSAGE_COLUMNS`."""
    external_id, role, text, model, position, sent_at, parts = row
    data = {
        "externalId": external_id,
        "role": role,
        "order": position,
        "timestamp": milliseconds(sent_at),
        "parts": orjson.Fragment(parts),
    }
    if text is not None:
        data["textContent"] = text
    if model:
        data["model"] = model
    return orjson.dumps(data)
