"""The product's addresses and two rivals that pass through the same server and middleware."""

from __future__ import annotations

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config import urls
from config.api import json_response
from config.pagination import PAGE_SIZE
from skills import listing

handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


def hello(_request: HttpRequest) -> HttpResponse:
    """Answer with nothing: what server, framework and middleware cost."""
    return HttpResponse(b"ok")


def skeleton(_request: HttpRequest) -> HttpResponse:
    """Answer with the rows of the JSON page as they come: no contract, no quota, no cursor."""
    sql, params = listing._statement(listing.ListQuery("downloads"), "", PAGE_SIZE)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    return json_response(
        [
            [orjson.Fragment(value) if value[:1] == "{" else value for value in map(str, row)]
            for row in rows
        ]
    )


urlpatterns = [
    path("bench/hello", hello),
    path("bench/skeleton", skeleton),
    *urls.urlpatterns,
]
