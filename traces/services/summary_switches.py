"""What admins set about summaries: switches and caps. Each change leaves an audit row with its why.

Staff's own off stands apart from the author's and from the namespace's, so nobody else undoes it,
and turning it on again leaves theirs as they are.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Namespace, User
from config.errors import DomainError
from config.text import clean_line
from traces.models import SummaryBudget, SummarySettings, SummaryState, Trace
from traces.querysets import TraceQuerySet
from traces.services import budget
from traces.services.budget import Cap
from traces.services.summaries import CIRCUIT_OPEN, OPENS_CIRCUIT, wake_sweep
from traces.summary_state import IS_TIMED, IS_WAITING

SETTING: Final = "setting"
NAME: Final = "AI summaries"
REASON_LENGTH: Final = 300
BATCH: Final = 500
MOST: Final = 10**12
"""No cap above this: a million dollars, or more tokens than a day has."""


class ReasonMissing(DomainError):
    code = "reason_missing"


class CapRefused(DomainError):
    code = "cap_invalid"


def _reason(text: str) -> str:
    reason = clean_line(text, REASON_LENGTH)
    if not reason:
        raise ReasonMissing("Say why; other admins read it.", field="reason")
    return reason


@transaction.atomic
def switch_site(*, actor: User, on: bool, reason: str) -> bool:
    """Let models write summaries on this site, or not; False when it is so already.

    What is under way is discarded when it comes back. Raises `ReasonMissing`.
    """
    reason = _reason(reason)
    told = _locked_settings()
    if told.is_enabled == on:
        return False
    SummarySettings.objects.filter(pk=told.pk).update(is_enabled=on)
    _note(actor, "summaries.switch", {"is_enabled": not on}, {"is_enabled": on}, reason)
    return True


def set_site_caps(*, actor: User, cap: Cap, reason: str) -> bool:
    """Set what a day may cost the site; False when it is so already. What waits goes on.

    Raises `CapRefused`, `ReasonMissing`.
    """
    changed = _change_site_caps(actor, cap, reason)
    if changed:
        _look_again(Trace.objects.filter(IS_WAITING))
    return changed


@transaction.atomic
def _change_site_caps(actor: User, cap: Cap, reason: str) -> bool:
    reason = _reason(reason)
    _refuse_unusable(cap)
    if None in cap:
        raise CapRefused("The site always has a cap; write 0 for none at all.", field="tokens")
    told = _locked_settings()
    _hold_budget()
    before, after = budget.site_cap(told), cap
    if before == after:
        return False
    SummarySettings.objects.filter(pk=told.pk).update(
        daily_token_cap=cap.tokens, daily_micro_cap=cap.micros
    )
    _note(actor, "summaries.cap", before.told(), after.told(), reason)
    return True


def close_circuit(*, actor: User) -> bool:
    """Try again at once after an error that paused everything; False when nothing is paused."""
    closed = _close_circuit(actor)
    if closed:
        # Those whose call opened it would wait as long as it would have been open.
        ahead = Trace.objects.filter(IS_TIMED, summary_due_at__range=(Now(), Now() + CIRCUIT_OPEN))
        retrying = ahead.filter(summary_state=SummaryState.RETRYING).with_last_error()
        _look_again(retrying.filter(last_error__in=OPENS_CIRCUIT))
    return closed


@transaction.atomic
def _close_circuit(actor: User) -> bool:
    told = _locked_settings()
    if told.circuit_until is None or told.circuit_until <= timezone.now():
        return False
    before = {"paused_for": told.circuit_reason}
    SummarySettings.objects.filter(pk=told.pk).update(circuit_until=None, circuit_reason="")
    _note(actor, "summaries.resume", before, {}, "")
    return True


@transaction.atomic
def switch_namespace(*, actor: User, namespace: Namespace, off: bool, reason: str) -> bool:
    """Turn summaries off for a namespace as staff, or take that back; False when it is so already.

    Its own switch stays as its admins set it. Raises `ReasonMissing`.
    """
    reason = _reason(reason)
    locked = Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    if locked.ai_summary_off_by_staff == off:
        return False
    locked.ai_summary_off_by_staff = off
    locked.save(update_fields=["ai_summary_off_by_staff"])
    audit.record(
        actor=actor,
        verb="namespace.summaries",
        thing=locked,
        before={"off_by_staff": not off},
        after={"off_by_staff": off},
        reason=reason,
    )
    return True


def set_namespace_caps(*, actor: User, namespace: Namespace, cap: Cap, reason: str) -> bool:
    """Set what a day may cost a namespace; None is as much as the site has. False when it is so.

    What waits goes on. Raises `CapRefused`, `ReasonMissing`.
    """
    changed = _change_namespace_caps(actor, namespace, cap, reason)
    if changed:
        _look_again(Trace.objects.filter(IS_WAITING, namespace=namespace))
    return changed


@transaction.atomic
def _change_namespace_caps(actor: User, namespace: Namespace, cap: Cap, reason: str) -> bool:
    reason = _reason(reason)
    _refuse_unusable(cap)
    locked = Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    _hold_budget()
    before = budget.namespace_cap(locked)
    if before == cap:
        return False
    locked.ai_summary_token_cap, locked.ai_summary_micro_cap = cap
    locked.save(update_fields=["ai_summary_token_cap", "ai_summary_micro_cap"])
    audit.record(
        actor=actor,
        verb="namespace.summary_cap",
        thing=locked,
        before=before.told(),
        after=cap.told(),
        reason=reason,
    )
    return True


@transaction.atomic
def switch_trace(*, actor: User, trace: Trace, off: bool, reason: str) -> bool:
    """Turn summaries off for a trace as staff, or take that back; False when it is so already.

    Its author's switches stay as they are. Raises `ReasonMissing`.
    """
    reason = _reason(reason)
    locked = Trace.objects.select_for_update(no_key=True).get(pk=trace.pk)
    if locked.summary_off_by_staff == off:
        return False
    Trace.objects.filter(pk=locked.pk).update(summary_off_by_staff=off)
    audit.record(
        actor=actor,
        verb="trace.summaries",
        thing=locked,
        before={"off_by_staff": not off},
        after={"off_by_staff": off},
        reason=reason,
    )
    return True


def _locked_settings() -> SummarySettings:
    # The row is made first, so that two at once wait for each other.
    SummarySettings.objects.bulk_create([budget.read_settings()], ignore_conflicts=True)
    return SummarySettings.objects.select_for_update().get()


def _hold_budget() -> None:
    """Lock what every reservation locks: none is made by the cap that is about to change."""
    day = budget.today()
    SummaryBudget.objects.bulk_create([SummaryBudget(day=day)], ignore_conflicts=True)
    SummaryBudget.objects.select_for_update().get(day=day, namespace=None)


def _look_again(rows: TraceQuerySet) -> None:
    """Let traces be looked at now; who still has no budget waits anew.

    After the change and in batches: who reserves meanwhile locks a trace before the budget.
    """
    last = 0
    while True:
        with transaction.atomic():
            locked = (
                rows.filter(pk__gt=last).order_by("pk").select_for_update(no_key=True, of=("self",))
            )
            keys = list(locked.values_list("pk", flat=True)[:BATCH])
            Trace.objects.filter(pk__in=keys).update(summary_due_at=Now())
        if not keys:
            break
        last = keys[-1]
    wake_sweep()


def _refuse_unusable(cap: Cap) -> None:
    for field, most in cap.told().items():
        if most is not None and not 0 <= most <= MOST:
            raise CapRefused(f"A cap is a number from 0 to {MOST:,}.", field=field)


def _note(
    actor: User, verb: str, before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    audit.record_named(
        actor=actor, verb=verb, kind=SETTING, name=NAME, before=before, after=after, reason=reason
    )
