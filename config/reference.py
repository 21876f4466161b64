"""The reference page of the JSON API, written from its OpenAPI document: no second list to keep."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from config.api import STATUS_OF_CODE
from config.ratelimit import WINDOW_SECONDS

BAD_REQUEST: Final = 400
# What a reader should know of each code; `STATUS_OF_CODE` gives the status.
MEANING_OF_CODE: Final = {
    "token_missing": "This call needs a token.",
    "token_invalid": "The token is not known here, or the header is not “Bearer <token>”.",
    "token_revoked": "The token was revoked; make a new one.",
    "token_expired": "The token's time is over; make a new one.",
    "account_banned": "The account behind the token is banned; the body says why.",
    "account_deleted": "The account behind the token was deleted by its owner.",
    "scope_missing": "The token lacks the right for this call.",
    "second_factor_required": "Staff need a second factor first.",
    "role_refused": "This role is not yours to give; the body says why.",
    "ban_refused": "You cannot ban or unban this person; the body says why.",
    "not_owner": "Only its owner and moderators may do this.",
    "own_skill": "It is your own skill; another moderator decides.",
    "not_allowed": "Your role does not allow this; the body says why.",
    "hidden": "The skill is hidden while moderators review it.",
    "malicious": "A scan found malware; nothing is handed out.",
    "skill_not_found": "No skill of this name is visible to you.",
    "person_not_found": "Nobody has this handle or id.",
    "version_not_found": "The skill has no such version or tag.",
    "file_not_found": "The version has no file of this path.",
    "board_not_found": "There is no board of this name.",
    "report_not_found": "There is no such report.",
    "scan_not_found": "There is no such scan that you may see.",
    "item_not_found": "There is no such item in the queue.",
    "run_not_found": "There is no run of this number.",
    "trace_not_found": "There is no such trace.",
    "transfer_not_found": "No transfer of this skill is pending.",
    "not_found": "There is no such call.",
    "AMBIGUOUS_SKILL_SLUG": "Several owners use this name; the JSON body lists them.",
    "not_banned": "The person is not banned.",
    "handle_taken": "Somebody has this name.",
    "too_many_namespaces": "You are in as many organisations as can be.",
    "version_exists": "This version was published with other files.",
    "version_withdrawn": "Withdrawn; a version is published only once.",
    "too_many_reports": "You have as many open reports as one person may have.",
    "too_many_tickets": "As many files announced as one person may have.",
    "rescan_refused": "Scanned a moment ago; the body says when to ask again.",
    "summary_refused": "No summary is written; the body says why.",
    "scan_unfinished": "The scan is not finished; ask again later.",
    "claimed": "Another moderator has the item.",
    "decided": "The item is decided already; the body says how.",
    "item_changed": "The item changed since that revision; look again.",
    "request_key_used": "Each decision needs a key of its own.",
    "scan_upload_gone": "Only published versions are scanned here, no folders.",
    "deleted": "You deleted this skill; you can bring it back.",
    "removed": "A moderator removed the skill.",
    "withdrawn": "The version was withdrawn.",
    "preview_too_large": "Too large for a preview; fetch it without.",
    "body_too_large": "The body is too large.",
    "upload_too_large": "More bytes than the file was announced with.",
    "telemetry_too_large": "The report names too many skills or folders.",
    "content_type_unsupported": "A version is sent as a form or as JSON.",
    "preview_not_text": "The file is no UTF-8 text; fetch it without preview.",
    "rate_limited": "Too many requests; wait.",
    "search_too_slow": "Stopped after two seconds; ask for less.",
}
KIND_OF_LIMIT: Final = {
    "read": "Reading",
    "write": "Publishing and changing",
    "download": "Downloads",
    "upload": "Traces, batches and files of skills",
    "message": "Single messages",
    "login": "Signing in",
}
# Groups in the order of the page.
TITLE_OF_TAG: Final = {
    "skills": "Skills",
    "boards": "Boards",
    "accounts": "Your account",
    "people": "People",
    "moderation": "Reports and moderation",
    "summaries": "AI summaries",
}
# Said once for the parameters that many calls share and the document leaves without a text.
MEANING_OF_PARAMETER: Final = {
    "slug": "The skill's name; `@owner/name` is read, too",
    "owner": "The owner's name, where several owners use one slug",
    "ownerHandle": "The same as `owner`",
    "version": "Such as `1.0.0`; the latest one without it",
    "tag": "Such as `latest`",
    "path": "A file's path in the version",
    "board": "`trending`, `rising` or `all-time`",
    "category": "Only skills of this category",
    "topic": "Only skills with this topic",
    "q": "What to look for",
    "report_id": "The report's number, `reportId` in the list",
    "item_id": "The item's number, as its page's address has it",
    "scan_id": "The scan's number, `scanId`",
    "run_id": "The run's number",
    "trace_id": "The trace's own id",
    "name": "The skill's name; `owner/name` is read, too",
    "key": "The ticket, as `uploadUrl` has it",
    "action": "`accept`, `reject` or `cancel`",
    "direction": "`incoming` or `outgoing`",
    "limit": "1 to 200, 25 by default",
    "cursor": "`nextCursor` of the page before",
    "hash": "A fingerprint: 64 hexadecimal characters",
    "preview": "`1`: as text, if it is small enough",
    "nonSuspiciousOnly": "`true` leaves out what is under review or needs caution",
    "nonSuspicious": "The same as `nonSuspiciousOnly`",
    "highlightedOnly": "`true`: only skills that staff highlighted",
}
# Said once for all calls, like the parts of addresses: whose skill a call names.
OF_EVERY_SKILL: Final = frozenset({"owner", "ownerHandle"})
# What the example calls put in; a query parameter not named here is left out of them.
EXAMPLES: Final = {
    "path": {
        "slug": "pdf-tools",
        "version": "1.0.0",
        "board": "trending",
        "report_id": "7",
        "scan_id": "7",
        "run_id": "7",
        "trace_id": "4Vf0o2bYw1cQ7kXz9mNpRs",
        "item_id": "7",
        "name": "pdf-tools",
        "key": "…",
        "tag": "stable",
        "action": "accept",
        "direction": "incoming",
    },
    "query": {"slug": "pdf-tools", "q": "pdf", "path": "SKILL.md", "hash": "…"},
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a call, as the table shows it."""

    name: str
    place: str
    is_required: bool
    meaning: SafeString


