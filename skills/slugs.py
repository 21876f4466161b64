"""The names people choose for a skill: its slug, its categories and its topics.

The rules are for new names. Slugs that came with an import are kept as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from config.errors import DomainError

MIN_SLUG_CHARACTERS = 3
MAX_SLUG_CHARACTERS = 96
MAX_CATEGORIES = 3
MAX_TOPICS = 5
MAX_TOPIC_CHARACTERS = 40

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

# The names of agents are not among them: a skill for one has every reason to say so.
BRAND_WORDS = frozenset(["skillboard", "clawhub", "clawdhub"])
TRUST_WORDS = frozenset(["official", "verified", "trusted", "certified"])
_TEAM_WORDS = frozenset(["staff", "admin", "moderator"])
_PROTECTED_AFFIXES = BRAND_WORDS | _TEAM_WORDS | {"official", "verified"}

_ROUTE_WORDS = """
    about account accounts api appeal appeals atom auth board boards browse categories category
    cli dashboard demo dev diff docs download downloads explore favicon feed feeds files health
    healthz help home import index install jobs leaderboard leaderboards legal login logout
    management media mine modlog moderation namespace namespaces new notices openapi org orgs
    packages pages plugins popular privacy publish publishers queue raw readyz register report
    reports resolve rising robots root rss scan scans search security settings share signin signout
    signup sitemap skill skills souls stars static status stats summaries tag tags telemetry terms
    theme token tokens topic topics trace traces transfer transfers trending upload uploads user
    users version versions webhook webhooks well-known whoami www
"""
_ROLE_WORDS = """
    administrator anonymous bot everyone guest mod moderators owner superuser support
    system team
"""
_CRUD_WORDS = "add copy create delete edit get list patch post put remove rename restore update"
_LITERALS = "false inf infinity latest nan nil none null true undefined void"
_DEVICE_WORDS = ["aux", "con", "nul", "prn"] + [
    f"{port}{number}" for port in ("com", "lpt") for number in range(10)
]

RESERVED_SLUGS = (
    frozenset(f"{_ROUTE_WORDS} {_ROLE_WORDS} {_CRUD_WORDS} {_LITERALS}".split())
    | frozenset(_DEVICE_WORDS)
    | BRAND_WORDS
    | TRUST_WORDS
    | _TEAM_WORDS
)


class SlugRefused(DomainError):
    """A new skill cannot have this slug."""

    code = "slug_invalid"


class CategoryRefused(DomainError):
    """A category is not in the list, or there are too many."""

    code = "category_unknown"


class TopicRefused(DomainError):
    """A topic says nothing, claims trust or a brand, or there are too many."""

    code = "topic_invalid"


class Category(NamedTuple):
    """A category's key in URLs and its label for people; also a choice of a Django field."""

    key: str
    label: str


CATEGORIES = (
    Category("coding", "Coding"),
    Category("devops", "DevOps and systems"),
    Category("data", "Data and research"),
    Category("documents", "Documents and writing"),
    Category("web", "Web and browsing"),
    Category("communication", "Communication"),
    Category("productivity", "Productivity"),
    Category("media", "Images, audio and video"),
    Category("finance", "Finance and business"),
    Category("other", "Other"),
)
CATEGORY_LABELS = {category.key: category.label for category in CATEGORIES}
CATEGORY_KEYS = frozenset(CATEGORY_LABELS)
DEFAULT_CATEGORY = "other"


def normalize_slug(text: str) -> str:
    """The form in which slugs are compared and stored: trimmed, lower case."""
    return text.strip().lower()


def validate_new_slug(slug: str) -> str:
    """The normalised slug, if a new skill may have it.

    Raises SlugRefused with code ``slug_invalid`` (its form), ``slug_reserved`` (the word is
    ours) or ``slug_protected`` (it begins or ends with a word that claims trust).
    """
    slug = normalize_slug(slug)
    is_fit = MIN_SLUG_CHARACTERS <= len(slug) <= MAX_SLUG_CHARACTERS
    if not is_fit or _SLUG.fullmatch(slug) is None:
        raise SlugRefused(
            "A slug has 3 to 96 characters: small letters a to z, digits and single hyphens "
            "between them; choose another one.",
            field="slug",
        )
    if slug in RESERVED_SLUGS:
        raise SlugRefused(
            f'The slug "{slug}" is reserved; add a word that says what the skill does.',
            field="slug",
            code="slug_reserved",
        )
    for word in _PROTECTED_AFFIXES:
        if slug.startswith(f"{word}-") or slug.endswith(f"-{word}"):
            raise SlugRefused(
                f'A slug may not begin or end with "{word}", which would claim our trust; '
                "leave that word out.",
                field="slug",
                code="slug_protected",
            )
    return slug


def confusable_key(slug: str) -> str:
    """Equal for slugs a hurried reader takes for one: ``pdf-tools`` and ``pdft00ls``.

    Also defined for old slugs that break the rules. The same key is a reason to look, not proof.
    """
    letters = unicodedata.normalize("NFKC", slug).casefold()
    letters = "".join(letter for letter in letters if letter.isalnum())
    return letters.translate(str.maketrans("01l", "oii")).replace("rn", "m")


def normalize_topic(text: str) -> str:
    """The topic as a hyphenated slug, accents dropped; empty if no letter or digit is left."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def clean_categories(categories: Iterable[str]) -> tuple[str, ...]:
    """The distinct category keys in the author's order; without any, ``other``.

    Raises CategoryRefused with code ``category_unknown`` or ``too_many_categories``.
    """
    keys = tuple(dict.fromkeys(category.strip().lower() for category in categories))
    if any(key not in CATEGORY_KEYS for key in keys):
        raise CategoryRefused(
            f"A category is unknown; choose from {', '.join(c.key for c in CATEGORIES)}.",
            field="categories",
        )
    if len(keys) > MAX_CATEGORIES:
        raise CategoryRefused(
            f"A skill has at most {MAX_CATEGORIES} categories; keep the ones that fit best.",
            field="categories",
            code="too_many_categories",
        )
    return keys or (DEFAULT_CATEGORY,)


def clean_topics(topics: Iterable[str]) -> tuple[str, ...]:
    """The distinct normalised topics in the author's order; there may be none.

    Raises TopicRefused with code ``topic_invalid``, ``topic_protected`` or ``too_many_topics``.
    """
    cleaned = tuple(dict.fromkeys(_clean_topic(topic) for topic in topics))
    if len(cleaned) > MAX_TOPICS:
        raise TopicRefused(
            f"A skill has at most {MAX_TOPICS} topics; keep the ones people will look for.",
            field="topics",
            code="too_many_topics",
        )
    return cleaned


def _clean_topic(text: str) -> str:
    topic = normalize_topic(text)
    if not topic or len(topic) > MAX_TOPIC_CHARACTERS:
        raise TopicRefused(
            f"A topic has 1 to {MAX_TOPIC_CHARACTERS} letters a to z, digits and hyphens; "
            "choose another word.",
            field="topics",
        )
    # "admin" is refused alone only: "wordpress-admin" is a subject, not a claim.
    protected = (BRAND_WORDS | TRUST_WORDS).intersection(topic.split("-"))
    protected |= _TEAM_WORDS.intersection([topic])
    if protected:
        raise TopicRefused(
            f'The word "{min(protected)}" is not for topics; say what the skill is about.',
            field="topics",
            code="topic_protected",
        )
    return topic
