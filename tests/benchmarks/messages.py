"""Goals M1 to M5: batches of messages, against the statement that guesses, COPY and a bare view.

100 messages of about 2 KB a batch. Rivals take turns batch by batch, so that noise hits them alike.
"""

from __future__ import annotations

import http.client
import os
import random
import statistics as middle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
from django.db import connection

from accounts.models import User
from accounts.policy import Actor
from accounts.services import create_token, create_user
from config.statements import statement
from tests.benchmarks import databases
from tests.benchmarks.loader import HOST
from tests.benchmarks.measurement import Measurement, at_most, share, told
from tests.benchmarks.web import libpq, serving
from traces import batch, redaction
from traces.due import FIRST_MESSAGES, STEP_MESSAGES, quiet_for
from traces.models import Message, Trace
from traces.services.ingest import append_messages
from traces.services.publishing import put_trace
from traces.uploads import Upload

DATABASE: Final = f"{databases.PREFIX}_messages"
SIZE: Final = 100
BATCHES: Final = 60
SENT: Final = 40
CLIENTS: Final = 4
LONG: Final = 10_000
LISTED: Final = 10_000
HUGE: Final = 50_000

OPTIMISTIC: Final = """
WITH incoming AS (
    SELECT * FROM jsonb_to_recordset(%(messages)s::jsonb) AS x (
        external_id text, position integer, role text, kind text, tool text, model text,
        text text, parts jsonb, redactions jsonb, sent_at bigint, content_hash text))
INSERT INTO traces_message AS m (
    trace_id, generation, external_id, position, role, kind, tool, model, text, parts,
    redactions, sent_at, content_hash)
SELECT %(trace)s, %(generation)s, external_id, position, role, kind, tool, model, text, parts,
    redactions, to_timestamp(sent_at / 1000.0), decode(content_hash, 'hex')
FROM incoming ORDER BY external_id
ON CONFLICT (trace_id, generation, external_id) DO UPDATE SET
    position = excluded.position, role = excluded.role, kind = excluded.kind,
    tool = excluded.tool, model = excluded.model, text = excluded.text,
    parts = excluded.parts, redactions = excluded.redactions,
    content_hash = excluded.content_hash
"""
GUESS: Final = (
    "UPDATE traces_trace SET message_count = message_count + %s, updated_at = now() WHERE id = %s"
)
COPY: Final = (
    "COPY traces_message (trace_id, generation, external_id, position, role, kind, tool, model,"
    " text, parts, redactions, sent_at, content_hash) FROM STDIN"
)


def measure() -> Iterator[Measurement]:
    """Measure in a database made for it."""
    databases.ensure(DATABASE, _build)
    with databases.working_in(DATABASE):
        actor = Actor(user=User.objects.select_related("namespace").get(handle="bench"))
        yield from _statements(actor)
        yield from _again(actor)
        yield from _over_http(actor)
        yield _newest()
        yield _memory(actor)


def _build() -> None:
    user = create_user(handle="bench")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_trace (id bigserial PRIMARY KEY, message_count int)")
        cursor.execute(
            "CREATE TABLE bare_message (id bigserial PRIMARY KEY, trace_id bigint NOT NULL,"
            " external_id text NOT NULL, role text, seq int, parts jsonb NOT NULL,"
            " created_at timestamptz NOT NULL, UNIQUE (trace_id, external_id))"
        )
    Trace.objects.bulk_create(
        Trace(
            namespace=user.namespace,
            created_by=user,
            external_id=f"listed-{n}",
            agent_id="codex",
            client_title=f"Listed {n}",
            visibility="public",
        )
        for n in range(LISTED)
    )


_RANDOM: Final = random.Random(3)
_WORDS: Final = [
    "".join(_RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=_RANDOM.randint(2, 9)))
    for _ in range(4_000)
]


def _message(n: int, seed: int = 0) -> dict[str, Any]:
    words = random.Random(f"{seed}:{n}").choices(_WORDS, k=320)
    content = {
        "callId": f"c{n}",
        "toolName": "Read",
        "output": " ".join(words),
        "status": "success",
    }
    return {
        "externalId": f"event-{n:08d}",
        "role": "assistant",
        "order": n,
        "timestamp": 1_795_307_684_000 + n,
        "parts": [{"type": "tool_result", "content": content}],
    }


def _batch(k: int, seed: int = 0) -> list[batch.Received]:
    sent = [_message(n, seed) for n in range(k * SIZE + 1, (k + 1) * SIZE + 1)]
    return batch.read_batch({"messages": sent})


def _new_trace(actor: Actor, name: str) -> Trace:
    Trace.objects.filter(external_id=name).delete()
    return put_trace(actor=actor, external_id=name, upload=Upload(agent_id="codex"))


