"""Many processes write summaries and die over them: what is spent, what is stored twice.

    python -m tests.torture.summaries [--traces 300] [--processes 8] [--kills 2] [--racy]

It makes a database server of its own. Processes that die do so by `os._exit`, at one of five points
of the work; a supervised cluster beside them is killed from outside. First a cap is reached, then
it is raised. `--racy` reserves by reading and then writing, to see that this goes wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SKILLBOARD_DEMO", "1")
os.environ.setdefault("JOB_LEASE_SECONDS", "6")
os.environ.setdefault("SUMMARY_LEASE_SECONDS", "6")
os.environ.setdefault("WORKER_CLUSTERS", "ai=1")
os.environ.setdefault("OPENAI_API_KEY", "demo")
os.environ.setdefault("SUMMARY_MODEL", "demo-model")

import django

DIES: Final = 0.1
POINTS: Final = ("claimed", "reserved", "answered", "storing", "stored")
NO_USAGE: Final = 0.1
MESSAGES: Final = 6
TOKENS_PER_TRACE: Final = 250
"""Of the first cap; the traces need more."""
GROUP: Final = 4
END_SECONDS: Final = 400
ROOT: Final = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.summaries", description=__doc__)
    parser.add_argument("--traces", type=int, default=300)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--racy", action="store_true")
    parser.add_argument("--serve", type=Path, help="be the model's server; tell address and use")
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return 0
    if os.environ.get("DATABASE_URL"):
        parser.error("it empties its database: unset DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="skillboard-torture-") as folder:
        os.environ["SKILLBOARD_DATA_DIR"] = folder
        told = Path(folder) / "model.json"
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.summaries", "--serve", str(told)], cwd=ROOT
        )
        while not told.exists():
            if server.poll() is not None:
                raise RuntimeError("the model's server ended")
            time.sleep(0.1)
        os.environ["OPENAI_BASE_URL"] = json.loads(told.read_text())["address"]
        django.setup()
        from config import devdb

        try:
            found = torture(asked, told, server)
        finally:
            server.kill()
            devdb.reset()
    print(json.dumps(found))
    return 0


def serve(told: Path) -> None:
    """Answer as the demo's model; every tenth answer tells no usage. Tell what was used when asked."""
    from traces.demo.model_server import ModelServer, completion

    dice = random.Random(7)
    server = ModelServer(script=lambda _n: "no_usage" if dice.random() < NO_USAGE else "")
    server.delay = 0.05
    used = Counter[str]()
    original = completion

    def write() -> None:
        new = told.with_suffix(".new")
        new.write_text(json.dumps({"address": server.address, **used}))
        new.rename(told)

    def counted(body: dict[str, Any]) -> dict[str, Any]:
        answer = original(body)
        with server.lock:
            used["tokens"] += answer["usage"]["total_tokens"]
            used["calls"] += 1
        return answer

    server.complete = counted
    write()
    signal.signal(signal.SIGUSR1, lambda *_: write())
    server.serve_forever()


def torture(asked: argparse.Namespace, told: Path, server: Any) -> dict[str, Any]:
    from django.db import connection, connections

    from traces.models import SummarySettings, Trace
    from traces.services import budget

    prepare(asked.traces)
    cap = asked.traces * TOKENS_PER_TRACE
    SummarySettings.objects.create(id=1, daily_token_cap=cap, daily_micro_cap=10**9)
    connections.close_all()
    started = time.monotonic()
    herd = Herd(asked.processes, racy=asked.racy)
    cluster = Cluster(asked.kills)
    if asked.kills:
        cluster.start()
    try:
        herd.run_until((lambda: used_at_most()[0] > cap) if asked.racy else is_refused, END_SECONDS)
        # Whoever has reserved may still settle; nobody may reserve any more.
        herd.stop()
        most, first = used_at_most()
        SummarySettings.objects.update(daily_token_cap=cap * 100)
        Trace.objects.filter(summary_state="waiting").update(summary_due_at=budget.timezone.now())
        connection.close()
        if not asked.racy:
            herd.run_until(lambda: is_done() and cluster.kills >= asked.kills, END_SECONDS)
            herd.stop()
    finally:
        herd.stop()
        cluster.stop()
    if not asked.racy:
        settle_all()
    return {
        "over_cap": max(most - cap, 0),
        "first_refused_at": round(first / cap, 4),
        "deaths": {point: herd.deaths[point] for point in POINTS},
        "crashes": sum(n for how, n in herd.deaths.items() if how not in POINTS),
        "cluster_kills": cluster.kills,
        **audit(used_by(server, told)),
        "seconds": round(time.monotonic() - started, 1),
    }


