"""Search by identity, words, meaning, and likeness of names; every source is an index and capped.

How what they find is ordered stands in `skills.ranking`. Without embeddings, words answer alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Concat, Lower

from config.pagination import PAGE_SIZE, read_cursor, sign_cursor
from skills import embeddings, meaning, ranking
from skills.derived import Unaccent, facet_of
from skills.listing import AFTER_ALL, Card, Page, read_cards
from skills.lookup import split_reference
from skills.models import Badge, SkillListing, SkillSearch
from skills.ranking import Source

MAX_QUERY: Final = 200
TOP: Final = 200
"""So many results have a place; behind them a better question helps more than another page."""

# A common word matches thousands; this many are ranked, not more.
MAX_CANDIDATES: Final = 2_000
SOME_CANDIDATES: Final = 500

# Likeness of names is asked for where words found less, and of what could be a name.
ENOUGH: Final = 5
MAX_WORDS: Final = 16
# Of a rank by words: divided by 1 + the logarithm of the length, then made a number below 1.
NORMALIZATION: Final = 32
_WORD: Final = re.compile(r"[^\W_]+")
_MINUS: Final = re.compile(r"(?:^|\s)-\w")
NAME_WORDS: Final = 4
ALIKE: Final = 50
BEGUN: Final = 50
"""So many slugs, and as many names, are looked at that begin as was typed."""


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

    At most five statements, besides the setting of an index walk. Text is cut at 200 characters.
    Whatever the limit the same candidates are ranked, so a longer list begins as a shorter one.
    """
    text = " ".join(text[:MAX_QUERY].split())
    if not text:
        return []
    tiers = _by_identity(text, among, exact=exact)
    fused = {} if exact or _is_reference(text, tiers) else ranking.fuse(_sources(text, among))
    found = tiers.keys() | fused.keys()
    if not found:
        return []
    hits = []
    for card in read_cards(among.cards().filter(skill__in=found)):
        tier, match = tiers.get(card.skill_id, 0.0), fused.get(card.skill_id, 0.0)
        hits.append(Hit(card, ranking.search_score(tier, match, card.downloads)))
    hits.sort(key=_order)
    return hits[:limit]


def page_below(
    text: str, *, cursor: str = "", limit: int = PAGE_SIZE, among: Narrowing = EVERYTHING
) -> tuple[Page, int]:
    """Return the results behind the cursor with all before them above, and how many there are.

    Of the `TOP` best alone. A place is the order of the result it stands behind, so that what came
    or went since moves nobody's place. Raises `CursorRefused`.
    """
    listing = f"search|{among}|{text}"
    hits = search(text, limit=TOP, among=among)
    above = 0
    if cursor:
        place = read_cursor(listing, cursor, bool, float, int)
        above = sum(_order(hit) <= place for hit in hits)
    shown = hits[: above + limit]
    follows = len(hits) > len(shown)
    behind = sign_cursor(listing, *_order(shown[-1])) if follows else None
    return Page([hit.card for hit in shown], behind, above), len(hits)


def _is_reference(text: str, tiers: Mapping[int, float]) -> bool:
    """Say whether an owner's skill is named; “ci/cd” is two words, unless somebody is called so."""
    owner, _slug = split_reference(text.lower())
    return bool(owner) and (bool(tiers) or text.startswith("@"))


def _order(hit: Hit) -> tuple[bool, float, int]:
    card = hit.card
    # Who types its very name is shown it, whatever is said of it.
    is_last = card.is_suspicious and hit.score < ranking.EXACT_TIER
    return is_last, -hit.score, card.skill_id


def _sources(text: str, among: Narrowing) -> list[Source]:
    words = _by_words(text, among)
    sources = [Source(1.0, words)]
    if len(words) < ENOUGH and len(text.split()) <= NAME_WORDS:
        sources.append(Source(0.5, _by_likeness(text, among)))
    if embeddings.are_on():
        sources.append(Source(1.0, _by_meaning(text, among)))
    return sources


