"""What a client says of a trace: read, bounded, redacted; no database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from accounts.models import Visibility
from config.errors import DomainError
from traces import redaction
from traces.models.trace import EXTERNAL_ID_LENGTH, TITLE_LENGTH
from traces.wrappers import title_from

UNTITLED: Final = "(No preview)"
# The client's name of a field, ours, and how long it may be; what is longer is cut.
_FIELDS: Final = {
    "agentId": ("agent_id", 64),
    "projectPath": ("project_path", 1024),
    "projectName": ("project_name", 255),
    "model": ("model", 128),
    "gitRemoteUrl": ("git_remote_url", 1024),
    "gitBranch": ("git_branch", 255),
    "gitRef": ("git_ref", 255),
    "relatedTo": ("related_to", 255),
    "relationshipType": ("relationship_type", 64),
}
MAX_RECEIVED: Final = 20_000


@dataclass(frozen=True)
class Upload:
    """What a client says of a trace; None where it says nothing, and what is stored stays."""

    visibility: str = Visibility.DIRECT
    agent_id: str | None = None
    client_title: str | None = None
    project_path: str | None = None
    project_name: str | None = None
    model: str | None = None
    git_remote_url: str | None = None
    git_branch: str | None = None
    git_ref: str | None = None
    related_to: str | None = None
    relationship_type: str | None = None
    # Of those fields alone; `traces.redaction` made them.
    redactions: tuple[tuple[str, str, int], ...] = ()

    def columns(self) -> dict[str, Any]:
        """Return the columns it names."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        del named["visibility"], named["redactions"]
        return {name: value for name, value in named.items() if value is not None}


class TraceInvalid(DomainError):
    code = "trace_invalid"


def read_upload(external_id: str, body: Any) -> Upload:
    """Return what the body of a trace says. Raises `TraceInvalid`."""
    if not isinstance(body, dict):
        raise TraceInvalid("Send an object.")
    if not 0 < len(external_id) <= EXTERNAL_ID_LENGTH:
        raise TraceInvalid(
            f"A trace's id has at most {EXTERNAL_ID_LENGTH} characters.", field="externalId"
        )
    asked = body.get("visibility", Visibility.DIRECT)
    if asked not in Visibility.values:
        raise TraceInvalid(
            f"visibility is one of {', '.join(Visibility.values)}.", field="visibility"
        )
    named: dict[str, Any] = {}
    taken: list[tuple[str, str, int]] = []

    def take(name: str) -> str | None:
        value = body.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > MAX_RECEIVED:
            raise TraceInvalid(f"{name} is a text.", field=name)
        # Redacted before it is cut: a cut secret would be none that a rule knows.
        clean, found = redaction.redact_text(value, name)
        taken.extend((r.rule, r.place, r.times) for r in found)
        return clean

    for name, (column, most) in _FIELDS.items():
        value = take(name)
        if value is not None:
            named[column] = value[:most]
    title = take("title")
    if title is not None:
        named["client_title"] = (title_from(title) or UNTITLED)[:TITLE_LENGTH]
    return Upload(visibility=asked, redactions=tuple(taken), **named)
