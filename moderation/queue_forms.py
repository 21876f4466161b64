"""What moderators ask of the queue and type into its forms. Nonsense becomes a notice."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from config.text import clean_line
from moderation.models import ItemKind
from moderation.scanners import Severity

TABS: Final = {
    "due": "Due",
    "all": "All",
    "mine": "Mine",
    "appeals": "Appeals",
    "held": "Held",
    "done": "Done",
}
SORTS: Final = {"priority": "Priority", "oldest": "Oldest", "reach": "Reach"}
SORT_TITLE: Final = "The longest waiting first, moved ahead by severity, reporters and installs."
CLAIMS: Final = {"free": "Free", "mine": "Mine", "others": "Of others"}
SEVERITIES: Final = {str(severity): severity.capitalize() for severity in reversed(Severity)}
KINDS: Final = dict(ItemKind.choices)
ITEM_DIGITS: Final = 18


@dataclass(frozen=True)
class QueueFilter:
    """A tab of the queue, narrowed and sorted, up to a place; the address is the state.

    `item` is the one in the pane, `done` the decision that was just made, `is_alone` whether the
    item has a page to itself. `notices` say what was asked for and ignored.
    """

    tab: str = "due"
    kind: str = ""
    sev: str = ""
    rule: str = ""
    author: str = ""
    claim: str = ""
    q: str = ""
    sort: str = "priority"
    until: str = ""
    item: int = 0
    done: int = 0
    is_alone: bool = False
    notices: tuple[str, ...] = ()

    @classmethod
    def parse(cls, given: QueryDict) -> Self:
        """Read a query string; never raises. A cursor is checked only where it is used."""
        notices: list[str] = []
        return cls(
            tab=_known(given.get("tab", ""), TABS, "tab", notices) or "due",
            kind=_known(given.get("kind", ""), KINDS, "kind", notices),
            sev=_known(given.get("sev", ""), SEVERITIES, "severity", notices),
            rule=_word(given.get("rule", ""), 64),
            author=_word(given.get("author", ""), 64).lstrip("@").lower(),
            claim=_known(given.get("claim", ""), CLAIMS, "claim", notices),
            q=_word(given.get("q", ""), 120).lower(),
            sort=_known(given.get("sort", ""), SORTS, "order", notices) or "priority",
            until=given.get("until", "")[:1000],
            item=number_in(given.get("item", "")),
            done=number_in(given.get("done", "")),
            is_alone=given.get("alone") == "1",
            notices=tuple(notices),
        )

    def parameters(self) -> dict[str, str]:
        """Return the query parameters of this address, defaults left out, in one order."""
        said = {
            "tab": "" if self.tab == "due" else self.tab,
            "kind": self.kind,
            "sev": self.sev,
            "rule": self.rule,
            "author": self.author,
            "claim": self.claim,
            "q": self.q,
            "sort": "" if self.sort == "priority" else self.sort,
            "until": self.until,
            "item": str(self.item or ""),
            "alone": "1" if self.is_alone else "",
        }
        return {key: value for key, value in said.items() if value}

    @property
    def query(self) -> str:
        """Return the filters as a query string with its question mark; "" for the defaults."""
        said = urlencode(replace(self, item=0).parameters())
        return f"?{said}" if said else ""

    def url(self, **changes: Any) -> str:
        """Return the address of the list with changes."""
        said = urlencode(replace(self, **{"is_alone": False, **changes}).parameters())
        return reverse("moderation:queue") + (f"?{said}" if said else "")

    @property
    def list_url(self) -> str:
        """Return the address of the list, nothing chosen."""
        return self.url(item=0)

    @property
    def all_url(self) -> str:
        """Return the address of everything that is open."""
        return QueueFilter(tab="all").url()

    def item_url(self, item_id: int) -> str:
        """Return the address of an item, as this view of the queue shows items."""
        if self.is_alone:
            return reverse("moderation:item", args=[item_id]) + replace(self, is_alone=False).query
        return self.url(item=item_id)

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything but the tab narrows the list."""
        return bool(self.kind or self.sev or self.rule or self.author or self.claim or self.q)

    def cleared(self) -> str:
        """Return the address of the tab without filters."""
        return QueueFilter(tab=self.tab, sort=self.sort).url()

    def chips(self) -> list[dict[str, str]]:
        """Return the active filters, each with the address without it."""
        said = {
            "kind": KINDS.get(self.kind, ""),
            "sev": SEVERITIES.get(self.sev, ""),
            "rule": self.rule,
            "author": f"@{self.author}" if self.author else "",
            "claim": CLAIMS.get(self.claim, ""),
            "q": f"“{self.q}”" if self.q else "",
        }
        return [
            {"label": label, "remove_url": self.url(**{name: "", "item": 0, "until": ""})}
            for name, label in said.items()
            if label
        ]

    def sorts(self) -> list[dict[str, Any]]:
        """Return the orders to choose from; what is held or done has one of its own."""
        if self.tab in {"held", "done"}:
            return []
        return [
            {"label": label, "url": self.url(sort=key, until=""), "current": key == self.sort}
            for key, label in SORTS.items()
        ]


def number_in(text: str) -> int:
    """Return the id that somebody wrote into an address; 0 for anything else."""
    is_id = text.isascii() and text.isdigit() and len(text) <= ITEM_DIGITS
    return int(text) if is_id else 0


def _known(text: str, known: Any, what: str, notices: list[str]) -> str:
    text = text.strip()
    if text and text not in known:
        notices.append(f"There is no {what} “{clean_line(text, 40)}”; it is ignored.")
        return ""
    return text


def _word(text: str, limit: int) -> str:
    return clean_line(text[: 4 * limit], limit)


# --- Deciding -------------------------------------------------------------------------------------

TYPED_MOST: Final = 4000


@dataclass(frozen=True)
class Typed:
    """What a moderator sent with a decision, kept word for word so that a refusal loses nothing."""

    action: str = ""
    template: str = ""
    text: str = ""
    why: str = ""
    answer: str = ""
    note: str = ""
    slug: str = ""
    revision: int | None = None
    request_key: uuid.UUID | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, given: QueryDict) -> Self:
        """Read the form; a revision or key that is none is as if it was not sent."""
        said: dict[str, Any] = {
            name: given.get(name, "").replace("\r\n", "\n").replace("\0", "")[:TYPED_MOST]
            for name in ("action", "template", "text", "why", "answer", "note", "slug")
        }
        revision = given.get("revision", "")
        return cls(
            **said,
            # Nobody decides blind: without a revision it is one that no item has.
            revision=number_in(revision),
            request_key=_key(given.get("request_key", "")),
        )

    def refused(self, field_name: str | None, message: str) -> Self:
        """Return the same with what is wrong with it."""
        return replace(self, errors={field_name or "": message})

    @property
    def is_refused(self) -> bool:
        """Say whether something is wrong with it."""
        return bool(self.errors)


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