def _by_identity(text: str, among: Narrowing, *, exact: bool) -> dict[int, float]:
    """Return the tiers of the skills that what was typed names, or begins to name."""
    owner, slug = split_reference(text.lower())
    slugs = among.cards().annotate(tier=Value(ranking.EXACT_TIER)).filter(slug=slug)
    parts: list[QuerySet[Any, Any]]
    if owner:
        parts = [slugs.filter(owner_handle=owner).values_list("skill", "tier")[:TOP]]
    else:
        named = among.texts().annotate(tier=Value(ranking.EXACT_TIER)).filter(name_key=_key(text))
        parts = [rows.values_list("skill", "tier")[:TOP] for rows in (slugs, named)]
    if not exact:
        parts += _beginnings(text, owner, slug, among)
    tiers: dict[int, float] = {}
    for skill, tier in parts[0].union(*parts[1:], all=True):
        tiers[skill] = max(tier, tiers.get(skill, 0.0))
    return tiers


def _beginnings(
    text: str, owner: str | None, slug: str, among: Narrowing
) -> list[QuerySet[Any, Any]]:
    tier = Value(ranking.PREFIX_TIER)
    parts: list[QuerySet[Any, Any]] = []
    # With an owner only what is theirs: another's display name may begin with the same words.
    if not owner:
        key = _key(text)
        names = among.texts().filter(name_key__gte=key, name_key__lt=Concat(key, Value(AFTER_ALL)))
        called = names.annotate(tier=tier).order_by("name_key")
        parts.append(called.values_list("skill", "tier")[:BEGUN])
    # Every slug begins with nothing.
    if slug:
        slugs = among.cards().filter(slug__gte=slug, slug__lt=slug + AFTER_ALL)
        slugs = slugs.filter(owner_handle=owner) if owner else slugs
        begun = slugs.annotate(tier=tier).order_by("slug")
        parts.append(begun.values_list("skill", "tier")[:BEGUN])
    return parts


def _by_words(text: str, among: Narrowing) -> list[int]:
    """Return skills whose texts hold all words, and behind them those that hold some.

    Each have their own limit, so that what holds some takes no place of what holds all.
    """
    query = wanted = _words_query(_key(text))
    found = Q(pk__in=_candidates(wanted, among, MAX_CANDIDATES))
    if some := any_word(text):
        # Of these the words that every text holds say nothing, and are left out.
        loose = SearchQuery(_key(some), config="english", search_type="websearch")
        query = wanted | loose
        found |= Q(pk__in=_candidates(loose, among, SOME_CANDIDATES))
    ranked = (
        SkillSearch.objects.filter(found)
        .annotate(holds_all=Case(When(document=wanted, then=Value(1)), default=Value(0)))
        .annotate(rank=SearchRank(F("document"), query, normalization=Value(NORMALIZATION)))
        .order_by("-holds_all", "-rank", "-downloads", "skill")
        .values_list("skill", flat=True)[:TOP]
    )
    return list(ranked)


def _candidates(query: Any, among: Narrowing, limit: int) -> QuerySet[Any, Any]:
    return among.texts().filter(document=query).order_by().values("pk")[:limit]


def _words_query(folded: Unaccent) -> SearchQuery:
    english = SearchQuery(folded, config="english", search_type="websearch")
    return english | SearchQuery(folded, config="simple", search_type="websearch")


def any_word(text: str) -> str:
    """Return the same words as a search for any of them; "" where there is nothing to loosen.

    Who writes quotation marks or a minus means what they write.
    """
    words = _WORD.findall(text)[:MAX_WORDS]
    if len(words) < 2 or '"' in text or _MINUS.search(text):  # noqa: PLR2004
        return ""
    return " or ".join(word for word in words if word.lower() != "or")


def _by_likeness(text: str, among: Narrowing) -> list[int]:
    """Return skills with a name like what was typed: typing errors."""
    key: Any = _key(text)
    alike = among.texts().filter(name_key__trigram_word_similar=key)
    ordered = alike.order_by(TrigramWordSimilarity(key, "name_key").desc(), "-downloads", "skill")
    return list(ordered.values_list("skill", flat=True)[:ALIKE])


def _by_meaning(text: str, among: Narrowing) -> list[int]:
    """Return skills whose text means nearly the same; none where embeddings fail."""
    try:
        return meaning.nearest(text, among.texts())
    except embeddings.ModelMissing:
        # It was logged when it could not be loaded: words answer alone.
        return []


def _key(text: str) -> Unaccent:
    """Fold text as `SkillSearch.name_key` is folded, by the database's own tables."""
    return Unaccent(Lower(Value(text)))
