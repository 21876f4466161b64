"""What a visitor asks of the lists, read from the query string. Nonsense becomes a notice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Self

from django.http import QueryDict
from django.utils.http import urlencode

from config.text import clean_line
from skills.listing import DEFAULT_SORT, ListQuery, list_query
from skills.models.listing import SORT_COLUMNS
from skills.search import MAX_QUERY
from skills.slugs import CATEGORY_KEYS, CATEGORY_LABELS, MAX_TOPIC_CHARACTERS, normalize_topic

BROWSE_PATH: Final = "/skills/"
PARAMETERS: Final = ("q", "category", "topic", "suspicious", "sort", "until")
SORT_LABELS: Final = {
    "updated": "Updated",
    "newest": "Newest",
    "downloads": "Downloads",
    "installs": "Installs",
    "stars": "Stars",
    "name": "Name",
}
CURSOR_NOTICE: Final = "That place in the list is not one of ours; this is the beginning."


@dataclass(frozen=True)
class BrowseFilter:
    """A search, or a filtered and sorted list from a place on; the defaults list everything.

    A search has no sort. `notices` say what was asked for and ignored.
    """

    q: str = ""
    category: str = ""
    topic: str = ""
    suspicious: bool = False
    sort: str = DEFAULT_SORT
    until: str = ""
    notices: tuple[str, ...] = ()

    @classmethod
    def parse(cls, given: QueryDict) -> Self:
        """Read a query string; never raises. A cursor is checked only where it is used."""
        notices: list[str] = []
        q = " ".join(given.get("q", "")[:MAX_QUERY].split())
        category = _known(given.get("category", ""), CATEGORY_KEYS, "category", notices)
        sort = _known(given.get("sort", ""), SORT_COLUMNS, "order", notices) or DEFAULT_SORT
        asked_topic = given.get("topic", "").strip()
        topic = normalize_topic(asked_topic[:200])[:MAX_TOPIC_CHARACTERS].strip("-")
        if asked_topic and not topic:
            notices.append("A topic has letters a to z or digits; all topics are shown.")
        return cls(
            q=q,
            category=category,
            topic=topic,
            suspicious=given.get("suspicious", "").lower() in {"1", "true", "yes", "on"},
            sort=DEFAULT_SORT if q else sort,
            until=given.get("until", ""),
            notices=tuple(notices),
        )

    @classmethod
    def is_canonical(cls, given: QueryDict, asked: Self) -> bool:
        """Say whether `given` spells this filter without empty or default parameters."""
        told = {key: given[key] for key in PARAMETERS if key in given}
        return bool(asked.notices) or told == asked.parameters()

    @property
    def list_query(self) -> ListQuery:
        """Return the list this is; not for a search."""
        return list_query(
            sort=self.sort, suspicious=self.suspicious, category=self.category, topic=self.topic
        )

    @property
    def words(self) -> list[str]:
        """Return the words of the search that results are marked with."""
        return [word for word in re.split(r"[\W_]+", self.q) if len(word) > 1][:20]

    def parameters(self) -> dict[str, str]:
        """Return the query string as a mapping, defaults left out, in one order."""
        said = {
            "q": self.q,
            "category": self.category,
            "topic": self.topic,
            "suspicious": "1" if self.suspicious else "",
            "sort": "" if self.sort == DEFAULT_SORT else self.sort,
            "until": self.until,
        }
        return {key: value for key, value in said.items() if value}

    def url(self, **changes: Any) -> str:
        """Return the address of this list with changes, from its beginning unless `until` says."""
        changed = replace(self, **{"until": "", **changes})
        query = changed.parameters()
        return f"{BROWSE_PATH}?{urlencode(query)}" if query else BROWSE_PATH

    def from_the_start(self, notice: str) -> Self:
        """Return the same list from its beginning, saying why."""
        return replace(self, until="", notices=(*self.notices, notice))

    # --- What the page shows of it ----------------------------------------------------------------

    @property
    def heading(self) -> str:
        """Return the title of the page."""
        if self.q:
            return f"Search: {self.q}"
        if self.category and self.topic:
            return f"{CATEGORY_LABELS[self.category]}, #{self.topic}"
        if self.topic:
            return f"#{self.topic}"
        return CATEGORY_LABELS.get(self.category, "Browse skills")

    @property
    def is_indexable(self) -> bool:
        """Say whether search engines should keep the page: nothing beyond a category is chosen."""
        return not (set(self.parameters()) - {"category"})

    def chips(self) -> list[dict[str, str]]:
        """Return the active filters, each with the address without it."""
        chips = []
        if self.q:
            chips.append({"label": f"“{self.q}”", "remove_url": self.url(q="")})
        if self.category:
            label = CATEGORY_LABELS[self.category]
            chips.append({"label": label, "remove_url": self.url(category="")})
        if self.topic:
            chips.append({"label": f"#{self.topic}", "remove_url": self.url(topic="")})
        if self.suspicious:
            chips.append({"label": "suspicious too", "remove_url": self.url(suspicious=False)})
        return chips

    def sorts(self) -> list[dict[str, Any]]:
        """Return the orders to choose from; none for a search, which goes by match."""
        if self.q:
            return []
        return [
            {"label": label, "url": self.url(sort=key), "current": key == self.sort}
            for key, label in SORT_LABELS.items()
        ]

    def facets(self, counts: Mapping[str, int] = MappingProxyType({})) -> list[dict[str, Any]]:
        """Return the categories as links, the first of them all, with the counts that there are."""
        return [
            {
                "label": label,
                "url": self.url(category=key),
                "current": key == self.category,
                "count": counts.get(key),
            }
            for key, label in (("", "All"), *CATEGORY_LABELS.items())
        ]


def _known(text: str, known: Any, what: str, notices: list[str]) -> str:
    text = text.strip()
    if text and text not in known:
        notices.append(f"There is no {what} “{clean_line(text, 40)}”; it is ignored.")
        return ""
    return text
