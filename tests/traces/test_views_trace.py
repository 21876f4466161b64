"""The page of a trace: what it shows to whom, at what cost, and that hostile text stays text."""

from __future__ import annotations

import re
from itertools import chain
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Visibility
from config.pagination import sign_cursor
from tests.factories.accounts import sign_in
from tests.factories.traces import (
    Uploader,
    _message,
    answered,
    called,
    failed,
    said,
    session,
    thought,
)
from traces.models import Message, Trace
from traces.trace_views import LIVE

pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"
PAGE_BYTES = 50_000
STATEMENTS = 6
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def uploader(alice) -> Uploader:
    return Uploader(alice)


def html(client, address: str, status: int = 200, **more) -> str:
    answer = client.get(address, **more)
    assert answer.status_code == status, (address, answer.status_code)
    return answer.content.decode()


def numbers(page: str) -> list[int]:
    """The numbers of the messages on a page, in their order."""
    return [int(number) for number in re.findall(r'<li id="m-(\d+)"', page)]


def link(page: str, label: str) -> str:
    """The address behind a link of this label."""
    found = re.search(rf'href="([^"]+)"[^>]*>{label}<', page)
    return found[1].replace("&amp;", "&") if found else ""


# --- What it shows --------------------------------------------------------------------------------


def test_a_conversation_tells_tools_in_a_line(client, uploader):
    trace = uploader.share(
        ID, [said(1), called(2), answered(3), called(4), answered(5, "no", "error"),
             said(6, "Done.", "assistant")], visibility="public",
    )  # fmt: skip

    page = html(client, f"/s/{trace.public_id}")

    assert numbers(page) == [1, 6]
    assert "2 tool calls, 1 failed" in page
    assert f"/s/{trace.public_id}/full?from=2#m-2" in page
    assert "Fix the rounding in totals.py" in page
    assert page.index("2 tool calls") < page.index('id="m-6"')


def test_tools_stand_in_front_of_the_first_message_and_behind_the_last(client, uploader):
    trace = uploader.share(ID, [called(1), said(2), called(3), called(4)])
    alone = uploader.share("tools-alone", [called(1), answered(2)])

    page = html(client, f"/s/{trace.public_id}")

    assert page.index(">1 tool call<") < page.index('id="m-2"') < page.index(">2 tool calls<")
    assert ">1 tool call<" in html(client, f"/s/{alone.public_id}")


