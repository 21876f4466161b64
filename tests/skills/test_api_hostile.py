"""Whatever stands in an address, a reading call answers with 2xx or 4xx and never breaks."""

from __future__ import annotations

from email.message import EmailMessage
from urllib.parse import quote, quote_from_bytes

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.ratelimit import forget_reads

pytestmark = pytest.mark.django_db

PARAMETERS = (
    *("q", "limit", "cursor", "sort", "prefix", "mode", "category", "topic", "slug", "hash"),
    *("ownerHandle", "owner", "path", "version", "tag", "preview", "nonSuspicious"),
)
PATHS = (
    "/skills",
    "/search",
    "/resolve",
    "/download",
    "/skills/{}",
    "/skills/{}/versions",
    "/skills/{}/versions/{}",
    "/skills/{}/file",
    "/skills/{}/install",
    "/skills/{}/verify",
)
NASTY = (
    b"\xed\xa0\x80",  # a lone surrogate
    b"\xff\xfe",
    b"\xc0\x80",
    b"..%2f..%2fetc%2fpasswd",
    b"' OR 1=1 --",
    b"%s%d{0}$1",
    b"\\",
    b"\r\nSet-Cookie: a=b",
    "\u202e\u0000x".replace("\u0000", "\ufdd0").encode(),
    "\u0665".encode(),  # a digit to str.isdigit()
    b"9" * 400,
    b"-1",
    b"1e309",
    b"NaN",
    b"true",
    b"a" * 10_000,
    b"@alice/pdf-tools",
    b"@",
    b"@/",
    b"pdf-tools",
    b"PDF-TOOLS",
    b"1.0.0",
    b"latest",
    b"0" * 64,
    b"&|!():*<->'\"",
    b"\xe2\x80\xa8",
    b"",
)
texts = st.one_of(
    st.sampled_from(NASTY),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
)
pairs = st.lists(st.tuples(st.sampled_from(PARAMETERS), texts), max_size=5)


def answer(client: Client, path: str, query: list[tuple[str, bytes]]):
    encoded = "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in query)
    # `QUERY_STRING` as a server hands it on: not decoded, and not put right by the test client.
    return client.get(f"/api/v1{path}", QUERY_STRING=encoded)


@pytest.fixture
def shelf(publish):
    publish("pdf-tools", {"SKILL.md": "# Hi\n", "docs/Notes.md": "n\n"})


def check(response) -> None:
    assert response.status_code < 500
    if response.status_code >= 400 and response.status_code != 409:
        assert response.headers["Content-Type"].startswith("text/plain")
        assert b"<!" not in response.content
        assert b"<h" not in response.content


def test_no_text_in_path_or_query_breaks_a_call(shelf):
    client = Client(raise_request_exception=True)

    @settings(
        max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.sampled_from(PATHS), texts, texts, pairs)
    def attack(path, first, second, query):
        forget_reads()
        named = (quote_from_bytes(first, safe=""), quote_from_bytes(second, safe=""))
        check(answer(client, path.format(*named), query))

    attack()


@pytest.mark.parametrize("path", [path.format("pdf-tools", "1.0.0") for path in PATHS])
def test_every_nasty_text_in_every_parameter_is_answered(client, shelf, path):
    for value in NASTY:
        check(answer(client, path, [(name, value) for name in PARAMETERS]))
    for name in PARAMETERS:
        # The same parameter twice, and without a value.
        check(answer(client, path, [(name, b"pdf-tools"), (name, b"\xed\xa0\x80")]))
        check(client.get(f"/api/v1{path}?{name}"))


def test_nul_is_refused_everywhere_with_a_sentence(client, shelf):
    for path in PATHS:
        for address in (
            f"/api/v1{path.format('pdf-tools', '1.0.0')}?q=a%00b",
            f"/api/v1{path.format('pdf%00tools', '1.0.0')}?slug=%00",
        ):
            response = client.get(address)
            assert response.status_code == 400
            assert response.headers["Content-Type"].startswith("text/plain")
            assert b"NUL" in response.content


def test_headers_of_any_bytes_are_answered(client, shelf):
    for value in NASTY:
        text = value.decode("latin-1")
        headers = {"Authorization": text, "If-None-Match": text, "X-Forwarded-For": text}
        check(client.get("/api/v1/skills/pdf-tools", headers=headers))
        check(client.get("/api/v1/download?slug=pdf-tools", headers=headers))
        check(client.get("/api/v1/whoami", headers=headers | {"Authorization": f"Bearer {text}"}))


def test_a_name_with_odd_characters_reaches_no_header_unescaped(client, publish):
    odd = 'a "b"; x=y.md'
    publish("pdf-tools", {"SKILL.md": "# Hi\n", odd: "x\n", "docs/é.md": "x\n"})

    for path, name in ((odd, odd), ("docs/é.md", "é.md")):
        response = client.get(f"/api/v1/skills/pdf-tools/file?path={quote(path)}")
        told = EmailMessage()
        told["Content-Disposition"] = response.headers["Content-Disposition"]
        assert told.get_content_disposition() == "attachment"
        assert told.get_filename() == name
