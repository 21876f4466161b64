"""Who may read a trace, and who decides about it; its namespace's members may add to it."""

from __future__ import annotations

from accounts.models import Scope, Visibility
from accounts.policy import MANAGERS, Actor
from traces.models import Trace


def may_read(actor: Actor, trace: Trace) -> bool:
    """Say whether the actor may read a trace whose link they have.

    What a ban withholds staff alone may, to judge it, and not even they what is private. A link
    that has ended opens nothing: it is private from that moment on.
    """
    if trace.unpublished_at is not None:
        return False
    is_private = trace.visibility_now == Visibility.PRIVATE
    if trace.is_withheld:
        return actor.is_staff and not is_private
    if not is_private:
        return True
    if trace.namespace_id not in actor.namespace_ids:
        return False
    # A key that may only upload still reads what it uploads: the client begins so.
    return bool({Scope.TRACES_READ, Scope.TRACES_WRITE} & actor.scopes)


def may_manage(actor: Actor, trace: Trace) -> bool:
    """Say whether the actor decides who reads a trace: its author, or who manages its namespace.

    Other members may look. An author who has left the namespace has left the trace there.
    """
    role = actor.namespace_roles.get(trace.namespace_id)
    if role is None or actor.user is None or Scope.TRACES_WRITE not in actor.scopes:
        return False
    return trace.created_by_id == actor.user.pk or role in MANAGERS
