"""Search over traces: what is found, by whom, in which order, and what hostile queries get."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.policy import ANONYMOUS, Actor
from tests.factories.accounts import organisation, sign_in
from tests.factories.traces import Uploader, answered, refusal, said
from tests.statements import asked
from traces.models import Trace
from traces.search import Snippet, search

pytestmark = pytest.mark.django_db


@pytest.fixture
def uploader(alice) -> Uploader:
    return Uploader(alice)


def titles(hits) -> list[str]:
    return [hit.trace.title for hit in hits]


def text(response) -> str:
    return response.content.decode()


def test_titles_summaries_and_what_people_asked_are_found(uploader):
    uploader.share("one", [said(1, "The invoices round wrongly")], title="One", visibility="public")
    uploader.share("two", [said(1, "Hello")], title="Round the invoices", visibility="public")
    summed = uploader.share("three", [], title="Three", visibility="public")
    Trace.objects.filter(pk=summed.pk).update(ai_summary="Rounded an invoice to cents.")
    uploader.share("four", [said(1, "invoice", "assistant")], title="Four", visibility="public")
    uploader.share("five", [answered(1, "invoice")], title="Five", visibility="public")

    found = search(ANONYMOUS, "rounding invoice")

    assert set(titles(found)) == {"One", "Round the invoices", "Three"}
    # Title and summary come before what was said.
    assert titles(found)[-1] == "One"
    by_title = {hit.trace.title: hit for hit in found}
    assert by_title["One"].position == 1
    assert by_title["One"].snippet.text == "The invoices round wrongly"
    assert by_title["Three"].position is None
    assert by_title["Three"].snippet.text == "Rounded an invoice to cents."


def test_the_syntax_of_the_web(uploader):
    uploader.share("one", [], title="Fix the build of the docker image", visibility="public")
    uploader.share("two", [], title="Build a fix", visibility="public")
    uploader.share("three", [], title="Migrate the schema", visibility="public")

    assert set(titles(search(ANONYMOUS, "fix build"))) == {
        "Fix the build of the docker image",
        "Build a fix",
    }
    assert titles(search(ANONYMOUS, '"fix the build"')) == ["Fix the build of the docker image"]
    assert titles(search(ANONYMOUS, "build -docker")) == ["Build a fix"]
    assert len(search(ANONYMOUS, "docker OR schema")) == 2


def test_everybody_finds_what_they_may_list(uploader, alice, charlie):
    acme = organisation("acme", owner=alice, member=charlie)
    for visibility in ("public", "direct", "private"):
        uploader.share(visibility, [said(1, "plankton")], title=visibility, visibility=visibility)
        Uploader(alice, acme).share(
            f"acme-{visibility}", [said(1, "plankton")], title=f"acme {visibility}",
            visibility=visibility,
        )  # fmt: skip

    def found(actor: Actor) -> set[str]:
        return set(titles(search(actor, "plankton")))

    assert found(ANONYMOUS) == {"public", "acme public"}
    assert found(Actor(user=charlie)) == {"public", "acme public", "acme direct", "acme private"}
    assert len(found(Actor(user=alice))) == 6
    # A key finds of its namespace alone.
    key = Uploader(charlie, acme).get("/v1/search?q=plankton").json()["data"]["traces"]
    assert {trace["title"] for trace in key} == found(Actor(user=charlie))


def test_what_was_taken_back_is_not_found_and_old_generations_never_return(uploader, alice):
    uploader.share("one", [said(1, "plankton")], title="Whales", visibility="public")
    uploader.send("DELETE", "/v1/traces/one", b"")
    for actor in (ANONYMOUS, Actor(user=alice)):
        assert search(actor, "plankton") == search(actor, "whales") == []

    uploader.share("one", [said(1, "krill")], title="Whales", visibility="public")

    assert search(ANONYMOUS, "plankton") == []
    assert titles(search(ANONYMOUS, "krill")) == ["Whales"]


def test_one_trace_is_one_hit_with_the_message_that_fits_best(uploader):
    uploader.share(
        "one",
        [said(1, "plankton and much besides, of which this says something"), said(2, "plankton")],
        title="One", visibility="public",
    )  # fmt: skip
    uploader.share("two", [said(1, "plankton")], title="Plankton", visibility="public")

    hits = search(ANONYMOUS, "plankton", limit=2)

    assert titles(hits) == ["Plankton", "One"]
    assert titles(search(ANONYMOUS, "plankton", limit=1)) == ["Plankton"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "-plankton",
        "the",
        "the -plankton",
        "the OR -plankton",
        "krill OR -plankton",
        '\'"""\' & | ! ( ) : * <-> \\',
        '"' * 200,
        "plankton:* | !krill",
        "a OR " * 40,
        "\u202e\u0000\ud800",
        "%s %% {0}",
        "x" * 5_000,
    ],
)
def test_hostile_queries_find_nothing_and_break_nothing(uploader, query):
    uploader.share("one", [said(1, "something else")], title="Whales", visibility="public")

    assert search(ANONYMOUS, query) == []
    if "\0" not in query:
        assert Client().get("/t/search/", {"q": query.replace("\ud800", "")}).status_code == 200


