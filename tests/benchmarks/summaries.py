"""Finding due summaries among 1,000,000 traces, the dry run over them, and 2,000 under kills.

In front of what is due stand 100,000 due traces of a namespace that is switched off.
"""

from __future__ import annotations

import json
import statistics as middle
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.test.utils import override_settings

from tests.benchmarks import databases
from tests.benchmarks.measurement import Measurement, at_least, at_most, told
from tests.factories.bulk import analyze, copy_row, explain
from tests.factories.traces import session

DATABASE: Final = f"{databases.PREFIX}_summaries"
TRACES: Final = 1_000_000
OFF: Final = 100_000
DUE: Final = 10_000
ROUNDS: Final = 5
MODEL: Final = {"OPENAI_API_KEY": "none", "SUMMARY_MODEL": "demo-model"}


def measure() -> Iterator[Measurement]:
    """Look in a database made for it; then let processes write and die."""
    databases.ensure(DATABASE, _fill, TRACES, OFF, DUE)
    with databases.working_in(DATABASE), override_settings(**MODEL):
        yield from _looks()
    yield from _torture()


def _fill() -> None:
    from accounts.policy import Actor
    from accounts.services import create_user
    from traces.batch import read_batch
    from traces.models import Message, Trace
    from traces.services.ingest import append_messages

    person = create_user(handle="bench-summaries")
    trace = Trace.objects.create(
        namespace=person.namespace,
        created_by=person,
        external_id="template",
        agent_id="codex",
        client_title="Round totals",
        visibility="public",
    )
    batch = read_batch({"messages": session(120)})
    append_messages(actor=Actor(user=person), external_id="template", messages=batch)
    named = {"external_id": "'t' || n", "public_id": "'p' || n"}
    at = "now() - interval '2 days' + n * interval '1 second' / 10"
    copy_row(trace, 1, OFF, named | {"namespace_summarises": "false", "summary_due_at": at})
    copy_row(trace, OFF + 1, DUE, named | {"summary_due_at": at})
    fresh = {"summary_due_at": "NULL", "summary_message_count": "120"}
    first = OFF + DUE + 1
    copy_row(trace, first, TRACES - first + 1, named | fresh)
    analyze(Trace, Message)


def _looks() -> Iterator[Measurement]:
    from traces.models import Trace
    from traces.services import refreshes

    rows = Trace.objects.summary_timed().values_list("pk", flat=True)[:100]
    plan = explain(*rows.query.sql_with_params())
    yield at_most("summaries: next 100 due of 1,000,000", plan.blocks, "blocks", 250)
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = refreshes.preview("stale")
        seconds.append(time.perf_counter() - began)
    assert found.traces == DUE + 1
    yield at_most("summaries: dry run over 1,000,000", middle.median(seconds), "s", 3.0)


def _torture() -> Iterator[Measurement]:
    found = _run("--traces=2000", "--processes=16", "--kills=5")
    yield at_most("summaries: tokens over the cap", found["over_cap"], "tokens", 0)
    yield at_least("summaries: used at the first refusal", found["first_refused_at"], "", 0.95)
    for name in ("crashes", "stored_twice", "left", "still_reserved", "log_differs", "not_charged"):
        yield at_most(f"summaries: {name.replace('_', ' ')}", found[name], "", 0)
    yield at_least("summaries: deaths", sum(found["deaths"].values()), "processes", 100)
    yield at_least("summaries: kills of a cluster", found["cluster_kills"], "kills", 5)
    yield told("summaries: torture took", found["seconds"], "s")
    racy = _run("--traces=400", "--processes=16", "--kills=0", "--racy")
    yield at_least(
        "summaries: over the cap by reading, then writing", racy["over_cap"], "tokens", 1
    )


def _run(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.summaries", *arguments],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=1_800,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