@dataclass(frozen=True)
class Operation:
    """One call."""

    method: str
    path: str
    summary: str
    text: SafeString
    needs_token: bool
    parameters: list[Parameter]
    example: SafeString


@dataclass(frozen=True)
class Reference:
    """Everything the page says."""

    description: str
    shared: list[Parameter]
    groups: dict[str, list[Operation]]
    errors: list[tuple[int, str, str]]
    limits: list[tuple[str, int, int, int]]


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show every call with its parameters, an example, the errors and the limits."""
    context = {"api": read_reference(), "base": settings.SITE_URL, "window": WINDOW_SECONDS}
    return render(request, "public/api_reference.html", context)


@functools.cache
def read_reference() -> Reference:
    """Read the OpenAPI document; once in a process, because routes do not change under it."""
    from config.urls import api

    document: dict[str, Any] = api.get_openapi_schema()
    groups: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, said in operations.items():
            tag = said.get("tags", ["other"])[0]
            title = TITLE_OF_TAG.get(tag, tag.capitalize())
            groups.setdefault(title, []).append(_operation(method, path, said))
    order = list(TITLE_OF_TAG.values())
    ranked = dict(sorted(groups.items(), key=lambda group: [*order, group[0]].index(group[0])))
    told = document["info"]["description"]
    return Reference(told, _shared(document), ranked, _errors(), _limits())


def _operation(method: str, path: str, said: dict[str, Any]) -> Operation:
    parameters = [_parameter(parameter) for parameter in said.get("parameters", [])]
    needs_token = "security" in said
    return Operation(
        method=method.upper(),
        path=path,
        summary=said.get("summary", ""),
        text=with_code(said.get("description", "")),
        needs_token=needs_token,
        parameters=[parameter for parameter in parameters if not _is_shared(parameter)],
        example=_example(method.upper(), path, parameters, needs_token=needs_token),
    )


def _is_shared(parameter: Parameter) -> bool:
    return parameter.place == "path" or parameter.name in OF_EVERY_SKILL


def _shared(document: dict[str, Any]) -> list[Parameter]:
    """Return the parameters that are told once, by their names."""
    calls = [call for operations in document["paths"].values() for call in operations.values()]
    found = [_parameter(said) for call in calls for said in call.get("parameters", [])]
    by_name = {parameter.name: parameter for parameter in found if _is_shared(parameter)}
    return [by_name[name] for name in sorted(by_name)]


def _parameter(said: dict[str, Any]) -> Parameter:
    schema = said.get("schema", {})
    return Parameter(
        name=said["name"],
        place=said["in"],
        is_required=said.get("required", False),
        meaning=with_code(
            said.get("description")
            or schema.get("description")
            or MEANING_OF_PARAMETER.get(said["name"], "")
        ),
    )


def with_code(text: str) -> SafeString:
    """Return escaped HTML in which `words` between backticks are code."""
    parts = enumerate(map(_escape, text.split("`")))
    return SafeString("".join(f"<code>{part}</code>" if n % 2 else part for n, part in parts))


def _escape(text: str) -> SafeString:
    """Escape a text that stands between tags: quotation marks mean nothing there."""
    return SafeString(escape(text, quote=False))


def _example(
    method: str, path: str, parameters: list[Parameter], *, needs_token: bool
) -> SafeString:
    """Write a call for the shell."""
    query = []
    for parameter in parameters:
        value = EXAMPLES.get(parameter.place, {}).get(parameter.name)
        if value and parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", value)
        elif value:
            query.append(f"{parameter.name}={value}")
    words = ["curl"]
    if method != "GET":
        words.append(f"-X {method}")
    if path.endswith("/download"):
        words.append("-OJ")
    if needs_token:
        words.append('-H "Authorization: Bearer $TOKEN"')
    address = settings.SITE_URL + path + ("?" + "&".join(query) if query else "")
    # A shell reads "?" and "&" as its own; other addresses need no quotes.
    return _escape(" ".join([*words, f"'{address}'" if query else address]))


def _errors() -> list[tuple[int, str, str]]:
    named = [(STATUS_OF_CODE[code], code, _escape(text)) for code, text in MEANING_OF_CODE.items()]
    return sorted(
        [
            *named,
            (BAD_REQUEST, "any other", "A parameter is wrong; the body says which and why."),
        ]
    )


def _limits() -> list[tuple[str, int, int, int]]:
    limits = settings.RATE_LIMITS
    return [(title, *limits[kind]) for kind, title in KIND_OF_LIMIT.items()]