def test_every_message_stands_on_the_full_page_and_a_result_with_its_call(client, uploader):
    trace = uploader.share(ID, [*session(5), answered(6, "no", "error"), failed(7)])

    page = html(client, f"/s/{trace.public_id}/full")

    assert numbers(page) == [1, 2, 3, 4, 5, 6, 7]
    for word in ("User", "Thinking", "Assistant", "Tool call", "Tool result", "Error"):
        assert f"<strong>{word}</strong>" in page
    assert "The connection was lost." in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("type=user", [1]),
        ("type=assistant", [2, 3]),
        ("type=thinking", [2]),
        ("type=tool", [4, 5, 6, 7]),
        ("type=tool_call", [4, 6]),
        ("type=tool_result", [5, 7]),
        ("type=error", [7, 8]),
        ("type=tool_call&toolType=edit", [6]),
        ("toolType=edit", [6, 7]),
        ("toolType=BASH", [4, 5]),
        ("toolType=multiEDIT", [6, 7]),
        ("toolType=read", []),
        ("type=nothing", [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_filters_show_messages_of_a_kind_and_of_a_tool(client, uploader, query, shown):
    messages = [
        said(1), thought(2), said(3, "I look.", "assistant"), called(4), answered(5),
        called(6, "MultiEdit", file_path="a.py"), answered(7, "no", "error", "MultiEdit"),
        failed(8),
    ]  # fmt: skip
    trace = uploader.share(ID, messages)

    page = html(client, f"/s/{trace.public_id}/full?{query}")

    assert numbers(page) == shown
    if not shown:
        assert "No message fits" in page


def test_the_tabs_say_how_many_there_are(client, uploader):
    trace = uploader.share(ID, [*session(5), failed(6)])

    page = html(client, f"/s/{trace.public_id}")

    counted = re.findall(r'>(\w+) <span class="num"><data value="(\d+)"', page)
    assert counted == [
        ("All", "6"), ("User", "1"), ("Assistant", "2"), ("Tools", "2"), ("Errors", "1"),
    ]  # fmt: skip


def test_the_title_is_the_authors_then_the_models_then_the_clients(client, uploader):
    trace = uploader.share(ID, session(3), visibility="public")
    address = f"/s/{trace.public_id}"
    assert '<h1 dir="auto">Fix the rounding bug</h1>' in html(client, address)

    Trace.objects.filter(pk=trace.pk).update(ai_title="Round half even in totals")
    page = html(client, address)
    assert '<h1 dir="auto">Round half even in totals</h1>' in page
    assert "written by a model" in page
    assert "Original title: Fix the rounding bug" in page

    Trace.objects.filter(pk=trace.pk).update(own_title="Totals, rounded")
    page = html(client, address)
    assert '<h1 dir="auto">Totals, rounded</h1>' in page
    assert "written by a model" not in page


def test_the_outline_leads_to_turns_and_errors(client, uploader):
    trace = uploader.share(ID, [*session(5), answered(6, "no", "error"), said(7, "And now?")])
    url = f"/s/{trace.public_id}"

    page = html(client, url)

    outline = page[page.index("<summary>Outline") :]
    assert f'href="{url}?from=1#m-1"' in outline
    assert f'href="{url}/full?from=6#m-6"' in outline
    assert "And now?" in outline


def test_what_was_taken_out_is_told_by_rule_and_place_alone(client, uploader):
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    trace = uploader.share(ID, [said(1, f"My token is {secret}, use it.")], title=f"Use {secret}")

    page = html(client, f"/s/{trace.public_id}")

    assert secret not in page
    assert len(re.findall(r"Taken out[^<]*in the text", page)) == 1
    assert "in the title" in page


def test_code_and_markdown_are_laid_out(client, uploader):
    trace = uploader.share(ID, [
        said(1, "I do **this**:\n\n```python\ndef f(): return 1\n```\n\n## Then\n\n## Then",
             "assistant"),
        called(2, "Bash", command="echo 'all of it'"),
        called(3, "Edit", file_path="src/a.py", new_string="import os\nx = 1"),
    ])  # fmt: skip

    page = html(client, f"/s/{trace.public_id}/full")

    assert "<strong>this</strong>" in page
    assert '<span class="hl-k">def</span>' in page
    assert '<span class="hl-s">&#x27;all of it&#x27;</span>' in page
    assert "<code>src/a.py</code>" in page
    assert 'id="md-' not in page


# --- Chunks ---------------------------------------------------------------------------------------


def test_chunks_hold_every_message_once_forwards_and_backwards(client, uploader):
    trace = uploader.share(ID, session(200))
    address, seen = f"/s/{trace.public_id}/full", []

    while True:
        page = html(client, address)
        seen.append(numbers(page))
        last = address
        address = link(page, "Load next messages")
        if not address:
            break
    back = []
    address = last
    while address:
        page = html(client, address)
        back.insert(0, numbers(page))
        address = link(page, "Previous messages")

    assert [*chain(*seen)] == list(range(1, 201))
    assert len(seen) > 2
    assert [*chain(*back)] == list(range(1, 201))


def test_a_long_conversation_tells_every_tool_call_once(client, uploader):
    trace = uploader.share(ID, session(400))
    address, seen, calls = f"/s/{trace.public_id}", [], 0
    while address:
        page = html(client, address)
        seen += numbers(page)
        calls += sum(map(int, re.findall(r">(\d+) tool calls?<", page)))
        address = link(page, "Load next messages")

    assert seen == [n for n in range(1, 401) if n % 5 in {1, 2, 3}]
    assert calls == trace.tool_count // 2


@pytest.mark.parametrize("n", [1, 60, 61, 170, 200])
def test_a_link_to_a_message_shows_the_chunk_that_holds_it(client, uploader, n):
    trace = uploader.share(ID, session(200))

    page = html(client, f"/s/{trace.public_id}/full?at=event-{n}")

    assert numbers(page)[0] == n
    assert f"/s/{trace.public_id}/full?at=event-{n}#m-{n}" in page
    assert numbers(html(client, f"/s/{trace.public_id}/full?from={n}"))[0] == n


def test_a_link_to_a_tool_leads_from_the_conversation_to_every_message(client, uploader):
    trace = uploader.share(ID, session(5))

    answer = client.get(f"/s/{trace.public_id}?at=event-4")

    assert answer["Location"] == f"/s/{trace.public_id}/full?at=event-4"


@pytest.mark.parametrize(
    "query", ["at=nothing", "after=forged", "before=forged", "from=x", "from=9999999999"]
)
def test_a_place_that_is_not_known_begins_at_the_start_and_says_so(client, uploader, query):
    trace = uploader.share(ID, session(5))

    page = html(client, f"/s/{trace.public_id}/full?{query}")

    assert numbers(page) == [1, 2, 3, 4, 5]
    assert "not known any more" in page


def test_a_cursor_of_another_trace_is_refused(client, uploader):
    trace = uploader.share(ID, session(5))
    other = sign_cursor(f"messages:{trace.pk + 1}:True::", 3, 3)

    assert "not known any more" in html(client, f"/s/{trace.public_id}/full?after={other}")


def test_a_script_asks_for_the_next_messages_alone(client, uploader):
    trace = uploader.share(ID, session(200))
    following = link(html(client, f"/s/{trace.public_id}/full"), "Load next messages")

    answer = client.get(following, headers={"HX-Request": "true", "HX-Request-Type": "partial"})

    assert b"<html" not in answer.content
    assert b"Previous messages" not in answer.content
    assert answer["HX-Replace-Url"] == following
    assert len(answer.content) < 33_000


# --- Cost -----------------------------------------------------------------------------------------


def cost(client: Client, address: str) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as queries:
        page = html(client, address)
    return len(queries), len(page.encode())


def test_a_long_trace_costs_as_much_as_a_short_one(client, uploader):
    short = uploader.share("short", session(10), visibility="public")
    long = uploader.share("long", session(2_000, "seed "), visibility="public")

    for end in ("", "/full", "/full?type=tool", "/full?type=tool_call&toolType=bash"):
        few, _bytes = cost(client, f"/s/{short.public_id}{end}")
        many, size = cost(client, f"/s/{long.public_id}{end}")
        assert few == many <= STATEMENTS, end
        assert size <= PAGE_BYTES, (end, size)
    for end in ("?at=event-1503", "/full?at=event-1503", "/full?from=1900", "?from=1900"):
        many, size = cost(client, f"/s/{long.public_id}{end}")
        assert many <= STATEMENTS, end
        assert size <= PAGE_BYTES, (end, size)


HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)">'
    "\n\n[click](javascript:alert(3)) ![x](https://tracker.example/x.png)"
    "\u202e\u200b</pre></li></ol>"
)


