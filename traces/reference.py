"""`/api/docs/traces/`: the calls below `/v1/`, as their one description here says them.

A test compares it with the addresses, so that no call is missing and none is made up.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Scope
from config.reference import with_code

NOBODY: Final = ""
ANY_KEY: Final = "any key or session"
SESSION: Final = "a session"
READS: Final = f"`{Scope.TRACES_READ}`"
WRITES: Final = f"`{Scope.TRACES_WRITE}`"


class Call(NamedTuple):
    """One call: who may make it, what it is given, and what `data` of its answer holds."""

    method: str
    path: str
    needs: str
    summary: str
    given: str
    answer: str


GROUPS: Final[dict[str, tuple[Call, ...]]] = {
    "Traces": (
        Call("PUT", "traces/{id}", WRITES, "Share a trace, change it, or share it again",
             "`agentId`, `title`, `visibility` (`public`, `direct`, `private`), `projectPath`,"
             " `projectName`, `model`, `gitRemoteUrl`, `gitBranch`, `gitRef`, `relatedTo`,"
             " `relationshipType`. What is not named stays.", "`trace`"),
        Call("GET", "traces/{id}", READS, "Tell of one trace", "", "`trace`"),
        Call("DELETE", "traces/{id}", WRITES, "Take a trace back; its link stays its own", "",
             "`trace`: `id`, `externalId`"),
        Call("POST", "traces/{id}/transfer", WRITES, "Move a trace to another namespace of yours",
             "`targetNamespaceId`", "`trace`"),
        Call("GET", "traces/{id}/download", READS, "Fetch a trace as Markdown", "",
             "No envelope: `text/markdown`"),
    ),
    "Messages": (
        Call("POST", "traces/{id}/messages/batch", WRITES, "Store messages, new and changed ones",
             "`messages`: of each `externalId`, `role`, `order`, `timestamp`, `parts`, and if there"
             " are any `textContent` and `model`. What is known already is not written again.",
             "`messages` (`externalId`, `id`, `status`: `created`, `updated`, `unchanged`),"
             " `messageCount`"),
        Call("PUT", "traces/{id}/messages/{messageId}", WRITES, "Store one message",
             "A message without `externalId`", "As a batch of one"),
        Call("GET", "traces/{id}/messages", READS, "Read every message, from top to bottom", "",
             "`messages` with `parts`"),
    ),
    "Lists and search": (
        Call("GET", "traces", READS, "List what you share in the active namespace",
             "`limit` up to 256, `cursor`; `gitRemoteUrl`: what there is of a repository",
             "`traces`, `continueCursor`, `isDone`"),
        Call("GET", "namespaces/{slug}/traces", READS, "List the traces of a namespace",
             "`limit`, `cursor`", "`traces`, `continueCursor`, `isDone`"),
        Call("GET", "feed", NOBODY, "List public traces, newest first",
             "`agent`, `repo`, `limit`, `cursor`", "`traces`, `continueCursor`, `isDone`"),
        Call("GET", "search", NOBODY, "Find traces by their words",
             "`q`: words, “phrases”, OR, -not; `limit` up to 50", "`traces`, each with `snippet`"),
    ),
    "Namespaces": (
        Call("GET", "namespaces", ANY_KEY, "List where you can upload to", "",
             "`namespaces`: `id`, `slug`, `displayName`, `type`, `role`"),
        Call("POST", "namespaces", SESSION, "Make an organisation", "`slug`, `displayName`",
             "`namespace`, with the slug that was made of it"),
        Call("POST", "namespaces/{slug}/invites", SESSION, "Make an invite into an organisation",
             "`maxUses` (0: any number), `email` as a note", "`invite`: `code`, `expiresAt`"),
    ),
    "Signing in": (
        Call("POST", "auth/cli/start", NOBODY, "Begin a login, which a person answers on a page",
             "`deviceId`", "`state`, `verificationUrl`, `pollInterval`, `expiresIn`"),
        Call("GET", "auth/cli/status", NOBODY, "Ask how a login stands", "`state`",
             "`status`; `exchangeCode` when it is `complete`"),
        Call("POST", "auth/cli/complete", NOBODY, "Fetch the session of an approved login, once",
             "`state`, `exchangeCode`", "`session`: `token`, `userId`, `namespaceId`, …"),
        Call("GET", "session", SESSION, "Say who is signed in", "", "`user`, `activeNamespace`"),
        Call("POST", "session/switch", SESSION, "Upload to another namespace from now on", "`slug`",
             "`user`, `namespace`"),
        Call("DELETE", "session", SESSION, "Sign this command line out", "", "Nothing"),
        Call("GET", "health", NOBODY, "Say that the server answers", "", "`status`"),
    ),
}  # fmt: skip


def _shown(call: Call) -> dict[str, str]:
    """Return a call with the words between backticks as code."""
    told = {name: with_code(getattr(call, name)) for name in ("needs", "given", "answer")}
    return {"method": call.method, "path": call.path, "summary": call.summary, **told}


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show every call of the traces client."""
    context = {
        "groups": {title: [_shown(call) for call in calls] for title, calls in GROUPS.items()},
        "base": settings.SITE_URL,
        "mib_an_hour": settings.UPLOAD_MIB_AN_HOUR[0],
    }
    return render(request, "public/traces_reference.html", context)
