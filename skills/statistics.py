"""Copies and recounts of the totals: what lists sort by, and whether the sums are still right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

from django.db import transaction
from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Greatest

from config.derived import Differs
from skills.derived import facet_of
from skills.models import (
    CategoryTotal,
    EventKind,
    ListedChange,
    SiteTotals,
    Skill,
    SkillDailyStat,
    SkillHourlyStat,
    SkillListing,
    SkillStar,
    SkillTotal,
    StatEvent,
)
from skills.slugs import CATEGORY_KEYS

COPY_BATCH: Final = 500
RECOUNT_BATCH: Final = 2_000
# Sortable column of the skill ← column of its totals; stored signed, shown floored at 0.
COPIED: Final = {
    "downloads": "downloads",
    "stars": "stars",
    "installs_current": "installs_current",
    "installs_all_time": "installs_all_time",
}
# What the totals of a skill must be the sum of; stars are the number of star rows.
SUMMED: Final = ("downloads", "installs_new", "installs_all_time", "installs_current")
SITE_TOTALS: Final = 1

# Told what differs before it is repaired.
OnDrift: TypeAlias = Callable[[Mapping[str, Any]], object]


def copy_totals(*, after: int = 0) -> Iterator[tuple[int, int]]:
    """Copy totals that changed, by skill id from `after`; yield (last id, copied) per batch.

    A skill whose copies are right is not written, and `updated_at` never moves.
    """
    last = after
    while True:
        stale = list(_stale_copies().filter(pk__gt=last).order_by("pk")[:COPY_BATCH])
        if not stale:
            return
        totals = SkillTotal.objects.filter(skill=OuterRef("pk"))
        Skill.objects.filter(pk__in=stale).update(
            **{
                column: Subquery(totals.values(n=Greatest(F(total), Value(0))))
                for column, total in COPIED.items()
            }
        )
        last = stale[-1]
        yield last, len(stale)


@transaction.atomic
def count_categories() -> None:
    """Count the listed skills of every category, for whoever chooses one.

    Two walks through indexes, so never for a visitor.
    """
    facets = {facet_of(category): category for category in ("", *sorted(CATEGORY_KEYS))}
    listed = SkillListing.objects.filter(facet__in=facets).order_by()
    every, clean = (
        dict(rows.values("facet").annotate(n=Count("*")).values_list("facet", "n"))
        for rows in (listed, listed.filter(is_suspicious=False))
    )
    CategoryTotal.objects.bulk_create(
        [
            CategoryTotal(
                category=name, skills=every.get(facet, 0), clean_skills=clean.get(facet, 0)
            )
            for facet, name in facets.items()
        ],
        update_conflicts=True,
        unique_fields=["category"],
        update_fields=["skills", "clean_skills"],
    )


@lru_cache(maxsize=1)
def category_totals(_counted_at: datetime) -> dict[str, tuple[int, int]]:
    """Return what `count_categories` counted: all and clean ones by category, "" for the sum.

    Read once a process for each time it was counted, so no list pays for it.
    """
    rows = CategoryTotal.objects.values_list("category", "skills", "clean_skills")
    return {category: (every, clean) for category, every, clean in rows}


def _stale_copies() -> Any:
    differs = Q()
    for column, total in COPIED.items():
        shown = Greatest(F(f"total__{total}"), Value(0), output_field=BigIntegerField())
        differs |= Q(Differs(F(column), shown))
    return Skill.objects.filter(differs, total__isnull=False).values_list("pk", flat=True)


def recount_totals(*, after: int = 0, on_drift: OnDrift = lambda _found: None) -> Iterator[int]:
    """Compare totals with the sums of daily rows, by skill id; yield the last id of each batch.

    Comparing is exact beside running folds: a fold changes both in one transaction, and a batch is
    compared in one statement. What differs is told, then repaired under the lock of its totals row.
    """
    _drop_counts_of_deleted_skills()
    last = after
    while True:
        keys = list(
            SkillTotal.objects.filter(pk__gt=last)
            .order_by("pk")
            .values_list("pk", flat=True)[:RECOUNT_BATCH]
        )
        if not keys:
            return
        drift = {}
        for row in _with_sums().filter(pk__in=keys):
            told = {
                name: {"stored": getattr(row, name), "counted": getattr(row, f"sum_{name}")}
                for name in SUMMED
                if getattr(row, name) != getattr(row, f"sum_{name}")
            }
            if told:
                drift[str(row.pk)] = told
        if drift:
            on_drift(drift)
        for pk in drift:
            _repair(int(pk))
        last = keys[-1]
        yield last


def _drop_counts_of_deleted_skills() -> None:
    """Delete what a fold may have counted while its skill was being deleted beside it."""
    skills = Skill.objects.filter(pk=OuterRef("skill_id"))
    for model in (SkillTotal, SkillDailyStat, SkillHourlyStat):
        model._base_manager.filter(~Exists(skills)).delete()


def _with_sums() -> Any:
    per_skill = SkillDailyStat.objects.filter(skill=OuterRef("pk")).order_by().values("skill")
    return SkillTotal.objects.annotate(
        **{
            f"sum_{name}": Coalesce(
                Subquery(per_skill.annotate(n=Sum(name)).values("n")),
                Value(0),
                output_field=BigIntegerField(),
            )
            for name in SUMMED
        }
    )


@transaction.atomic
def _repair(pk: int) -> None:
    # Lock, then recount in a second statement: a fold that was in the way has committed by then.
    SkillTotal.objects.select_for_update(no_key=True).get(pk=pk)
    row = _with_sums().get(pk=pk)
    SkillTotal.objects.filter(pk=pk).update(**{n: getattr(row, f"sum_{n}") for n in SUMMED})


@transaction.atomic
def recount_site(on_drift: OnDrift = lambda _found: None) -> dict[str, dict[str, int]]:
    """Recount the site's totals; tell and return what differed, and repair it.

    Counted in one snapshot, less what waits for the fold, so running folds make no difference.
    """
    SiteTotals.objects.get_or_create(pk=SITE_TOTALS)
    stored = SiteTotals.objects.select_for_update(no_key=True).get(pk=SITE_TOTALS)
    counted = _counted_site()
    drift = {
        name: {"stored": getattr(stored, name), "counted": value}
        for name, value in counted.items()
        if getattr(stored, name) != value
    }
    if drift:
        on_drift(drift)
        SiteTotals.objects.filter(pk=SITE_TOTALS).update(**counted)
    return drift


def _counted_site() -> dict[str, int]:
    """Count what the site's totals must be: one statement, so one snapshot."""
    sums = SkillTotal.objects.order_by().annotate(one=Value(1)).values("one")
    waiting = StatEvent.objects.order_by().annotate(one=Value(1)).values("one")
    parts: dict[str, Any] = {
        name: Subquery(sums.annotate(n=Sum(name)).values("n")) for name in SUMMED
    }
    rows = SiteTotals.objects.filter(pk=SITE_TOTALS).annotate(
        **{f"n_{name}": _whole(part) for name, part in parts.items()},
        n_stars=_whole(_count(SkillStar.objects.all()))
        - _whole(_count(waiting.filter(kind=EventKind.STAR)))
        + _whole(_count(waiting.filter(kind=EventKind.UNSTAR))),
        n_skills=_whole(_count(SkillListing.objects.under("")))
        - _whole(
            Subquery(
                ListedChange.objects.order_by()
                .annotate(one=Value(1))
                .values("one")
                .annotate(n=Sum("change"))
                .values("n")
            )
        ),
    )
    names = (*SUMMED, "stars", "skills")
    row = rows.values(*(f"n_{name}" for name in names)).get()
    return {name: int(row[f"n_{name}"]) for name in names}


def _count(rows: Any) -> Subquery:
    counted = rows.order_by().annotate(every=Value(1)).values("every").annotate(n=Count("*"))
    return Subquery(counted.values("n"))


def _whole(value: Any) -> Coalesce:
    return Coalesce(value, Value(0), output_field=BigIntegerField())