def test_hostile_text_stays_text(client, uploader):
    deep = value = {}
    for _ in range(90):
        value["<b>"] = value = {}
    trace = uploader.share(
        ID,
        [
            said(1, HOSTILE),
            said(2, HOSTILE, "assistant"),
            thought(3, HOSTILE),
            called(4, HOSTILE, **{HOSTILE: HOSTILE, "deep": deep, "command": HOSTILE}),
            answered(5, HOSTILE, tool=HOSTILE),
            failed(6, HOSTILE),
            _message(7, HOSTILE[:30], [{"type": "<i>", "content": {"<u>": HOSTILE}}]),
            _message(8, "user", [], textContent=HOSTILE, model=HOSTILE),
        ],
        title=HOSTILE, agentId=HOSTILE, model=HOSTILE, projectName=HOSTILE, visibility="public",
        gitRemoteUrl=HOSTILE,
    )  # fmt: skip

    pages = {
        end: html(client, f"/s/{trace.public_id}{end}")
        for end in ("", "/full", *(f"/messages/event-{n}" for n in range(1, 9)))
    } | {"feed": html(client, "/t/"), "atom": html(client, "/t.atom")}

    for end, page in pages.items():
        for bad in ("<script>alert", "<img", 'href="javascript', "<b>", "<u>", "<i>"):
            assert bad not in page, (end, bad)
        assert "\u202e" not in page, end
        assert "\u200b" not in page, end
    assert "[U+202E]" in pages["/full"]
    assert numbers(pages["/full"]) == list(range(1, 9))


