"""A trace comes, changes, moves and goes: each function one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Namespace, Scope, TracePolicy
from accounts.organisations import AdminRequired, NotMember
from accounts.policy import Actor, require_scope
from config.derived import deferred, refresh
from config.errors import DomainError
from config.formats import machine_time
from traces import visibility
from traces.derived import BY_MESSAGES
from traces.models import Message, SummaryState, Trace, VisibilitySource
from traces.policy import may_manage
from traces.services.bans import hold_unbanned
from traces.services.link_ends import end_after_upload, with_link_end
from traces.uploads import Upload
from traces.visibility import Chosen

PURGE_BATCH: Final = 5_000
# A trace without any word of a model, and without work on one: the token of whoever writes a
# summary just now is gone, so what they bring is discarded.
NO_SUMMARY: Final[dict[str, Any]] = {
    "ai_title": "",
    "ai_summary": "",
    "summary_generated_at": None,
    "summary_message_count": 0,
    "summary_model": "",
    "summary_prompt_version": 0,
    "summary_state": SummaryState.IDLE,
    "summary_token": None,
    "summary_attempts": 0,
    "summary_due_at": None,
}


class TraceNotFound(DomainError):
    """There is no such trace, or not for who asks: both are told alike."""

    code = "trace_not_found"

    def __init__(self) -> None:
        super().__init__("Trace not found: share it first, or check its id.")


class NamespaceConflict(DomainError):
    code = "namespace_conflict"


class TraceExists(DomainError):
    code = "trace_exists"


def upload_namespace(actor: Actor) -> Namespace:
    """Return the namespace that this actor's uploads go to.

    Raises `ScopeMissing`, and `NotMember` for the key of somebody who has left it.
    """
    require_scope(actor, Scope.TRACES_WRITE)
    namespace = actor.active_namespace
    # Every person has a namespace, and every key its own.
    assert namespace is not None  # noqa: S101
    assert actor.user is not None  # noqa: S101
    if namespace.user_id != actor.user.pk and not actor.speaks_for(namespace.pk):
        raise NotMember(namespace)
    return namespace


@transaction.atomic
def put_trace(*, actor: Actor, external_id: str, upload: Upload) -> Trace:
    """Create the trace, or make it what the client says; a trace taken back is published again.

    An upload that says nothing new writes nothing. One of somebody who may add to the trace and
    not decide about it leaves who may read it. Raises `NamespaceConflict` when it lives in another
    namespace of the person, `VisibilityRefused`, `AdminRequired` for a colleague's trace that was
    taken back, `TraceNotFound` for one that a ban withholds, `TokenRefused` for who was banned
    meanwhile, and what `upload_namespace` raises.
    """
    namespace = upload_namespace(actor)
    asked = visibility.allow(
        upload.visibility, namespace.trace_visibilities, namespace.trace_policy
    )
    trace = _locked(namespace.pk, external_id)
    if trace is None:
        _refuse_if_elsewhere(actor, namespace, external_id)
        assert actor.user is not None  # noqa: S101 - `upload_namespace` says so.
        hold_unbanned(actor.user)
        trace, is_new = Trace.objects.get_or_create(
            namespace=namespace,
            external_id=external_id,
            defaults={
                "created_by": actor.user,
                "visibility": asked,
                "redactions": [list(row) for row in upload.redactions],
                "agent_id": "unknown",
                "client_title": "(No preview)",
                **upload.columns(),
            },
        )
        if is_new:
            audit.record(
                actor=actor.user, verb="trace.publish", thing=trace, after={"visibility": asked}
            )
            return trace
        # Two first uploads at once: this one came second.
        trace = _locked(namespace.pk, external_id)
        if trace is None:
            raise TraceNotFound
    return _update(actor, trace, asked, upload)


def _update(actor: Actor, trace: Trace, asked: str, upload: Upload) -> Trace:
    if trace.is_withheld:
        raise TraceNotFound
    stored = Chosen(trace.visibility, trace.visibility_source)
    chosen = visibility.after_upload(asked, stored)
    if not may_manage(actor, trace):
        if trace.unpublished_at is not None:
            raise AdminRequired(trace.namespace)
        chosen = stored
    wanted = {
        **upload.columns(),
        "visibility": chosen.visibility,
        "visibility_source": chosen.source,
        "link_ends_at": end_after_upload(trace, chosen.visibility),
        "redactions": [list(row) for row in upload.redactions],
        "unpublished_at": None,
    }
    changed = {name: value for name, value in wanted.items() if getattr(trace, name) != value}
    if changed:
        Trace.objects.filter(pk=trace.pk).update(**changed, updated_at=Now())
        if "unpublished_at" in changed:
            audit.record(actor=actor.user, verb="trace.publish", thing=trace)
        trace.refresh_from_db()
    return trace


def _locked(namespace_id: int, external_id: str) -> Trace | None:
    rows = Trace.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(namespace=namespace_id, external_id=external_id).first()


def _refuse_if_elsewhere(actor: Actor, namespace: Namespace, external_id: str) -> None:
    if actor.user is None:
        return
    others = Namespace.objects.editable_by(actor.user).exclude(pk=namespace.pk)
    elsewhere = Trace.objects.published().filter(external_id=external_id, namespace__in=others)
    found = elsewhere.values_list("owner_handle", flat=True).first()
    if found is not None:
        # The client looks for these words, and then offers to transfer the trace.
        raise NamespaceConflict(
            f"This trace is published to a different namespace: @{found}."
            " Transfer it, or switch to that namespace."
        )


@transaction.atomic
def unpublish(*, actor: Actor, trace: Trace) -> bool:
    """Take a trace back: hidden at once, its count 0, its messages deleted by a job.

    False when it is taken back already. The link stays the trace's own, for the next publish.
    """
    require_scope(actor, Scope.TRACES_WRITE)
    with deferred():
        taken = (
            Trace.objects.published()
            .filter(pk=trace.pk)
            .update(
                generation=F("generation") + 1,
                unpublished_at=Now(),
                updated_at=Now(),
                **NO_SUMMARY,
            )
        )
        if not taken:
            return False
        for derived in BY_MESSAGES:
            refresh(derived, [trace.pk])
    audit.record(actor=actor.user, verb="trace.unpublish", thing=trace)
    return True


@transaction.atomic
def transfer(*, actor: Actor, trace: Trace, target: Namespace) -> Trace:
    """Move a trace to another namespace of the person; its link stays.

    There it is as open as before, or more private where that namespace wants it so. Raises
    `NotMember`, `TraceExists`, `VisibilityRefused`, `TraceNotFound`.
    """
    require_scope(actor, Scope.TRACES_WRITE)
    if actor.user is None or not actor.speaks_for(target.pk):
        raise NotMember(target)
    hold_unbanned(actor.user)
    locked = _locked(trace.namespace_id, trace.external_id)
    if locked is None or not locked.is_published:
        raise TraceNotFound
    if locked.namespace_id == target.pk:
        return locked
    if Trace.objects.filter(namespace=target, external_id=locked.external_id).exists():
        raise TraceExists(f"{target} has a trace with this id already.")
    before = {"namespace": str(locked.namespace)}
    allowed = visibility.allow(
        locked.visibility_now, target.trace_visibilities, target.trace_policy
    )
    locked.link_ends_at = end_after_upload(locked, allowed)
    locked.visibility = allowed
    locked.namespace = target
    locked.save(update_fields=["namespace", "visibility", "link_ends_at"])
    audit.record(
        actor=actor.user,
        verb="trace.transfer",
        thing=locked,
        before=before,
        after={"namespace": str(target)},
    )
    return locked


SETTINGS: Final = (
    "visibility",
    "link_ends_at",
    "own_title",
    "ai_summary_enabled",
    "exclude_from_ai",
)


@transaction.atomic
def change_settings(*, actor: Actor, trace: Trace, **settings: Any) -> Trace:
    """Set what the author decides on the page: any of `SETTINGS`.

    A link that has ended is opened again by a new end, or by none. Raises `VisibilityRefused` for
    what the namespace does not allow, `LinkEndRefused`, `TraceNotFound`.
    """
    require_scope(actor, Scope.TRACES_WRITE)
    unknown = settings.keys() - set(SETTINGS)
    if unknown:
        raise TypeError(f"no settings: {sorted(unknown)}")
    locked = _locked(trace.namespace_id, trace.external_id)
    if locked is None or not locked.is_published:
        raise TraceNotFound
    wanted = with_link_end(locked, settings)
    changed = {name: value for name, value in wanted.items() if getattr(locked, name) != value}
    asked = wanted.get("visibility", locked.visibility_now)
    if asked != locked.visibility_now:
        visibility.allow(asked, locked.namespace.trace_visibilities, TracePolicy.REJECT)
    if not changed:
        return locked
    if {"visibility", "link_ends_at"} & changed.keys():
        # What was chosen here outlives the next upload.
        changed["visibility_source"] = VisibilitySource.WEB
    before = {name: getattr(locked, name) for name in changed}
    # What its author keeps from every AI keeps no word of one; it may be due anew afterwards.
    forgotten = NO_SUMMARY | {"summary_due_at": Now()} if changed.get("exclude_from_ai") else {}
    Trace.objects.filter(pk=locked.pk).update(**changed, **forgotten, updated_at=Now())
    audit.record(
        actor=actor.user,
        verb="trace.settings",
        thing=locked,
        before=_written(before),
        after=_written(changed),
    )
    locked.refresh_from_db()
    return locked


def _written(columns: dict[str, Any]) -> dict[str, Any]:
    """Return columns as an audit row holds them."""
    return {
        name: machine_time(value) if isinstance(value, datetime) else value
        for name, value in columns.items()
    }


def purge_generations(after: int = 0) -> Iterable[tuple[int, int]]:
    """Delete the messages of generations that are over, a batch at a time.

    Yields the trace's key and how many messages went. Repeatable and safe beside uploads: only
    messages below the generation that was read are touched, and a generation never falls.
    """
    while True:
        trace = Trace.objects.to_purge().filter(pk__gt=after).order_by("pk").first()
        if trace is None:
            return
        old = Message.objects.filter(trace=trace, generation__lt=trace.generation)
        while keys := list(old.order_by("pk").values_list("pk", flat=True)[:PURGE_BATCH]):
            gone, _by_model = Message.objects.filter(pk__in=keys).delete()
            yield trace.pk, gone
        rows = Trace.objects.filter(pk=trace.pk, purged_below__lt=trace.generation)
        rows.update(purged_below=trace.generation)
        after = trace.pk
