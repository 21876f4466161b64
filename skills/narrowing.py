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
from skills.models import Badge, SkillListing, SkillSearch

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
    highlighted: bool = False

    def cards(self) -> QuerySet[SkillListing]:
        """Return the cards among which is searched, one a skill."""
        rows = SkillListing.objects.under(facet_of(self.category, self.topic))
        rows = rows if self.suspicious else rows.clean()
        return rows.filter(badges__has_key=Badge.HIGHLIGHTED) if self.highlighted else rows

    def texts(self) -> QuerySet[SkillSearch]:
        """Return the searchable texts of the same skills."""
        rows = SkillSearch.objects.all()
        if not self.suspicious:
            rows = rows.filter(is_suspicious=False)
        if self.category or self.topic or self.highlighted:
            rows = rows.filter(Exists(self.cards().filter(skill=OuterRef("pk"))))
        return rows


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