# --- M1, M2: the statement ------------------------------------------------------------------------


def _statements(actor: Actor) -> Iterator[Measurement]:
    traces = {name: _new_trace(actor, name) for name in ("exact", "optimistic", "copy")}
    rivals: dict[str, Callable[[psycopg.Cursor[Any], int, str], None]] = {
        "exact": _exact,
        "optimistic": _optimistic,
        "copy": _copy,
    }
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    with psycopg.connect(**libpq(), autocommit=True) as raw:
        raw.execute("CHECKPOINT")
        for k in range(BATCHES):
            rows = batch.stored_rows(_batch(k)).decode()
            for name in _RANDOM.sample(list(rivals), k=len(rivals)):
                started = time.perf_counter()
                with raw.transaction(), raw.cursor() as cursor:
                    rivals[name](cursor, traces[name].pk, rows)
                seconds[name].append(time.perf_counter() - started)
    exact, guessed, copied = (middle.median(seconds[name]) * 1000 for name in rivals)
    yield share("batch, exact count, over the guess", exact, "ms", guessed, at_most=1.05)
    yield share("batch of messages over COPY", 1 / exact, "batches/ms", 1 / copied, at_least=0.85)
    stored = Trace.objects.get(pk=traces["exact"].pk).message_count
    drift = abs(stored - Message.objects.filter(trace=traces["exact"]).count())
    yield at_most("drift of the count", drift, "messages", 0)


def _exact(cursor: psycopg.Cursor[Any], trace: int, rows: str) -> None:
    told = {
        "trace": trace,
        "generation": 1,
        "messages": rows,
        "first": FIRST_MESSAGES,
        "step": STEP_MESSAGES,
        "quiet": quiet_for(),
    }
    cursor.execute(statement("traces/upsert_messages"), told)  # type: ignore[call-overload]


def _optimistic(cursor: psycopg.Cursor[Any], trace: int, rows: str) -> None:
    cursor.execute(OPTIMISTIC, {"trace": trace, "generation": 1, "messages": rows})
    cursor.execute(GUESS, [SIZE, trace])


def _copy(cursor: psycopg.Cursor[Any], trace: int, rows: str) -> None:
    with cursor.copy(COPY) as copy:
        for row in orjson.loads(rows):
            copy.write_row(
                (
                    trace,
                    1,
                    row["external_id"],
                    row["position"],
                    row["role"],
                    row["kind"],
                    row["tool"],
                    row["model"],
                    row["text"],
                    orjson.dumps(row["parts"]).decode(),
                    orjson.dumps(row["redactions"]).decode(),
                    "2026-01-01 00:00+00",
                    bytes.fromhex(row["content_hash"]),
                )
            )


# --- M3: what did not change ----------------------------------------------------------------------