@pytest.mark.parametrize(
    "text",
    ["x" * 400_000, "<" * 200_000, "\u202ea" * 60_000, "*a* " * 100_000, "|a" * 5_000 + "\n|-" * 9,
     "\"'&" * 100_000, "# h\n" * 40_000, "> " * 60_000, "a\n" * 80_000],
)  # fmt: skip
def test_a_flood_is_folded_and_can_be_read_whole(client, uploader, text):
    trace = uploader.share(ID, [
        said(1, text), said(2, text, "assistant"), thought(3, text),
        called(4, content=text, file_path="a.py"), answered(5, text), failed(6, text),
    ])  # fmt: skip

    for end in ("", "/full"):
        assert len(html(client, f"/s/{trace.public_id}{end}").encode()) <= PAGE_BYTES, end
    shown = html(client, f"/s/{trace.public_id}/full")
    assert "Show all" in shown
    for n in range(1, 7):
        assert len(html(client, f"/s/{trace.public_id}/messages/event-{n}")) < 1_600_000


def test_many_large_messages_are_a_small_page(client, uploader):
    trace = uploader.share(ID, [answered(n, "y" * 300_000) for n in range(1, 40)])

    count, size = cost(client, f"/s/{trace.public_id}/full")

    assert count <= STATEMENTS
    assert size <= PAGE_BYTES


def test_ids_with_slashes_and_marks_can_be_linked_to(client, uploader):
    trace = uploader.share("run/2026:a", [said(1) | {"externalId": "a/b:c?d#e&f"}, said(2)])
    address = f"/s/{trace.public_id}"
    quoted = quote("a/b:c?d#e&f", safe="")

    assert numbers(html(client, f"{address}/full?at={quoted}")) == [1, 2]
    assert numbers(html(client, f"{address}/messages/{quoted}")) == [1]
    assert f"/full?at={quoted}#m-1" in html(client, address)
    assert numbers(html(client, "/s/run/2026:a")) == [1, 2]
    assert numbers(html(client, "/s/run/2026:a/full")) == [1, 2]


def test_messages_at_one_number_have_places_of_their_own(client, uploader):
    trace = uploader.share(ID, [said(1), said(2) | {"order": 1}])

    page = html(client, f"/s/{trace.public_id}")

    assert 'id="m-1"' in page
    assert 'id="m-1-2"' in page


# --- Who may read ---------------------------------------------------------------------------------

ENDS = ("", "/full", "/messages/event-1", ".md")


@pytest.mark.parametrize("visibility", Visibility.values)
def test_who_reads_which_page(client, uploader, alice, charlie, mona, visibility):
    trace = uploader.share(ID, session(5), visibility=visibility)
    readers = {"visitor": client, "owner": sign_in(Client(), alice)}
    readers |= {"stranger": sign_in(Client(), charlie), "staff": sign_in(Client(), mona)}
    is_open = visibility != Visibility.PRIVATE

    for who, reader in readers.items():
        for end in ENDS:
            wanted = 200 if is_open or who == "owner" else 404
            for named in (trace.public_id, ID):
                answer = reader.get(f"/s/{named}{end}")
                assert answer.status_code == wanted, (who, end, named)
        listed = trace.public_id in html(reader, "/t/")
        assert listed is (visibility == Visibility.PUBLIC)
    page = html(readers["owner"], f"/s/{trace.public_id}")
    assert ('content="noindex"' in page) is (visibility != Visibility.PUBLIC)
    assert ("Fix the rounding bug" in page.split("</head>")[0].split("<title>")[0]) is False
    og = re.search(r'og:title" content="([^"]*)"', page)[1]
    assert (og == "Fix the rounding bug") is (visibility == Visibility.PUBLIC)
    assert ("og:image" in page) is (visibility == Visibility.PUBLIC)