def test_a_query_is_cut_at_200_characters(uploader):
    uploader.share("one", [], title="whales", visibility="public")
    long = "whales " + "whales " * 40 + "krill"

    assert titles(search(ANONYMOUS, long)) == ["whales"]
    assert "Only the first 200 characters" in text(Client().get("/t/search/", {"q": long}))


def test_a_search_takes_three_statements_however_much_it_finds(uploader, alice):
    def statements() -> int:
        with CaptureQueriesContext(connection) as caught:
            search(ANONYMOUS, "plankton")
        return len(asked(caught))

    assert statements() <= 3
    for n in range(5):
        uploader.share(f"t{n}", [said(1, "plankton")], title="Plankton", visibility="public")
    assert statements() <= 3
    with CaptureQueriesContext(connection) as caught:
        Client().get("/t/search/?q=plankton")
    assert len(asked(caught)) <= 3


# --- Page and call -------------------------------------------------------------------------------


def test_the_page_marks_what_matches_and_escapes_everything(uploader):
    uploader.share(
        "one",
        [said(1, "<script>alert(1)</script> plankton \u202e \ue000<b>\ue001 & more")],
        title="<img src=x>", visibility="public",
    )  # fmt: skip

    page = text(Client().get("/t/search/?q=plankton"))

    assert "<mark>plankton</mark>" in page
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert "<b>" not in page
    assert "\u202e" not in page
    assert "\ue000" not in page


def test_a_snippet_never_nests_or_leaves_a_mark_open():
    from traces.search import _snippet

    assert _snippet("a \ue000b\ue001 c") == Snippet((("a ", False), ("b", True), (" c", False)))
    html = _snippet("\ue001x\ue000\ue000<b>\ue001y\ue000z").html
    assert html.count("<mark>") == html.count("</mark>") == 1
    assert "<b>" not in html


def test_the_page_without_a_query_and_without_a_hit():
    assert "Nothing searched yet" in text(Client().get("/t/search/"))
    missing = Client().get("/t/search/?q=plankton")
    assert (missing.status_code, "No trace for" in text(missing)) == (200, True)
    assert missing.cookies == {}


def test_the_call_has_the_shape_of_a_list_with_a_snippet(uploader):
    uploader.share("one", [said(1, "plankton & <b>")], title="One", visibility="public")

    answer = Client().get("/v1/search?q=plankton&limit=1").json()

    assert answer["ok"] is True
    (told,) = answer["data"]["traces"]
    assert (told["title"], told["snippet"]) == ("One", "plankton &")
    assert told["sharedUrl"].endswith(told["id"])
    assert (answer["data"]["continueCursor"], answer["data"]["isDone"]) == (None, True)
    assert refusal(Client().get("/v1/search?q=x&limit=0")) == (400, "LIMIT_INVALID")
    assert Client().get("/v1/search").json()["data"]["traces"] == []
    assert Client().post("/v1/search").status_code == 405


def test_a_key_without_the_right_to_read_traces_finds_nothing(alice):
    key = Uploader(alice, scopes=["traces:write"])

    assert refusal(key.get("/v1/search?q=x")) == (403, "SCOPE_MISSING")


def test_a_search_that_takes_too_long_says_so(uploader, monkeypatch, charlie):
    from django.db import OperationalError
    from psycopg.errors import QueryCanceled

    def slow(*_: object) -> None:
        raise OperationalError from QueryCanceled()

    monkeypatch.setattr("traces.search._search", slow)

    assert "would take too long" in text(Client().get("/t/search/?q=plankton"))
    assert refusal(Client().get("/v1/search?q=plankton")) == (503, "SEARCH_TOO_SLOW")
    assert sign_in(Client(), charlie).get("/t/search/?q=plankton").status_code == 200