def used_by(server: Any, told: Path) -> dict[str, Any]:
    """Ask the model's server what it was asked for."""
    before = told.stat().st_mtime_ns
    server.send_signal(signal.SIGUSR1)
    end = time.monotonic() + END_SECONDS
    while told.stat().st_mtime_ns == before:
        if time.monotonic() > end:
            raise RuntimeError("the model's server does not answer")
        time.sleep(0.05)
    used: dict[str, Any] = json.loads(told.read_text())
    return used


def prepare(traces: int) -> None:
    """Start a database of our own and fill it with traces that are due."""
    from django.core.management import call_command
    from django.db import connection

    from accounts.policy import Actor
    from accounts.services import create_user
    from config import devdb
    from tests.factories.traces import session
    from traces.batch import read_batch
    from traces.models import Trace
    from traces.services.ingest import _write

    devdb.ensure_running()
    call_command("migrate", verbosity=0)
    person = create_user(handle="torture")
    for n in range(traces):
        trace = Trace.objects.create(
            namespace=person.namespace,
            created_by=person,
            external_id=f"s{n}",
            agent_id="codex",
            client_title="Round totals",
            visibility="direct",
        )
        _write(
            Actor(user=person),
            Trace.objects.filter(pk=trace.pk),
            read_batch({"messages": session(MESSAGES, f"{n}-")}),
            {},
            wakes=False,
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE torture_reservation (id serial PRIMARY KEY, used bigint, is_refused boolean)"
        )


def is_full() -> bool:
    from traces.due import Verdict
    from traces.services.summaries import read_site

    return read_site().held == Verdict.WAITING_FOR_BUDGET


def is_refused() -> bool:
    """Say whether a process was held back by the full budget, too, and has noted it."""
    return is_full() and used_at_most()[1] > 0


def is_done() -> bool:
    from traces.models import Trace

    return not Trace.objects.filter(summary_generated_at=None).exists()


def used_at_most() -> tuple[int, int]:
    """Return the most that was spent and reserved, and how much it was at the first refusal."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(used), (SELECT used FROM torture_reservation WHERE is_refused"
            " ORDER BY id LIMIT 1) FROM torture_reservation"
        )
        most, first = cursor.fetchone()
    return most or 0, first or 0


def settle_all() -> None:
    """Let the leases of the dead end, and settle what they had reserved."""
    from traces.models import SummaryLog, SummaryOutcome
    from traces.services import summaries

    while SummaryLog.objects.filter(outcome=SummaryOutcome.RUNNING).exists():
        summaries.settle_lost()
        time.sleep(0.2)


def audit(used: dict[str, Any]) -> dict[str, Any]:
    """Compare budget, log, traces and what the server says it was asked for."""
    from django.db.models import Count, Sum

    from traces.models import SummaryBudget, SummaryLog, SummaryOutcome, Trace

    row = SummaryBudget.objects.get(namespace=None)
    log = SummaryLog.objects.aggregate(tokens=Sum("charged_tokens"), micros=Sum("cost_micros"))
    stored = SummaryLog.objects.filter(outcome=SummaryOutcome.STORED)
    contents = stored.values("trace", "generation", "message_count").annotate(n=Count("pk"))
    outcomes = SummaryLog.objects.values_list("outcome").annotate(n=Count("pk")).order_by()
    return {
        "stored_twice": contents.filter(n__gt=1).count(),
        "left": Trace.objects.filter(summary_generated_at=None).count(),
        "still_reserved": row.reserved_tokens,
        "log_differs": row.spent_tokens - log["tokens"],
        "log_differs_micros": row.spent_micros - log["micros"],
        "not_charged": max(used["tokens"] - row.spent_tokens, 0),
        "spent": row.spent_tokens,
        "used": used["tokens"],
        "calls": used["calls"],
        "outcomes": dict(outcomes),
    }


class Herd:
    """Processes that write summaries; whoever dies is followed by another."""

    def __init__(self, size: int, *, racy: bool) -> None:
        self.size, self.racy = size, racy
        self.deaths: Counter[str] = Counter()
        self._seed = 0
        self._alive: set[int] = set()

    def run_until(self, is_over: Any, seconds: float) -> None:
        from django.db import connections

        end = time.monotonic() + seconds
        looked = 0.0
        while time.monotonic() < end:
            while len(self._alive) < self.size:
                connections.close_all()
                self._alive.add(self._fork())
            self._reap()
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                if is_over():
                    return
            time.sleep(0.02)
        raise RuntimeError("the traces are not done in time")

    def stop(self) -> None:
        """Ask all to end after what they are at, and wait."""
        for pid in self._alive:
            os.kill(pid, signal.SIGTERM)
        while self._alive:
            self._reap()
            time.sleep(0.02)

    def _reap(self) -> None:
        for pid in list(self._alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._alive.discard(pid)
                code = os.waitstatus_to_exitcode(status)
                if code >= 10:
                    self.deaths[POINTS[code - 10]] += 1
                elif code:
                    self.deaths[f"exit {code}"] += 1

    def _fork(self) -> int:
        self._seed += 1
        # Held back until the child knows what to do with it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            return pid
        try:
            work(random.Random(self._seed), racy=self.racy)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - Nothing of the parent may run here.
            import traceback

            traceback.print_exc()
            os._exit(1)


def work(dice: random.Random, *, racy: bool) -> None:
    """Write summaries until told to stop, and die over one in ten."""
    from traces.due import Site, Verdict
    from traces.models import SummaryTrigger, Trace
    from traces.services import budget, summaries

    seen: list[int] = []
    read = budget.standing

    def standing(*args: Any) -> Any:
        found = read(*args)
        seen[:] = [found.spent.tokens + found.reserved.tokens]
        return found

    budget.standing = standing
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    Mortal(dice).arm()
    watch_reservations(racy=racy)
    reason = summaries.Reason(SummaryTrigger.SWEEP)
    while not over.is_set():
        # Who reads and then writes does not look beforehand either.
        site = Site() if racy else summaries.read_site()
        if not site.is_open:
            if site.held == Verdict.WAITING_FOR_BUDGET:
                note_reservation(seen[-1], is_refused=True)
            time.sleep(0.2)
            continue
        keys = list(Trace.objects.summary_timed().values_list("pk", flat=True)[:100])
        if not keys:
            summaries.settle_lost()
            time.sleep(0.2)
            continue
        for key in dice.sample(keys, min(GROUP, len(keys))):
            claimed = summaries.claim(key, reason, site)
            if claimed:
                summaries.perform([claimed])


class Mortal:
    """Ends the process at one of five points, for one trace in ten."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.point = ""

    def arm(self) -> None:
        from traces import summarizer
        from traces.services import summaries

        self._after(summaries, "claim", "claimed", chooses=True)
        self._after(summaries, "_prepare", "reserved")
        self._after(summarizer, "ask_all", "answered")
        self._after(summaries, "_close", "storing")
        self._after(summaries, "_record", "stored")

    def _after(self, module: Any, name: str, point: str, *, chooses: bool = False) -> None:
        original = getattr(module, name)

        def wrapped(*args: Any, **told: Any) -> Any:
            found = original(*args, **told)
            if chooses and found:
                self.point = self.dice.choice(POINTS) if self.dice.random() < DIES else ""
            if self.point == point and found:
                os._exit(10 + POINTS.index(point))
            return found

        setattr(module, name, wrapped)