def test_what_is_taken_back_is_gone_in_the_next_request(client, uploader, alice):
    trace = uploader.share(ID, session(5), visibility="public")
    image = re.search(
        r'og:image" content="http://[^/]+([^"]+)"', html(client, f"/s/{trace.public_id}")
    )[1]
    assert client.get(image).status_code == 200

    assert uploader.send("DELETE", f"/v1/traces/{ID}", {}).status_code == 200

    for reader in (client, sign_in(Client(), alice)):
        for end in ENDS:
            assert reader.get(f"/s/{trace.public_id}{end}").status_code == 404
        for address in (f"/t/{trace.public_id}/", image, f"/v1/traces/{ID}/download"):
            assert reader.get(address).status_code == 404, address
        assert trace.public_id not in html(reader, "/t/")
        assert trace.public_id not in html(reader, "/u/alice/")

    uploader.share(ID, session(2), visibility="public")
    assert numbers(html(client, f"/s/{trace.public_id}/full")) == [1, 2]


def test_no_page_is_kept_by_anybody(client, uploader):
    trace = uploader.share(ID, session(5), visibility="public")

    for end in ENDS:
        assert client.get(f"/s/{trace.public_id}{end}")["Cache-Control"] == "private, no-cache"


def test_other_spellings_lead_to_the_one_address(client, uploader):
    trace = uploader.share(ID, session(2))

    for address in (f"/s/{ID}/", f"/s/{trace.public_id}/", f"/t/{ID}/", f"/t/{trace.public_id}"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/s/{trace.public_id}"), address


def test_a_trace_without_messages_says_so(client, uploader):
    trace = uploader.share(ID, [])

    for end in ("", "/full"):
        assert "No messages" in html(client, f"/s/{trace.public_id}{end}")


@pytest.mark.parametrize("address", ["/s/nothing", "/s/nothing/full", "/s/" + "x" * 300, "/t/x/"])
def test_an_unknown_trace_is_not_there(client, db, address):
    assert client.get(address).status_code == 404


# --- The file -------------------------------------------------------------------------------------


def test_the_file_is_markdown_whoever_asks_for_it(client, uploader):
    trace = uploader.share(ID, session(450), model="claude-sonnet-4-5-20250929")

    for address in (
        f"/s/{trace.public_id}.md", f"/s/{ID}.md", f"/v1/traces/{ID}/download",
        f"/v1/traces/{trace.public_id}/download", f"/api/v1/traces/{ID}/download",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer["Content-Type"] == "text/markdown; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"].startswith("attachment;")
        text = b"".join(answer.streaming_content).decode()
        assert text.startswith(
            "# Trace: Fix the rounding bug\n\nAgent: claude-code | Model: Claude"
        )
        assert text.count("### Tool: Bash") == 90
        assert "I look at it 448." in text


def test_the_file_of_a_private_trace_is_its_members(client, uploader, alice):
    uploader.share(ID, session(5), visibility="private")

    assert client.get(f"/v1/traces/{ID}/download").status_code == 404
    assert uploader.get(f"/v1/traces/{ID}/download").status_code == 200
    assert sign_in(Client(), alice).get(f"/s/{ID}.md").status_code == 200


# --- What is still being written ------------------------------------------------------------------


def polled(page: str) -> str:
    return re.search(r'hx-get="([^"]+newer=[^"]+)"', page)[1].replace("&amp;", "&")


def test_a_page_offers_what_came_after_its_last_message(client, uploader):
    trace = uploader.share(ID, session(5), visibility="public")
    page = html(client, f"/s/{trace.public_id}/full")
    poll, shown = polled(page), link(page, "Show newer messages")
    assert client.get(poll, headers=PARTIAL).status_code == 204

    uploader.post(ID, session(8)[5:])

    assert html(client, poll, headers=PARTIAL) == "3 new, show"
    assert numbers(html(client, shown)) == [6, 7, 8]
    # A person who opens the address of the poll sees them, too.
    assert client.get(poll).headers["Location"].startswith(f"/s/{trace.public_id}/full?after=")
    following = html(client, shown, headers=PARTIAL)
    assert numbers(following) == [6, 7, 8]
    assert client.get(polled(following), headers=PARTIAL).status_code == 204


def test_only_the_kinds_that_a_page_shows_are_offered(client, uploader):
    trace = uploader.share(ID, session(3), visibility="public")
    poll = polled(html(client, f"/s/{trace.public_id}"))
    errors = polled(html(client, f"/s/{trace.public_id}/full?type=assistant"))

    uploader.post(ID, [called(4), answered(5), said(6)])

    assert html(client, poll, headers=PARTIAL) == "1 new, show"
    assert client.get(errors, headers=PARTIAL).status_code == 204


def test_many_new_messages_are_counted_up_to_a_bound(client, uploader):
    trace = uploader.share(ID, session(3), visibility="public")
    poll = polled(html(client, f"/s/{trace.public_id}/full"))

    uploader.share(ID, session(130), visibility="public")

    answer = client.get(poll, headers=PARTIAL)
    assert "100+ new, show" in answer.content.decode()
    assert asks_no_further(answer)
    assert numbers(html(client, link(answer.content.decode(), r"100\+ new, show")))[0] == 4


def asks_no_further(answer) -> bool:
    """Say whether an answer to a poll takes the place of what polls, and polls no more."""
    swapped = (answer["HX-Retarget"], answer["HX-Reswap"]) == ("this", "outerHTML")
    return swapped and "hx-trigger" not in answer.content.decode()


@pytest.mark.parametrize("new", [0, 2])
def test_a_page_stops_asking_once_its_trace_rests(client, uploader, new):
    trace = uploader.share(ID, session(3), visibility="public")
    poll = polled(html(client, f"/s/{trace.public_id}/full"))
    if new:
        uploader.post(ID, session(3 + new)[3:])
    rest(trace)

    answer = client.get(poll, headers=PARTIAL)

    label = f"{new} new, show" if new else "Show newer messages"
    assert asks_no_further(answer)
    assert link(answer.content.decode(), label).startswith(f"/s/{trace.public_id}/full?after=")


def rest(trace: Trace) -> None:
    """Let its messages have come so long ago that no more are expected."""
    Message.objects.filter(trace=trace).update(created_at=timezone.now() - LIVE)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ai_summary": "It rounded.", "summary_generated_at": Now()}, id="summary"),
        pytest.param({"own_title": "Rounding"}, id="title"),
    ],
)
def test_a_trace_is_live_by_its_messages_and_not_by_what_is_said_of_it(client, uploader, change):
    trace = uploader.share(ID, session(3), visibility="public")
    rest(trace)

    Trace.objects.update(**change, updated_at=Now())

    page = html(client, f"/s/{trace.public_id}/full")
    assert ">live<" not in page
    assert "newer=" not in page
    uploader.post(ID, session(4)[3:])
    assert ">live<" in html(client, f"/s/{trace.public_id}/full")


