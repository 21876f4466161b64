"""Search over traces: titles and summaries, and what people asked for in them.

Both sources are an index, and of each the newest hits that the asker may see are ranked, not more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank, SearchVector
from django.db import models
from django.db.models import BigIntegerField, F, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Left
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.policy import Actor
from config.patience import for_seconds
from config.statements import statement
from config.text import mark_invisible, replace_unstorable, visible_invisibles
from traces.models import Kind, Message, Trace
from traces.models.message import SEARCHED_LENGTH

MAX_QUERY: Final = 200
MAX_LIMIT: Final = 50
PAGE_LIMIT: Final = 25
# A common word matches thousands; this many of each source are ranked, the newest.
MAX_CANDIDATES: Final = 500
# What a trace says of itself counts before what was said in it.
HEAD_SCORE: Final = 1.0
SNIPPET_WORDS: Final = 30
# Around the words that match: characters for private use, which no text has for a reader.
_START, _STOP = "\ue000", "\ue001"
_MATCH: Final = re.compile(f"{_START}([^{_START}{_STOP}]*){_STOP}")
_NOTHING: Final = Value(None, output_field=BigIntegerField())
# The trace of a message of `sql/newest_visible.sql`, in the generation that counts.
_OF_MESSAGE: Final = "traces_trace.id = m.trace_id AND traces_trace.generation = m.generation"
_TEXT: Final = models.TextField()
_MARKS: Final = re.compile(f"[{_START}{_STOP}]")


class Snippet(NamedTuple):
    """Some text around what matches: (text, does it match) pieces, in order."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """Return it as plain text, in which nothing is invisible."""
        return visible_invisibles("".join(text for text, _match in self.pieces))

    @property
    def html(self) -> SafeString:
        """Return it as HTML with what matches marked."""
        shown = ((mark_invisible(text), match) for text, match in self.pieces)
        return format_html_join(
            "", "{}", ((format_html("<mark>{}</mark>", t) if match else t,) for t, match in shown)
        )


@dataclass(frozen=True)
class Hit:
    """A trace that matches, where, and how well; higher is better."""

    trace: Trace
    score: float
    snippet: Snippet
    # The position of the message that matches best; None where title or summary do alone.
    position: int | None


class Indexable(models.Func):
    """Whether an index can answer a query at all; not one that only says what shall be absent.

    Folded while planning, so that such a query reads nothing.
    """

    function = "querytree"
    template = "(%(function)s(%(expressions)s) NOT IN ('', 'T'))"
    output_field = models.BooleanField()
    conditional = True


def clean_query(text: str) -> str:
    """Return what is searched for: whole words of at most 200 characters, on one line."""
    if len(text) > MAX_QUERY:
        text = text[:MAX_QUERY]
        text = text.rpartition(" ")[0] or text
    return " ".join(replace_unstorable(text).split())


def search(actor: Actor, text: str, *, limit: int = PAGE_LIMIT) -> list[Hit]:
    """Return the best matches that the actor may list, at most `limit`.

    Three statements within seconds. Words, “phrases”, OR and -not. Raises `SearchTooSlow`.
    """
    text = clean_query(text)
    if not text:
        return []
    query = SearchQuery(text, config="english", search_type="websearch")
    with for_seconds("Add a word that fewer traces have."):
        return _search(actor, query, limit)


def _search(actor: Actor, query: SearchQuery, limit: int) -> list[Hit]:
    scores, best = _scores(actor, query)
    chosen = sorted(scores, key=lambda pk: (-scores[pk], -pk))[:limit]
    rows = Trace.objects.listed_for(actor).filter(pk__in=chosen).defer("redactions")
    traces = rows.annotate(headline=_headline(F("ai_summary"), query))
    said = _said(query, [best[pk] for pk in chosen if pk in best])
    hits = []
    for trace in traces:
        position, headline = said.get(trace.pk, (None, trace.headline))
        hits.append(Hit(trace, scores[trace.pk], _snippet(headline), position))
    hits.sort(key=lambda hit: (-hit.score, -hit.trace.pk))
    return hits


def _scores(actor: Actor, query: SearchQuery) -> tuple[dict[int, float], dict[int, int]]:
    """Return how well each trace matches, and which message of it does best; one statement."""
    visible = Trace.objects.listed_for(actor)
    of_head = SearchVector("title", "ai_summary", config="english")
    of_text = SearchVector(Left("text", SEARCHED_LENGTH), config="english")
    heads = _matching(visible, of_head, query).annotate(trace_key=F("pk"), message=_NOTHING)
    asked = _matching(Message.objects.filter(kind=Kind.USER), of_text, query)
    texts = _newest_visible(asked, visible).annotate(trace_key=F("trace"), message=F("pk"))
    found = _ranked(heads, of_head, query).union(_ranked(texts, of_text, query), all=True)
    scores: dict[int, float] = {}
    best: dict[int, tuple[float, int]] = {}
    for trace, message, rank in found:
        if message is None:
            scores[trace] = HEAD_SCORE + rank
        else:
            best[trace] = max(best.get(trace, (-1.0, 0)), (rank, message))
    for trace, (rank, _message) in best.items():
        scores[trace] = scores.get(trace, 0.0) + rank
    return scores, {trace: message for trace, (_rank, message) in best.items()}


def _matching(rows: Any, vector: SearchVector, query: SearchQuery) -> Any:
    """Return the rows that match, the newest first."""
    return rows.alias(words=vector).filter(Indexable(query), words=query).order_by("-pk")


def _newest_visible(asked: Any, visible: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Return the newest of these messages whose traces may be seen."""
    # Found again by where they stand in the table: a block each, where the key's index costs three.
    placed = asked.annotate(place=RawSQL("traces_message.ctid", [], output_field=_TEXT))
    keys = placed.values("id", "trace_id", "generation", "place")
    matches, of_matches = keys.query.sql_with_params()
    of_message = visible.extra(where=[_OF_MESSAGE]).values("pk")  # noqa: S610 - Ours alone.
    seen, of_seen = of_message.query.sql_with_params()
    sql = statement("traces/newest_visible").replace("@matches", matches).replace("@visible", seen)
    newest: QuerySet[Any, Any] = Message.objects.extra(  # noqa: S610 - Ours alone.
        where=[f"traces_message.ctid = ANY(ARRAY({sql}))"],
        params=[*of_matches, *of_seen, MAX_CANDIDATES],
    )
    return newest


