"""The page /api/docs/: it says what the OpenAPI document says, and nothing is forgotten."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest
from django.conf import settings

from config.api import STATUS_OF_CODE
from config.reference import MEANING_OF_CODE, read_reference
from config.urls import api


@pytest.fixture
def page(client) -> str:
    return client.get("/api/docs/").content.decode()


def test_every_call_of_the_document_is_shown_once(page):
    document = api.get_openapi_schema()
    wanted = [(m.upper(), path) for path, calls in document["paths"].items() for m in calls]

    shown = re.findall(r'class="method [a-z]+">([A-Z]+)</span><code>([^<]+)</code>', page)

    assert sorted(shown) == sorted(wanted)
    assert len(wanted) >= 10


def test_every_parameter_is_shown_with_its_place(page):
    shown = page.count('data-label="In"')

    assert shown == sum(
        len(call.parameters) for group in read_reference().groups.values() for call in group
    )
    assert "<code>nonSuspiciousOnly</code>" in page
    assert 'data-label="Meaning">—' not in page


def test_every_error_code_has_a_meaning_and_its_status(page):
    assert set(MEANING_OF_CODE) == set(STATUS_OF_CODE)
    for code, status in STATUS_OF_CODE.items():
        assert f'<code>{code}</code></th><td data-label="Status">{status}</td>' in page
    assert '<code>rate_limited</code></th><td data-label="Status">429</td>' in page


def test_every_limit_is_shown(page):
    for kind in settings.RATE_LIMITS.values():
        assert all(f">{number}</td>" in page for number in kind)


def test_examples_are_complete_calls(client, settings):
    settings.SITE_URL = "https://skills.example"
    read_reference.cache_clear()
    page = client.get("/api/docs/").content.decode()
    read_reference.cache_clear()
    found = [unescape(call) for call in re.findall(r"<code>(curl [^<]+)</code>", page)]

    assert len(found) == sum(len(group) for group in read_reference().groups.values())
    for call in found:
        assert settings.SITE_URL in call
        assert "{" not in call
        address = shlex.split(call)[-1]
        assert call.endswith(f" '{address}'" if "?" in address else f" {address}")
    assert any("Authorization: Bearer $TOKEN" in call and "whoami" in call for call in found)


def test_the_page_is_read_once_in_a_process(client, monkeypatch):
    client.get("/api/docs/")
    monkeypatch.setattr(api, "get_openapi_schema", None)

    assert client.get("/api/docs/").status_code == 200


def test_the_page_keeps_its_budget(page):
    assert len(page.encode()) <= 50_000
