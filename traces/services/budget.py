"""What summaries may cost a day: reserved before a call, settled after, never above a cap.

Caps are of the site and, where somebody set them, of a namespace, in tokens and in millionths of a
dollar. A day is a UTC day, and a reservation is charged to the day it was made on. Lock order: the
site's row, then the namespace's.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import Namespace
from traces.models import SummaryBudget, SummaryLog, SummarySettings

SINGLE_ROW: Final = 1


class Amount(NamedTuple):
    """Tokens, and what they cost in millionths of a dollar."""

    tokens: int
    micros: int


class Cap(NamedTuple):
    """What a day may cost; None is no cap of its own."""

    tokens: int | None
    micros: int | None

    def told(self) -> dict[str, int | None]:
        """Return it by name, as audit rows keep it."""
        return {"tokens": self.tokens, "micros": self.micros}


class Standing(NamedTuple):
    """What a day has cost so far, and what may still be added."""

    spent: Amount
    reserved: Amount
    cap: Cap

    @property
    def share(self) -> float:
        """Return how much of the tighter cap is used, from 0 to 1."""
        shares = []
        for used, cap in (
            (self.spent.tokens + self.reserved.tokens, self.cap.tokens),
            (self.spent.micros + self.reserved.micros, self.cap.micros),
        ):
            if cap is not None:
                shares.append(min(used / cap, 1.0) if cap else 1.0)
        return max(shares, default=0.0)

    @property
    def left(self) -> Amount:
        """Return what may still be added within caps that are set; 0 of what has none."""
        told = zip(self.cap, self.spent, self.reserved, strict=True)
        return Amount(*(max((cap or 0) - spent - held, 0) for cap, spent, held in told))

    def has_room(self, wanted: Amount) -> bool:
        """Say whether so much more stays within the caps."""
        used = (self.spent.tokens + self.reserved.tokens, self.spent.micros + self.reserved.micros)
        return all(
            cap is None or have + more <= cap
            for have, more, cap in zip(used, wanted, self.cap, strict=True)
        )


def read_settings() -> SummarySettings:
    """Return what admins set; the defaults where nobody has set anything."""
    return SummarySettings.objects.filter(pk=SINGLE_ROW).first() or SummarySettings(pk=SINGLE_ROW)


def site_cap(settings: SummarySettings) -> Cap:
    """Return what a day may cost the site."""
    return Cap(settings.daily_token_cap, settings.daily_micro_cap)


def namespace_cap(namespace: Namespace) -> Cap:
    """Return what a day may cost a namespace, beside the site's cap."""
    return Cap(namespace.ai_summary_token_cap, namespace.ai_summary_micro_cap)


def today() -> date:
    """Return the budget's day: a UTC date, whatever the site's time zone."""
    return timezone.now().date()


def next_day_at(now: datetime) -> datetime:
    """Return when the budget of the next day begins: 00:00 UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def standing(day: date, namespace: Namespace | None, cap: Cap) -> Standing:
    """Return what a day has cost the site (None) or a namespace."""
    return standing_of(SummaryBudget.objects.filter(day=day, namespace=namespace).first(), cap)


def standing_of(row: SummaryBudget | None, cap: Cap) -> Standing:
    """Return what a day's row says; a day without one has cost nothing."""
    row = row or SummaryBudget()
    return Standing(
        Amount(row.spent_tokens, row.spent_micros),
        Amount(row.reserved_tokens, row.reserved_micros),
        cap,
    )


def reserve(amount: Amount, namespace: Namespace, day: date) -> bool:
    """Set so much aside for site and namespace; False, and nothing set, where a cap is in the way.

    Call it in the transaction that makes the reservation's log row. The caps are read once the
    site's row is locked; whoever changes one locks that row, too.
    """
    SummaryBudget.objects.bulk_create(
        [SummaryBudget(day=day), SummaryBudget(day=day, namespace=namespace)],
        ignore_conflicts=True,
    )
    rows = _locked(day, namespace)
    caps = (site_cap(read_settings()), _fresh_cap(namespace))
    for row, cap in zip(rows, caps, strict=True):
        used = Amount(
            row.spent_tokens + row.reserved_tokens, row.spent_micros + row.reserved_micros
        )
        for have, more, most in zip(used, amount, cap, strict=True):
            if most is not None and have + more > most:
                return False
    _of(rows).update(
        reserved_tokens=F("reserved_tokens") + amount.tokens,
        reserved_micros=F("reserved_micros") + amount.micros,
    )
    return True


def settle(log: SummaryLog, spent: Amount) -> None:
    """Turn a reservation into what was spent, on the day it was made for.

    Call it once a log row, in the transaction that ends it.
    """
    rows = _locked(log.day, log.namespace)
    _of(rows).update(
        # Never below zero, whatever a person did to the rows.
        reserved_tokens=Greatest(F("reserved_tokens") - log.reserved_tokens, 0),
        reserved_micros=Greatest(F("reserved_micros") - log.reserved_micros, 0),
        spent_tokens=F("spent_tokens") + spent.tokens,
        spent_micros=F("spent_micros") + spent.micros,
    )


def _locked(day: date, namespace: Namespace | None) -> list[SummaryBudget]:
    """Lock the rows of a day, the site's first; that of a namespace that is gone is none."""
    site = SummaryBudget.objects.select_for_update().get(day=day, namespace=None)
    if namespace is None:
        return [site]
    own = SummaryBudget.objects.select_for_update().filter(day=day, namespace=namespace)
    return [site, *own]


def _of(rows: list[SummaryBudget]) -> QuerySet[SummaryBudget]:
    return SummaryBudget.objects.filter(pk__in=[row.pk for row in rows])


def _fresh_cap(namespace: Namespace) -> Cap:
    named = ("ai_summary_token_cap", "ai_summary_micro_cap")
    row: Any = Namespace.objects.filter(pk=namespace.pk).values_list(*named).first()
    return Cap(*row) if row else Cap(0, 0)
