"""`/api/docs/traces/`: the one description of the calls says what the addresses say."""

from __future__ import annotations

import re
from html import unescape

import pytest

import accounts.v1_urls
import traces.v1_urls
from traces.reference import GROUPS

pytestmark = pytest.mark.django_db
NAMES = {"external_id": "id", "message_id": "messageId", "handle": "slug"}
PAGE_BYTES = 50_000


def served() -> set[tuple[str, str]]:
    """Every method of every address below `/v1/`."""
    patterns = [*accounts.v1_urls.urlpatterns, *traces.v1_urls.urlpatterns]
    return {
        (method, re.sub(r"<\w+:(\w+)>", lambda m: f"{{{NAMES[m[1]]}}}", str(found.pattern)))
        for found in patterns
        for method in found.callback.methods
    }


def test_every_call_is_described_once_and_none_is_made_up():
    described = [(call.method, call.path) for calls in GROUPS.values() for call in calls]

    assert sorted(described) == sorted(served())


def test_the_page_shows_them_all_and_stays_small(client):
    page = client.get("/api/docs/traces/").content.decode()

    shown = re.findall(r'class="method [a-z]+">([A-Z]+)</span><code>/v1/([^<]+)</code>', page)
    assert {(method, unescape(path)) for method, path in shown} == served()
    assert len(page.encode()) < PAGE_BYTES
    assert "`" not in page
    assert 'href="traces/"' in client.get("/api/docs/").content.decode()


def test_what_needs_a_key_refuses_a_visitor(client):
    """What the page says of a call is how it answers somebody who shows nothing."""
    for calls in GROUPS.values():
        for call in calls:
            address = "/v1/" + re.sub(r"\{\w+\}", "nothing", call.path)
            answer = client.generic(call.method, address, b"{}", content_type="application/json")
            open_reads = call.method == "GET" and call.path.startswith(("traces/", "namespaces/"))
            if call.needs and not open_reads:
                assert answer.status_code == 401, call
            else:
                assert answer.status_code != 401, call