def _again(actor: Actor) -> Iterator[Measurement]:
    trace = _new_trace(actor, "again")
    sent = [(_batch(k), _batch(k, seed=1)) for k in range(BATCHES // 3)]
    for first, _edited in sent:
        append_messages(actor=actor, external_id=trace.external_id, messages=first)
    costs: dict[str, list[tuple[float, int]]] = {"same": [], "edited": []}
    for first, edited in sent:
        for name, messages in (("same", first), ("edited", edited)):
            before, started = _wal(), time.perf_counter()
            append_messages(actor=actor, external_id=trace.external_id, messages=messages)
            costs[name].append((time.perf_counter() - started, _wal() - before))
    same, edited_cost = (
        [middle.median(figures) for figures in zip(*costs[name], strict=True)]
        for name in ("same", "edited")
    )
    yield share("WAL of an unchanged batch", same[1], "bytes", edited_cost[1], at_most=0.10)
    yield share("time of an unchanged batch", same[0], "s", edited_cost[0], at_most=0.75)


def _wal() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
        return int(cursor.fetchone()[0])


# --- M4: over HTTP --------------------------------------------------------------------------------


def _over_http(actor: Actor) -> Iterator[Measurement]:
    user = actor.user
    if user is None:
        return
    _token, text = create_token(user=user, label="bench", namespace=actor.active_namespace)
    headers = {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}
    bodies = [
        orjson.dumps({"messages": [_message(k * SIZE + n) for n in range(1, SIZE + 1)]})
        for k in range(SENT)
    ]
    bare = [
        orjson.dumps(
            {
                "messages": [
                    {"id": m["externalId"], "role": 1, "seq": m["order"], "parts": m["parts"]}
                    for m in orjson.loads(body)["messages"]
                ]
            }
        )
        for body in bodies
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "access")
        yield from _served(actor, log, headers, bodies, bare)


def _served(
    actor: Actor, log: Path, headers: dict[str, str], bodies: list[bytes], bare: list[bytes]
) -> Iterator[Measurement]:
    with serving(DATABASE, access_log=log) as port:
        rates: dict[str, list[float]] = {"ours": [], "bare": []}
        for turn in range(5):
            for name in ("bare", "ours"):
                jobs = []
                for client in range(CLIENTS):
                    if name == "ours":
                        _new_trace(actor, f"http-{client}")
                        address = f"/v1/traces/http-{client}/messages/batch"
                        jobs.append((port, address, headers, bodies))
                    else:
                        address = f"/bench/ingest?trace={turn}-{client}"
                        jobs.append((port, address, headers, bare))
                rates[name].append(CLIENTS * SENT * SIZE / _posted(jobs))
        ours, theirs = (round(middle.median(rates[name])) for name in ("ours", "bare"))
        yield share("messages over HTTP", ours, "messages/s", theirs, at_least=0.5)
        yield told("share of it that redaction takes", _redaction_share(bodies), "of the work")
        yield _long_again(actor, port, headers, log)


def _posted(jobs: list[tuple[int, str, dict[str, str], list[bytes]]]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(lambda job: _post_all(*job), jobs))
    return time.perf_counter() - started


def _post_all(port: int, address: str, headers: dict[str, str], bodies: list[bytes]) -> None:
    """Post the bodies over one connection."""
    asked = http.client.HTTPConnection(HOST, port)
    for body in bodies:
        asked.request("POST", address, body, headers)
        answer = asked.getresponse()
        told_back = answer.read()
        if answer.status != 200:
            raise RuntimeError(told_back.decode())
    asked.close()


def _redaction_share(bodies: list[bytes]) -> float:
    read = [batch.read_batch(orjson.loads(body)) for body in bodies]
    started = time.perf_counter()
    for messages in read:
        batch.stored_rows(messages)
    whole = time.perf_counter() - started
    started = time.perf_counter()
    for messages in read:
        for message in messages:
            if redaction.may_hold_secret(message.json):
                redaction.redact_value(message.parts, "parts")
    return round((time.perf_counter() - started) / whole, 3)


LOG_SECONDS: Final = 30.0


def _long_again(actor: Actor, port: int, headers: dict[str, str], log: Path) -> Measurement:
    """Return a long session's second upload over its first, in seconds that the server worked."""
    bodies = [
        orjson.dumps({"messages": [_message(n) for n in range(first, first + 50)]})
        for first in range(1, LONG, 50)
    ]
    _new_trace(actor, "long")
    address = "/v1/traces/long/messages/batch"
    worked = []
    for _ in range(2):
        before = len(log.read_text().splitlines())
        _post_all(port, address, headers, bodies)
        end = time.monotonic() + LOG_SECONDS
        while len(lines := log.read_text().splitlines()[before:]) < len(bodies):
            if time.monotonic() > end:
                raise RuntimeError("the server did not log every request")
            time.sleep(0.05)
        worked.append(sum(map(int, lines)) / 1e6)
    first, again = worked
    return share("10,000 unchanged messages again", again, "s", first, at_most=0.5)


# --- M5: the feed ---------------------------------------------------------------------------------


def _newest() -> Measurement:
    rows = Trace.objects.public().newest_first().without_texts()[:26]
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE traces_trace")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0][0]["Plan"]
    return at_most(
        "newest 25 traces", plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], "blocks", 35
    )


# --- A long trace is read in chunks ---------------------------------------------------------------


def _memory(actor: Actor) -> Measurement:
    """Return by how much reading 50,000 messages of 2 KB makes a process grow."""
    trace = _new_trace(actor, "huge")
    with psycopg.connect(**libpq(), autocommit=True) as raw, raw.cursor() as cursor:
        for k in range(HUGE // SIZE):
            _exact(cursor, trace.pk, batch.stored_rows(_batch(k)).decode())
    done = subprocess.run(
        [sys.executable, "-c", READER, trace.public_id],
        env={**os.environ, "BENCH_DATABASE": DATABASE, "PYTHONWARNINGS": "ignore"}
        | {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings"},
        check=True,
        capture_output=True,
        text=True,
    )
    messages, grown = map(int, done.stdout.split())
    if messages != HUGE:
        raise RuntimeError(f"{messages} of {HUGE} messages came")
    return at_most("growth of a process that sends 50,000 messages", grown // 1024, "MB", 100)


READER: Final = """
import resource, sys
import django
django.setup()
from django.test import Client
size = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
address = f"/v1/traces/{sys.argv[1]}"
Client().get(address, headers={"host": "localhost"})
before = size()
answer = Client().get(address + "/messages", headers={"host": "localhost"})
found = sum(chunk.count(b'"externalId"') for chunk in answer.streaming_content)
print(found, size() - before)
"""