def note_reservation(used: int, *, is_refused: bool) -> None:
    """Note what is spent and reserved, as who decided saw it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO torture_reservation (used, is_refused) VALUES (%s, %s)",
            [used, is_refused],
        )


def watch_reservations(*, racy: bool) -> None:
    """Note what is spent and reserved after each reservation, and when one is refused."""
    from traces.models import SummaryBudget, SummarySettings
    from traces.services import budget

    original = budget.reserve

    def reserve(amount: Any, namespace: Any, day: Any) -> bool:
        is_reserved = (read_then_write if racy else original)(amount, namespace, day)
        row = SummaryBudget.objects.get(day=day, namespace=None)
        note_reservation(row.spent_tokens + row.reserved_tokens, is_refused=not is_reserved)
        return is_reserved

    def read_then_write(amount: Any, namespace: Any, day: Any) -> bool:
        for owner in (None, namespace):
            SummaryBudget.objects.get_or_create(day=day, namespace=owner)
        row = SummaryBudget.objects.get(day=day, namespace=None)
        time.sleep(0.5)
        cap = SummarySettings.objects.get().daily_token_cap
        if row.spent_tokens + row.reserved_tokens + amount.tokens > cap:
            return False
        for owner in (None, namespace):
            rows = SummaryBudget.objects.filter(day=day, namespace=owner)
            rows.update(reserved_tokens=budget.F("reserved_tokens") + amount.tokens)
        return True

    budget.reserve = reserve


class Cluster(threading.Thread):
    """A supervised cluster that sweeps, too, and is killed now and then."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.wanted, self.kills = wanted, 0
        self.over = threading.Event()

    def run(self) -> None:
        from django.db import connection
        from django_q.tasks import async_task

        from jobs.schedules import AI_CLUSTER, SCHEDULED_TASK
        from tests.torture.chaos import WORKER, children_of

        process = subprocess.Popen(
            WORKER, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        dice = random.Random(3)
        while not self.over.wait(1):
            async_task(SCHEDULED_TASK, "summarize_due", cluster=AI_CLUSTER)
            clusters = children_of(process.pid)
            below = [w for c in clusters for s in children_of(c) for w in children_of(s)]
            if self.kills < self.wanted and len(below) >= 3:
                victim = dice.choice([*clusters, *below])
                os.kill(victim, signal.SIGKILL)
                self.kills += 1
                self.over.wait(2)
        connection.close()
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)

    def stop(self) -> None:
        self.over.set()
        if self.is_alive():
            self.join()


if __name__ == "__main__":
    sys.exit(main())
