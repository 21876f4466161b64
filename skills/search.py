"""Search by identity, by prefix and by words; every source is an index, every source is capped.

Order: the skill that *is* what was typed, then names that begin with it, then texts that match by
weight (name, summary, topics), more downloads first where texts match equally.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower

from skills.derived import Unaccent
from skills.listing import AFTER_ALL, Card, read_cards
from skills.lookup import split_reference
from skills.models import SkillListing, SkillSearch

MAX_QUERY: Final = 200
MAX_RESULTS: Final = 200
# A common word matches thousands; this many are ranked, not more.
MAX_CANDIDATES: Final = 2_000

EXACT_SCORE: Final = 3.0
PREFIX_SCORE: Final = 2.0


@dataclass(frozen=True)
class Hit:
    """A card and how well it matches; higher is better."""

    card: Card
    score: float


def search(
    text: str, *, limit: int = 25, suspicious: bool = True, exact: bool = False
) -> list[Hit]:
    """Return the best matches, at most `limit`; an empty text matches nothing.

    At most four statements. Text is cut at 200 characters.
    """
    text = " ".join(text[:MAX_QUERY].split())
    if not text:
        return []
    scores = _by_identity(text, limit)
    if not exact:
        scores = _by_words(text, limit) | _by_prefix(text, limit) | scores
    if not scores:
        return []
    rows = SkillListing.objects.under("").filter(skill__in=scores)
    if not suspicious:
        rows = rows.clean()
    hits = [Hit(card, scores[card.skill_id]) for card in read_cards(rows)]
    hits.sort(key=_order)
    return hits[:limit]


def _order(hit: Hit) -> tuple[float, bool, int, int]:
    card = hit.card
    return -hit.score, card.is_suspicious, -card.downloads, card.skill_id


def _by_identity(text: str, limit: int) -> dict[int, float]:
    owner, slug = split_reference(text.lower())
    everywhere = SkillListing.objects.under("")
    if owner:
        rows = everywhere.filter(owner_handle=owner, slug=slug).values_list("skill", flat=True)
    else:
        named = SkillSearch.objects.filter(name_key=_key(text)).values_list("skill", flat=True)
        slugs = everywhere.filter(slug=slug).values_list("skill", flat=True)
        rows = slugs[:limit].union(named[:limit])
    return dict.fromkeys(rows[:limit], EXACT_SCORE)


def _by_prefix(text: str, limit: int) -> dict[int, float]:
    _owner, slug = split_reference(text.lower())
    slugs = SkillListing.objects.under("").filter(slug__gte=slug, slug__lt=slug + AFTER_ALL)
    key = _key(text)
    names = SkillSearch.objects.filter(
        name_key__gte=key, name_key__lt=Concat(key, Value(AFTER_ALL))
    )
    rows = (
        slugs.order_by("slug")
        .values_list("skill", flat=True)[:limit]
        .union(names.order_by("name_key").values_list("skill", flat=True)[:limit])
    )
    return dict.fromkeys(rows, PREFIX_SCORE)


def _by_words(text: str, limit: int) -> dict[int, float]:
    folded = _key(text)
    query = SearchQuery(folded, config="english", search_type="websearch") | SearchQuery(
        folded, config="simple", search_type="websearch"
    )
    found = SkillSearch.objects.filter(document=query).order_by()[:MAX_CANDIDATES]
    ranked = (
        SkillSearch.objects.filter(pk__in=found.values("pk"))
        .annotate(rank=SearchRank(F("document"), query, normalization=Value(32)))
        .order_by("-rank", "-downloads", "skill")
        .values_list("skill", "rank")[:limit]
    )
    return {skill: float(rank) for skill, rank in ranked}


def _key(text: str) -> Unaccent:
    """Fold text as `SkillSearch.name_key` is folded, by the database's own tables."""
    return Unaccent(Lower(Value(text)))
