"""The list of public traces: what it shows, at what cost; its feed, its place in the sitemap."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.bulk import analyze, copy_row, explain
from tests.factories.traces import Uploader, session
from traces.feed_views import PAGE_ROWS, FeedFilter
from traces.models import Trace

pytestmark = pytest.mark.django_db
REPO = "https://git.example/alice/totals"
BLOCKS = 35
COUNT = 3_000
LINK = re.compile(r'<h3><a href="([^"]+)"')


@pytest.fixture
def uploader(alice) -> Uploader:
    return Uploader(alice)


@pytest.fixture
def _many(uploader):
    """Thousands of traces, a third of them public."""
    template = uploader.share("template", session(5), visibility="public", gitRemoteUrl=REPO)
    copy_row(
        template,
        1,
        COUNT,
        {
            "public_id": "lpad(n::text, 22, '0')",
            "external_id": "'copy-' || n",
            "visibility": "(ARRAY['public', 'direct', 'private'])[1 + n %% 3]",
            "agent_id": "(ARRAY['codex', 'claude-code'])[1 + n %% 2]",
            "git_remote_url": f"CASE n %% 5 WHEN 0 THEN '{REPO}' ELSE '' END",
            # Copies have no messages; the counts are those of their rule.
            **dict.fromkeys(
                [f"{kind}_count" for kind in ("message", "user", "assistant", "tool", "error")],
                "0",
            ),
            "conversation_bytes": "0",
        },
    )
    analyze(Trace)


def links(client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return LINK.findall(answer.content.decode())


def test_it_lists_what_is_public_newest_first(client, uploader):
    shown = [
        uploader.share(f"trace-{n}", session(n), visibility=visibility)
        for n, visibility in enumerate(("public", "direct", "private", "public"), start=1)
    ]

    page = client.get("/t/").content.decode()

    assert LINK.findall(page) == [f"/s/{shown[3].public_id}", f"/s/{shown[0].public_id}"]
    assert '<dt>messages</dt><dd><data value="4">4</data>' in page


def test_an_empty_list_says_how_to_share(client, db):
    page = client.get("/t/").content.decode()

    assert "No public traces yet" in page
    assert "TRACES_HTTP_URL=http://localhost:8000" in page
    assert "traces share" in page


def test_filters_stand_in_the_address(client, uploader):
    one = uploader.share("one", session(2), visibility="public", gitRemoteUrl=REPO)
    two = uploader.share("two", session(2), visibility="public", agentId="codex")
    repo = quote(REPO, safe="")

    assert links(client, "/t/?agent=codex") == [f"/s/{two.public_id}"]
    assert links(client, f"/t/?repo={repo}") == [f"/s/{one.public_id}"]
    assert links(client, f"/t/?agent=claude-code&repo={repo}") == [f"/s/{one.public_id}"]
    nothing = client.get(f"/t/?agent=codex&repo={repo}").content.decode()
    assert "No public trace fits" in nothing
    assert 'content="noindex"' in nothing
    assert client.get("/t/?agent=&repo=")["Location"] == "/t/"


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize("query", [{}, {"agent": "codex"}, {"repo": REPO}])
def test_a_page_costs_one_statement_and_few_blocks_at_any_depth(client, query):
    asked = FeedFilter(**query)
    newest = Trace.objects.order_by("-pk").values_list("pk", flat=True)

    for after in (None, newest[COUNT // 2], newest[COUNT - 500]):
        rows = asked.traces().newest_first(after)[: PAGE_ROWS + 1]
        plan = explain(*rows.query.sql_with_params())
        assert plan.blocks <= BLOCKS, (query, after, plan)
        assert plan.relations == {"traces_trace"}, query
        assert '"ai_summary"' not in str(rows.query)
    with CaptureQueriesContext(connection) as queries:
        assert len(links(client, asked.url())) == PAGE_ROWS
    assert len(queries) == 1
    assert "count(" not in queries[0]["sql"].lower()


@pytest.mark.usefixtures("_many")
def test_pages_hold_every_public_trace_once_and_reload_shows_what_was_there(client):
    address, found = "/t/?agent=codex", []
    shown: list[str] = []
    while address:
        answer = client.get(address, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
        page = answer.content.decode()
        assert len(answer.content) <= 30_000
        found += LINK.findall(page)
        if len(found) == 3 * PAGE_ROWS:
            shown = links(client, answer["HX-Replace-Url"])
        following = re.search(r'rel="next" href="([^"]+)#more"', page)
        address = following[1].replace("&amp;", "&") if following else ""

    public = Trace.objects.public().filter(agent_id="codex").order_by("-pk")
    assert found == [f"/s/{public_id}" for public_id in public.values_list("public_id", flat=True)]
    assert shown == found[: 3 * PAGE_ROWS]


@pytest.mark.usefixtures("_many")
def test_a_page_far_down_takes_two_statements(client):
    address = "/t/"
    for _ in range(9):
        page = client.get(address).content
        following = re.search(rb'rel="next" href="([^"]+)#more"', page)
        address = following[1].decode()
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    assert len(queries) == 2


def test_a_forged_place_begins_at_the_start(client, uploader):
    uploader.share("one", session(2), visibility="public")

    assert "This place in the list is not known" in client.get("/t/?until=x").content.decode()


def test_the_feed_tells_the_newest_and_revalidates(client, uploader):
    trace = uploader.share("one", session(2), visibility="public", title="A & B <c>")
    uploader.share("two", session(2), visibility="direct", title="Hidden")

    answer = client.get("/t.atom")

    text = answer.content.decode()
    assert f"<id>http://localhost:8000/s/{trace.public_id}</id>" in text
    assert "A &amp; B &lt;c&gt;" in text
    assert "Hidden" not in text
    again = client.get("/t.atom", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_the_sitemap_names_public_traces(client, uploader):
    public = uploader.share("one", session(2), visibility="public")
    direct = uploader.share("two", session(2))

    assert "/sitemap-traces-0.xml" in client.get("/sitemap.xml").content.decode()
    part = client.get(f"/sitemap-traces-{public.pk // 10_000}.xml").content.decode()
    assert f"/s/{public.public_id}<" in part
    assert direct.public_id not in part


def test_an_author_has_their_public_traces_on_their_page(client, uploader):
    public = uploader.share("one", session(2), visibility="public")
    direct = uploader.share("two", session(2))

    page = client.get("/u/alice/").content.decode()

    assert f"/s/{public.public_id}" in page
    assert direct.public_id not in page


def test_the_picture_of_a_public_trace_is_small_and_follows_its_title(client, uploader):
    trace = uploader.share("one", session(2), visibility="public", title="漢字 " + "w" * 190)

    def address() -> str:
        page = client.get(f"/s/{trace.public_id}").content.decode()
        return re.search(r'og:image" content="http://localhost:8000([^"]+)"', page)[1]

    first = address()
    answer = client.get(first)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert len(answer.content) <= 120 * 1024
    assert client.get(first, headers={"If-None-Match": answer["ETag"]}).status_code == 304

    uploader.share("one", session(3), visibility="public", title="Other")
    assert client.get(first)["Location"] == address() != first
    uploader.put("one", visibility="direct")
    assert client.get(first).status_code == 404
