"""Request ids, and the refusal of text that no table can store."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory

from config import middleware
from config.middleware import RequestIdFilter, current_request_id
from tests.config.rivals import at_once
from tests.factories.accounts import sign_in


def answer(view=lambda _request: HttpResponse("ok"), path: str = "/", **extra):
    return middleware.request_id(view)(RequestFactory().get(path, **extra))


def refused(path: str = "/", **extra) -> bool:
    request = RequestFactory().get(path, **extra)
    response = middleware.refuse_unstorable(lambda _request: HttpResponse("ok"))(request)
    return response.status_code == 400


def test_each_request_has_an_id_of_ours_and_tells_it():
    seen: list[str] = []

    def view(_request):
        seen.append(current_request_id())
        return HttpResponse("ok")

    responses = [answer(view, headers={"X-Request-Id": "theirs"}) for _ in range(2)]

    assert [response["X-Request-Id"] for response in responses] == seen
    assert len(set(seen)) == 2
    assert all(len(one) == 16 and one != "theirs" for one in seen)
    assert current_request_id() == ""


def test_the_id_is_gone_after_a_view_that_fails():
    def view(_request):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        answer(view)

    assert current_request_id() == ""


def test_requests_at_once_keep_their_own_ids():
    def one() -> bool:
        seen: list[str] = []
        response = answer(lambda _request: seen.append(current_request_id()) or HttpResponse())
        return response["X-Request-Id"] == seen[0]

    assert at_once(*[one] * 8) == [True] * 8


def test_log_records_carry_the_id():
    record = logging.LogRecord("x", logging.INFO, "x", 1, "x", (), None)

    def view(_request):
        assert RequestIdFilter().filter(record)
        return HttpResponse()

    response = answer(view)

    assert record.request_id == response["X-Request-Id"]
    assert RequestIdFilter().filter(record)
    assert record.request_id == "-"


@pytest.mark.parametrize(
    "path", ["/skills?q=a%00b", "/skills?%00=1", "/skills?a=1&b=%00", "/x%00y", "/%00"]
)
def test_a_nul_in_path_or_query_is_refused(path):
    assert refused(path)


def test_a_raw_nul_in_the_query_is_refused():
    assert refused("/", QUERY_STRING="q=\0")


@pytest.mark.parametrize(
    "path", ["/", "/skills?q=%2500", "/x?q=100%25", "/x?q=%0", "/x?q=%ED%A0%80"]
)
def test_everything_else_passes(path):
    assert not refused(path)


def test_the_refusal_says_what_to_do_and_through_the_whole_stack(client, db):
    response = client.get("/?q=%00")

    assert response.status_code == 400
    assert b"%00" in response.content
    assert response["Content-Type"].startswith("text/plain")
    assert response["X-Request-Id"]


@pytest.mark.parametrize("query", ["q=%ED%A0%80", "q=%FF%FE", "%ED%BF%BF=1", "cursor=%ED%A0%80"])
def test_what_does_not_decode_arrives_as_text_that_can_be_stored(query):
    request = RequestFactory().get("/", QUERY_STRING=query)

    [(name, value)] = request.GET.items()
    assert (name + value).encode()


# --- Cookies -------------------------------------------------------------------------------------

# Browsers send what they were given; a NUL comes quoted, as the rules of cookies have it.
UNSTORABLE = ['"a\\000b"', '"\\000"', "a\0b"]


@pytest.mark.django_db
@pytest.mark.parametrize("value", UNSTORABLE)
@pytest.mark.parametrize("name", [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "theme"])
@pytest.mark.parametrize("path", ["/", "/skills/", "/about/", "/api/v1/skills"])
def test_a_cookie_that_cannot_be_stored_is_none(client, path, name, value):
    answered = client.get(path, HTTP_COOKIE=f"{name}={value}; other=1")

    assert answered.status_code == 200
    assert "private" not in answered.headers.get("Cache-Control", "")


@pytest.mark.django_db
def test_who_comes_with_a_broken_session_is_signed_out_and_other_cookies_count(client, alice):
    sign_in(client, alice)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value

    whole = f"{settings.SESSION_COOKIE_NAME}={session}; theme=dark"
    assert b'href="/me/tokens/"' in client.get("/", HTTP_COOKIE=whole).content
    broken = f'{settings.SESSION_COOKIE_NAME}="{session}\\000"; theme=dark'
    page = client.get("/", HTTP_COOKIE=broken).content
    assert b'href="/me/tokens/"' not in page
    assert b'data-theme="dark"' in page
    assert client.get("/me/tokens/", HTTP_COOKIE=broken).status_code == 302


# --- Codes ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "said", "status", "code"),
    [
        ("get", "/api/v1/skills?q=%00", {}, 400, "address_invalid"),
        ("get", "/api/nothing?q=%00", {}, 400, "address_invalid"),
        (
            "post",
            "/api/v1/skills",
            {"content_type": "text/x; charset=utf-7"},
            415,
            "charset_invalid",
        ),
        ("get", "/api/v1/skills", {"HTTP_HOST": "evil.example"}, 400, "request_invalid"),
        ("get", "/api/v1/skills", {"HTTP_HOST": "a b"}, 400, "request_invalid"),
        ("get", "/api/v1/nothing", {}, 404, "not_found"),
        ("get", "/api/nothing", {}, 404, "not_found"),
        ("get", "/api/v1/skills/nothing", {}, 404, "skill_not_found"),
        ("get", "/api/v1/skills?limit=x", {}, 400, "limit_invalid"),
        ("get", "/api/v1/whoami", {}, 401, "token_missing"),
        ("put", "/api/v1/skills", {}, 405, "method_not_allowed"),
        ("put", "/api/docs/", {}, 405, "method_not_allowed"),
    ],
)
def test_every_refusal_of_the_api_has_its_code(client, settings, method, path, said, status, code):
    settings.ALLOWED_HOSTS = ["testserver"]

    answered = getattr(client, method)(path, **said)

    assert (answered.status_code, answered.headers["X-Error-Code"]) == (status, code)


def test_a_page_that_is_refused_has_no_code_of_the_api(client):
    assert "X-Error-Code" not in client.get("/nothing/here/").headers
