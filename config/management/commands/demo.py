"""The whole product on this machine with invented content: database, web server, worker."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils import timezone
from django_q.tasks import async_task

from config import devdb
from config.devdb_programs import DevDatabaseError
from config.processes import (
    STOP_SECONDS,
    Child,
    ProcessDied,
    answers,
    keep_alive,
    running,
    wait_until,
)
from config.queues import stop_seconds

WEB_PROCESSES: Final = 2
WEB_THREADS: Final = 4
LAST_PORT: Final = 65_535
SMOKE_PAGES: Final = ("/", "/skills/", "/login/", "/api/docs/", "/api/v1/skills?limit=1", "/readyz")
SCHEDULED_TASK: Final = "jobs.tasks.run_scheduled"
SMOKE_JOB: Final = "sweep_blobs"
# What writes AI summaries, and the stand-in for the model that it asks. Told by names: this
# package knows no app.
SUMMARY_JOB: Final = "summarize_due"
SUMMARY_CLUSTER: Final = "ai"
MODEL_COMMAND: Final = "demo_model"
MODEL: Final = "demo-model"
# What fills the demo, in order; each command is safe to repeat.
CONTENT: Final = ("demo_accounts", "demo_skills", "demo_desk", "demo_traces")


class Command(BaseCommand):
    help = "Start everything with demo content; Ctrl-C stops it and keeps the data."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--skills", type=Path, help="also import this archive of real skills")
        parser.add_argument(
            "--smoke", action="store_true", help="start, fetch pages, run one task, stop"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Start the demo with `make demo`.")
        try:
            self._run(options["port"], options["skills"], smoke=options["smoke"])
        finally:
            self._stop_database()

    def _run(self, port: int, archive: Path | None, *, smoke: bool) -> None:
        _refuse_unusable(port)
        self._prepare(archive)
        # A stop request from outside ends like Ctrl-C: children first, then we. Set for both: a
        # shell starts background jobs with Ctrl-C ignored.
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, signal.default_int_handler)
        address = f"http://localhost:{port}"
        model, began = None if settings.OPENAI_API_KEY else _free_port(), timezone.now()
        env = {"SITE_URL": address, **_model_settings(model)}
        try:
            with running(_commands(port, model), env, _graces()) as children:
                wait_until(lambda: answers(f"{address}/readyz"), children)
                # A sweep that meets no model puts its traces off for minutes.
                if model:
                    wait_until(lambda: answers(f"{_api_of(model)}/models"), children)
                # What was shared before there was a worker need not wait for the sweep's time.
                async_task(SCHEDULED_TASK, SUMMARY_JOB, cluster=SUMMARY_CLUSTER)
                if smoke:
                    self._smoke(address, began, children)
                    return
                self._welcome(address)
                keep_alive(children, self.stderr.write)
        except KeyboardInterrupt:
            self.stdout.write("\nWeb server and worker are stopped; the data stay.")
        except (ProcessDied, TimeoutError) as fault:
            raise CommandError(str(fault)) from fault

    def _prepare(self, archive: Path | None) -> None:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        for command in CONTENT:
            call_command(command, stdout=self.stdout, stderr=self.stderr)
        if archive is not None:
            call_command("import_skills", archive, stdout=self.stdout, stderr=self.stderr)

    def _stop_database(self) -> None:
        """Stop the database, too, if this run started it; say what became of it."""
        connections.close_all()
        try:
            self.stdout.write(devdb.stop_if_ours())
        except (DevDatabaseError, psycopg.Error) as error:
            self.stderr.write(f"The database was not stopped: {error}")

    def _welcome(self, address: str) -> None:
        self.stdout.write(
            f"\n  Skillboard is at  {self.style.SUCCESS(address)}\n"
            f"  API reference     {address}/api/docs/\n"
            f"  A client's token  {_manage()} create_token arthur\n"
            f"  AI summaries      {_told_model()}\n"
            f"  Data              {settings.DATA_DIR}\n\n"
            "  Ctrl-C stops everything and keeps the data.\n"
        )
        self.stdout.flush()

    def _smoke(self, address: str, began: datetime, children: Sequence[Child]) -> None:
        for page in SMOKE_PAGES:
            with urllib.request.urlopen(f"{address}{page}", timeout=30) as response:  # noqa: S310
                self.stdout.write(f"{response.status} {len(response.read()):>7} bytes  {page}")
        async_task(SCHEDULED_TASK, SMOKE_JOB)
        swept = _result(SMOKE_JOB, began, children)["objects"]
        self.stdout.write(f"ok  task {SMOKE_JOB} ran in the worker: {swept} objects swept")
        _result(SUMMARY_JOB, began, children)
        written = _written(began, children)
        self.stdout.write(f"ok  task {SUMMARY_JOB} ran in the worker: {written} summaries written")


def _result(job: str, since: datetime, children: Sequence[Child]) -> dict[str, Any]:
    """Wait until the worker has run a job since then; return what it says it did."""
    ended = apps.get_model("jobs.JobRun").objects.filter(kind=job, finished_at__gt=since)
    wait_until(ended.exists, children)
    run = ended.earliest("finished_at")
    if run.error:
        raise CommandError(f"The worker's task {job} failed: {run.error}")
    result: dict[str, Any] = run.result
    return result


def _written(since: datetime, children: Sequence[Child]) -> int:
    """Return how many summaries were stored since then, by the sweep or for an upload.

    What an upload's task was at, the sweep left to it: that is waited for.
    """
    log = apps.get_model("traces.SummaryLog").objects.filter(started_at__gt=since)
    wait_until(lambda: not log.filter(outcome="running").exists(), children)
    count: int = log.filter(outcome="stored").count()
    return count


def _commands(port: int, model: int | None) -> dict[str, list[str]]:
    manage = str(settings.BASE_DIR / "manage.py")
    web = f"-b 127.0.0.1:{port} -w {WEB_PROCESSES} -k gthread --threads {WEB_THREADS}"
    demo_model = [sys.executable, manage, MODEL_COMMAND, "--port", str(model)]
    return {
        **({"demo model": demo_model} if model else {}),
        "web server": [
            *(sys.executable, "-m", "gunicorn", *web.split()),
            *("--log-level", "warning", "--no-control-socket", "config.wsgi"),
        ],
        "worker": [sys.executable, manage, "worker"],
    }


def _model_settings(port: int | None) -> dict[str, str]:
    """Return what leads web server and worker to the demo's model; nothing where a key is set."""
    if port is None:
        return {}
    return {
        "OPENAI_API_KEY": "demo",
        "OPENAI_BASE_URL": _api_of(port),
        "SUMMARY_MODEL": MODEL,
    }


def _api_of(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def _told_model() -> str:
    if not settings.OPENAI_API_KEY:
        return "by a demo model on this machine; OPENAI_API_KEY=… asks a real one"
    host = urlsplit(settings.OPENAI_BASE_URL).hostname
    return f"by {settings.SUMMARY_MODEL} at {host}, with your OPENAI_API_KEY"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _graces() -> dict[str, float]:
    """Return how long who may take to stop: the worker, and a moment more to end its clusters."""
    return {"worker": stop_seconds() + STOP_SECONDS}


def _manage() -> str:
    """Return how to call manage.py from the checkout's folder, with this run's data."""
    named = os.environ.get("SKILLBOARD_DATA_DIR")
    said = f"SKILLBOARD_DATA_DIR={shlex.quote(named)} " if named else ""
    return f"{said}.venv/bin/python manage.py"


def _refuse_unusable(port: int) -> None:
    if not 1 <= port <= LAST_PORT:
        raise CommandError(f"A port is a number from 1 to {LAST_PORT}; try `make demo PORT=8000`.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            other = port + 1 if port < LAST_PORT else 8000
            raise CommandError(
                f"Port {port} cannot be used ({reason}); try `make demo PORT={other}`."
            ) from error