def _ranked(rows: Any, vector: SearchVector, query: SearchQuery) -> QuerySet[Any, Any]:
    """Return the newest rows, ranked; the rank is computed of those alone."""
    ranked = rows.annotate(rank=SearchRank(vector, query, normalization=Value(32)))
    newest: QuerySet[Any, Any] = ranked.order_by("-pk").values_list("trace_key", "message", "rank")
    return newest[:MAX_CANDIDATES]


def _headline(text: Any, query: SearchQuery) -> SearchHeadline:
    return SearchHeadline(
        text,
        query,
        config="english",
        start_sel=_START,
        stop_sel=_STOP,
        max_words=SNIPPET_WORDS,
        min_words=SNIPPET_WORDS // 2,
    )


def _said(query: SearchQuery, messages: list[int]) -> dict[int, tuple[int, str]]:
    """Return position and text around the match of these messages, by trace."""
    headline = _headline(Left("text", SEARCHED_LENGTH), query)
    rows = Message.objects.filter(pk__in=messages, generation=F("trace__generation"))
    told = rows.annotate(headline=headline).values_list("trace", "position", "headline")
    return {trace: (position, text) for trace, position, text in told}


def _snippet(text: str) -> Snippet:
    pieces = _MATCH.split(" ".join(text.split()))
    told = ((_MARKS.sub("", piece), n % 2 == 1) for n, piece in enumerate(pieces))
    return Snippet(tuple((piece, match) for piece, match in told if piece))
