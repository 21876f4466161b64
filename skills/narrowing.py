"""Which skills a search may find, and the SQL of them.

The ORM composes a shape once: that costs more time than PostgreSQL needs to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from skills.derived import facet_of
from skills.models import SkillBadge, SkillListing, SkillSearch

KEPT: Final = 256
"""So many shapes of a statement are kept; topics are what visitors type."""


@dataclass(frozen=True)
class Narrowing:
    """Which skills a search may find at all.

    Part of every query for candidates: what is left out must not use up a place of the limit.
    """

    suspicious: bool = True
    category: str = ""
    topic: str = ""
    # All of them; and whose they are, by handle.
    badges: tuple[str, ...] = ()
    owner: str = ""

    def cards(self) -> QuerySet[SkillListing]:
        """Return the cards among which is searched, one a skill."""
        rows = SkillListing.objects.under(facet_of(self.category, self.topic))
        rows = rows if self.suspicious else rows.clean()
        if self.owner:
            # Few, and found by their own index whatever facet is asked for.
            rows = rows.filter(skill__in=self._of_owner().values("skill"))
        return rows.filter(*self._have_badges("skill"))

    def texts(self) -> QuerySet[SkillSearch]:
        """Return the searchable texts of the same skills."""
        rows = SkillSearch.objects.all()
        if not self.suspicious:
            rows = rows.filter(is_suspicious=False)
        if facet := facet_of(self.category, self.topic):
            cards = SkillListing.objects.under(facet)
            rows = rows.filter(Exists(cards.filter(skill=OuterRef("pk"))))
        if self.owner:
            rows = rows.filter(skill__in=self._of_owner().values("skill"))
        return rows.filter(*self._have_badges("pk"))

    def _of_owner(self) -> QuerySet[SkillListing]:
        return SkillListing.objects.under("").filter(owner_handle=self.owner)

    def _have_badges(self, skill: str) -> list[Exists]:
        """Ask the table of badges, by its index: no index holds those of a card."""
        return [
            Exists(SkillBadge.objects.filter(skill=OuterRef(skill), kind=badge))
            for badge in self.badges
        ]


EVERYTHING: Final = Narrowing()


class Composed(NamedTuple):
    """The SQL of one shape of a statement; stand-ins among its parameters."""

    sql: str
    params: tuple[Any, ...]

    def rows(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it with these values in place of their stand-ins."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.with_values(values))
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def with_values(self, values: Mapping[str, Any]) -> list[Any]:
        """Return its parameters."""
        return [values.get(param, param) for param in self.params]


def composed(rows: QuerySet[Any, Any]) -> Composed:
    """Let the ORM write what reads these rows."""
    return Composed(*rows.query.sql_with_params())


@lru_cache(maxsize=KEPT)
def sql_of_texts(among: Narrowing) -> tuple[str, dict[str, Any]]:
    """Return what reads the texts among which is searched, and its parameters by name."""
    columns = ("skill_id", "downloads", "is_suspicious", "head", "document")
    return _by_name("text", composed(among.texts().order_by().values(*columns)))


@lru_cache(maxsize=KEPT)
def sql_of_most_downloaded(among: Narrowing, count: int) -> tuple[str, dict[str, Any]]:
    """Return what reads the keys of so many of them, and its parameters by name."""
    rows = among.cards().order_by("-downloads", "-skill").values("skill_id")
    return _by_name("card", composed(rows[:count]))


def _by_name(name: str, statement: Composed) -> tuple[str, dict[str, Any]]:
    named = {f"{name}{number}": value for number, value in enumerate(statement.params)}
    return statement.sql % tuple(f"%({name})s" for name in named), named
