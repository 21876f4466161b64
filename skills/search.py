"""Search by identity, words, meaning, and likeness of names; every source is an index and capped.

How what they find is ordered stands in `skills.ranking`. Without embeddings, words answer alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection
from django.db.models import BooleanField, Func, QuerySet, Value
from django.db.models.functions import Concat

from config.pagination import PAGE_SIZE, read_cursor, sign_cursor
from config.patience import for_seconds
from config.statements import statement
from skills import embeddings, meaning, ranking
from skills.derived import Folded
from skills.listing import AFTER_ALL, Card, Page, fetch_cards
from skills.lookup import split_reference
from skills.narrowing import (
    EVERYTHING,
    KEPT,
    Composed,
    Narrowing,
    composed,
    sql_of_most_downloaded,
    sql_of_texts,
)
from skills.ranking import Match, Source

__all__ = ["EVERYTHING", "Hit", "Narrowing", "page_below", "search"]

MAX_QUERY: Final = 200
TOP: Final = 200
"""So many results have a place; behind them a better question helps more than another page."""

ADVICE: Final = "Leave out a word, or add one that fewer skills have."
# A table that is read from where another search left off finds others each time.
SETTINGS: Final = ("synchronize_seqscans = off", *meaning.WALK_ON)

# A common word matches thousands; this many are ranked, not more: any, and the most downloaded.
MAX_CANDIDATES: Final = 1_000
MOST_DOWNLOADED: Final = 200
SOME_CANDIDATES: Final = 500
FINE: Final = 100
"""So many of the candidates, the best by their heads, are ranked by their whole texts."""

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


# Stand-ins for the parameters of a composed statement; no stored text looks like them.
_TEXT, _OWNER, _SKILLS = "\ufdd0text", "\ufdd0owner", "\ufdd0skills"
_SLUG, _SLUG_END = "\ufdd0slug", "\ufdd0end"
# What was typed, folded as `SkillSearch.name_key` is, by the database's own tables.
_KEY: Final[Any] = Folded(Value(_TEXT))
_TIERED: Final = (*Match._fields, "tier")


class Place(NamedTuple):
    """Where a result stands: what is suspicious last, then by falling score."""

    is_last: bool
    descending: float
    skill_id: int


@dataclass(frozen=True)
class Hit:
    """A card and how well it matches; higher is better."""

    card: Card
    score: float


def search(
    text: str, *, limit: int = 25, among: Narrowing = EVERYTHING, exact: bool = False
) -> list[Hit]:
    """Return the best matches, at most `limit`; an empty text matches nothing.

    At most five statements in a transaction with settings of its own. Text is cut at 200
    characters. Whatever the limit the same candidates are ranked, so a longer list begins as a
    shorter one. Raises `SearchTooSlow`.
    """
    with for_seconds(ADVICE, *SETTINGS):
        return _hits(_places(text, among, exact=exact)[:limit], among)


def page_below(
    text: str, *, cursor: str = "", limit: int = PAGE_SIZE, among: Narrowing = EVERYTHING
) -> tuple[Page, int]:
    """Return the results behind the cursor with all before them above, and how many there are.

    Of the `TOP` best alone. A place is the order of the result it stands behind, so that what came
    or went since moves nobody's place. Raises `CursorRefused`, `SearchTooSlow`.
    """
    listing = f"search|{among}|{text}"
    last = read_cursor(listing, cursor, bool, float, int) if cursor else None
    with for_seconds(ADVICE, *SETTINGS):
        places = _places(text, among)[:TOP]
        above = sum(place <= last for place in places) if last else 0
        shown = places[: above + limit]
        hits = _hits(shown, among)
    behind = sign_cursor(listing, *shown[-1]) if len(places) > len(shown) else None
    return Page([hit.card for hit in hits], behind, above), len(places)


def _places(text: str, among: Narrowing, *, exact: bool = False) -> list[Place]:
    """Return where each skill stands that was found, the best first; no card is read."""
    text = " ".join(text[:MAX_QUERY].split())
    if not text:
        return []
    known: dict[int, Match] = {}
    tiers = _by_identity(text, among, known, exact=exact)
    is_named = exact or _is_reference(text, tiers)
    fused = {} if is_named else ranking.fuse(_sources(text, among, known))
    return sorted(
        _place(match, tiers.get(skill_id, 0.0), fused.get(skill_id, 0.0))
        for skill_id, match in known.items()
    )


def _place(match: Match, tier: float, fused: float) -> Place:
    score = ranking.search_score(tier, fused, match.downloads)
    # Who types its very name is shown it, whatever is said of it.
    is_last = match.is_suspicious and score < ranking.EXACT_TIER
    return Place(is_last, -score, match.skill_id)


def _hits(places: Sequence[Place], among: Narrowing) -> list[Hit]:
    """Read the cards of these places, those that went meanwhile left out."""
    if not places:
        return []
    statement = _cards(among)
    params = statement.with_values({_SKILLS: [place.skill_id for place in places]})
    cards = {card.skill_id: card for card in fetch_cards(statement.sql, params)}
    found = [place for place in places if place.skill_id in cards]
    return [Hit(cards[place.skill_id], -place.descending) for place in found]


def _is_reference(text: str, tiers: Mapping[int, float]) -> bool:
    """Say whether an owner's skill is named; “ci/cd” is two words, unless somebody is called so."""
    owner, _slug = split_reference(text.lower())
    return bool(owner) and (bool(tiers) or text.startswith("@"))


