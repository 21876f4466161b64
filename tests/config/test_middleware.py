"""Request ids, and the refusal of text that no table can store."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from config import middleware
from config.middleware import RequestIdFilter, current_request_id
from tests.config.rivals import at_once


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

    for name, value in request.GET.items():
        (name + value).encode()
