"""Search by identity, by prefix and by words; every source is an index, every source is capped.

Order: the skill that *is* what was typed, then names that begin with it, then texts that match by
weight (name, summary, topics), more downloads first where texts match equally.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat, Lower

from skills.derived import Unaccent, facet_of
from skills.listing import AFTER_ALL, Card, read_cards
from skills.lookup import split_reference
from skills.models import Badge, SkillListing, SkillSearch

MAX_QUERY: Final = 200
# A common word matches thousands; this many are ranked, not more.
MAX_CANDIDATES: Final = 2_000

EXACT_SCORE: Final = 3.0
PREFIX_SCORE: Final = 2.0


@dataclass(frozen=True)
class Hit:
    """A card and how well it matches; higher is better."""

    card: Card
    score: float


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


def search(
    text: str, *, limit: int = 25, among: Narrowing = EVERYTHING, exact: bool = False
) -> list[Hit]:
    """Return the best matches, at most `limit`; an empty text matches nothing.

    At most four statements. Text is cut at 200 characters.
    """
    text = " ".join(text[:MAX_QUERY].split())
    if not text:
        return []
    scores = _by_identity(text, limit, among)
    if not exact:
        scores = _by_words(text, limit, among) | _by_prefix(text, limit, among) | scores
    if not scores:
        return []
    cards = read_cards(among.cards().filter(skill__in=scores))
    hits = [Hit(card, scores[card.skill_id]) for card in cards]
    hits.sort(key=_order)
    return hits[:limit]


def _order(hit: Hit) -> tuple[float, bool, int, int]:
    card = hit.card
    return -hit.score, card.is_suspicious, -card.downloads, card.skill_id


def _by_identity(text: str, limit: int, among: Narrowing) -> dict[int, float]:
    owner, slug = split_reference(text.lower())
    slugs = among.cards().filter(slug=slug).values_list("skill", flat=True)
    if owner:
        rows = slugs.filter(owner_handle=owner)
    else:
        named = among.texts().filter(name_key=_key(text)).values_list("skill", flat=True)
        rows = slugs[:limit].union(named[:limit])
    return dict.fromkeys(rows[:limit], EXACT_SCORE)


def _by_prefix(text: str, limit: int, among: Narrowing) -> dict[int, float]:
    owner, slug = split_reference(text.lower())
    key = _key(text)
    names = among.texts().filter(name_key__gte=key, name_key__lt=Concat(key, Value(AFTER_ALL)))
    found = names.order_by("name_key").values_list("skill", flat=True)[:limit]
    # Every slug begins with nothing.
    if slug:
        slugs = among.cards().filter(slug__gte=slug, slug__lt=slug + AFTER_ALL)
        slugs = slugs.filter(owner_handle=owner) if owner else slugs
        found = found.union(slugs.order_by("slug").values_list("skill", flat=True)[:limit])
    return dict.fromkeys(found, PREFIX_SCORE)


def _by_words(text: str, limit: int, among: Narrowing) -> dict[int, float]:
    folded = _key(text)
    query = SearchQuery(folded, config="english", search_type="websearch") | SearchQuery(
        folded, config="simple", search_type="websearch"
    )
    found = among.texts().filter(document=query).order_by()[:MAX_CANDIDATES]
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