def test_nothing_newer_says_so_and_offers_to_look_again(client, uploader):
    trace = uploader.share(ID, session(3), visibility="public")
    shown = link(html(client, f"/s/{trace.public_id}/full"), "Show newer messages")

    page = html(client, shown)

    assert "Nothing newer yet" in page
    assert link(page, "Look again") == shown
    assert "Show newer messages" in html(client, shown, headers=PARTIAL)


def test_a_trace_that_rests_and_a_page_in_its_middle_offer_nothing(client, uploader):
    trace = uploader.share(ID, session(200), visibility="public")
    assert "newer=" not in html(client, f"/s/{trace.public_id}/full")
    assert ">live<" in html(client, f"/s/{trace.public_id}/full")
    end = f"/s/{trace.public_id}/full?from=199"
    assert "newer=" in html(client, end)

    Trace.objects.update(updated_at=timezone.now() - LIVE)

    page = html(client, end)
    assert "newer=" not in page
    assert ">live<" not in page


def test_a_poll_of_another_trace_or_by_a_stranger_tells_nothing(client, uploader):
    trace = uploader.share(ID, session(3), visibility="private")
    other = uploader.share("other", session(3), visibility="public")
    mine = polled(html(sign_in(Client(), trace.created_by), f"/s/{trace.public_id}/full"))
    cursor = mine.partition("?")[2]

    assert client.get(mine, headers=PARTIAL).status_code == 404
    answer = client.get(f"/s/{other.public_id}/full?{cursor}", headers=PARTIAL)
    assert "new, show" not in answer.content.decode()


def test_a_poll_costs_two_statements(client, uploader):
    trace = uploader.share(ID, session(5), visibility="public")
    poll = polled(html(client, f"/s/{trace.public_id}/full"))
    uploader.post(ID, session(8)[5:])

    with CaptureQueriesContext(connection) as caught:
        html(client, poll, headers=PARTIAL)

    assert len(caught) <= 2, [q["sql"] for q in caught]
