"""The product's addresses and rivals that pass through the same server and middleware."""

from __future__ import annotations

import zlib

import orjson
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

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


BARE_INGEST = """
WITH m AS (
    INSERT INTO bare_message (trace_id, external_id, role, seq, parts, created_at)
    SELECT %s, e, r, s, p, now()
      FROM unnest(%s::text[], %s::text[], %s::int[], %s::jsonb[]) x (e, r, s, p) ORDER BY e
    ON CONFLICT (trace_id, external_id) DO UPDATE
      SET role = excluded.role, seq = excluded.seq, parts = excluded.parts
    RETURNING old.id IS NULL AS fresh)
UPDATE bare_trace SET message_count = message_count + (SELECT count(*) FROM m WHERE fresh)
 WHERE id = %s
"""


@csrf_exempt
def ingest(request: HttpRequest) -> HttpResponse:
    """Store a batch with nobody asked who they are, nothing checked and nothing redacted."""
    messages = orjson.loads(request.body)["messages"]
    trace = zlib.crc32(request.GET["trace"].encode())
    columns: list[list[object]] = [[], [], [], []]
    for m in messages:
        row = (m["id"], str(m["role"]), m["seq"], orjson.dumps(m["parts"]).decode())
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare_trace VALUES (%s, 0) ON CONFLICT (id) DO NOTHING", [trace])
        cursor.execute(BARE_INGEST, [trace, *columns, trace])
    return json_response({"trace": trace})


urlpatterns = [
    path("bench/ingest", ingest),
    path("bench/hello", hello),
    path("bench/skeleton", skeleton),
    *urls.urlpatterns,
]