def _sources(text: str, among: Narrowing, known: dict[int, Match]) -> list[Source]:
    words = _by_words(text, among)
    sources = [(1.0, words)]
    if len(words) < ENOUGH and len(text.split()) <= NAME_WORDS:
        sources.append((0.5, _by_likeness(text, among)))
    if embeddings.are_on():
        sources.append((1.0, _by_meaning(text, among)))
    known.update((match.skill_id, match) for _weight, found in sources for match in found)
    return [Source(weight, [match.skill_id for match in found]) for weight, found in sources]


# --- Identity -------------------------------------------------------------------------------------


def _by_identity(
    text: str, among: Narrowing, known: dict[int, Match], *, exact: bool
) -> dict[int, float]:
    """Return the tiers of the skills that what was typed names, or begins to name."""
    owner, slug = split_reference(text.lower())
    told = {_TEXT: text, _OWNER: owner, _SLUG: slug, _SLUG_END: slug + AFTER_ALL}
    tiers: dict[int, float] = {}
    for *match, tier in _identity(among, bool(owner), bool(slug), exact).rows(told):
        found = Match(*match)
        known[found.skill_id] = found
        tiers[found.skill_id] = max(float(tier), tiers.get(found.skill_id, 0.0))
    return tiers


@lru_cache(maxsize=KEPT)
def _identity(among: Narrowing, by_owner: bool, by_slug: bool, exact: bool) -> Composed:
    slugs = among.cards().annotate(tier=Value(ranking.EXACT_TIER)).filter(slug=_SLUG)
    parts: list[QuerySet[Any, Any]]
    if by_owner:
        parts = [slugs.filter(owner_handle=_OWNER).values_list(*_TIERED)[:TOP]]
    else:
        named = among.texts().annotate(tier=Value(ranking.EXACT_TIER)).filter(name_key=_KEY)
        parts = [rows.values_list(*_TIERED)[:TOP] for rows in (slugs, named)]
    if not exact:
        parts += _beginnings(among, by_owner, by_slug)
    return composed(parts[0].union(*parts[1:], all=True))


def _beginnings(among: Narrowing, by_owner: bool, by_slug: bool) -> list[QuerySet[Any, Any]]:
    tier = Value(ranking.PREFIX_TIER)
    parts: list[QuerySet[Any, Any]] = []
    # With an owner only what is theirs: another's display name may begin with the same words.
    if not by_owner:
        end = Concat(_KEY, Value(AFTER_ALL))
        names = among.texts().filter(name_key__gte=_KEY, name_key__lt=end)
        called = names.annotate(tier=tier).order_by("name_key")
        parts.append(called.values_list(*_TIERED)[:BEGUN])
    # Every slug begins with nothing.
    if by_slug:
        slugs = among.cards().filter(slug__gte=_SLUG, slug__lt=_SLUG_END)
        slugs = slugs.filter(owner_handle=_OWNER) if by_owner else slugs
        begun = slugs.annotate(tier=tier).order_by("slug")
        parts.append(begun.values_list(*_TIERED)[:BEGUN])
    return parts


# --- Words ----------------------------------------------------------------------------------------


def _by_words(text: str, among: Narrowing) -> list[Match]:
    """Return skills whose texts hold all words, and behind them those that hold some.

    Each have their own limit, so that what holds some takes no place of what holds all.
    """
    texts, params = sql_of_texts(among)
    most_downloaded, more_params = sql_of_most_downloaded(among, MOST_DOWNLOADED)
    # Of some words those that every text holds say nothing, and are left out.
    some = _tsquery("english", "some_words")
    every = f"({_tsquery('english', 'words')} || {_tsquery('simple', 'words')})"
    sql = statement("skills/search_words").format(
        texts=texts,
        most_downloaded=most_downloaded,
        wanted=every,
        loose=some,
        asked=f"({every} || {some})",
    )
    told = {
        "words": text,
        "some_words": any_word(text),
        "normalization": NORMALIZATION,
        "most": MAX_CANDIDATES,
        "some": SOME_CANDIDATES,
        "fine": FINE,
        "limit": TOP,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, params | more_params | told)
        return [Match(*row) for row in cursor.fetchall()]


def _tsquery(config: str, name: str) -> str:
    return f"websearch_to_tsquery('{config}', skills_fold(%({name})s))"


def any_word(text: str) -> str:
    """Return the same words as a search for any of them; "" where there is nothing to loosen.

    Who writes quotation marks or a minus means what they write.
    """
    words = _WORD.findall(text)[:MAX_WORDS]
    if len(words) < 2 or '"' in text or _MINUS.search(text):  # noqa: PLR2004
        return ""
    return " or ".join(word for word in words if word.lower() != "or")


# --- Likeness and meaning -------------------------------------------------------------------------


def _by_likeness(text: str, among: Narrowing) -> list[Match]:
    """Return skills with a name like what was typed: typing errors."""
    return [Match(*row) for row in _likeness(among).rows({_TEXT: text})]


@lru_cache(maxsize=KEPT)
def _likeness(among: Narrowing) -> Composed:
    alike = among.texts().filter(name_key__trigram_word_similar=_KEY)
    likest = TrigramWordSimilarity(_KEY, "name_key").desc()
    ordered = alike.order_by(likest, "-downloads", "skill")
    return composed(ordered.values_list(*Match._fields)[:ALIKE])


def _by_meaning(text: str, among: Narrowing) -> list[Match]:
    """Return skills whose text means nearly the same; none where embeddings fail."""
    try:
        return meaning.nearest(text, among)
    except embeddings.ModelMissing:
        # It was logged when it could not be loaded: words answer alone.
        return []


@lru_cache(maxsize=KEPT)
def _cards(among: Narrowing) -> Composed:
    return composed(
        among.cards().filter(_IsOneOf("skill", Value(_SKILLS))).values_list(*Card._fields)
    )


class _IsOneOf(Func):
    """`column = ANY(array)`: one parameter, however many keys there are."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()
